"""Bells for those who wait for events: hundreds of them cost one look at a number now and then."""

from __future__ import annotations

import threading

import apsw
import structlog

from server.live.backlog import Backlog
from sync.embedded.wakeup import Waiter

log = structlog.get_logger()


class TooMany(Exception):
    """As many wait as may."""


class Hub:
    """`poll_seconds`: how soon a write of another process is noticed; those of this one are at once."""

    def __init__(self, backlog: Backlog, *, poll_seconds: float, most: int) -> None:
        self.backlog = backlog
        self._poll_seconds = poll_seconds
        self._most = most
        self._lock = threading.Lock()
        self._waiters: set[Waiter] = set()
        self._poked = threading.Event()
        self._thread: threading.Thread | None = None
        self.dismissed = False
        backlog.on_news = self._poked.set

    def bell(self) -> Waiter:
        """Rings when there may be news. Use it in a `with`, which raises TooMany."""
        return Waiter(self, None)

    def waiting(self) -> int:
        with self._lock:
            return len(self._waiters)

    def add(self, _key: str | None, waiter: Waiter) -> None:
        with self._lock:
            if len(self._waiters) >= self._most:
                raise TooMany
            self._waiters.add(waiter)
            if self._thread is None and not self.dismissed:
                # Only now: a process in which nobody waits, and one that will be forked, needs none.
                self._thread = threading.Thread(target=self._run, name="live", daemon=True)
                self._thread.start()

    def discard(self, _key: str | None, waiter: Waiter) -> None:
        with self._lock:
            self._waiters.discard(waiter)

    def dismiss(self) -> None:
        """Send everybody who waits home."""
        self.dismissed = True
        self._poked.set()
        self._ring()

    def close(self) -> None:
        self.dismiss()
        if self._thread is not None:
            self._thread.join()
        self.backlog.close()

    def _run(self) -> None:
        version = self.backlog.version()
        while not self.dismissed:
            poked = self._poked.wait(self._poll_seconds)
            self._poked.clear()
            try:
                now = self.backlog.version()
            except apsw.Error as error:
                log.warning("backlog_not_read", error=str(error))
                continue
            if poked or now != version:
                version = now
                self._ring()

    def _ring(self) -> None:
        with self._lock:
            waiters = list(self._waiters)
        for waiter in waiters:
            waiter.ring()
