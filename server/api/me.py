# mypy: disable-error-code="untyped-decorator"
"""Who am I, and my password."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g

from server.api.auth import SignedInOut, client_address
from server.api.base import Schema, blueprint, roles
from server.people.model import Identity
from server.people.passwords import MAX_LENGTH
from server.people.sessions import SignedIn
from server.services import services

blp = blueprint("me", "The person who asks.")


class MeOut(Schema):
    name = ma.fields.String()
    display_name = ma.fields.String()
    roles = ma.fields.List(ma.fields.String())
    organisation = ma.fields.String()
    device = ma.fields.String(metadata={"description": "The id of the device that asks."})


class PasswordIn(Schema):
    old = ma.fields.String(required=True, validate=ma.validate.Length(max=MAX_LENGTH))
    new = ma.fields.String(required=True, validate=ma.validate.Length(max=MAX_LENGTH))


@blp.route("/me", methods=["GET"])
@roles()
@blp.response(200, MeOut)
def me() -> Identity:
    """The person and device that this access token speaks for."""
    actor: Identity = g.actor
    return actor


@blp.route("/me/password", methods=["POST"])
@roles()
@blp.arguments(PasswordIn)
@blp.response(200, SignedInOut)
@blp.alt_response(429, description="Too many attempts; Retry-After says how long to wait.")
def change_password(body: dict[str, Any]) -> SignedIn:
    """Change one's own password. Every other device is signed out; this one gets new tokens."""
    return services().people.change_own_password(g.actor, body["old"], body["new"], address=client_address())
