"""At-least-once delivery of changes in many databases to one handler.

A follower has a name, and remembers how far it has come in each database with a local document there, which
therefore vanishes together with the database. The checkpoint moves only after the handler has returned. So
a batch may come twice, after a crash, but never not at all; handlers must not mind.

What a round costs depends on what changed and not on how many databases there are: after one look at each
of them at the start, the feed of databases says where to look. Where that feed may miss a change after a
crash (`complete_feed`), everything is looked at again when the store has failed, and every so often. A
database whose handler fails waits, for longer each time, while the others go on.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import structlog

from sync.store import ChangeBatch, DocumentStore, NotFound

_log = structlog.get_logger(__name__)

Handler = Callable[[str, ChangeBatch], None]


class Pulse(Protocol):
    """Told by a follower that it moves, so that somebody may notice when it does not."""

    def beat(self) -> None:
        """A step is done."""

    def expect(self, seconds: float) -> None:
        """The next step may take this many seconds longer than usual."""


class Unwatched:
    """The pulse of a follower that nobody watches."""

    def beat(self) -> None: ...

    def expect(self, seconds: float) -> None: ...


@dataclass(frozen=True)
class Pace:
    """How a follower works. Times in seconds.

    After the n-th failure in a row a database is left alone for `first_pause * 2**(n-1)`, at most
    `longest_pause`. `idle_wait` bounds one wait for changes, and so how long `run` takes to notice `stop`.
    Where the feed of databases may miss something, every database is looked at once in `sweep` seconds.
    """

    batch: int = 100
    first_pause: float = 1.0
    longest_pause: float = 300.0
    idle_wait: float = 1.0
    sweep: float = 3600.0


@dataclass
class _Trouble:
    failures: int
    not_before: float


def checkpoint_id(follower: str) -> str:
    """The name, behind `_local/`, of a follower's checkpoint in each database."""
    return f"follow-{follower}"


