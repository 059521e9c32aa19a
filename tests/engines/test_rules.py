"""What every engine promises about write rules and who is held to them."""

from __future__ import annotations

import pytest

from sync.rules import DESIGN_ID, design_document
from sync.store import Document, DocumentStore, Forbidden, Security, Unauthorized, UserCtx

LI = UserCtx("li.wei", ("inspector",))
WANG = UserCtx("wang", ("inspector",))
NOBODY = UserCtx(None)
CASE = Security(members=("li.wei", "wang"), kind="case", writers=("li.wei",))


def hazard(by: str, number: int = 1) -> Document:
    at = "2026-11-22T08:00:00+08:00"
    doc_id = f"hazard:{number}"
    return {"_id": doc_id, "type": "hazard", "schema": 1, "by": by, "at": at, "description": "门锁损坏"}


@pytest.fixture
def case(store: DocumentStore) -> str:
    store.create_database("case-1", CASE)
    return "case-1"


def test_a_database_with_a_kind_is_born_with_the_rules(store: DocumentStore, case: str) -> None:
    assert store.get(case, DESIGN_ID)["rules_version"] == design_document()["rules_version"]


def test_a_writer_is_held_to_the_rules_and_the_server_is_not(store: DocumentStore, case: str) -> None:
    store.put(case, hazard("li.wei"), user=LI)
    with pytest.raises(Forbidden, match="not_yours"):
        store.put(case, hazard("wang", 2), user=LI)
    with pytest.raises(Forbidden, match="immutable"):
        store.put(case, {**store.get(case, "hazard:1"), "description": "x"}, user=LI)
    store.put(case, {**store.get(case, "hazard:1"), "description": "x"})


def test_a_reader_is_no_writer(store: DocumentStore, case: str) -> None:
    with pytest.raises(Forbidden, match="not_a_writer"):
        store.put(case, hazard("wang"), user=WANG)
    assert store.find(case, "hazard:1") is None


def test_nobody_writes_nothing(store: DocumentStore, case: str) -> None:
    with pytest.raises(Unauthorized):
        store.put(case, hazard("li.wei"), user=NOBODY)


def test_in_a_bulk_only_what_the_rules_refuse_is_refused(store: DocumentStore, case: str) -> None:
    rows = store.bulk_docs(case, [hazard("li.wei", 1), hazard("wang", 2), hazard("li.wei", 3)], user=LI)
    assert [row.error for row in rows] == [None, "forbidden", None]
    assert rows[1].reason is not None
    assert rows[1].reason.startswith("not_yours: ")
    assert [doc["_id"] for doc in store.all_docs(case, prefix="hazard:")] == ["hazard:1", "hazard:3"]


def test_old_rules_are_replaced_once_and_nobody_elses_database_is_touched(
    store: DocumentStore, case: str
) -> None:
    rules = store.get(case, DESIGN_ID)
    store.put(case, {**rules, "validate_doc_update": "function () {}", "rules_version": "old"})
    store.create_database("case-2", CASE)
    rules = store.get("case-2", DESIGN_ID)
    store.put("case-2", {"_id": DESIGN_ID, "_rev": rules["_rev"], "_deleted": True})
    assert store.refresh_design_documents() == ["case-1", "case-2"]
    assert store.refresh_design_documents() == []
    assert store.find("db", DESIGN_ID) is None
    for db in ("case-1", "case-2"):
        with pytest.raises(Forbidden, match="not_yours"):
            store.put(db, hazard("wang"), user=LI)
