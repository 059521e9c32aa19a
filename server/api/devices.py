# mypy: disable-error-code="untyped-decorator"
"""Devices: what somebody is signed in on, and taking that away."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g

from server.api.auth import DeviceOut, plain_text
from server.api.base import Schema, blueprint, roles
from server.people.model import USER_NAME_SHAPE, Device, Identity
from server.problems import Problem
from server.services import services

blp = blueprint("devices", "Tablets and browsers that people are signed in on.")

_SEES_ALL = {"admin", "auditor"}


class DeviceQuery(Schema):
    user = ma.fields.String(
        validate=ma.validate.Regexp(rf"^{USER_NAME_SHAPE}\Z"),
        metadata={"description": "Whose; administrators and auditors only. Without it they see everybody's."},
    )
    offset = ma.fields.Integer(validate=ma.validate.Range(min=0), load_default=0)
    limit = ma.fields.Integer(validate=ma.validate.Range(min=1, max=500), load_default=100)


class DevicePage(Schema):
    items = ma.fields.List(ma.fields.Nested(DeviceOut))
    total = ma.fields.Integer()


class RevokeIn(Schema):
    reason = ma.fields.String(
        validate=[ma.validate.Length(min=1, max=200), plain_text], load_default="revoked"
    )
    order = ma.fields.String(
        validate=ma.validate.OneOf(["wipe", "sign_in"]),
        load_default="wipe",
        metadata={
            "description": "`wipe`: the tablet deletes all it holds, unsent work too. `sign_in`: it does not."
        },
    )


@blp.route("/devices", methods=["GET"])
@roles()
@blp.arguments(DeviceQuery, location="query", unknown=ma.RAISE)
@blp.response(200, DevicePage)
def list_devices(query: dict[str, Any]) -> dict[str, Any]:
    """One's own devices; administrators and auditors see everybody's. The one seen last comes first."""
    actor: Identity = g.actor
    user = query.get("user")
    if not _SEES_ALL & set(actor.roles):
        if user not in (None, actor.name):
            raise Problem(403, "forbidden")
        user = actor.name
    found = services().people.devices(user)
    return {"items": found[query["offset"] :][: query["limit"]], "total": len(found)}


@blp.route("/devices/<device>/revoke", methods=["POST"])
@roles()
@blp.arguments(RevokeIn)
@blp.response(200, DeviceOut)
def revoke_device(body: dict[str, Any], device: str) -> Device:
    """Refuse a device from its next request on. For its owner and administrators; others do not see it."""
    actor: Identity = g.actor
    people = services().people
    if people.device(device).user != actor.name and "admin" not in actor.roles:
        raise Problem(404, "not_found", text_code="people.device_unknown", device=device)
    return people.revoke_device(device, by=actor.name, reason=body["reason"], order=body["order"])
