"""Compaction frees what no leaf needs and nothing else, in slices, and whenever it is worth it by itself."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest

from sync import revtree
from sync.embedded import compaction
from sync.embedded.engine import EmbeddedStore, Limits
from sync.embedded.rendering import Show
from sync.store import SERVER, Forbidden, NewAttachment, NotFound, UserCtx

SMALL = Limits(compact_revisions=3, compact_documents=2, compact_min_bytes=1, vacuum_pages=2)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """Its slices are small, so that every compaction takes several."""
    opened = EmbeddedStore(tmp_path / "data", limits=SMALL)
    opened.create_database("db")
    yield opened
    opened.close()


def rewritten(store: EmbeddedStore, doc_id: str, times: int, size: int = 10) -> list[str]:
    """A document and its revisions, oldest first."""
    revs: list[str] = []
    for n in range(times):
        doc: dict[str, Any] = {"_id": doc_id, "n": n, "fill": "x" * size}
        if revs:
            doc["_rev"] = revs[-1]
        revs.append(store.put("db", doc))
    return revs


def dump(store: EmbeddedStore) -> dict[str, Any]:
    """Everything a replicator could fetch from `db`: each document's leaves with ancestry and attachments."""
    return {
        change.id: store.open_revs("db", change.id, "all", show=Show(revs=True, attachments=True))
        for change in store.changes("db", style="all_docs").results
    }


def sizes(store: EmbeddedStore) -> tuple[int, int]:
    found = store.info_json("db")["sizes"]
    assert found["external"] == found["active"]
    return found["file"], found["active"]


def counted(store: EmbeddedStore) -> tuple[int, int]:
    """What the counters of `sizes` ought to say, counted from the rows."""
    with store._io.reading() as conn:
        rows: list[Any] = conn.execute(
            "SELECT d.tree, r.rev, length(r.body) + coalesce("
            "(SELECT sum(stored_length) FROM attachments WHERE revision = r.pk), 0)"
            " FROM revisions r JOIN docs d ON d.pk = r.doc"
        ).fetchall()
    leaves = [n for tree, rev, n in rows if revtree.parse_rev(rev) in revtree.decode(tree).leaves]
    return sum(n for _, _, n in rows), sum(leaves)


def test_compaction_frees_bodies_that_were_built_upon_and_keeps_every_leaf(store: EmbeddedStore) -> None:
    revs = rewritten(store, "a", 5)
    rewritten(store, "b", 1)
    store.bulk_docs(
        "db",
        [{"_id": "a", "_rev": "2-ff", "_revisions": {"start": 2, "ids": ["ff", revs[0][2:]]}, "n": -1}],
        new_edits=False,
    )
    tip = store.get("db", "b")["_rev"]
    store.put("db", {"_id": "b", "_rev": tip, "_deleted": True})
    before, seq = dump(store), store.info("db").update_seq
    assert sizes(store) == counted(store)

    freed = store.compact("db")

    assert dump(store) == before
    assert store.info("db").update_seq == seq  # nobody has to fetch anything again
    assert freed.revisions == 5
    assert sizes(store) == counted(store)
    assert len(set(sizes(store))) == 1
    for rev in revs[:-1]:
        with pytest.raises(NotFound):
            store.get("db", "a", rev=rev)
    told = store.get("db", "a", show=Show(revs_info=True))["_revs_info"]
    assert [one["status"] for one in told] == ["available", *["missing"] * 4]
    assert store.revs_diff("db", {"a": revs}) == {}  # known still, though not kept
    assert store.compact("db") == compaction.Freed()


def test_a_document_can_be_edited_and_stemmed_after_compaction(store: EmbeddedStore) -> None:
    rewritten(store, "a", 5)
    store.compact("db")
    store.set_revs_limit("db", 2)
    rev = store.get("db", "a")["_rev"]
    for n in range(3):
        rev = store.put("db", {"_id": "a", "_rev": rev, "n": n})
    assert sizes(store) == counted(store)
    (doc,) = store.leaves("db", "a")
    assert len(doc["_revisions"]["ids"]) == 2


