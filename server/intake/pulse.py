"""The worker's pulse: whether it moves, for whoever asks, and for a watchdog that ends it if it does not.

The watchdog is a thread of the interpreter's C code. It needs no lock of Python's, so it fires whatever the
worker hangs in: it writes the stack of every thread to standard error and ends the process. The supervisor
then starts another.
"""

from __future__ import annotations

import faulthandler
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from server.settings import Settings

#: How often a pulse is noted, in seconds: beats that come faster cost nothing.
_EVERY = 1.0
#: A line of fixed length, so that a reader never meets half of a shorter one.
_LINE = "{:017.3f} {:017.3f} {:010d}\n"


def pulse_file(settings: Settings) -> Path:
    """Where the worker of a data folder notes its pulse."""
    return settings.data_dir / "worker.pulse"


@dataclass(frozen=True)
class Seen:
    """A worker's last beat: when it was, and until when the next may take, in seconds since 1970; and the
    worker's process id."""

    at: float
    until: float
    pid: int

    def age(self, now: float) -> float:
        """Seconds since the last beat; 0 if the clock was set back meanwhile."""
        return max(0.0, now - self.at)

    def silent(self, now: float) -> bool:
        """Whether the next beat is overdue."""
        return now > self.until


def state(seen: Seen | None, now: float) -> dict[str, str | float]:
    """What `/readyz` says of the worker: `state` is `working`, `silent`, or `absent` (none has run, or it
    ended in order); with `age_seconds` since its last beat."""
    if seen is None:
        return {"state": "absent"}
    return {
        "state": "silent" if seen.silent(now) else "working",
        "age_seconds": round(seen.age(now), 1),
    }


def last_pulse(path: Path) -> Seen | None:
    """The last beat noted at `path`; None if no worker has been at work, or the last one ended in order."""
    try:
        at, until, pid = path.read_text("ascii").split()
        return Seen(float(at), float(until), int(pid))
    except (OSError, ValueError):
        return None


def bark_after(seconds: float) -> None:
    """Let the watchdog fire in `seconds` unless this is called again before."""
    faulthandler.dump_traceback_later(seconds, exit=True)


class Watched:
    """The pulse of this process. Call it from one thread, the one whose standstill matters.

    `stall_seconds` is the longest time between two beats; `watch` is told each time how long the next may
    take. `clock` gives seconds since 1970, `monotonic` seconds that no clock setting moves.
    """

    def __init__(
        self,
        stall_seconds: float,
        *,
        watch: Callable[[float], None] = bark_after,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stall = stall_seconds
        self._watch = watch
        self._clock = clock
        self._monotonic = monotonic
        self._noted: float | None = None
        self._path: Path | None = None
        self._file: int | None = None
        self._watch(stall_seconds)

    def beat(self) -> None:
        """The worker has moved."""
        now = self._monotonic()
        if self._noted is not None and now - self._noted < min(_EVERY, self._stall / 4):
            return
        self._note(0.0)
        self._noted = now

    def expect(self, seconds: float) -> None:
        """What begins now may take this long, beside the usual, and is no standstill."""
        self._note(seconds)
        self._noted = None

    def publish(self, path: Path) -> None:
        """Note every beat at `path` from now on: this worker is the one at work."""
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._noted = None
        self.beat()

    def close(self) -> None:
        """The worker ends in order: nobody need wait for its next beat. The watchdog stays awake."""
        if self._file is not None and self._path is not None:
            os.close(self._file)
            self._file = None
            self._path.unlink(missing_ok=True)

    def _note(self, allowed: float) -> None:
        self._watch(self._stall + allowed)
        if self._file is not None:
            at = self._clock()
            line = _LINE.format(at, at + self._stall + allowed, os.getpid())
            os.pwrite(self._file, line.encode("ascii"), 0)
