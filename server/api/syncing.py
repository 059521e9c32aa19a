# mypy: disable-error-code="untyped-decorator"
"""What a tablet asks first: where to sync, and which databases are its own."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g

from server.api.base import blueprint, roles
from server.casework.inbox import current_seqs
from server.readmodel.queries import Scope, cases_of
from server.services import services
from sync.store import NotFound

blp = blueprint("session", "Replication 同步.")


class SessionCase(ma.Schema):
    id = ma.fields.String()
    forms = ma.fields.String()
    media = ma.fields.String()
    update_seq = ma.fields.Dict()


class SessionOut(ma.Schema):
    base_url = ma.fields.String()
    server_time = ma.fields.String(metadata={"description": "RFC 3339; set the clock skew from it."})
    inbox = ma.fields.String()
    outbox = ma.fields.String()
    library = ma.fields.String()
    unsigned_forms = ma.fields.String(
        metadata={
            "enum": ["accept", "refuse"],
            "description": "Whether the organisation takes forms that no tablet signed.",
        }
    )
    cases = ma.fields.List(ma.fields.Nested(SessionCase))


@blp.route("/sync/session", methods=["GET"])
@roles()
@blp.response(200, SessionOut)
def show_session() -> dict[str, Any]:
    """Database names and the server's time. Clients take names from here; they do not build them."""
    made = services()
    name = g.actor.name
    found = []
    for case_id in cases_of(made.readmodel, Scope(g.actor.organisation, inspector=name)):
        try:
            seqs = current_seqs(made.store, made.names, case_id)
        except NotFound:
            continue
        found.append(
            {
                "id": case_id,
                "forms": made.names.forms(case_id),
                "media": made.names.media(case_id),
                "update_seq": seqs,
            }
        )
    return {
        "base_url": made.settings.public_sync_url,
        "server_time": made.clock().isoformat(),
        "inbox": made.names.inbox(name),
        "outbox": made.names.outbox(name),
        "library": made.names.library,
        "unsigned_forms": made.cases.policy(g.actor.organisation).unsigned_forms,
        "cases": found,
    }
