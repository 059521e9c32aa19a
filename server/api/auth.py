# mypy: disable-error-code="untyped-decorator"
"""Signing in, staying signed in, signing out."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import marshmallow as ma
from flask import g, request

from server.api.base import Schema, blueprint, public, roles
from server.people.model import DEVICE_ID_SHAPE
from server.people.passwords import MAX_LENGTH
from server.people.sessions import MAX_DEVICE_NAME, DeviceClaim, SignedIn
from server.people.tokens import MAX_TOKEN_LENGTH
from server.services import services

blp = blueprint("auth", "Signing in: a short access token, and a refresh token bound to a device.")

_TIME = ma.fields.AwareDateTime


def plain_text(value: str) -> None:
    """One line that can be stored and shown: no control characters, no half characters."""
    if not value.isprintable() or any("\ud800" <= char <= "\udfff" for char in value):
        raise ma.ValidationError("One line of printable text is wanted.")


class DeviceIn(Schema):
    """The tablet that signs in. A browser leaves this out."""

    id = ma.fields.String(
        validate=ma.validate.Regexp(rf"^{DEVICE_ID_SHAPE}\Z"),
        metadata={
            "description": "From an earlier sign-in on this device, or one of the tablet's own making."
        },
    )
    name = ma.fields.String(
        required=True, validate=[ma.validate.Length(min=1, max=MAX_DEVICE_NAME), plain_text]
    )


class LoginIn(Schema):
    username = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=MAX_LENGTH))
    password = ma.fields.String(
        required=True,
        validate=ma.validate.Length(min=1, max=MAX_LENGTH),
        metadata={"format": "password"},
    )
    device = ma.fields.Nested(DeviceIn)


class RefreshIn(Schema):
    refresh_token = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=MAX_TOKEN_LENGTH))
    device = ma.fields.String(
        validate=ma.validate.Regexp(rf"^{DEVICE_ID_SHAPE}\Z"),
        metadata={"description": "The device's id: where it is given, the token must be bound to it."},
    )


class UserOut(Schema):
    name = ma.fields.String()
    display_name = ma.fields.String()
    roles = ma.fields.List(ma.fields.String())
    organisation = ma.fields.String()
    disabled = ma.fields.Boolean()
    specialties = ma.fields.List(ma.fields.String())
    created_at = _TIME(default_timezone=UTC)
    created_by = ma.fields.String()
    updated_at = _TIME(default_timezone=UTC)


class DeviceOut(Schema):
    id = ma.fields.String()
    user = ma.fields.String()
    name = ma.fields.String()
    kind = ma.fields.String(metadata={"enum": ["tablet", "browser"]})
    enrolled_at = _TIME(default_timezone=UTC)
    last_seen_at = _TIME(
        default_timezone=UTC, metadata={"description": "The last sign-in or exchange of tokens."}
    )
    signed_in = ma.fields.Function(lambda device: device.signed_in(services().clock()))
    current = ma.fields.Function(
        lambda device: device.id == getattr(g.get("actor"), "device", None),
        metadata={"description": "Whether this is the device that asks."},
    )
    revoked_at = _TIME(default_timezone=UTC, allow_none=True)
    revoked_by = ma.fields.String(allow_none=True)
    revoked_reason = ma.fields.String(allow_none=True)
    order = ma.fields.String(
        allow_none=True,
        metadata={
            "description": "What a revoked device is told: `wipe`, or `sign_in` again with nothing lost."
        },
    )


class SignedInOut(Schema):
    access_token = ma.fields.String()
    refresh_token = ma.fields.String()
    token_type = ma.fields.Constant("Bearer")
    expires_in = ma.fields.Integer(metadata={"description": "Seconds."})
    user = ma.fields.Nested(UserOut)
    device = ma.fields.Nested(DeviceOut)


def client_address() -> str:
    """Whom failed sign-ins count against; behind proxies `HEZHA_TRUSTED_PROXIES` makes it the client."""
    return request.remote_addr or ""


@blp.route("/auth/login", methods=["POST"])
@public
@blp.arguments(LoginIn)
@blp.response(200, SignedInOut)
@blp.alt_response(401, description="No such name and password.")
@blp.alt_response(429, description="Too many attempts; Retry-After says how long to wait.")
def login(body: dict[str, Any]) -> SignedIn:
    """Sign in with name and password, on a tablet (`device`) or in a browser."""
    claim = DeviceClaim(**body["device"]) if "device" in body else None
    return services().people.login(
        body["username"],
        body["password"],
        claim,
        address=client_address(),
        agent=request.user_agent.string,
    )


@blp.route("/auth/refresh", methods=["POST"])
@public
@blp.arguments(RefreshIn)
@blp.response(200, SignedInOut)
@blp.alt_response(401, description="A token that is not, or no longer, good.")
@blp.alt_response(429, description="Too many attempts; Retry-After says how long to wait.")
def refresh(body: dict[str, Any]) -> SignedIn:
    """Exchange a refresh token. The old one holds until the new one is used: this answer may be lost."""
    return services().people.refresh(body["refresh_token"], body.get("device"))


@blp.route("/auth/logout", methods=["POST"])
@roles()
@blp.response(204)
def logout() -> None:
    """End this session; the device stays enrolled and keeps its unsent work."""
    services().people.logout(g.actor)
