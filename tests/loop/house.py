"""A Hezha as an operator runs it: `hezha serve` in processes of its own, on a folder and a port that stay."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from server.intake.pulse import last_pulse
from server.people.keys import parse_keyring
from server.people.tokens import issue_access
from tests.loop.couch import COUCHDB_URL, Corner

_REPOSITORY = Path(__file__).resolve().parents[2]
_START_SECONDS = 60.0
_STOP_SECONDS = 40.0
_COMMAND_SECONDS = 60.0
_LAST_WORDS = 40_000
PASSWORD = "open-sesame-1"
ADMIN = "root"
#: What the server logs when something happened that nobody thought of.
_ALARMS = (
    "request_crashed",
    "sync.crashed",
    "sync.failed",
    "inbox_not_told",
    "follow.handler_failed",
    "follow.store_failed",
    "worker.ended",
    "worker.killed",
    "Traceback (most recent",
)


#: Nobody waits five minutes between the closings onto a transformer that there is not.
POLICY = """
schema: 1
settings:
  - {key: impulse_interval_minutes, from: 2000-01-01, value: 0}
"""


class House:
    """The server with its worker. `settings` are environment variables without their `HEZHA_`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "policy.yaml").write_text(POLICY, "utf-8")
        self.data = folder / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._corner = Corner(COUCHDB_URL) if COUCHDB_URL else None
        outside = {name: value for name, value in os.environ.items() if not name.startswith("HEZHA_")}
        self.environment = {
            **outside,
            "HEZHA_DATA": str(self.data),
            "HEZHA_HOST": "127.0.0.1",
            "HEZHA_PORT": str(self.port),
            "HEZHA_ARGON2": "1024,1,1",
            "HEZHA_WEB_THREADS": "40",
            "HEZHA_LOG_LEVEL": "debug",
            "HEZHA_POLICY_FILE": str(folder / "policy.yaml"),
            **{f"HEZHA_{name}": value for name, value in self._elsewhere().items()},
            **{f"HEZHA_{name}": value for name, value in settings.items()},
        }
        self._log = folder / "server.log"
        self._forgiven: set[str] = set()
        self._process: subprocess.Popen[bytes] | None = None

    def _elsewhere(self) -> Mapping[str, str]:
        return {} if self._corner is None else self._corner.settings()

    def command(self, *arguments: str, stdin: str = "") -> str:
        """Run a `hezha` command on the house's data; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "server.cli", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            cwd=_REPOSITORY,
            env=self.environment,
            check=False,
        )
        assert done.returncode == 0, f"hezha {' '.join(arguments)}: {done.returncode}\n{done.stderr}"
        return done.stdout

    def start(self) -> None:
        """Start the server and wait until it answers. The first time, its administrator is added before."""
        if not self.data.exists():
            if self._corner is not None:
                self.command("couchdb", "configure", "--apply")
            self.command("user", "add", ADMIN, "--role", "admin", "--password-stdin", stdin=PASSWORD + "\n")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "server.cli", "serve"],
                stdout=log,
                stderr=log,
                cwd=_REPOSITORY,
                env=self.environment,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with contextlib.suppress(requests.ConnectionError, requests.Timeout):
                if requests.get(f"{self.url}/healthz", timeout=5).ok:
                    return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server did not start:\n{self.last_words()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask the server to end, and its whole group of processes if it does not."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=_STOP_SECONDS)
        finally:
            self.kill()

    def kill(self) -> None:
        """`kill -9` of web server and worker at one moment, as in a power cut."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def worker(self) -> int | None:
        """The process id of the worker, if one is at work."""
        seen = last_pulse(self.data / "worker.pulse")
        return None if seen is None or seen.silent(time.time()) else seen.pid

    def clear(self) -> None:
        """Take away what the house kept elsewhere; its folder goes with the test."""
        if self._corner is not None:
            self._corner.clear()

    def hire(self, name: str, *roles: str) -> str:
        """A new user with a name that begins with `name`; returns it. The administrator adds it by HTTP."""
        made = f"{name}-{uuid.uuid4().hex[:6]}"
        body = {"name": made, "password": PASSWORD, "roles": list(roles)}
        response = requests.post(
            f"{self.url}/api/v1/users",
            json=body,
            headers={"Authorization": f"Bearer {self.token(ADMIN)}"},
            timeout=30,
        )
        assert response.status_code == 201, response.text
        return made

    def token(self, name: str) -> str:
        """An access token of a user, from a browser."""
        response = requests.post(
            f"{self.url}/api/v1/auth/login", json={"username": name, "password": PASSWORD}, timeout=30
        )
        assert response.status_code == 200, response.text
        return str(response.json()["access_token"])

    def stale_token(self, name: str, device: str) -> str:
        """An inspector's token as the house on CouchDB gave it an hour ago."""
        assert self._corner is not None
        return issue_access(
            parse_keyring(self._corner.settings()["JWT_KEY"], source="loop"),
            user=name,
            roles=("inspector",),
            device=device,
            session="an-hour-ago",
            now=datetime.now(UTC) - timedelta(hours=1),
            lifetime=timedelta(minutes=15),
        )

    def last_words(self) -> str:
        return self._log.read_text(errors="replace")[-_LAST_WORDS:] if self._log.exists() else ""

    def log_lines(self, event: str) -> int:
        """How often an event was logged."""
        return self._log.read_text(errors="replace").count(event)

    def forgive(self, alarm: str) -> None:
        """What a test brought about on purpose alarms nobody."""
        self._forgiven.add(alarm)

    def alarms(self) -> list[str]:
        """Lines of the log that tell of something nobody thought of."""
        alarming = [alarm for alarm in _ALARMS if alarm not in self._forgiven]
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return [line for line in lines if any(alarm in line for alarm in alarming)]
