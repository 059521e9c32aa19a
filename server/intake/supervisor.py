"""`hezha worker`: a small process without threads that keeps a worker running.

The work is done in a child. When it ends, for whatever reason, or its watchdog ends it because it stood
still, another is started, after a pause that grows while they fail. Nothing here can hang as the worker can:
one loop waits for signals, and imports nothing of the work. It mostly waits, beside processes that need the
memory: even the library of the log is loaded when there is something to tell.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

#: The worker's exit code that says: starting again would not help, the settings must be mended.
UNUSABLE = 2
#: Seconds that requests in flight and the present batch get to finish after a stop was asked for.
GRACE_SECONDS = 20.0
#: How often the supervisor looks whether whoever started it is still there, in seconds.
_LOOK_SECONDS = 1.0

_COMMAND = (sys.executable, "-m", "server.intake.process")
_ASKED = {signal.SIGTERM, signal.SIGINT}


@dataclass(frozen=True)
class Restarts:
    """How soon a worker that ended is started again, in seconds.

    After the n-th end in a row `first_pause * 2**(n-1)`, at most `longest_pause`. One that ran for
    `sound_after` begins the row anew.
    """

    first_pause: float = 1.0
    longest_pause: float = 60.0
    sound_after: float = 60.0

    def pause(self, failures: int) -> float:
        """The pause after `failures` ends in a row, 1 or more."""
        return float(min(self.first_pause * 2 ** min(failures - 1, 30), self.longest_pause))


class Supervisor:
    """Runs `command` until asked to stop by SIGTERM or SIGINT, or until `parent` is gone.

    The child is asked to stop by the end of its standard input, and killed after `grace` seconds.
    """

    def __init__(
        self,
        command: Sequence[str] = _COMMAND,
        *,
        parent: int | None = None,
        grace: float = GRACE_SECONDS,
        restarts: Restarts | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = list(command)
        self._parent = parent
        self._grace = grace
        self._restarts = restarts or Restarts()
        self._monotonic = monotonic
        self._asked = False
        self._failures = 0

    def run(self) -> int:
        """Supervise; returns the exit code: 0 once stopped, or the child's own if it cannot be started so."""
        with _signals() as bell:
            while not self._stopping():
                code, ran = self._run_child(bell)
                if code == UNUSABLE:
                    return code
                if self._stopping():
                    break
                self._failures = 1 if ran >= self._restarts.sound_after else self._failures + 1
                pause = self._restarts.pause(self._failures)
                _tell("worker.ended", how=_how(code), ran_seconds=round(ran, 1), restart_in=pause)
                self._wait(bell, self._stopping, pause)
        return 0

    def _run_child(self, bell: int) -> tuple[int, float]:
        """One child from its start to its end: its exit code, and the seconds it ran."""
        began = self._monotonic()
        # Same process group: what is meant for all of Hezha reaches the child too.
        with subprocess.Popen(self._command, stdin=subprocess.PIPE) as child:  # noqa: S603  our own module
            ended = False
            while not ended and not self._stopping():
                ended = self._wait(bell, lambda: child.poll() is not None, None)
            if not ended:
                if child.stdin is not None:
                    child.stdin.close()
                if not self._wait(bell, lambda: child.poll() is not None, self._grace):
                    _tell("worker.killed", grace_seconds=self._grace)
                    child.kill()
            code = child.wait()
        return code, self._monotonic() - began

    def _wait(self, bell: int, done: Callable[[], bool], seconds: float | None) -> bool:
        """Wait until `done`, woken by signals; whether it is. Ends after `seconds`, if they are given, else
        when it is time to stop."""
        deadline = None if seconds is None else self._monotonic() + seconds
        while not done():
            left = _LOOK_SECONDS if deadline is None else min(_LOOK_SECONDS, deadline - self._monotonic())
            if left <= 0 or (deadline is None and self._stopping()):
                return False
            if select.select([bell], [], [], left)[0]:
                self._asked = self._asked or bool(_ASKED.intersection(os.read(bell, 4096)))
        return True

    def _stopping(self) -> bool:
        if self._parent is not None and os.getppid() != self._parent:
            self._asked = True  # a server killed outright cannot say so
        return self._asked


@contextlib.contextmanager
def _signals() -> Iterator[int]:
    """A descriptor from which the numbers of the signals that came can be read."""
    bell, ring = os.pipe()
    os.set_blocking(bell, False)
    os.set_blocking(ring, False)
    before = signal.set_wakeup_fd(ring, warn_on_full_buffer=False)

    def heard(_signal: int, _frame: FrameType | None) -> None:
        """The descriptor says it all."""

    handlers = {number: signal.signal(number, heard) for number in (*_ASKED, signal.SIGCHLD)}
    try:
        yield bell
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        os.close(bell)
        os.close(ring)


def _tell(event: str, **fields: object) -> None:
    """An error for the log, whatever becomes of the log: the worker is started again all the same."""
    try:
        import structlog  # noqa: PLC0415  see above

        from server import logs  # noqa: PLC0415

        logs.configure()
        structlog.get_logger(__name__).error(event, **fields)
    except Exception:  # noqa: BLE001  a full disk, too little memory, a file replaced by an upgrade
        with contextlib.suppress(OSError):
            sys.stderr.write(f"{event} {fields}\n")


def _how(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m server.intake.supervisor [--parent PID]`"""
    parser = argparse.ArgumentParser(prog="hezha worker")
    parser.add_argument("--parent", type=int, help="stop when this process is gone")
    options = parser.parse_args(arguments)
    return Supervisor(parent=options.parent).run()


if __name__ == "__main__":
    sys.exit(main())
