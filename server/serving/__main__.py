"""`hezha serve`, once everything is checked: gunicorn's parent process, and the worker's beside it.

It imports nothing of the work, so that the memory goes to the processes that do it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from server.intake.supervisor import GRACE_SECONDS
from server.serving.server import WebServer
from server.settings import load

#: What the supervisor needs to end after its worker's grace, in seconds.
_MARGIN_SECONDS = 5.0


def main() -> None:
    """Serve until asked to stop. The settings are in the environment, and have been checked."""
    parser = argparse.ArgumentParser(prog="server.serving", description=__doc__)
    parser.add_argument("--no-worker", action="store_true", help="web only")
    child = None if parser.parse_args().no_worker else _start_worker()
    try:
        WebServer(load(), grace_seconds=GRACE_SECONDS).run()
    finally:
        if child is not None:
            _stop(child)


def _start_worker() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "server.intake.supervisor", "--parent", str(os.getpid())]
    return subprocess.Popen(command)  # noqa: S603  our own interpreter and module, no shell


def _stop(supervisor: subprocess.Popen[bytes]) -> None:
    supervisor.terminate()
    try:
        supervisor.wait(GRACE_SECONDS + _MARGIN_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()


if __name__ == "__main__":
    main()
