# mypy: disable-error-code="untyped-decorator"
"""Customers' links, as the office gives them and takes them back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import marshmallow as ma

from server.api.base import Schema, blueprint, roles
from server.api.casework import ReasonIn, act, command, etag, plain, visible
from server.api.creating import IDEMPOTENCY_HEADER, reserved_id
from server.casework.cases import Loaded
from server.people.links import LinkToken, link_token
from server.problems import Problem
from server.services import services
from server.workflow import commands
from server.workflow.customer import Link

blp = blueprint("links", "Customers' links 客户专属链接.")


class LinkIn(Schema):
    to = ma.fields.String(
        load_default="",
        validate=ma.validate.Length(max=200),
        metadata={"description": "Whom it is given to, for the office alone."},
    )
    until = ma.fields.AwareDateTime(
        allow_none=True, load_default=None, metadata={"description": "Default: as long as the setting says."}
    )


class LinkOut(ma.Schema):
    id = ma.fields.String()
    to = ma.fields.String()
    issued_at = ma.fields.String()
    issued_by = ma.fields.String()
    expires_at = ma.fields.String()
    revoked_at = ma.fields.String(allow_none=True)
    revoked_by = ma.fields.String(allow_none=True)
    revoked_reason = ma.fields.String()
    holds = ma.fields.Boolean()


class NewLinkOut(LinkOut):
    token = ma.fields.String(metadata={"description": "Told to who gives the link, and kept nowhere."})
    url = ma.fields.String()


class LinkList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(LinkOut))


def _view(link: Link, now: datetime) -> dict[str, Any]:
    return {**plain(link), "holds": link.holds(now)}


@blp.route("/cases/<case_id>/links", methods=["GET"])
@roles("manager", "admin", "auditor")
@blp.response(200, LinkList)
def list_links(case_id: str) -> dict[str, Any]:
    """Every link to a case that was given, in the order in which they were."""
    now = services().clock()
    return {"items": [_view(link, now) for link in visible(case_id).case.links.values()]}


@blp.route("/cases/<case_id>/links", methods=["POST"])
@roles("manager", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(LinkIn)
@blp.response(201, NewLinkOut)
def issue_link(body: dict[str, Any], case_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Give a link to a case. Send it to the customer: whoever has it sees the case and answers for him."""
    visible(case_id)
    until = body["until"].isoformat() if body["until"] else None
    link_id = reserved_id({"case": case_id, **body, "until": until})
    known = act(case_id, command(commands.IssueLink, link_id=link_id, **body))
    made = services()
    token = link_token(made.people.keyring, LinkToken(case_id, link_id))
    path = f"/api/v1/public/cases/{token}"
    view = _view(known.case.links[link_id], made.clock())
    return {**view, "token": token, "url": made.settings.public_url + path}, etag(known)


@blp.route("/cases/<case_id>/links/<link_id>/revoke", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ReasonIn)
@blp.response(200, LinkOut)
def revoke_link(body: dict[str, Any], case_id: str, link_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Take a link back, at once."""
    if link_id not in visible(case_id).case.links:
        raise Problem(404, "not_found")
    known: Loaded = act(case_id, command(commands.RevokeLink, link_id=link_id, **body))
    return _view(known.case.links[link_id], services().clock()), etag(known)
