"""Ids of what a request creates within a case: the caller's own, or one that a repeated request finds."""

from __future__ import annotations

import hashlib
from typing import Any

import marshmallow as ma
from flask import g, request

from server.names import new_id

OWN_ID = ma.validate.Regexp(r"^[0-9a-z][0-9a-z-]{0,63}\Z")

IDEMPOTENCY_HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": 200},
    "description": "Sent again with the same body, it changes nothing; with another it is refused.",
}


def own_id(description: str = "Of your own: the same request again changes nothing.") -> ma.fields.String:
    """The field by which a caller may name what is created."""
    return ma.fields.String(validate=OWN_ID, metadata={"description": description})


def created_id(body: dict[str, Any], field: str = "id") -> str:
    """The id of what is created: the one given (taken out of `body`), else that of the `Idempotency-Key`.

    The key's digest is the id, so that nothing has to be stored for a repeated request to find it.
    """
    given = body.pop(field, None)
    if given:
        return str(given)
    key = request.headers.get("Idempotency-Key")
    if not key:
        return new_id()
    named = f"{g.actor.name}\n{key}".encode()
    return f"k-{hashlib.sha256(named).hexdigest()[:40]}"
