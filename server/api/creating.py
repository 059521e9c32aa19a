"""What may be created once only: `Idempotency-Key`."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import g, request

from server.casework.idempotency import KeyReused, reserve_id
from server.names import new_id
from server.problems import Problem
from server.services import services

IDEMPOTENCY_HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": 200},
    "description": "Sent again with the same body, it gives what the first request created.",
}


def reserved_id(body: dict[str, Any]) -> str:
    """The id of what a request creates: by its `Idempotency-Key` if it has one. Raises Problem 422."""
    key = request.headers.get("Idempotency-Key")
    if not key:
        return new_id()
    made = services()
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    try:
        return reserve_id(
            made.store,
            made.names.registry,
            owner=g.actor.name,
            key=key,
            request_digest=digest,
            new_id=new_id,
            now=made.clock(),
        )
    except KeyReused:
        raise Problem(422, "idempotency_key_reused") from None
