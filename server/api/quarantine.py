# mypy: disable-error-code="untyped-decorator"
"""Quarantine: work sent by people who had lost the case, for a manager to accept or reject."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from server.api.base import Schema, blueprint, roles
from server.api.casework import act, command, etag, plain, visible
from server.problems import Problem
from server.services import services
from server.workflow import commands
from sync.store import NotFound

blp = blueprint("quarantine", "Unsent work of people who lost the case 隔离待审的外业数据.")


class SettleIn(Schema):
    decision = ma.fields.String(required=True, validate=ma.validate.OneOf(["accept", "reject"]))
    reason = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=4000))


class UnsentOut(ma.Schema):
    id = ma.fields.String()
    database = ma.fields.String()
    doc_id = ma.fields.String()
    doc_rev = ma.fields.String(allow_none=True)
    by = ma.fields.String()
    reason = ma.fields.String()
    summary = ma.fields.String()
    at = ma.fields.String()
    state = ma.fields.String()
    decided_by = ma.fields.String(allow_none=True)
    decided_at = ma.fields.String(allow_none=True)
    decision_reason = ma.fields.String()


class UnsentWithDocument(UnsentOut):
    document = ma.fields.Dict(allow_none=True, metadata={"description": "What was sent, as it was sent."})


class UnsentList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(UnsentOut))


@blp.route("/cases/<case_id>/quarantine", methods=["GET"])
@roles("manager", "admin", "auditor")
@blp.response(200, UnsentList)
def list_quarantine(case_id: str) -> dict[str, Any]:
    """Everything that was quarantined for this case, settled or not."""
    unsent = visible(case_id).case.quarantine.values()
    return {"items": [plain(one) for one in sorted(unsent, key=lambda one: (one.at, one.id))]}


@blp.route("/cases/<case_id>/quarantine/<unsent_id>", methods=["GET"])
@roles("manager", "admin", "auditor")
@blp.response(200, UnsentWithDocument)
def show_quarantined(case_id: str, unsent_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """One piece of quarantined work with its document, to decide on."""
    known = visible(case_id)
    unsent = known.case.quarantine.get(unsent_id)
    if unsent is None:
        raise Problem(404, "not_found")
    made = services()
    document: dict[str, Any] | None
    try:
        if unsent.database == made.names.forms(case_id):
            document = made.store.get(unsent.database, unsent.doc_id, rev=unsent.doc_rev)
        else:
            document = made.store.get(unsent.database, f"unsent:{unsent.id}")["doc"]
    except NotFound:
        document = None
    return {**plain(unsent), "document": document}, etag(known)


@blp.route("/cases/<case_id>/quarantine/<unsent_id>/settle", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(SettleIn)
@blp.response(200, UnsentOut)
def settle_quarantine(
    body: dict[str, Any], case_id: str, unsent_id: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Accept the work, which then counts like any other, or reject it; the sender is told either way."""
    known = act(case_id, command(commands.SettleQuarantine, unsent_id=unsent_id, **body))
    return plain(known.case.quarantine[unsent_id]), etag(known)
