"""A live server in a process of its own, and tablets to talk to it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sync.rules import DESIGN_ID, design_document
from sync.store import Security
from tests.tablet.driver import Tablet

_SERVE = Path(__file__).with_name("serve.py")
_START_SECONDS = 30.0


class LiveServer:
    """`serve.py` on a port that stays the same over restarts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/sync"
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder.with_suffix(".server-log")

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(_SERVE), str(self.folder), str(self.port)],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with contextlib.suppress(requests.ConnectionError):
                if requests.get(f"{self.url}/_up", timeout=5).ok:
                    return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server did not start: {self._log.read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self, *, sign: signal.Signals = signal.SIGTERM) -> None:
        """End the server; with SIGKILL the whole group of processes, as in a power cut."""
        if self._process is None:
            return
        if sign is signal.SIGKILL:
            os.killpg(self._process.pid, sign)
        else:
            self._process.send_signal(sign)
        self._process.wait(timeout=20)
        self._process = None

    def pids(self) -> list[int]:
        """The server's processes: gunicorn's arbiter and its workers."""
        assert self._process is not None
        arbiter = self._process.pid
        children = Path(f"/proc/{arbiter}/task/{arbiter}/children").read_text().split()
        return [arbiter, *map(int, children)]

    def admin(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        response = requests.request(
            method, f"{self.url}/{path}", auth=("admin", "admin"), timeout=30, **kwargs
        )
        response.raise_for_status()
        return response

    def database(
        self, kind: str = "", *, members: tuple[str, ...] = (), writers: tuple[str, ...] = ()
    ) -> str:
        """A new database; its URL. Without a kind it has no rules, and its members may write anything."""
        name = f"{kind or 'free'}-{uuid.uuid4().hex[:12]}"
        self.admin("PUT", name)
        if kind:
            self.admin("PUT", f"{name}/{DESIGN_ID}", json=design_document())
        security = Security(members=members or writers, kind=kind, writers=writers)
        self.admin("PUT", f"{name}/_security", json=security.to_json())
        return f"{self.url}/{name}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path_factory.mktemp("server") / "data")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def tablet(tmp_path: Path) -> Iterator[Callable[[str], Tablet]]:
    """Makes tablets, signed in as the user they are named for."""
    with contextlib.ExitStack() as stack:

        def make(user: str) -> Tablet:
            made = stack.enter_context(Tablet(tmp_path / f"tablet-{user}-{uuid.uuid4().hex[:6]}"))
            made.sign_in(user)
            return made

        yield make
