"""A case number belongs to one case of an organisation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from server.casework.claims import first_claim
from server.workflow.model import Case
from sync.conflicts import find_settled
from sync.store import Conflict, Document, DocumentStore


class NumberTaken(Exception):
    """Another case has this number."""


def claim_number(
    store: DocumentStore, registry: str, organisation: str, no: str, case_id: str, now: datetime
) -> None:
    """Take a number for a case. The same claim again is no error. Raises NumberTaken."""
    claim = _claim(organisation, no, case_id, now)
    try:
        store.put(registry, claim)
    except Conflict:
        if _holder(store, registry, claim["_id"]) != case_id:
            raise NumberTaken from None


def claim_numbers(store: DocumentStore, registry: str, cases: Sequence[Case], now: datetime) -> set[str]:
    """Take each case's number for it, together; the ids of the cases whose numbers are others'."""
    claims = [_claim(case.organisation, case.no, case.id, now) for case in cases]
    rows = store.bulk_docs(registry, claims)
    return {
        claim["case"]
        for claim, row in zip(claims, rows, strict=True)
        if not row.ok and _holder(store, registry, claim["_id"]) != claim["case"]
    }


def holders_of(
    store: DocumentStore, registry: str, organisation: str, numbers: Sequence[str]
) -> dict[str, str]:
    """The ids of the cases that have these numbers of an organisation, by number. A case that somebody was
    about to open has its number already."""
    wanted = {_claim_id(organisation, no): no for no in numbers}
    found = store.all_docs(registry, keys=list(wanted)) if wanted else ()
    return {wanted[claim["_id"]]: str(claim["case"]) for claim in found}


def _claim_id(organisation: str, no: str) -> str:
    return "case-no:" + hashlib.sha256(json.dumps([organisation, no]).encode()).hexdigest()


def _claim(organisation: str, no: str, case_id: str, now: datetime) -> Document:
    return {
        "_id": _claim_id(organisation, no),
        "type": "case-no",
        "schema": 1,
        "no": no,
        "organisation": organisation,
        "case": case_id,
        "at": now.isoformat(),
    }


def _holder(store: DocumentStore, registry: str, claim_id: str) -> str | None:
    known = find_settled(store, registry, claim_id, first_claim)
    return None if known is None else str(known["case"])
