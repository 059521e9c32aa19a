"""Work that takes much memory, done in a process of its own that may die without harm: both ends of it.

The child is `python -m MODULE MEMORY_BYTES FOLDER`. FOLDER holds `order.json`; what comes of it is written
there as `result.json`. Progress goes out a line at a time; the child ends with what there is when its
standard input does, which happens too when the parent dies. The kernel bounds its memory, so that an order
that is too large ends this process and no other.
"""

from __future__ import annotations

import os
import resource
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import server

ORDER, RESULT = "order.json", "result.json"
#: Exit codes: the order cannot be carried out; memory ran out.
UNUSABLE, NO_MEMORY = 2, 3

#: What is done with an order: its bytes, whether to end, where progress goes; None if it cannot be.
Work = Callable[[bytes, threading.Event, Any], bytes | None]
#: Whether a child is to go on, to end with what it has, or is none of ours any more.
Wish = Literal["on", "end", "leave"]

_ROOT = Path(server.__file__).resolve().parent.parent
#: How often a child at work is looked after, in seconds.
_TICK = 0.2
_READ_BYTES = 65536


def run_confined(work: Work) -> int:
    """The child's end: carry the order out; the process's exit code."""
    memory_bytes, folder = int(sys.argv[1]), Path(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Whatever a library prints must not get between the lines.
    sink = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    ended = threading.Event()
    threading.Thread(target=_wait_for_the_end, args=(ended,), daemon=True).start()
    try:
        result = work((folder / ORDER).read_bytes(), ended, sink)
    except MemoryError:
        return NO_MEMORY
    if result is None:
        return UNUSABLE
    (folder / RESULT).write_bytes(result)
    return 0


def _wait_for_the_end(ended: threading.Event) -> None:
    while os.read(0, 1):
        pass
    ended.set()


def confined(
    module: str,
    folder: Path,
    *,
    memory_bytes: int,
    seconds: float,
    beat_seconds: float,
    stop: threading.Event,
    beat: Callable[[bytes | None], Wish],
) -> str:
    """The parent's end: have a module carry out the order in a folder, `seconds` at most; why nothing came of
    it, or nothing. `beat` is told the last line of progress every so often. Leaves no process behind."""
    child = _Child(module, memory_bytes, folder)
    until, beaten = time.monotonic() + seconds, time.monotonic()
    try:
        while child.running:
            line = child.progress(_TICK)
            if stop.is_set():
                return ""
            if time.monotonic() > until:
                return "plan_too_slow"
            if time.monotonic() - beaten < beat_seconds:
                continue
            beaten, wish = time.monotonic(), beat(line)
            if wish == "leave":
                return "plan_died"
            if wish == "end":
                child.end()
        return child.fault
    finally:
        child.kill()


class _Child:
    """One process."""

    def __init__(self, module: str, memory_bytes: int, folder: Path) -> None:
        # Only what an interpreter needs to start: the parent's environment holds keys.
        kept = {name: value for name in ("PATH", "LANG", "TZ", "TMPDIR") if (value := os.environ.get(name))}
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", module, str(memory_bytes), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**kept, "PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,
        )
        self._rest = b""
        self._last: bytes | None = None

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def fault(self) -> str:
        """Why a child that has ended left nothing; nothing if it did."""
        code = self._process.returncode
        known = {0: "", UNUSABLE: "plan_unusable", NO_MEMORY: "plan_too_large"}
        # Inside the solver, memory that runs out aborts the process.
        return known.get(code, "plan_too_large" if code < 0 else "plan_died")

    def progress(self, seconds: float) -> bytes | None:
        """What it told last, after waiting so long for more."""
        pipe = self._process.stdout
        if pipe is None or not select.select([pipe], [], [], seconds)[0]:
            return self._last
        block = os.read(pipe.fileno(), _READ_BYTES)
        if not block:
            # It is ending; there is nothing more to wait for but its exit code.
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
            return self._last
        *lines, self._rest = (self._rest + block).split(b"\n")
        if lines:
            self._last = lines[-1]
        return self._last

    def end(self) -> None:
        """Have it end with what there is."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def kill(self) -> None:
        """End the process, and reap it."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()
