"""Memory of a server and everything it started: the sum of proportional set sizes (PSS), sampled.

PSS counts a page that several processes share once in all, so that forked workers are not charged twice.
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path


def family(pid: int) -> set[int]:
    """`pid` and its descendants."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            text = status.read_text()
            parents[int(status.parent.name)] = int(text[text.rindex(")") + 2 :].split()[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def pss_bytes(pids: set[int]) -> int:
    """The sum over those of `pids` that still run."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


class Peak:
    """The highest PSS of each process tree while in the `with`, looked at every `interval` seconds."""

    def __init__(self, pids: dict[str, int], interval: float = 0.2) -> None:
        self._pids = pids
        self._interval = interval
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.bytes = dict.fromkeys(pids, 0)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._interval):
            for name, pid in self._pids.items():
                self.bytes[name] = max(self.bytes[name], pss_bytes(family(pid)))
