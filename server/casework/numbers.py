"""A case number belongs to one case of an organisation."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from server.casework.claims import first_claim
from sync.conflicts import find_settled
from sync.store import Conflict, DocumentStore


class NumberTaken(Exception):
    """Another case has this number."""


def claim_number(
    store: DocumentStore, registry: str, organisation: str, no: str, case_id: str, now: datetime
) -> None:
    """Take a number for a case. The same claim again is no error. Raises NumberTaken."""
    digest = hashlib.sha256(json.dumps([organisation, no]).encode()).hexdigest()
    doc_id = f"case-no:{digest}"
    claim = {"_id": doc_id, "type": "case-no", "schema": 1, "no": no, "organisation": organisation}
    try:
        store.put(registry, {**claim, "case": case_id, "at": now.isoformat()})
    except Conflict:
        known = find_settled(store, registry, doc_id, first_claim)
        if known is None or known["case"] != case_id:
            raise NumberTaken from None
