"""`python -m tests.originals.victim STEP WAY CASE`: works on a case's originals, and dies after a step."""

from __future__ import annotations

import os
import signal
import sys

from server.casework.moving import Mover
from server.services import assemble
from server.settings import load


def main(fatal: str, way: str, case_id: str) -> None:
    def step(done: str) -> None:
        if done == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    made = assemble(load(), with_lists=False)
    mover = Mover(made, step=step)
    case = made.cases.load(case_id).case
    for _ in mover.move(case) if way == "move" else mover.back(case):
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
