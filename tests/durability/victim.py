"""A server to be killed: starts, dies with SIGKILL, starts again, on the same folder and port."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import requests

_NURSERY = Path(__file__).with_name("nursery.py")
_REPOSITORY = Path(__file__).resolve().parents[2]
_START_SECONDS = 30.0
_DYING_SECONDS = 10.0
ADMIN = ("admin", "admin")


class Victim:
    """Use it in a `with`. The log is in `folder`, or in `log_folder`, which may be on another disk."""

    def __init__(self, folder: Path, *, log_folder: Path | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.data = folder / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/sync"
        self._log = ((log_folder or folder) / "server.log").open("ab")
        self._nursery = subprocess.Popen(
            [sys.executable, str(_NURSERY), str(self.data), str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=_REPOSITORY,
        )
        self._group: int | None = None

    def start(self) -> None:
        """Start a server and wait until it answers."""
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(b"start\n")
        self._nursery.stdin.flush()
        self._group = int(self._nursery.stdout.readline())
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with contextlib.suppress(requests.ConnectionError):
                if requests.get(f"{self.url}/_up", auth=ADMIN, timeout=5).ok:
                    return
            assert time.monotonic() < deadline, f"the server did not start:\n{self.last_words()}"
            time.sleep(0.01)

    def kill(self) -> None:
        """`kill -9` of all its processes at one moment; returns when nobody holds the port any more."""
        if self._group is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._group, signal.SIGKILL)
        deadline = time.monotonic() + _DYING_SECONDS
        while time.monotonic() < deadline:
            try:
                os.killpg(self._group, 0)
            except ProcessLookupError:
                self._group = None
                return
            time.sleep(0.002)
        raise AssertionError("the killed server is still there")

    def last_words(self) -> str:
        return Path(self._log.name).read_text(errors="replace")[-4000:]

    def __enter__(self) -> Victim:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.close()
        self._nursery.wait(timeout=_DYING_SECONDS)
        self._nursery.stdout.close()
        self._log.close()
