"""Creating once: a repeated `Idempotency-Key` leads to the id that the first request took."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

from server.casework.claims import first_claim
from sync.conflicts import find_settled
from sync.store import Conflict, DocumentStore


class KeyReused(Exception):
    """The key came with another body before."""


def reserve_id(
    store: DocumentStore,
    registry: str,
    *,
    owner: str,
    key: str,
    request_digest: str,
    new_id: Callable[[], str],
    now: datetime,
) -> str:
    """The id that this key stands for, taken before anything is created, so that a retry finds it.

    Raises KeyReused when the key was used for another request.
    """
    name = hashlib.sha256(f"{owner}\n{key}".encode()).hexdigest()
    doc_id = f"idempotency:{name}"
    known = find_settled(store, registry, doc_id, first_claim)
    if known is None:
        try:
            reserved = new_id()
            store.put(
                registry,
                {
                    "_id": doc_id,
                    "type": "idempotency",
                    "schema": 1,
                    "request": request_digest,
                    "result": reserved,
                    "at": now.isoformat(),
                },
            )
            return reserved
        except Conflict:
            known = find_settled(store, registry, doc_id, first_claim)
            if known is None:
                raise
    if known["request"] != request_digest:
        raise KeyReused
    return str(known["result"])
