"""Edits are decided one by one and written together, and nobody can tell the difference."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.embedded.engine import EmbeddedStore
from sync.embedded.ledger import Ledger
from sync.store import SERVER, Document, StoreError


def counted(store: EmbeddedStore) -> tuple[int, int, int]:
    """Live documents, deleted ones, and bytes as the rows say; the database says the same."""
    conn = apsw.Connection(str(store._io.file), flags=apsw.SQLITE_OPEN_READONLY)
    live = int(conn.execute("SELECT count(*) FROM docs WHERE NOT deleted").get)
    dead = int(conn.execute("SELECT count(*) FROM docs WHERE deleted").get)
    size = int(conn.execute("SELECT coalesce(sum(length(body)), 0) FROM revisions").get)
    kept = conn.execute("SELECT doc_count, del_count, bytes, seq FROM databases").fetchone()
    newest = int(conn.execute("SELECT coalesce(max(seq), 0) FROM docs").get)
    conn.close()
    assert kept == (live, dead, size, newest)
    return live, dead, size


def test_a_batch_that_edits_one_document_again_and_again_sees_each_edit(store: EmbeddedStore) -> None:
    (first,) = store.bulk_docs("db", [{"_id": "a", "v": 1}])
    rows = store.bulk_docs(
        "db",
        [
            {"_id": "a", "_rev": first.rev, "v": 2},
            {"_id": "a", "_rev": first.rev, "v": 3},
            {"_id": "b"},
            {"_id": "b"},
        ],
    )
    assert [row.ok for row in rows] == [True, False, True, False]
    assert [row.error for row in rows if not row.ok] == ["conflict", "conflict"]
    assert store.get("db", "a")["v"] == 2
    assert [change.id for change in store.changes("db").results] == ["a", "b"]
    assert counted(store)[:2] == (2, 0)


def test_documents_that_are_looked_up_together_are_found_like_single_ones(store: EmbeddedStore) -> None:
    """More than one statement takes, some of them new, and ids that are no easy text among them."""
    ids = [f"doc {number}" for number in range(120)] + ["nul\0within", "符合", "_design/x"]
    first = {doc_id: store.put("db", {"_id": doc_id}) for doc_id in ids[::2]}
    rows = store.bulk_docs("db", [{"_id": doc_id, "_rev": first.get(doc_id), "v": 2} for doc_id in ids])
    assert [(row.id, row.error) for row in rows] == [(doc_id, None) for doc_id in ids]
    assert [(row.rev or "")[:2] for row in rows] == ["2-", "1-"] * 61 + ["2-"]


def test_a_refused_document_takes_no_sequence_number(store: EmbeddedStore) -> None:
    store.bulk_docs("db", [{"_id": "a"}, {"_id": "a"}, {"_id": "c", "_rev": "1-x"}, {"_id": "b"}])
    assert [change.seq.partition("-")[0] for change in store.changes("db").results] == ["1", "2"]


def test_a_database_is_told_of_once_for_all_edits_of_a_batch(store: EmbeddedStore) -> None:
    _, before = store.db_updates()
    store.bulk_docs("db", [{"_id": str(number)} for number in range(50)])
    _, after = store.db_updates()
    assert int(after.partition("-")[0]) == int(before.partition("-")[0]) + 1


def test_an_edit_that_fails_half_way_stores_nothing_and_harms_nobody(store: EmbeddedStore) -> None:
    """Such a failure is a fault of ours; those who shared its transaction are served all the same."""

    def entering(name: str, *, fails: bool = False) -> Callable[[Ledger], None]:
        incoming = store._parsed({"_id": name})

        def edit(ledger: Ledger) -> None:
            store._edit(ledger, "db", incoming, SERVER, new_edits=True)
            if fails:
                raise RuntimeError("a fault")

        return edit

    gate = threading.Event()
    with ThreadPoolExecutor(4) as pool:
        holding = pool.submit(store._io.write, lambda _: gate.wait(10))
        jobs = [entering("one"), entering("half", fails=True), entering("two")]
        futures = []
        for job in jobs:
            time.sleep(0.02)  # so that they queue in this order
            futures.append(pool.submit(store._io.edit, job))
        time.sleep(0.05)
        gate.set()
        holding.result(10)
        futures[0].result(10)
        futures[2].result(10)
        with pytest.raises(RuntimeError, match="a fault"):
            futures[1].result(10)
    assert [change.id for change in store.changes("db").results] == ["one", "two"]
    assert counted(store)[:2] == (2, 0)


EDITS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["new", "next", "stale", "delete"]), st.integers(0, 3)),
    max_size=12,
)


@settings(max_examples=30, deadline=None)
@given(EDITS)
def test_a_batch_leaves_what_the_same_edits_one_by_one_would(edits: list[tuple[str, str, int]]) -> None:
    """Revisions are told beforehand by a store that has done it singly; the batch then names the same."""
    with tempfile.TemporaryDirectory() as folder:
        single, batch = EmbeddedStore(Path(folder) / "1"), EmbeddedStore(Path(folder) / "2")
        for made in (single, batch):
            made.create_database("db")
        told = _in_turn(single, edits)
        rows = batch.bulk_docs("db", [doc for doc, _ in told])
        assert [row.rev if row.ok else row.error for row in rows] == [outcome for _, outcome in told]
        for doc_id in "abc":
            assert batch.leaves("db", doc_id, deleted=True) == single.leaves("db", doc_id, deleted=True)
        assert batch.changes("db").results == tuple(
            change._replace(seq=mine.seq)
            for change, mine in zip(single.changes("db").results, batch.changes("db").results, strict=True)
        )
        assert counted(batch) == counted(single)
        single.close()
        batch.close()


def _in_turn(store: EmbeddedStore, edits: list[tuple[str, str, int]]) -> list[tuple[Document, str]]:
    """Each edit as a document that names what `store` has at that moment, and what became of it there."""
    told = []
    for edit in edits:
        doc = _chosen(store, edit)
        told.append((doc, _put(store, doc)))
    return told


def _chosen(store: EmbeddedStore, edit: tuple[str, str, int]) -> Document:
    name, kind, value = edit
    leaves = store.leaves("db", name, deleted=True)
    doc: Document = {"_id": name, "v": value}
    if kind != "new" and leaves:
        doc["_rev"] = "1-stale" if kind == "stale" else leaves[0]["_rev"]
    return doc | ({"_deleted": True} if kind == "delete" else {})


def _put(store: EmbeddedStore, doc: Document) -> str:
    try:
        return store.put("db", doc)
    except StoreError as error:
        return error.error
