"""Moves a data folder to a place, and dies at its n-th call of either side: `move_child.py FROM TO n`.

With n = 0 it goes through. Killed outright: nothing is tidied up, no transaction ended, no file closed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from sync.migration.move import migrate
from sync.replication.http import HttpSite
from sync.replication.local import LocalSite
from sync.replication.replica import Site
from tests.migration.test_move import OPTIONS, FaultySite


def opened(place: str) -> Site:
    return HttpSite(place) if "://" in place else LocalSite.open(Path(place))


def main() -> None:
    source, target, left = opened(sys.argv[1]), opened(sys.argv[2]), int(sys.argv[3])
    lock = threading.Lock()

    def die(_name: str) -> None:
        nonlocal left
        with lock:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    report = migrate(
        FaultySite(source, lambda _: die), FaultySite(target, lambda _: die), lambda _: True, options=OPTIONS
    )
    target.close()
    source.close()
    sys.exit(bool(report.differences))


if __name__ == "__main__":
    main()
