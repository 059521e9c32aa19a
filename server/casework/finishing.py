"""Ends what a killed process left half done when it published a plan."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from server.casework.outages import Publishing
from server.scheduling.turns import work_through

log = structlog.get_logger()


class Finishing:
    """Run it in a thread. A publishing that was begun `abandoned_seconds` ago is taken for cut off; going on
    with one that is not is safe too. It is looked for again every `pause_seconds`."""

    def __init__(
        self,
        publishing: Publishing,
        clock: Callable[[], datetime],
        *,
        abandoned_seconds: float,
        pause_seconds: float,
    ) -> None:
        self._publishing = publishing
        self._clock = clock
        self._abandoned = timedelta(seconds=abandoned_seconds)
        self._pause_seconds = pause_seconds

    def run(self, stop: threading.Event) -> None:
        """Look until `stop`; what fails is told and tried again later."""
        work_through(
            self.run_once,
            stop=stop,
            woken=threading.Event(),
            pause_seconds=self._pause_seconds,
            name="finishing",
        )

    def run_once(self, stop: threading.Event | None = None) -> bool:
        """End every publishing that was cut off. False: nothing more is to be done at once."""
        now = self._clock()
        for record in self._publishing.plans.all():
            if stop is not None and stop.is_set():
                break
            begun = record.publishing
            if begun is not None and now - begun.at >= self._abandoned:
                published = self._publishing.go_on(record, now)
                log.info("publishing_ended", plan=record.id, by=begun.by, published=published)
        return False
