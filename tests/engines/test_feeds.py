"""What every engine promises about changes."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sync.store import BadRequest, DocumentStore, NotFound


def ids(store: DocumentStore, since: str = "0", limit: int | None = None) -> list[str]:
    return [change.id for change in store.changes("db", since=since, limit=limit).results]


def test_each_document_comes_once_at_its_latest_change(store: DocumentStore) -> None:
    rev = store.put("db", {"_id": "a"})
    store.put("db", {"_id": "b"})
    last = store.put("db", {"_id": "a", "_rev": rev, "_deleted": True})
    results = store.changes("db").results
    assert [(c.id, c.deleted) for c in results] == [("b", False), ("a", True)]
    assert results[1].revs == (last,)


def test_a_reader_that_goes_on_from_last_seq_misses_nothing(store: DocumentStore) -> None:
    store.bulk_docs("db", [{"_id": f"{n:02}"} for n in range(25)])
    seen, since, pending = [], "0", []
    while batch := store.changes("db", since=since, limit=10):
        if not batch.results:
            break
        seen += [change.id for change in batch.results]
        pending.append(batch.pending)
        since = batch.last_seq
    assert sorted(seen) == [f"{n:02}" for n in range(25)]
    assert pending == [15, 5, 0]
    assert ids(store, since=store.changes("db", since=since).last_seq) == []
    assert ids(store, since=store.info("db").update_seq) == []


def test_documents_come_along_when_asked(store: DocumentStore) -> None:
    store.put("db", {"_id": "a", "v": 1})
    assert store.changes("db").results[0].doc is None
    doc = store.changes("db", include_docs=True).results[0].doc
    assert doc is not None
    assert doc["v"] == 1


def test_all_leaves_come_when_asked(store: DocumentStore) -> None:
    edits = [{"_id": "a", "_rev": rev, "v": rev} for rev in ("1-a", "1-c", "1-b")]
    store.bulk_docs("db", edits, new_edits=False)
    assert store.changes("db").results[0].revs == ("1-c",)
    assert store.changes("db", style="all_docs").results[0].revs == ("1-c", "1-b", "1-a")


def test_a_sequence_of_an_earlier_database_counts_from_the_start(store: DocumentStore) -> None:
    """A tablet that synced with a deleted and recreated database must not skip what is in the new one."""
    store.bulk_docs("db", [{"_id": name} for name in "abc"])
    old = store.info("db").update_seq
    store.delete_database("db")
    store.create_database("db")
    store.bulk_docs("db", [{"_id": name} for name in "vwxyz"])
    assert sorted(ids(store, since=old)) == list("vwxyz")


def test_now_is_the_end(store: DocumentStore) -> None:
    store.put("db", {"_id": "a"})
    batch = store.changes("db", since="now")
    assert batch.results == ()
    store.put("db", {"_id": "b"})
    assert ids(store, since=batch.last_seq) == ["b"]


def test_nonsense_is_no_sequence(store: DocumentStore) -> None:
    with pytest.raises(BadRequest):
        store.changes("db", since="tomorrow")


def test_waiting_ends_with_the_change_or_with_the_time(store: DocumentStore) -> None:
    began = time.monotonic()
    assert store.changes("db", since="now", timeout=0.2).results == ()
    assert time.monotonic() - began >= 0.2
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(store.changes, "db", since="now", timeout=20.0)
        time.sleep(0.1)
        store.create_database("noise")
        store.put("db", {"_id": "a"})
        assert [change.id for change in waiting.result(10).results] == ["a"]


def test_waiting_ends_when_the_database_is_deleted(store: DocumentStore) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(store.changes, "db", since="now", timeout=20.0)
        time.sleep(0.1)
        store.delete_database("db")
        with pytest.raises(NotFound):
            waiting.result(10)


def test_the_feed_of_databases_names_each_once(store: DocumentStore) -> None:
    _, start = store.db_updates()
    store.create_database("a")
    store.create_database("b")
    store.put("a", {"_id": "x"})
    store.put("a", {"_id": "y"})
    store.put_local("b", "z", {})
    store.delete_database("db")
    wanted = {"a": "updated", "b": "created", "db": "deleted"}
    told: dict[str, str] = {}
    deadline = time.monotonic() + 20
    while told != wanted and time.monotonic() < deadline:
        updates, start = store.db_updates(since=start, timeout=1.0)
        assert len({update.db_name for update in updates}) == len(updates)
        told.update((update.db_name, update.type) for update in updates)
    assert told == wanted
    assert store.db_updates(since=start)[0] == []
    assert store.db_updates(since="now")[0] == []


def test_waiting_for_any_database(store: DocumentStore) -> None:
    _, since = store.db_updates()
    done = threading.Event()

    def write() -> None:
        done.wait(5)
        store.put("db", {"_id": "a"})

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        threading.Timer(0.1, done.set).start()
        updates, _ = store.db_updates(since=since, timeout=20.0)
        writing.result(10)
    assert [update.db_name for update in updates] == ["db"]


def test_a_store_that_is_dismissed_lets_nobody_wait(store: DocumentStore) -> None:
    with ThreadPoolExecutor(2) as pool:
        changes = pool.submit(store.changes, "db", since="now", timeout=60.0)
        updates = pool.submit(lambda: store.db_updates(since="now", timeout=60.0))
        time.sleep(0.2)
        store.dismiss()
        changes.result(20)
        updates.result(20)
    store.put("db", {"_id": "a"})
    assert ids(store) == ["a"]
