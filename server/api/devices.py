# mypy: disable-error-code="untyped-decorator"
"""Devices: what somebody is signed in on, the keys that tablets sign forms with, and taking both away."""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any

import marshmallow as ma
from flask import g

from server.api.auth import DeviceOut, plain_text
from server.api.base import Schema, blueprint, roles
from server.people.model import USER_NAME_SHAPE, Device, DeviceKey, Identity
from server.problems import Problem
from server.services import services
from server.signing.keys import KID_SHAPE, KeyUnusable, read_jwk

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


class JwkIn(ma.Schema):
    """A public key as WebCrypto exports it; what else it tells (`ext`, `key_ops`) is left aside."""

    class Meta:
        unknown = ma.INCLUDE

    kty = ma.fields.String(required=True, metadata={"enum": ["EC"]})
    crv = ma.fields.String(required=True, metadata={"enum": ["P-256"]})
    x = ma.fields.String(required=True, metadata={"description": "43 characters of base64url."})
    y = ma.fields.String(required=True)


class KeyIn(Schema):
    jwk = ma.fields.Nested(JwkIn, required=True)
    proof = ma.fields.String(
        required=True,
        validate=ma.validate.Length(max=100),
        metadata={
            "description": "The key's signature (64 bytes, base64url) over the canonical JSON (RFC 8785) of "
            '`{"purpose": "hezha device key 1", "device", "user", "jwk": {"crv", "kty", "x", "y"}}`.'
        },
    )


class KeyOut(Schema):
    kid = ma.fields.String(metadata={"description": "The key's thumbprint (RFC 7638)."})
    device = ma.fields.String()
    user = ma.fields.String()
    jwk = ma.fields.Function(lambda key: key.key.jwk)
    enrolled_at = ma.fields.AwareDateTime(format="iso", default_timezone=UTC)
    ended_at = ma.fields.AwareDateTime(
        format="iso",
        default_timezone=UTC,
        allow_none=True,
        metadata={"description": "The tablet took another key; what this one signed before holds."},
    )
    revoked_from = ma.fields.AwareDateTime(
        format="iso",
        default_timezone=UTC,
        allow_none=True,
        metadata={"description": "What arrives from then on does not hold."},
    )
    revoked_at = ma.fields.AwareDateTime(format="iso", default_timezone=UTC, allow_none=True)
    revoked_by = ma.fields.String(allow_none=True)
    revoked_reason = ma.fields.String(allow_none=True)


class KeyList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(KeyOut))


class KeyRevokeIn(Schema):
    reason = ma.fields.String(required=True, validate=[ma.validate.Length(min=1, max=200), plain_text])
    since = ma.fields.AwareDateTime(
        metadata={"description": "When the tablet was lost; by default now. Never later than now."}
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
    found, actor = _device(device, "admin"), g.actor
    return services().people.revoke_device(
        found.id, by=actor.name, reason=body["reason"], order=body["order"]
    )


@blp.route("/devices/<device>/keys", methods=["GET"])
@roles()
@blp.response(200, KeyList)
def list_keys(device: str) -> dict[str, Any]:
    """Every key that a tablet ever signed forms with, the newest first. For its owner, administrators and
    auditors."""
    found = _device(device, *_SEES_ALL)
    return {"items": services().people.device_keys.of_device(found)}


@blp.route("/devices/<device>/keys/<kid>", methods=["PUT"])
@roles()
@blp.arguments(KeyIn)
@blp.response(200, KeyOut)
@blp.alt_response(201, schema=KeyOut, description="A new key; those before it have ended.")
def enrol_key(body: dict[str, Any], device: str, kid: str) -> tuple[DeviceKey, int]:
    """Enrol the public key that this tablet signs forms with. The private one was made on it, and stays.

    Only the tablet itself enrols it, signed in as its owner. A new key ends the one before: what that one
    signed until then holds, whenever it arrives. Repeated, it changes nothing.
    """
    actor: Identity = g.actor
    if device != actor.device:
        raise Problem(404, "not_found", text_code="people.device_unknown", device=device)
    try:
        key = read_jwk(body["jwk"])
    except KeyUnusable as error:
        raise Problem(422, f"device_key_{error.code}") from None
    if key.kid != kid:
        raise Problem(422, "device_key_misnamed", kid=key.kid)
    made, new = services().people.device_keys.enrol(device, actor.name, key, body["proof"])
    return made, 201 if new else 200


@blp.route("/devices/<device>/keys/<kid>/revoke", methods=["POST"])
@roles()
@blp.arguments(KeyRevokeIn)
@blp.response(200, KeyOut)
def revoke_key(body: dict[str, Any], device: str, kid: str) -> DeviceKey:
    """Let a key count no more, from now on or from an earlier moment: forms that arrive from then on are
    returned, those that had arrived hold. For its owner and administrators.

    Where the tablet itself is lost, revoke the device: its keys go with it.
    """
    found, actor = _device(device, "admin"), g.actor
    if re.fullmatch(KID_SHAPE, kid) is None:
        raise Problem(404, "not_found", text_code="people.device_key_unknown", device=device, kid=kid)
    return services().people.device_keys.revoke(
        found, kid, by=actor.name, reason=body["reason"], since=body.get("since")
    )


def _device(device: str, *seers: str) -> Device:
    """A device of one's own, or anybody's for these roles. Raises Problem 404: others do not see it."""
    actor: Identity = g.actor
    found = services().people.device(device)
    if found.user != actor.name and not set(seers) & set(actor.roles):
        raise Problem(404, "not_found", text_code="people.device_unknown", device=device)
    return found
