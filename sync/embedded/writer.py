"""One writer for each process: many requests, one transaction, one wait for the disk.

SQLite admits one writer at a time and a commit costs an fsync. So writes queue for one thread, which takes
what has come meanwhile into one `BEGIN IMMEDIATE` and answers all of them after the commit. A refusal harms
nobody else: edits of documents go into a ledger, which a refused one does not reach, and anything else has a
savepoint of its own. Several processes may do so: the lock is the file's.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import apsw

from sync.embedded.ledger import Ledger
from sync.store import Damaged, NoSpace, ReadOnly, StoreError

T = TypeVar("T")
Job = Callable[[apsw.Connection], T]
Edit = Callable[[Ledger], T]


class _Waiting:
    """A request, and what became of it: a result or a failure. Lighter than a Future, and there are many."""

    __slots__ = ("_failure", "_result", "_told", "run")

    def __init__(self, run: Callable[[Ledger], Any]) -> None:
        self.run = run
        self._told = threading.Lock()
        self._told.acquire()

    def wait(self) -> Any:
        """Wait until it is told. Raises the failure."""
        self._told.acquire()
        if self._failure is not None:
            raise self._failure
        return self._result

    def tell(self, result: Any, failure: BaseException | None) -> None:
        self._result = result
        self._failure = failure
        self._told.release()


class _Spoiled(Exception):
    """A request failed half way, as none should, and what others of its transaction entered is of no use."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class StoreClosed(StoreError):
    """The store was closed, so nothing more can be written."""

    status = 503
    error = "service_unavailable"


class StoreBusy(StoreError):
    """Nothing was written: the file stayed locked, or the disk failed. Trying again may help."""

    status = 503
    error = "service_unavailable"


@contextlib.contextmanager
def savepoint(conn: apsw.Connection) -> Iterator[None]:
    """All or nothing inside a transaction. They nest."""
    conn.execute("SAVEPOINT edit")
    try:
        yield
    except BaseException:
        if conn.in_transaction:  # a full disk may have ended the transaction already
            conn.execute("ROLLBACK TO edit")
            conn.execute("RELEASE edit")
        raise
    conn.execute("RELEASE edit")


class Writer:
    """Runs jobs on the one writing connection, in the order in which they came."""

    def __init__(
        self,
        conn: apsw.Connection,
        *,
        max_group: int,
        on_commit: Callable[[], None],
        on_rollback: Callable[[], None],
    ) -> None:
        self._conn = conn
        self._on_rollback = on_rollback
        self._max_group = max_group
        self._on_commit = on_commit
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="hezha-writer", daemon=True)
        self._thread.start()

    def run(self, job: Job[T]) -> T:
        """Run `job` in a savepoint of some transaction; returns after its commit is on disk.

        Raises what `job` raises, and nothing of it is stored then; StoreClosed, NoSpace, ReadOnly, Damaged;
        StoreBusy if the disk fails or another process holds the file for too long.
        """

        def run(ledger: Ledger) -> T:
            ledger.flush()  # it may read or change what edits before it have entered
            with savepoint(ledger.conn):
                return job(ledger.conn)

        return self._queued(run)

    def edit(self, job: Edit[T]) -> T:
        """Run `job`, which enters edits and changes nothing else; returns when they are on disk.

        Raises as `run` does.
        """

        def run(ledger: Ledger) -> T:
            before = ledger.entered
            try:
                return job(ledger)
            except Exception as error:
                if ledger.entered != before:
                    raise _Spoiled(error) from error
                raise

        return self._queued(run)

    def _queued(self, run: Callable[[Ledger], T]) -> T:
        waiting = _Waiting(run)
        with self._lock:
            if self._closed:
                raise StoreClosed("The store is closed.")
            self._queue.put(waiting)
        found: T = waiting.wait()
        return found

    def close(self) -> None:
        """Finish what is queued, then stop."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            group, stopping = self._take()
            if group:
                self._commit(self._conn, group)
        self._conn.close()

    def _take(self) -> tuple[list[_Waiting], bool]:
        """Wait for a job, then take whatever else has queued up meanwhile."""
        group: list[_Waiting] = []
        item = self._queue.get()
        while item is not None:
            group.append(item)
            if len(group) >= self._max_group:
                return group, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _commit(self, conn: apsw.Connection, group: list[_Waiting]) -> None:
        """One transaction for the whole group. Nobody is answered before its fate is known."""
        try:
            outcomes = _attempt(conn, group)
        except Exception as error:  # noqa: BLE001  every waiting caller must hear of it, whatever it is
            with contextlib.suppress(apsw.Error):
                if conn.in_transaction:
                    conn.execute("ROLLBACK")
            self._on_rollback()
            if isinstance(error, _Spoiled) and len(group) > 1:
                for waiting in group:
                    self._commit(conn, [waiting])
                return
            cause = error.cause if isinstance(error, _Spoiled) else error
            for waiting in group:
                waiting.tell(None, told(cause))
            return
        self._on_commit()
        for waiting, (result, failure) in zip(group, outcomes, strict=True):
            waiting.tell(result, failure)


def _attempt(conn: apsw.Connection, group: list[_Waiting]) -> list[tuple[Any, BaseException | None]]:
    """Each request's result or refusal, all of them committed. Raises what makes the transaction fail."""
    outcomes: list[tuple[Any, BaseException | None]] = []
    conn.execute("BEGIN IMMEDIATE")
    ledger = Ledger(conn)
    for waiting in group:
        try:
            outcomes.append((waiting.run(ledger), None))
        except _Spoiled:
            raise
        except Exception as error:
            if not conn.in_transaction:
                raise
            outcomes.append((None, told(error)))
    ledger.flush()
    conn.execute("COMMIT")
    return outcomes


def told(error: Exception) -> Exception:
    """What ails the file in the store's words; the error itself, where the program is at fault."""
    if isinstance(error, apsw.FullError):
        words: StoreError = NoSpace("The disk is full; nothing was written.")
    elif isinstance(error, apsw.ReadOnlyError):
        words = ReadOnly("The database file is read-only; nothing was written.")
    elif isinstance(error, (apsw.CorruptError, apsw.NotADBError)):
        words = Damaged("The database file is damaged. An operator has to act: see hezha doctor.")
    elif isinstance(error, (apsw.BusyError, apsw.IOError, apsw.CantOpenError)):
        words = StoreBusy(f"The database file does not answer, and nothing was written: {error}")
    else:
        return error
    words.__cause__ = error
    return words