class Follower:
    """Delivers the changes of every database that `wants` to `handler(database, batch)`.

    Batches come in order and one at a time, so a slow handler delays all databases. Use one follower of a
    name at a time: two would do the same work twice, though none would be lost. Its methods must not be
    called concurrently.
    """

    def __init__(
        self,
        store: DocumentStore,
        name: str,
        wants: Callable[[str], bool],
        handler: Handler,
        *,
        include_docs: bool = True,
        style: Literal["main_only", "all_docs"] = "main_only",
        pace: Pace | None = None,
        pulse: Pulse | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._name = name
        self._wants = wants
        self._handler = handler
        self._include_docs = include_docs
        self._style: Literal["main_only", "all_docs"] = style
        self._pace = pace or Pace()
        self._pulse = pulse or Unwatched()
        self._clock = clock
        self._since: str | None = None
        self._look_again = threading.Event()
        self._sweep_at = math.inf
        # Insertion order is the queue: whoever has had a turn and has more goes to the end.
        self._dirty: dict[str, None] = {}
        self._trouble: dict[str, _Trouble] = {}

    @property
    def checkpoint_id(self) -> str:
        """The name, behind `_local/`, of the checkpoint in each database."""
        return checkpoint_id(self._name)

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop` is set. A failing store is logged and tried again."""
        failures = 0
        while not stop.is_set():
            try:
                self.run_once(self._pace.idle_wait)
                failures = 0
            except Exception:  # noqa: BLE001  whatever ails the store, following must outlast it
                failures += 1
                pause = self._pause(failures)
                if not self._store.complete_feed:
                    self.look_again()
                _log.exception("follow.store_failed", follower=self._name, retry_in=pause)
                self._pulse.expect(pause)
                stop.wait(pause)

    def run_once(self, timeout: float = 0.0) -> bool:
        """One round: see what changed, waiting up to `timeout` seconds if there is nothing to do, then give
        every waiting database one batch. Returns whether a batch was delivered.

        Raises what the store raises; a handler's failure is logged and its database tried again later.
        """
        self._look(0.0 if self._ready() else self._patience(timeout))
        self._pulse.beat()
        delivered = False
        for db in self._ready():
            delivered = self._deliver(db) or delivered
            self._pulse.beat()
        return delivered

    def look_again(self) -> None:
        """Have the next round look at every database that is wanted by then. From any thread."""
        self._look_again.set()

    def idle(self) -> bool:
        """Whether every change this follower has heard of is delivered."""
        return self._since is not None and not self._dirty

    def _look(self, timeout: float) -> None:
        """Note which databases have changed, and forget those that are not wanted any more."""
        for db in [db for db in self._dirty if not self._wants(db)]:
            self._forget(db)
        if self._since is None or self._look_again.is_set() or self._clock() >= self._sweep_at:
            self._look_again.clear()
            self._since = None  # until both answers are here: a store that fails in between is asked again
            # The feed's end first, the names after: what happens in between is seen twice, not missed.
            _, since = self._store.db_updates(since="now")
            self._dirty.update((db, None) for db in self._store.database_names() if self._wants(db))
            self._since = since
            if not self._store.complete_feed:
                self._sweep_at = self._clock() + self._pace.sweep
            return
        changed, self._since = self._store.db_updates(since=self._since, timeout=timeout)
        for update in changed:
            wanted = self._wants(update.db_name)
            _log.debug("follow.told", follower=self._name, db=update.db_name, what=update.type, wanted=wanted)
            if update.type == "deleted":
                self._forget(update.db_name)
            elif wanted:
                self._dirty.setdefault(update.db_name)

    def _ready(self) -> list[str]:
        now = self._clock()
        return [db for db in self._dirty if db not in self._trouble or self._trouble[db].not_before <= now]

    def _patience(self, timeout: float) -> float:
        """Do not wait past the moment at which a database may be tried again."""
        waits = [self._trouble[db].not_before - self._clock() for db in self._dirty if db in self._trouble]
        return max(0.0, min([timeout, *waits]))

    def _deliver(self, db: str) -> bool:
        try:
            checkpoint = self._store.get_local(db, self.checkpoint_id) or {}
            batch = self._store.changes(
                db,
                since=str(checkpoint.get("seq", "0")),
                limit=self._pace.batch,
                include_docs=self._include_docs,
                style=self._style,
            )
            if batch.results and not self._handle(db, batch):
                return False
            if batch.results:
                self._store.put_local(db, self.checkpoint_id, {"seq": batch.last_seq})
            _log.debug(
                "follow.delivered",
                follower=self._name,
                db=db,
                since=checkpoint.get("seq", "0"),
                ids=[change.id for change in batch.results],
                last_seq=batch.last_seq,
                pending=batch.pending,
            )
        except NotFound:
            self._forget(db)  # deleted under our hands; its end is in the feed
            return False
        self._trouble.pop(db, None)
        del self._dirty[db]
        if batch.pending:
            self._dirty[db] = None
        return bool(batch.results)

    def _handle(self, db: str, batch: ChangeBatch) -> bool:
        try:
            self._handler(db, batch)
        except Exception:  # noqa: BLE001  a handler may fail in any way; none may stop the others
            failures = self._trouble[db].failures + 1 if db in self._trouble else 1
            pause = self._pause(failures)
            self._trouble[db] = _Trouble(failures, self._clock() + pause)
            _log.exception(
                "follow.handler_failed",
                follower=self._name,
                db=db,
                ids=[change.id for change in batch.results],
                last_seq=batch.last_seq,
                failures=failures,
                retry_in=pause,
            )
            return False
        return True

    def _pause(self, failures: int) -> float:
        return float(min(self._pace.first_pause * 2 ** min(failures - 1, 30), self._pace.longest_pause))

    def _forget(self, db: str) -> None:
        self._dirty.pop(db, None)
        self._trouble.pop(db, None)
