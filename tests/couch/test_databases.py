"""Which databases are ours, and that those of others on the same CouchDB stay theirs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync.couch.store import CouchOptions, CouchStore
from sync.rules import DESIGN_ID
from sync.store import NOBODY, BadRequest, Security, Unauthorized
from tests.couch.conftest import PATIENCE
from tests.couch.faults import Faults
from tests.engines.served import couch_at

CASE = Security(members=("li",), kind="case")


@pytest.fixture
def ours(url: str, store: CouchStore) -> Iterator[CouchStore]:
    """The same server, seen by a Hezha with a prefix."""
    made = couch_at(url, CouchOptions(prefix="a-", patience=PATIENCE))
    yield made
    made.close()


def test_a_prefix_is_a_border(store: CouchStore, ours: CouchStore) -> None:
    since = ours.db_updates(since="now")[1]
    for db in ("a-case-1", "a-inbox", "b-case-1", "case-1"):
        store.create_database(db)
    assert ours.database_names() == ["a-case-1", "a-inbox"]
    assert ours.database_names("a-case-") == ["a-case-1"]
    assert ours.database_names("a") == ["a-case-1", "a-inbox"]
    assert ours.database_names("b-") == []
    told, _ = ours.db_updates(since=since, timeout=5.0)
    assert {update.db_name for update in told} == {"a-case-1", "a-inbox"}


def test_rules_are_renewed_within_the_border_only(store: CouchStore, ours: CouchStore) -> None:
    for db in ("a-case-1", "b-case-1"):
        store.create_database(db, CASE)
        store.put(db, {**store.get(db, DESIGN_ID), "rules_version": "old"})
    assert ours.refresh_design_documents() == ["a-case-1"]
    assert store.get("b-case-1", DESIGN_ID)["rules_version"] == "old"


def test_without_a_prefix_only_what_bears_our_mark_is_ours(store: CouchStore) -> None:
    store.create_database("theirs")
    store.put("theirs", {"_id": "_design/app", "validate_doc_update": "function () {}"})
    store.create_database("case-1", CASE)
    rules = store.get("case-1", DESIGN_ID)
    store.put("case-1", {"_id": DESIGN_ID, "_rev": rules["_rev"], "_deleted": True})
    assert store.refresh_design_documents() == ["case-1"]


def test_shards_and_copies_are_asked_for(url: str, store: CouchStore, faults: Faults) -> None:
    sharded = couch_at(url, CouchOptions(q=4, n=3, patience=PATIENCE))
    sharded.create_database("case-1")
    assert faults.count("PUT /sync/case-1[?]q=4&n=3$") == 1
    sharded.close()
    store.create_database("case-2")
    assert faults.count("PUT /sync/case-2[?]$") == 1


def test_a_name_that_is_none_never_leaves(store: CouchStore, faults: Faults) -> None:
    before = len(faults.asked)
    for name in ("", "_users", "../x"):
        with pytest.raises(BadRequest):
            store.create_database(name)
    assert len(faults.asked) == before


def test_one_malformed_document_does_not_cost_the_others(store: CouchStore, faults: Faults) -> None:
    """CouchDB refuses a whole `_bulk_docs` for one stub without bytes; here it is told apart."""
    docs = [{"_id": f"d{n}"} for n in range(5)]
    docs[3]["_attachments"] = {"x": {"stub": True}}  # type: ignore[assignment]
    faults.add("POST /sync/db/_bulk_docs", status=412)
    rows = store.bulk_docs("db", docs)
    assert [row.ok for row in rows] == [True, True, True, False, True]
    assert {doc["_id"] for doc in store.all_docs("db")} == {"d0", "d1", "d2", "d4"}


def test_a_token_that_is_not_taken_is_told(store: CouchStore, faults: Faults) -> None:
    assert store.trouble() is None
    faults.add("GET /sync/_session", status=401)
    assert store.trouble() == "CouchDB does not take Hezha's tokens: as the test wants it"


def test_nobody_is_sent_without_credentials(store: CouchStore) -> None:
    with pytest.raises(Unauthorized):
        store.put("db", {"_id": "a"}, user=NOBODY)
