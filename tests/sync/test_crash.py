"""`kill -9` at any moment loses nothing acknowledged and leaves nothing half-written."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import apsw

from sync.embedded.engine import EmbeddedStore

CHILD = Path(__file__).parent / "crash_child.py"
KILLS = 5


def run_and_kill(folder: Path, round_: int, seconds: float) -> list[list[str]]:
    """Start the writer, kill it `seconds` after its first acknowledgement, return what it acknowledged."""
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(folder), str(round_)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child.stdout as out:
        first = out.readline()
        time.sleep(seconds)
        child.kill()
        lines = [first, *out.readlines()]
    child.wait()
    return [line.split() for line in lines if line.endswith("\n")]


def check_acknowledged(store: EmbeddedStore, acknowledged: list[list[str]]) -> None:
    for doc_id, rev, sha256 in acknowledged:
        assert store.get("db", doc_id)["_rev"] == rev
        if sha256 != "-":
            with store.open_attachment("db", doc_id, "photo") as found:
                assert hashlib.sha256(found.stream.read()).hexdigest() == sha256


def check_whole(store: EmbeddedStore, folder: Path) -> None:
    """Nothing is half there: rows fit each other, counts are right, every attachment has all its bytes."""
    docs = list(store.all_docs("db"))
    info = store.info("db")
    assert info.doc_count == len(docs) == len(store.changes("db").results)
    for doc in docs:
        for name, entry in doc.get("_attachments", {}).items():
            with store.open_attachment("db", doc["_id"], name) as found:
                assert len(found.stream.read()) == entry["length"]
    conn = apsw.Connection(str(folder / "hezha.sqlite3"), flags=apsw.SQLITE_OPEN_READWRITE)
    assert conn.pragma("integrity_check") == "ok"
    assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
    conn.close()


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    random = Random(4)
    folder = tmp_path / "data"
    EmbeddedStore(folder).close()
    store = EmbeddedStore(folder)
    store.create_database("db")
    store.close()
    acknowledged: list[list[str]] = []
    for round_ in range(KILLS):
        new = run_and_kill(folder, round_, random.uniform(0.02, 0.25))
        assert new
        acknowledged += new
        store = EmbeddedStore(folder)
        check_acknowledged(store, acknowledged)
        check_whole(store, folder)
        store.close()


def test_what_a_killed_writer_left_half_received_is_cleared_away(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    store = EmbeddedStore(folder)
    part = folder / "blobs" / "incoming" / "x.part"
    part.write_bytes(b"half")
    kept = store.ingest(io.BytesIO(b"nobody names this"))
    assert store.sweep_blobs(now=time.time() - 1) == 0
    assert part.exists()
    later = time.time() + store.limits.abandoned_seconds + 60
    assert store.sweep_blobs(now=later) == 1
    assert not part.exists()
    assert not (folder / "blobs" / kept.sha256[:2] / kept.sha256[2:]).exists()
    store.close()
