"""Waking those who wait for changes, at no cost to the rest.

One thread for each process looks at SQLite's `data_version`, a number in shared memory that moves when any
process commits; our own writer pokes it without that delay. It then reads which databases changed and wakes
only those who wait for them, so hundreds of parked polls cost nothing while their databases are quiet.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

import apsw
import structlog

_log = structlog.get_logger(__name__)


class Belfry(Protocol):
    """Where bells hang while somebody listens for them."""

    def add(self, db: str | None, waiter: Waiter) -> None: ...

    def discard(self, db: str | None, waiter: Waiter) -> None: ...


class Waiter:
    """Somebody's bell for one database, or for all (`db=None`). Use it in a `with`.

    Take the bell first and look at the data after, so that nothing falls between.
    """

    def __init__(self, wakeup: Belfry, db: str | None) -> None:
        self._wakeup = wakeup
        self._db = db
        self._event = threading.Event()
        self._on_ring: Callable[[], object] | None = None

    def wait(self, timeout: float) -> bool:
        """Wait until something has changed since the last call, at most `timeout` seconds; whether it did.

        A spurious True is possible, a missed change is not. Also True when waiting is over.
        """
        changed = self._event.wait(timeout)
        self._event.clear()
        return changed

    def call(self, on_ring: Callable[[], object]) -> None:
        """Call `on_ring` when the bell rings, in whatever thread; at once if it has since the last `wait`.

        It must be quick and may be called more than once. It replaces an earlier one.
        """
        self._on_ring = on_ring
        if self._event.is_set():
            on_ring()

    def ring(self) -> None:
        self._event.set()
        if self._on_ring is not None:
            self._on_ring()

    def __enter__(self) -> Waiter:
        self._wakeup.add(self._db, self)
        return self

    def __exit__(self, *_: object) -> None:
        self._wakeup.discard(self._db, self)


class Wakeup:
    """The watching thread and its waiters."""

    def __init__(self, connect: Callable[[], apsw.Connection], *, poll_seconds: float) -> None:
        self._conn = connect()
        # Read here and not in the thread: a change made once the constructor is done must ring.
        self._version = self._conn.pragma("data_version")
        self._seen = int(self._conn.execute("SELECT coalesce(max(seq), 0) FROM updates").get)
        self._poll_seconds = poll_seconds
        self._waiters: defaultdict[str | None, set[Waiter]] = defaultdict(set)
        self._lock = threading.Lock()
        self._poked = threading.Event()
        self._closed = False
        self._dismissed = False
        self._thread = threading.Thread(target=self._run, name="hezha-wakeup", daemon=True)
        self._thread.start()

    @property
    def dismissed(self) -> bool:
        """Whether waiting is over: for whoever waits, and for whoever would begin to."""
        return self._dismissed

    def waiter(self, db: str | None) -> Waiter:
        return Waiter(self, db)

    def poke(self) -> None:
        """This process has committed something.

        Without anybody who waits the thread is left alone: it would take its turn with those who write.
        """
        if self._waiters:
            self._poked.set()

    def dismiss(self) -> None:
        """Send everybody who waits home. What is no waiting goes on."""
        self._dismissed = True
        self._ring(None)

    def close(self) -> None:
        self._closed = True
        self._poked.set()
        self._thread.join()
        self.dismiss()

    def add(self, db: str | None, waiter: Waiter) -> None:
        with self._lock:
            self._waiters[db].add(waiter)

    def discard(self, db: str | None, waiter: Waiter) -> None:
        with self._lock:
            self._waiters[db].discard(waiter)
            if not self._waiters[db]:
                del self._waiters[db]

    def parked(self) -> int:
        """How many wait at present."""
        with self._lock:
            return sum(len(waiters) for waiters in self._waiters.values())

    def _run(self) -> None:
        while not self._closed:
            self._poked.wait(self._poll_seconds)
            self._poked.clear()
            try:
                names = self._changed()
            except apsw.Error as error:
                _log.warning("wakeup.poll_failed", error=str(error))
                continue
            if names:
                self._ring(names)
        self._conn.close()

    def _changed(self) -> list[str]:
        """The databases that have changed since the last call."""
        version = self._conn.pragma("data_version")
        if version == self._version:
            return []
        rows = self._conn.execute(
            "SELECT name, seq FROM updates WHERE seq > ? ORDER BY seq", (self._seen,)
        ).fetchall()
        self._version = version
        if rows:
            self._seen = int(rows[-1][1])  # type: ignore[arg-type]
        return [str(name) for name, _ in rows]

    def _ring(self, names: list[str] | None) -> None:
        """Wake those who wait for one of `names`, and those who wait for any; None means everybody."""
        with self._lock:
            keys = list(self._waiters) if names is None else [None, *names]
            woken = [waiter for key in keys for waiter in self._waiters.get(key, ())]
        for waiter in woken:
            waiter.ring()
