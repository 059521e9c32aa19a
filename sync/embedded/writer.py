"""One writer for each process: many requests, one transaction, one wait for the disk.

SQLite admits one writer at a time and a commit costs an fsync. So writes queue for one thread, which takes
what has come meanwhile into one `BEGIN IMMEDIATE`, gives each its own savepoint so that a refusal harms
nobody else, and answers all of them after the commit. Several processes may do so: the lock is the file's.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

import apsw

from sync.store import Damaged, NoSpace, ReadOnly, StoreError

T = TypeVar("T")
Job = Callable[[apsw.Connection], T]


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
        self._queue: queue.SimpleQueue[tuple[Job[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="hezha-writer", daemon=True)
        self._thread.start()

    def run(self, job: Job[T]) -> T:
        """Run `job` in a savepoint of some transaction; returns after its commit is on disk.

        Raises what `job` raises, and nothing of it is stored then; StoreClosed, NoSpace, ReadOnly, Damaged;
        StoreBusy if the disk fails or another process holds the file for too long.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise StoreClosed("The store is closed.")
            self._queue.put((job, future))
        return future.result()

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

    def _take(self) -> tuple[list[tuple[Job[Any], Future[Any]]], bool]:
        """Wait for a job, then take whatever else has queued up meanwhile."""
        group: list[tuple[Job[Any], Future[Any]]] = []
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

    def _commit(self, conn: apsw.Connection, group: list[tuple[Job[Any], Future[Any]]]) -> None:
        """One transaction for the whole group. Nobody is answered before its fate is known."""
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            conn.execute("BEGIN IMMEDIATE")
            for job, future in group:
                try:
                    with savepoint(conn):
                        outcomes.append((future, job(conn), None))
                except Exception as error:
                    if not conn.in_transaction:
                        raise
                    outcomes.append((future, None, told(error)))
            conn.execute("COMMIT")
        except Exception as error:  # noqa: BLE001  every waiting caller must hear of it, whatever it is
            with contextlib.suppress(apsw.Error):
                if conn.in_transaction:
                    conn.execute("ROLLBACK")
            self._on_rollback()
            for _, future in group:
                future.set_exception(told(error))
            return
        self._on_commit()
        for future, result, failure in outcomes:
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)


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
