"""Keeping the store small while the worker follows it."""

from __future__ import annotations

import threading

import structlog

from sync.store import DocumentStore, StoreError

log = structlog.get_logger()


def keep_tidy(store: DocumentStore, stop: threading.Event, every: float) -> None:
    """Let the engine tidy up every so many seconds, until `stop`.

    What fails is told and tried again: a full disk needs it most.
    """
    while not stop.wait(every):
        try:
            store.maintain(stop.is_set)
        except StoreError as error:
            log.warning("maintenance_failed", error=error.error, reason=error.reason)
        except Exception:  # nothing waits for it, and without it the folder only grows
            log.exception("maintenance_crashed")
