"""Tells inboxes that a case's databases moved on: at once after a quiet time, then every few seconds.

A tablet holds one long poll, on its inbox. Thirty photos that arrive one by one must not wake it thirty times
over, and the last of them must still be told.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

import structlog

log = structlog.get_logger()


class Teller:
    """`tell(case_id)` brings the inboxes of a case up to date; repeating it does no harm."""

    def __init__(
        self,
        tell: Callable[[str], None],
        interval_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tell = tell
        self._interval = interval_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._told: dict[str, float] = {}
        self._waiting: dict[str, None] = {}

    def mark(self, case_ids: Iterable[str]) -> None:
        """Say that these cases moved on. Whoever was told long enough ago is told now, the others later."""
        with self._lock:
            self._waiting.update(dict.fromkeys(case_ids))
        self.flush()

    def flush(self) -> None:
        """Tell every case whose time has come. What fails is told again at the next flush."""
        now = self._monotonic()
        with self._lock:
            self._told = {case: at for case, at in self._told.items() if now - at < self._interval}
            due = [case for case in self._waiting if case not in self._told]
            for case in due:
                del self._waiting[case]
                self._told[case] = now
        for case in due:
            try:
                self._tell(case)
            except Exception:
                log.exception("inbox_not_told", case=case)
                with self._lock:
                    self._waiting[case] = None

    def run(self, stop: threading.Event) -> None:
        """Flush until `stop`, and once more then."""
        while not stop.wait(self._interval / 2):
            self.flush()
        with self._lock:
            self._told.clear()
        self.flush()
