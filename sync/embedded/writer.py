"""One writer for each process: many requests, one transaction, one wait for the disk.

SQLite admits one writer at a time and a commit costs an fsync. So writes queue, and the first in the queue
leads: its thread takes what has come meanwhile into one `BEGIN IMMEDIATE`, answers all of them after the
commit, and leaves the lead to the next in the queue. Whoever writes alone so waits for no other thread. A
refusal harms nobody else: edits of documents go into a ledger, which a refused one does not reach, and
anything else has a savepoint of its own. Several processes may do so: the lock is the file's.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, TypeVar

import apsw

from sync.embedded.ledger import Ledger
from sync.store import Damaged, NoSpace, ReadOnly, StoreError

#: To those who shared a transaction with a thread that was ended from outside.
_ENDED = "The thread that wrote was ended, and it is not known whether this was written."

T = TypeVar("T")
Job = Callable[[apsw.Connection], T]
Edit = Callable[[Ledger], T]


class _Waiting:
    """A request, and what became of it: a result or a failure. Lighter than a Future, and there are many.

    With nothing to `run` it waits for the lead alone.
    """

    __slots__ = ("_failure", "_result", "_woken", "run", "told")

    def __init__(self, run: Callable[[Ledger], Any] | None) -> None:
        self.run = run
        #: Whether its fate is known.
        self.told = False
        self._woken = threading.Lock()
        self._woken.acquire()

    def wait(self) -> None:
        """Wait until it has been told, or is to lead."""
        self._woken.acquire()

    def lead(self) -> None:
        """Let it lead: all before it are done."""
        self._woken.release()

    def tell(self, result: Any, failure: BaseException | None) -> None:
        self._result = result
        self._failure = failure
        self.told = True
        self.run = None  # what it holds is let go of here: a batch of documents is large
        self._woken.release()

    def outcome(self) -> Any:
        """The result. Raises the failure."""
        if self._failure is not None:
            raise self._failure
        return self._result


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
    """Runs jobs on the one writing connection in the order in which they came, in threads that bring them.

    `on_commit` is called after those who waited for a commit have been told, `on_rollback` before.
    """

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
        # Guards what follows: who leads is the first in the queue, and stays there until its group is told.
        self._lock = threading.Lock()
        self._queue: deque[_Waiting] = deque()
        self._closed = False

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
            leads = self._enter(waiting)
        if not leads:
            waiting.wait()
        if not waiting.told:
            self._lead()
        found: T = waiting.outcome()
        return found

    def close(self) -> None:
        """Finish what is queued, then stop. May be called again."""
        last = _Waiting(None)
        with self._lock:
            if self._closed:
                return
            self._closed = True
            leads = self._enter(last)
        if not leads:
            last.wait()
        self._conn.close()

    def _enter(self, waiting: _Waiting) -> bool:
        """Queue up; whether to lead at once. The lock is held."""
        self._queue.append(waiting)
        return len(self._queue) == 1

    def _lead(self) -> None:
        """Commit for the first in the queue and those behind it, and leave the lead to whoever comes next."""
        with self._lock:
            group = [waiting for waiting in islice(self._queue, self._max_group) if waiting.run is not None]
        try:
            self._commit(self._conn, group)
        except BaseException:  # this thread is being ended, and others wait for what it did
            self._roll_back(self._conn)
            raise
        finally:
            for waiting in group:
                if not waiting.told:
                    waiting.tell(None, StoreBusy(_ENDED))
            with self._lock:
                for _ in group:
                    self._queue.popleft()
                following = self._queue[0] if self._queue else None
            if following is not None:
                following.lead()

    def _commit(self, conn: apsw.Connection, group: list[_Waiting]) -> None:
        """One transaction for the whole group. Nobody is answered before its fate is known."""
        try:
            outcomes = _attempt(conn, group)
        except Exception as error:  # noqa: BLE001  every waiting caller must hear of it, whatever it is
            self._roll_back(conn)
            if isinstance(error, _Spoiled) and len(group) > 1:
                for waiting in group:
                    self._commit(conn, [waiting])
                return
            cause = error.cause if isinstance(error, _Spoiled) else error
            for waiting in group:
                waiting.tell(None, told(cause))
            return
        for waiting, (result, failure) in zip(group, outcomes, strict=True):
            waiting.tell(result, failure)
        self._on_commit()

    def _roll_back(self, conn: apsw.Connection) -> None:
        with contextlib.suppress(apsw.Error):
            if conn.in_transaction:
                conn.execute("ROLLBACK")
        self._on_rollback()


def _attempt(conn: apsw.Connection, group: list[_Waiting]) -> list[tuple[Any, BaseException | None]]:
    """Each request's result or refusal, all of them committed. Raises what makes the transaction fail."""
    outcomes: list[tuple[Any, BaseException | None]] = []
    conn.execute("BEGIN IMMEDIATE")
    ledger = Ledger(conn)
    for waiting in group:
        assert waiting.run is not None  # noqa: S101  it has not been told anything yet
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
