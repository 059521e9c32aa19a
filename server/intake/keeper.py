"""Keeping the store small, and its write rules the present ones, while the worker follows it."""

from __future__ import annotations

import threading

import structlog

from sync.store import DocumentStore, StoreError

log = structlog.get_logger()

#: Seconds before write rules that could not be brought everywhere are tried again.
_RULES_PAUSE = 60.0


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


def bring_rules(store: DocumentStore, stop: threading.Event, pause: float = _RULES_PAUSE) -> None:
    """Bring the present write rules to every database that has older ones, once; until then, or `stop`, it
    is tried again after `pause` seconds. Several workers may do it at once.
    """
    while not stop.is_set():
        try:
            changed = store.refresh_design_documents(stop.is_set)
        except StoreError as error:
            log.error("rules_not_refreshed", reason=error.reason, retry_in=pause)
            stop.wait(pause)
            continue
        if changed:
            log.info("rules_refreshed", databases=len(changed))
        return
