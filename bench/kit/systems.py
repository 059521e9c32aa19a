"""The systems that are measured beside each other, each started as its own documentation says."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from kit.wire import Target, Unexpected, once

BENCH = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 30.0
ADMIN = "bench:bench-password"
INSPECTOR = "bench-inspector"
INSPECTOR_PASSWORD = "bench-inspector-password"


@dataclass(frozen=True)
class System:
    """A running server. `url` has the administrator's credentials in it; `pid` is None if it is not ours.

    `sign_in` gives the target as INSPECTOR sees it; None where there are no write rules to be held to.
    """

    name: str
    url: str
    pid: int | None = None
    sign_in: Callable[[], Target] | None = None

    @property
    def admin(self) -> Target:
        return Target.of(self.url)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, cwd: Path, env: dict[str, str]) -> Iterator[int]:
    """A child process that listens on `port`; all it has started ends with it."""
    log = (cwd / "server.log").open("wb")
    child = subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **env}, stdout=log, stderr=log, start_new_session=True
    )
    try:
        _await(child, port, cwd / "server.log")
        yield child.pid
    finally:
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        log.close()


def _await(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise SystemExit(f"{child.args!r} does not listen on {port}:\n{log.read_text()[-2000:]}")


@contextmanager
def hezha(folder: Path) -> Iterator[System]:
    """`hezha serve` with its default settings, its worker beside it, and one inspector."""
    hezha_command = [sys.executable, "-m", "server.cli"]
    port = free_port()
    root = BENCH.parent
    env = {
        "HEZHA_DATA": str(folder / "data"),
        "HEZHA_SYNC_ADMIN": ADMIN,
        "PYTHONPATH": str(root),
    }
    subprocess.run(
        [*hezha_command, "user", "add", INSPECTOR, "--role", "inspector", "--password-stdin"],
        input=INSPECTOR_PASSWORD.encode(),
        env={**os.environ, **env},
        check=True,
        stdout=subprocess.DEVNULL,
    )

    def sign_in() -> Target:
        body = json.dumps({"username": INSPECTOR, "password": INSPECTOR_PASSWORD}).encode()
        server = Target("127.0.0.1", port, "", {})
        token = json.loads(once(server, "POST", "/api/v1/auth/login", body))["access_token"]
        return Target("127.0.0.1", port, "/sync", {"Authorization": f"Bearer {token}"})

    command = [*hezha_command, "serve", "--port", str(port)]
    with running(command, port, folder, env) as pid:
        yield System("hezha", f"http://{ADMIN}@127.0.0.1:{port}/sync", pid, sign_in)


@contextmanager
def couchdb(_folder: Path) -> Iterator[System]:
    """The CouchDB at HEZHA_TEST_COUCHDB_URL, as it is set up there."""
    url = os.environ["HEZHA_TEST_COUCHDB_URL"].rstrip("/")
    admin = Target.of(url)
    user = {"name": INSPECTOR, "password": INSPECTOR_PASSWORD, "roles": ["inspector"], "type": "user"}
    # A session cookie, since CouchDB checks it as cheaply as a token, and needs no key of ours.
    once(admin, "PUT", f"/_users/org.couchdb.user:{INSPECTOR}", json.dumps(user).encode(), 201, 409)

    def sign_in() -> Target:
        body = json.dumps({"name": INSPECTOR, "password": INSPECTOR_PASSWORD}).encode()
        return replace(admin, headers={"Cookie": _cookie(admin, body)})

    yield System("couchdb", url, None, sign_in)


def _cookie(target: Target, body: bytes) -> str:
    with socket.create_connection((target.host, target.port)) as link:
        bare = replace(target, headers={"Connection": "close"})
        link.sendall(bare.request("POST", "/_session", body))
        answer = b""
        while chunk := link.recv(65536):
            answer += chunk
    for line in answer.split(b"\r\n"):
        if line.lower().startswith(b"set-cookie: authsession="):
            return line.split(b": ", 1)[1].split(b";")[0].decode()
    raise Unexpected(f"CouchDB gave no session: {answer[:300]!r}")


@contextmanager
def pouchdb_server(folder: Path) -> Iterator[System]:
    """npm's `pouchdb-server` on LevelDB, its default. It answers before the data are on disk."""
    port = free_port()
    program = BENCH / "node_modules" / "pouchdb-server" / "bin" / "pouchdb-server"
    command = ["node", "--unhandled-rejections=warn", str(program)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--no-stdout-logs"]
    with running(command, port, folder, {}) as pid:
        yield System("pouchdb-server", f"http://127.0.0.1:{port}", pid)


Starter = Callable[[Path], AbstractContextManager[System]]
SYSTEMS: dict[str, Starter] = {"hezha": hezha, "couchdb": couchdb, "pouchdb-server": pouchdb_server}
