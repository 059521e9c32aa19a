"""Housekeeping that is killed, or runs beside uploads of other processes, takes nothing that is needed."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import apsw
import pytest

from sync.embedded import schema
from sync.embedded.engine import EmbeddedStore, Limits
from sync.embedded.rendering import Show
from sync.store import NewAttachment
from tests.sync.test_schema import old_file

CHILD = Path(__file__).parent / "compact_child.py"
KILLS = 4


def dump(store: EmbeddedStore) -> dict[str, Any]:
    return {
        change.id: store.open_revs("db", change.id, "all", show=Show(revs=True, attachments=True))
        for change in store.changes("db", style="all_docs").results
        if change.id not in {"x", "y"}
    }


def fill(store: EmbeddedStore) -> None:
    """Documents with history, conflicts, tombstones and attachments, which the child leaves alone."""
    for name in "abc":
        rev = None
        for n in range(4):
            rev = store.put("db", {"_id": name, "n": n} | ({"_rev": rev} if rev else {}))
        photo = NewAttachment("photo", "image/jpeg", io.BytesIO(name.encode() * 900))
        rev = store.put_attachment("db", name, rev, photo)
        start, ids = 2, ["ff", store.get("db", name, show=Show(revs=True))["_revisions"]["ids"][-1]]
        loser = {"_id": name, "_rev": "2-ff", "_revisions": {"start": start, "ids": ids}, "n": -1}
        store.bulk_docs("db", [loser], new_edits=False)
    store.put("db", {"_id": "c", "_rev": store.get("db", "c")["_rev"], "_deleted": True})


def test_a_kill_in_the_middle_of_housekeeping_loses_nothing(tmp_path: Path) -> None:
    folder, random = tmp_path / "data", Random(7)
    store = EmbeddedStore(folder)
    store.create_database("db")
    fill(store)
    before = dump(store)
    store.close()
    freed = 0
    for _ in range(KILLS):
        child = subprocess.Popen([sys.executable, str(CHILD), str(folder)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        with child.stdout as out:
            lines = [out.readline()]
            time.sleep(random.uniform(0.0, 0.4))
            child.kill()
            lines += out.readlines()
        child.wait()
        freed += sum(int(line) for line in lines if line.strip().isdecimal())
        store = EmbeddedStore(folder)
        assert dump(store) == before
        for name in ("x", "y"):
            doc = store.find("db", name)
            if doc is not None and "_attachments" in doc:
                with store.open_attachment("db", name, "photo") as photo:
                    assert len(photo.stream.read()) == photo.length
        store.close()
        conn = apsw.Connection(str(folder / "hezha.sqlite3"))
        assert conn.pragma("integrity_check") == "ok"
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
        conn.close()
    assert freed > 0


def test_an_upload_of_another_process_is_not_swept_away(tmp_path: Path) -> None:
    """Two stores on one folder are what two processes are to each other."""
    limits = Limits(abandoned_seconds=100)
    one, other = EmbeddedStore(tmp_path, limits=limits), EmbeddedStore(tmp_path, limits=limits)
    try:
        one.create_database("db")
        info = one.ingest(io.BytesIO(b"bytes"))
        assert other.sweep_blobs() == 0
        one.attach("db", "a", None, name="n", content_type="x/y", info=info)
        assert other.sweep_blobs(now=time.time() + 1000) == 0
        with other.open_attachment("db", "a", "n") as found:
            assert found.stream.read() == b"bytes"
    finally:
        one.close()
        other.close()


def test_bytes_that_are_sent_again_are_young_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listed as old, sent again by somebody before the lock is held: they stay."""
    store = EmbeddedStore(tmp_path, limits=Limits(abandoned_seconds=100))
    try:
        store.create_database("db")
        info = store.ingest(io.BytesIO(b"bytes"))
        path = store._blobs._path(info.sha256)
        os.utime(path, (1.0, 1.0))
        sweep = store._sweep

        def late(*args: Any, **kwargs: Any) -> int:
            store.ingest(io.BytesIO(b"bytes"))
            return sweep(*args, **kwargs)

        monkeypatch.setattr(store, "_sweep", late)
        assert store.sweep_blobs() == 0
        assert path.is_file()
        monkeypatch.undo()
        os.utime(path, (1.0, 1.0))
        assert store.sweep_blobs() == 1
    finally:
        store.close()


def test_an_upgrade_that_is_cut_off_changes_nothing_and_is_done_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = old_file(tmp_path / "data")

    class Cut(Exception):
        pass

    def half(conn: apsw.Connection) -> None:
        schema._from_1(conn)
        raise Cut

    monkeypatch.setattr(schema, "_UPGRADES", {1: half})
    with pytest.raises(Cut):
        schema.prepare(file, busy_seconds=1)
    conn = apsw.Connection(str(file))
    assert conn.pragma("user_version") == 1
    assert conn.execute("SELECT count(*) FROM revisions").get == 3
    conn.close()
    monkeypatch.undo()
    schema.prepare(file, busy_seconds=1)
    store = EmbeddedStore(file.parent)
    assert store.get("db", "a")["n"] == 3
    store.close()
