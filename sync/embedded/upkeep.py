"""Housekeeping: compaction on request and by itself, pages given back to the disk, blobs swept."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import apsw
import structlog

from sync.embedded import compaction, records, schema, updates
from sync.embedded.attachments import AttachmentCalls
from sync.embedded.compaction import Freed, Slice
from sync.store import SERVER, NotFound, StoreError, UserCtx, never

_log = structlog.get_logger(__name__)
_SWEPT = "blobs_swept_at"


class UpkeepCalls(AttachmentCalls):
    """The part of the store that keeps its folder small. None of it blocks writers for more than a slice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._closing = threading.Event()
        self._requested: set[str] = set()
        self._requests = threading.Lock()
        self._keeper = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hezha-keeper")

    def request_compaction(self, db: str, *, user: UserCtx = SERVER) -> None:
        """Begin to compact `db` in the background, as `POST /db/_compact` does.

        One that waits already is enough. Raises NotFound, Unauthorized or Forbidden (no admin).
        """

        def job(conn: apsw.Connection) -> None:
            row = records.database(conn, db)
            updates.require_admin(user, row.security)
            conn.execute(
                "UPDATE databases SET compacting_until = ? WHERE pk = ?", (self._busy_until(), row.pk)
            )

        self._io.write(job)
        with self._requests:
            if db in self._requested or self._closing.is_set():
                return
            self._requested.add(db)
            self._keeper.submit(self._compact_requested, db)

    def compact(self, db: str, *, stopping: Callable[[], bool] = never) -> Freed:
        """Free what no leaf of `db` needs, up to its present state; return what that was. Raises NotFound.

        Cut off by `close`, a crash or `stopping`, which is asked between slices, it has freed a part, and the
        next call goes on from there.
        """
        with self._reading(db) as (_, row):
            upto = row.seq
        bounds = Slice(self.limits.compact_documents, self.limits.compact_revisions)
        freed, done = Freed(), False
        while not (done or self._closing.is_set() or stopping()):
            until = self._busy_until()
            more, done = self._io.write(
                partial(compaction.step, name=db, upto=upto, bounds=bounds, busy_until=until)
            )
            freed += more
        return freed

    def shrink(self, *, keep_share: float = 0.0, stopping: Callable[[], bool] = never) -> int:
        """Give pages back to the disk until at most `keep_share` of the file is free; return how many."""
        total = 0
        while not (self._closing.is_set() or stopping()):
            with self._io.reading() as conn:
                free, pages = compaction.free_pages(conn)
            wanted = min(self.limits.vacuum_pages, free - int(keep_share * pages))
            given = self._io.write(partial(compaction.give_back, pages=wanted)) if wanted > 0 else 0
            if given <= 0:
                break
            total += given
        if total:
            self._truncate()
        return total

    def maintain(self, stopping: Callable[[], bool] = never) -> None:
        """Do what is worth doing at present. Call it from time to time, in one process of those of a folder.

        `stopping` is asked between slices. Raises StoreError where the disk fails; then call it again later.
        """
        self.tidy(time.time(), stopping)

    def tidy(self, now: float, stopping: Callable[[], bool] = never) -> Freed:
        """What `maintain` does, at `now` (seconds since the epoch); what compaction has freed.

        Compacts the databases whose old bodies pass `compact_share`, gives pages back when more than
        `vacuum_share` of the file is free, and sweeps blobs every `sweep_seconds`.
        """
        share, least = self.limits.compact_share, self.limits.compact_min_bytes
        with self._io.reading() as conn:
            names = compaction.worth_it(conn, share=share, least_bytes=least)
        freed = Freed()
        for name in names:
            with contextlib.suppress(NotFound):  # deleted meanwhile
                freed += self.compact(name, stopping=stopping)
        with self._io.reading() as conn:
            free, pages = compaction.free_pages(conn)
        if free > self.limits.vacuum_share * pages:
            self.shrink(keep_share=self.limits.vacuum_share / 2, stopping=stopping)
        if not stopping():
            self._sweep_when_due(now, stopping)
        return freed

    def close(self) -> None:
        """Finish queued writes and the present slice of a compaction, then close everything."""
        with self._requests:
            self._closing.set()
        self._keeper.shutdown(wait=True, cancel_futures=True)
        super().close()

    def _compact_requested(self, db: str) -> None:
        # A request from here on needs a turn of its own: this one may have said already that it is over.
        with self._requests:
            self._requested.discard(db)
        try:
            freed = self.compact(db)
            self.shrink()
            _log.info("sync.compacted", database=db, revisions=freed.revisions, bytes=freed.bytes)
        except NotFound:
            pass  # deleted meanwhile
        except StoreError as error:  # a full disk, a locked file: what is freed is freed
            _log.warning("sync.compaction_failed", database=db, reason=error.reason)

    def _busy_until(self) -> float:
        return time.time() + self.limits.compact_lease_seconds

    def _sweep_when_due(self, now: float, stopping: Callable[[], bool]) -> None:
        with self._io.reading() as conn:
            last = conn.execute("SELECT value FROM store WHERE key = ?", (_SWEPT,)).get
        # A clock that was set back must not put the sweep off for years.
        if last is not None and 0 <= now - float(last) < self.limits.sweep_seconds:
            return
        removed = self.sweep_blobs(now=now, stopping=stopping)
        self._io.write(
            lambda conn: conn.execute("INSERT OR REPLACE INTO store VALUES (?, ?)", (_SWEPT, repr(now)))
        )
        if removed:
            _log.info("sync.blobs_swept", removed=removed)

    def _truncate(self) -> None:
        """Let the file itself become shorter; readers and writers are not waited for."""
        conn = schema.connect(self._io.file, busy_seconds=0)
        try:
            with contextlib.suppress(apsw.Error):  # somebody is at it; the next checkpoint will do
                conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        finally:
            conn.close()