def test_bodies_of_stemmed_revisions_are_gone_at_once(store: EmbeddedStore) -> None:
    store.set_revs_limit("db", 2)
    revs = rewritten(store, "a", 6)
    with store._io.reading() as conn:
        kept = [rev for (rev,) in conn.execute("SELECT rev FROM revisions ORDER BY rev")]
    assert kept == revs[-2:]
    assert sizes(store) == counted(store)


def test_an_attachment_goes_with_the_last_revision_that_names_it(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "data", limits=replace(SMALL, abandoned_seconds=60))
    try:
        store.create_database("db")
        rev = store.put("db", {"_id": "a"})
        rev = store.put_attachment("db", "a", rev, NewAttachment("kept", "text/plain", io.BytesIO(b"k" * 50)))
        rev = store.put_attachment("db", "a", rev, NewAttachment("gone", "text/plain", io.BytesIO(b"g" * 50)))
        store.delete_attachment("db", "a", "gone", rev)
        later = time.time() + 120
        assert store.sweep_blobs(now=later) == 0  # the old revision has it still
        store.compact("db")
        assert store.sweep_blobs() == 0  # it was sent a moment ago
        assert store.sweep_blobs(now=later) == 1
        with store.open_attachment("db", "a", "kept") as attachment:
            assert attachment.stream.read() == b"k" * 50
    finally:
        store.close()


def test_the_file_becomes_smaller(store: EmbeddedStore) -> None:
    rewritten(store, "a", 12, size=40_000)
    store.compact("db")
    with store._io.reading() as conn:
        free, pages = compaction.free_pages(conn)
    assert free > pages / 2
    given = store.shrink()
    assert given == free
    with store._io.reading() as conn:
        assert compaction.free_pages(conn) == (0, pages - given)
        assert conn.pragma("integrity_check") == "ok"
    store.close()
    assert store._io.file.stat().st_size == (pages - given) * 4096


def test_a_slice_is_bounded(store: EmbeddedStore) -> None:
    for name in "abcde":
        rewritten(store, name, 4)
    upto = 20
    bounds = compaction.Slice(documents=2, revisions=3)
    steps = []
    done = False
    while not done:
        freed, done = store._io.write(lambda conn: compaction.step(conn, "db", upto, bounds, 0.0))
        steps.append(freed.revisions)
    assert max(steps) <= 3
    assert sum(steps) == 15


def test_others_write_while_a_database_is_compacted(store: EmbeddedStore) -> None:
    for name in "abcdef":
        rewritten(store, name, 8)
    written: list[str] = []
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            written.extend(rewritten(store, f"new{len(written)}", 2))

    other = threading.Thread(target=write)
    other.start()
    try:
        while store.compact("db").revisions:
            pass
    finally:
        stop.set()
        other.join()
    store.compact("db")
    assert written
    assert sizes(store) == counted(store)
    assert len(set(sizes(store))) == 1


