"""How what is queued is worked through in a thread: turn after turn, and again when somebody calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from sync.store import StoreError

log = structlog.get_logger()

#: How often it is looked whether there is anything to do, in seconds.
_TICK = 0.2


def work_through(
    run_once: Callable[[threading.Event], bool],
    *,
    stop: threading.Event,
    woken: threading.Event,
    pause_seconds: float,
    name: str,
) -> None:
    """Take turns until `stop`, while `run_once` says that there was something; then wait until `woken`, or
    for `pause_seconds`. What fails is told as `<name>_failed` or `<name>_crashed`, and tried again later."""
    while not stop.is_set():
        woken.clear()
        try:
            while not stop.is_set() and run_once(stop):
                pass
        except StoreError as error:
            log.warning(f"{name}_failed", error=error.error, reason=error.reason)
        except Exception:  # nothing waits for it, and without it nothing queued is ever done
            log.exception(f"{name}_crashed")
        until = time.monotonic() + pause_seconds
        while not stop.is_set() and not woken.wait(_TICK) and time.monotonic() < until:
            pass
