"""Many requests share one wait for the disk, and none suffers from another."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest

from sync.embedded.engine import EmbeddedStore, Limits
from sync.embedded.schema import connect
from sync.embedded.writer import StoreBusy, StoreClosed, Writer
from sync.store import Conflict


class Bench:
    """A writer on a table `t(x)`, with its commits counted."""

    def __init__(self, file: Path, max_group: int = 100) -> None:
        self.file = file
        self.commits = 0
        self.rollbacks = 0
        conn = connect(file, busy_seconds=1)
        conn.pragma("journal_mode", "WAL")
        conn.execute("CREATE TABLE t (x INTEGER PRIMARY KEY)")
        conn.execute("CREATE TABLE child (y INTEGER REFERENCES t(x) DEFERRABLE INITIALLY DEFERRED)")
        self.writer = Writer(
            conn, max_group=max_group, on_commit=self._committed, on_rollback=self._rolled_back
        )

    def _committed(self) -> None:
        self.commits += 1

    def _rolled_back(self) -> None:
        self.rollbacks += 1

    def rows(self) -> list[int]:
        conn = connect(self.file, busy_seconds=1, readonly=True)
        found = [int(str(x)) for (x,) in conn.execute("SELECT x FROM t ORDER BY x")]
        conn.close()
        return found

    def together(self, pool: ThreadPoolExecutor, jobs: list[object]) -> list[Future[object]]:
        """Submit jobs so that they meet in one transaction: the first one holds the writer meanwhile."""
        gate = threading.Event()
        holding = pool.submit(self.writer.run, lambda _: gate.wait(10))
        time.sleep(0.05)
        futures: list[Future[object]] = [pool.submit(self.writer.run, job) for job in jobs]  # type: ignore[arg-type]
        time.sleep(0.2)
        gate.set()
        holding.result(10)
        return futures


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "t.sqlite3")
    yield made
    made.writer.close()


def insert(x: int) -> object:
    return lambda conn: conn.execute("INSERT INTO t VALUES (?)", (x,)).fetchall()


def test_requests_that_wait_are_committed_together(bench: Bench) -> None:
    with ThreadPoolExecutor(51) as pool:
        for future in bench.together(pool, [insert(x) for x in range(50)]):
            future.result(10)
    assert bench.rows() == list(range(50))
    assert bench.commits == 2


def test_a_failing_request_harms_nobody_else(bench: Bench) -> None:
    def refused(conn: apsw.Connection) -> None:
        conn.execute("INSERT INTO t VALUES (99)")
        raise Conflict

    with ThreadPoolExecutor(5) as pool:
        one, two, three = bench.together(pool, [insert(1), refused, insert(3)])
        one.result(10)
        three.result(10)
        with pytest.raises(Conflict):
            two.result(10)
    assert bench.rows() == [1, 3]


def test_nobody_is_told_of_success_when_the_commit_fails(bench: Bench) -> None:
    """A violated deferred constraint shows only at COMMIT, as a failing disk would."""

    def orphan(conn: apsw.Connection) -> None:
        conn.execute("INSERT INTO child VALUES (12345)")

    with ThreadPoolExecutor(5) as pool:
        for future in bench.together(pool, [insert(1), orphan, insert(3)]):
            with pytest.raises(apsw.ConstraintError):
                future.result(10)
    assert bench.rows() == []
    assert bench.rollbacks == 1
    bench.writer.run(insert(4))  # type: ignore[arg-type]
    assert bench.rows() == [4]


def test_whoever_writes_alone_waits_for_no_other_thread(bench: Bench) -> None:
    assert bench.writer.run(lambda _: threading.get_ident()) == threading.get_ident()


def test_a_thread_that_is_ended_while_it_writes_leaves_nobody_waiting(bench: Bench) -> None:
    def ended(conn: apsw.Connection) -> None:
        conn.execute("INSERT INTO t VALUES (99)")
        raise SystemExit

    with ThreadPoolExecutor(5) as pool:
        futures = bench.together(pool, [insert(1), ended, insert(3)])
        outcomes = [future.exception(10) for future in futures]
    assert sum(isinstance(outcome, StoreBusy) for outcome in outcomes) == 2
    assert sum(isinstance(outcome, SystemExit) for outcome in outcomes) == 1
    assert bench.rows() == []
    bench.writer.run(insert(4))  # type: ignore[arg-type]
    assert bench.rows() == [4]


def test_a_closed_writer_finishes_what_is_queued_and_takes_no_more(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "t.sqlite3", max_group=3)
    with ThreadPoolExecutor(11) as pool:
        futures = bench.together(pool, [insert(x) for x in range(10)])
        bench.writer.close()
        for future in futures:
            future.result(10)
    assert bench.rows() == list(range(10))
    with pytest.raises(StoreClosed):
        bench.writer.run(insert(11))  # type: ignore[arg-type]


def test_a_file_that_stays_locked_is_told_and_not_fatal(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path, limits=Limits(busy_seconds=0.1))
    store.create_database("db")
    other = connect(tmp_path / "hezha.sqlite3", busy_seconds=1)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        store.put("db", {"_id": "a"})
    other.execute("ROLLBACK")
    store.put("db", {"_id": "a"})
    assert store.info("db").doc_count == 1
    other.close()
    store.close()


def test_threads_that_edit_one_document_never_overwrite_each_other(store: EmbeddedStore) -> None:
    store.put("db", {"_id": "counter", "n": 0})

    def add(_: int) -> None:
        while True:
            doc = store.get("db", "counter")
            try:
                store.put("db", {**doc, "n": doc["n"] + 1})
            except Conflict:
                continue
            return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(60)))
    assert store.get("db", "counter")["n"] == 60
    assert len(store.leaves("db", "counter")) == 1


MANY_WRITES = """
import sys
from pathlib import Path
from sync.embedded.engine import EmbeddedStore
store = EmbeddedStore(Path(sys.argv[1]))
for n in range(100):
    store.put("db", {"_id": f"{sys.argv[2]}:{n}"})
store.close()
"""


def test_several_processes_write_side_by_side(store: EmbeddedStore, tmp_path: Path) -> None:
    children = [
        subprocess.Popen([sys.executable, "-c", MANY_WRITES, str(tmp_path / "data"), name]) for name in "ab"
    ]
    for n in range(100):
        store.put("db", {"_id": f"c:{n}"})
    assert [child.wait(60) for child in children] == [0, 0]
    seqs = [change.seq for change in store.changes("db").results]
    assert [seq.partition("-")[0] for seq in seqs] == [str(n) for n in range(1, 301)]
    assert store.info("db").doc_count == 300


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    store.create_database("db")
    store.close()
    store.close()
    for call in (lambda: store.put("db", {"_id": "a"}), lambda: store.info("db")):
        with pytest.raises(StoreClosed):
            call()


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    EmbeddedStore(tmp_path).close()
    conn = connect(tmp_path / "hezha.sqlite3", busy_seconds=1)
    conn.execute("PRAGMA user_version=999")
    conn.close()
    with pytest.raises(RuntimeError, match="999"):
        EmbeddedStore(tmp_path)
