"""Connections and threads of the embedded engine: a bounded pool of readers, one writer, one watcher."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import apsw

from sync.embedded import schema
from sync.embedded.ledger import Ledger
from sync.embedded.wakeup import Wakeup
from sync.embedded.writer import StoreClosed, Writer, told

T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """Bounds of one store. Bytes count as stored; seconds are wall-clock.

    `document_bytes` and `revs_limit` are CouchDB 3.5's defaults (max_document_size, revs_limit);
    `attachment_bytes` is its 1 GiB.
    """

    document_bytes: int = 8_000_000
    attachment_bytes: int = 1 << 30
    revs_limit: int = 1000
    #: Longest `_revisions` a replicator may send for one revision.
    revisions_sent: int = 100_000
    #: Reading connections of this process; a reader waits when all are in use.
    readers: int = 8
    #: Most requests in one transaction.
    group: int = 256
    #: How long a transaction waits for another process to finish its own.
    busy_seconds: float = 30.0
    #: How soon a commit by another process is noticed.
    poll_seconds: float = 0.05
    #: Documents read at once by iterators, between which no connection is held.
    page: int = 500
    #: Age at which a half-received attachment, or a blob that nobody names, is certainly abandoned.
    abandoned_seconds: float = 86_400.0
    #: Databases that get new write rules in one transaction.
    rules_per_turn: int = 50
    #: One slice of a compaction, between which others write: documents looked at, revisions removed,
    #: pages given back to the disk.
    compact_documents: int = 1000
    compact_revisions: int = 200
    vacuum_pages: int = 500
    #: `maintain` compacts a database when old bodies are this share of its bytes, and this many bytes.
    compact_share: float = 0.5
    compact_min_bytes: int = 64 * 1024
    #: Share of the file that may be free for reuse before pages are given back.
    vacuum_share: float = 0.25
    #: How often `maintain` looks for blobs that nobody names.
    sweep_seconds: float = 86_400.0
    #: How long a compaction counts as running after its latest slice; a killed one ends so.
    compact_lease_seconds: float = 30.0
    #: Most documents and revisions in one `_purge`, and purges remembered by a new database (CouchDB's).
    purge_documents: int = 100
    purge_revisions: int = 1000


class Machinery:
    """What a store runs on. Create it after forking: connections and threads do not survive a fork."""

    def __init__(self, file: Path, limits: Limits, *, on_rollback: Callable[[], None]) -> None:
        self.file = file
        self._limits = limits
        self.incarnation = schema.prepare(file, busy_seconds=limits.busy_seconds)
        self._closed = False
        self._idle: queue.LifoQueue[apsw.Connection | None] = queue.LifoQueue()
        for _ in range(limits.readers):
            self._idle.put(None)
        self.wakeup = Wakeup(self._reader, poll_seconds=limits.poll_seconds)
        self._writer = Writer(
            schema.connect(file, busy_seconds=limits.busy_seconds),
            max_group=limits.group,
            on_commit=self.wakeup.poke,
            on_rollback=on_rollback,
        )

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """A connection inside a read transaction: everything read in it is of one moment.

        Raises StoreClosed; Damaged or StoreBusy in place of SQLite's own errors.
        """
        try:
            with self._snapshot() as conn:
                yield conn
        except apsw.Error as error:
            words = told(error)
            if words is error:
                raise
            raise words from error

    def glance(self, look: Callable[[apsw.Connection], T]) -> T:
        """What `look` finds with a single statement, which is a moment of its own. Raises as `reading`."""
        try:
            with self._connection() as conn:
                return look(conn)
        except apsw.Error as error:
            words = told(error)
            if words is error:
                raise
            raise words from error

    @contextmanager
    def _snapshot(self) -> Iterator[apsw.Connection]:
        with self._connection() as conn:
            conn.execute("BEGIN")
            try:
                yield conn
            finally:
                if conn.in_transaction:  # a file that cannot be read may have ended it
                    conn.execute("ROLLBACK")

    @contextmanager
    def _connection(self) -> Iterator[apsw.Connection]:
        conn = self._idle.get()
        try:
            if self._closed:
                raise StoreClosed("The store is closed.")
            if conn is None:
                conn = self._reader()
            yield conn
        finally:
            self._idle.put(conn)

    def write(self, job: Callable[[apsw.Connection], T]) -> T:
        """Run `job` in the writer's transaction; returns when it is on disk."""
        return self._writer.run(job)

    def edit(self, job: Callable[[Ledger], T]) -> T:
        """The same for edits of documents, which are entered in the transaction's ledger."""
        return self._writer.edit(job)

    def close(self) -> None:
        """Finish queued writes, wake all who wait, close every connection. May be called again."""
        if self._closed:
            return
        self._writer.close()
        self.wakeup.close()
        self._closed = True
        for _ in range(self._limits.readers):
            conn = self._idle.get()
            if conn is not None:
                conn.close()
        for _ in range(self._limits.readers):
            self._idle.put(None)

    def _reader(self) -> apsw.Connection:
        return schema.connect(self.file, busy_seconds=self._limits.busy_seconds, readonly=True)
