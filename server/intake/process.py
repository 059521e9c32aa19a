"""The worker's own process, below its supervisor: `python -m server.intake.process`.

It ends in order when its standard input does, which happens also when the supervisor is killed, so no worker
outlives the one who would restart it.
"""

from __future__ import annotations

import faulthandler
import os
import select
import signal
import sys
import threading
from types import FrameType

import structlog

from server import logs
from server.intake.pulse import Watched
from server.intake.supervisor import UNUSABLE
from server.settings import SettingsError, load

log = structlog.get_logger()


def main() -> int:
    """Run the worker until it is asked to stop; the process's exit code."""
    logs.configure()
    try:
        settings = load()
    except SettingsError as error:
        log.error("worker.settings_unusable", reason=str(error))
        return UNUSABLE
    faulthandler.enable()
    pulse = Watched(settings.worker_stall_seconds)
    stop = _stop_when_told()

    # Heavy, and so after the watchdog is awake: a start may stand still as well.
    from server.intake.worker import run_worker  # noqa: PLC0415

    run_worker(settings, stop, pulse)
    return 0


def _stop_when_told() -> threading.Event:
    """An event that is set when standard input ends, or at SIGTERM or SIGINT.

    The handler only writes into a pipe: an Event's lock may be held by the very thread it interrupts.
    """
    stop = threading.Event()
    asked, ask = os.pipe()

    def handle(_signal: int, _frame: FrameType | None) -> None:
        os.write(ask, b".")

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)

    def wait() -> None:
        select.select([sys.stdin.fileno(), asked], [], [])
        stop.set()

    threading.Thread(target=wait, name="stop", daemon=True).start()
    return stop


if __name__ == "__main__":
    sys.exit(main())