def test_compaction_on_request_runs_behind_the_answer_and_says_so(store: EmbeddedStore) -> None:
    rewritten(store, "a", 6)
    with pytest.raises(Forbidden):
        store.request_compaction("db", user=UserCtx("wang", ("inspector",)))
    with pytest.raises(NotFound):
        store.request_compaction("none")
    busy = threading.Event()
    store._keeper.submit(busy.wait)  # whatever it does before ours
    store.request_compaction("db", user=SERVER)
    assert store.info_json("db")["compact_running"]
    busy.set()
    deadline = time.monotonic() + 30
    while store.info_json("db")["compact_running"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not store.info_json("db")["compact_running"]
    assert len(set(sizes(store))) == 1


def test_a_request_while_another_ends_is_carried_out_and_told_as_over(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    shrink, ended = store.shrink, threading.Semaphore(0)

    def late(**more: Any) -> int:
        """What comes after the last slice."""
        if not asked:
            asked.append("db")
            store.request_compaction("db")
        ended.release()
        return shrink(**more)

    asked: list[str] = []
    monkeypatch.setattr(store, "shrink", late)
    store.request_compaction("db")
    for _ in range(2):
        assert ended.acquire(timeout=20)
    assert not store.info_json("db")["compact_running"]


def test_a_killed_compaction_does_not_count_as_running_for_ever(store: EmbeddedStore) -> None:
    bounds = compaction.Slice(documents=1, revisions=1)
    rewritten(store, "a", 6)
    past, soon = time.time() - 1, time.time() + 60
    store._io.write(lambda conn: compaction.step(conn, "db", 6, bounds, soon))
    assert store.info_json("db")["compact_running"]
    store._io.write(lambda conn: compaction.step(conn, "db", 6, bounds, past))
    assert not store.info_json("db")["compact_running"]


def test_a_document_that_is_rewritten_for_ever_does_not_grow_the_folder(store: EmbeddedStore) -> None:
    rev = None
    biggest = 0
    for n in range(300):
        doc: dict[str, Any] = {"_id": "case", "n": n, "fill": os.urandom(2000).hex()}
        if rev:
            doc["_rev"] = rev
        rev = store.put("db", doc)
        if n % 10 == 9:
            store.maintain()
            with store._io.reading() as conn:
                biggest = max(biggest, conn.pragma("page_count"))
    assert biggest < 100  # of 4 KiB; the bodies alone would take 300
    assert store.get("db", "case")["n"] == 299


def test_maintenance_leaves_alone_what_is_not_worth_it(tmp_path: Path) -> None:
    limits = replace(SMALL, compact_share=0.5, compact_min_bytes=2_000)
    store = EmbeddedStore(tmp_path / "data", limits=limits)
    try:
        store.create_database("db")
        rewritten(store, "a", 2, size=500)
        assert store.tidy(time.time()).revisions == 0  # too few bytes
        rewritten(store, "b", 1, size=9_000)
        rewritten(store, "c", 4, size=1000)
        assert store.tidy(time.time()).revisions == 0  # too small a share
        rewritten(store, "d", 12, size=1000)
        assert store.tidy(time.time()).revisions == 15
    finally:
        store.close()


def test_blobs_are_swept_when_it_is_time(tmp_path: Path) -> None:
    limits = replace(SMALL, sweep_seconds=1000, abandoned_seconds=60)
    store = EmbeddedStore(tmp_path / "data", limits=limits)
    try:
        now = time.time() + 100
        store.ingest(io.BytesIO(b"nobody names me"))
        store.tidy(now=now)
        assert not list((tmp_path / "data" / "blobs").glob("??/*"))
        store.ingest(io.BytesIO(b"nor me"))
        store.tidy(now=now + 999)
        assert len(list((tmp_path / "data" / "blobs").glob("??/*"))) == 1
        store.tidy(now=now + 1001)
        assert not list((tmp_path / "data" / "blobs").glob("??/*"))
    finally:
        store.close()


@pytest.mark.parametrize("cut", range(1, 9))
def test_compaction_that_is_cut_off_loses_nothing_and_goes_on(tmp_path: Path, cut: int) -> None:
    """As after a kill: slice number `cut` never commits, and the next process finds what the disk holds."""
    store = EmbeddedStore(tmp_path / "data", limits=SMALL)
    store.create_database("db")
    for name in "abcd":
        rewritten(store, name, 4)
        rev = store.get("db", name)["_rev"]
        blob = NewAttachment("photo", "image/jpeg", io.BytesIO(name.encode() * 99))
        store.put_attachment("db", name, rev, blob)
    before = dump(store)
    bounds = compaction.Slice(documents=2, revisions=2)
    steps = 0

    class Killed(Exception):
        pass

    def one(conn: apsw.Connection) -> bool:
        done = compaction.step(conn, "db", 20, bounds, 0.0)[1]
        if steps == cut:
            raise Killed
        return done

    for steps in range(1, cut):  # noqa: B007  `one` reads it
        store._io.write(one)
    steps = cut
    with pytest.raises(Killed):
        store._io.write(one)
    assert dump(store) == before
    assert sizes(store) == counted(store)
    store.close()

    again = EmbeddedStore(tmp_path / "data", limits=SMALL)
    try:
        again.compact("db")
        assert dump(again) == before
        assert sizes(again) == counted(again)
        assert len(set(sizes(again))) == 1
    finally:
        again.close()
