"""A form waits for the signatures that it names: what a tablet sends together is seen in any order.

CouchDB keeps a database in shards, and a bulk request is stored in each by itself: a form was seen, and
judged, a moment before two of the four signatures that had been pushed with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from typing import Any, cast

import pytest

from sync.store import Document, DocumentStore
from tests.desk import MINI_SIGNED, Desk, photo_document, unsent_document

SIGNED = {"id": MINI_SIGNED.id, "version": 1}


def signed_form(desk: Desk, task: str, *signatures: str) -> Document:
    document = desk.form(task, checklist=SIGNED)
    entries = [{"role": "customer", "signature": one} for one in signatures]
    document["answers"]["SG-01"] = desk.answer(entries)
    return document


def signature(desk: Desk, name: str) -> Document:
    at = desk.clock().isoformat()
    return {"_id": f"signature:{name}", "type": "signature", "schema": 1, "by": "inspector", "at": at}


def opened(desk: Desk) -> tuple[str, str]:
    case = desk.open_case()
    return case, desk.assign(case, checklist=SIGNED)


def story(desk: Desk, case: str, task: str) -> list[tuple[str, list[str], list[str]]]:
    receipts = desk.receipts(case, task)
    return [(one["status"], one["missing_photos"], one["missing_signatures"]) for one in receipts]


@pytest.mark.parametrize("order", list(permutations(("form", "photo", "one", "two"))), ids="-".join)
def test_a_form_is_accepted_in_whatever_order_it_and_what_it_names_arrive(
    desk: Desk, order: tuple[str, ...]
) -> None:
    case, task = opened(desk)
    pushes: dict[str, tuple[str, Document]] = {
        "form": (desk.forms(case), signed_form(desk, task, "s-1", "s-2")),
        "photo": (desk.media(case), photo_document("p-1", task, "PH-01")),
        "one": (desk.forms(case), signature(desk, "s-1")),
        "two": (desk.forms(case), signature(desk, "s-2")),
    }
    for name in order:
        desk.write("inspector", *pushes[name])
        desk.intake()
    statuses = [status for status, _, _ in story(desk, case, task)]
    assert statuses[-1] == "accepted"
    assert set(statuses[:-1]) <= {"awaiting_photos"}
    assert desk.task(case, task)["status"] == "accepted"


def test_the_receipt_names_what_the_form_waits_for(desk: Desk) -> None:
    case, task = opened(desk)
    desk.shoot(case, task)
    desk.intake()
    desk.write("inspector", desk.forms(case), signed_form(desk, task, "s-1", "s-2"))
    desk.write("inspector", desk.forms(case), signature(desk, "s-2"))
    desk.intake()
    assert story(desk, case, task) == [("awaiting_photos", [], ["s-1"])]
    assert desk.task(case, task)["status"] == "awaiting_photos"
    gates = {gate["id"]: gate["status"] for gate in desk.get(f"/cases/{case}/gates")["gates"]}
    assert gates["field-work-complete"] == "unmet"


def test_a_manager_gives_back_a_form_whose_signature_will_not_come(desk: Desk) -> None:
    case, task = opened(desk)
    desk.shoot(case, task)
    desk.intake()
    desk.write("inspector", desk.forms(case), signed_form(desk, task, "s-1"))
    desk.intake()
    desk.post(f"/cases/{case}/tasks/{task}/return", {"reason": "the tablet drowned"})
    again = desk.document(desk.forms(case), f"inspection:{task}")
    assert again["status"] == "returned"
    # It may still come; the form is the inspector's again, and nothing happens to it.
    desk.write("inspector", desk.forms(case), signature(desk, "s-1"))
    desk.intake()
    assert [status for status, _, _ in story(desk, case, task)] == ["awaiting_photos", "returned"]
    desk.write("inspector", desk.forms(case), {**again, "status": "submitted"})
    desk.intake()
    assert story(desk, case, task)[-1] == ("accepted", [], [])


def test_work_of_somebody_who_lost_the_case_may_be_accepted_before_its_signature(desk: Desk) -> None:
    case, task = opened(desk)
    desk.shoot(case, task)
    desk.intake()
    desk.patch(f"/cases/{case}/tasks/{task}", {"assignees": ["colleague"], "reason": "on leave"})
    outbox = desk.made.names.outbox("inspector")
    for unsent, document in (("u-1", signed_form(desk, task, "s-1")), ("u-2", signature(desk, "s-1"))):
        desk.write("inspector", outbox, unsent_document(unsent, desk.forms(case), document))
        desk.intake()
        body = {"decision": "accept", "reason": "spoken to"}
        desk.post(f"/cases/{case}/quarantine/{unsent}/settle", body)
        desk.intake()
    assert story(desk, case, task) == [("awaiting_photos", [], ["s-1"]), ("accepted", [], [])]
    assert {item["state"] for item in desk.get(f"/cases/{case}/quarantine")["items"]} == {"taken"}


class Lagging:
    """A store whose lists lack signatures, as CouchDB's may: a list is read from one copy of each shard,
    which may lag behind the one that the feed of changes was read from; a document, from most copies."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def all_docs(self, db: str, *, prefix: str = "", **more: Any) -> Iterator[Document]:
        found = self._store.all_docs(db, prefix=prefix, **more)
        return (one for one in found if not one["_id"].startswith("signature:"))


def test_a_list_that_lags_behind_keeps_no_form_waiting(desk: Desk) -> None:
    """The change that told of the signature has been read already, and comes no more."""
    case, task = opened(desk)
    desk.shoot(case, task)
    desk.intake()
    desk.write("inspector", desk.forms(case), signature(desk, "s-1"))
    desk.intake()
    desk.made = replace(desk.made, store=cast(DocumentStore, Lagging(desk.made.store)))
    desk.write("inspector", desk.forms(case), signed_form(desk, task, "s-1"))
    desk.intake()
    assert story(desk, case, task) == [("accepted", [], [])]
