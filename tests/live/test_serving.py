"""Behind the real web server those who listen hold no thread: dozens listen at two, and others work."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk import SITE, open_desk

REPOSITORY = Path(__file__).resolve().parents[2]
LISTENERS = 40
PATIENCE = 30.0


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with open_desk(tmp_path):
        pass
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free: int = probe.getsockname()[1]
    env = {
        **os.environ,
        "HEZHA_DATA": str(tmp_path),
        "HEZHA_PORT": str(free),
        "HEZHA_WEB_THREADS": "2",
        "HEZHA_ARGON2": "8,1,1",
        "HEZHA_EVENTS_HEARTBEAT_SECONDS": "0.5",
        "PYTHONPATH": str(REPOSITORY),
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "server.serving", "--no-worker"], env=env, stdout=log, stderr=log
        )
        try:
            end = time.monotonic() + PATIENCE
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", free), 1.0):
                    break
                assert process.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < end
                time.sleep(0.05)
            yield free
        finally:
            process.terminate()
            process.wait(PATIENCE)


def ask(port: int, method: str, path: str, token: str = "", body: object = None) -> dict[str, object]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as link:
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        link.request(method, "/api/v1" + path, json.dumps(body), headers)
        answer = link.getresponse()
        data = answer.read()
        assert answer.status in {200, 201}, data
        found: dict[str, object] = json.loads(data)
        return found


def test_many_listen_with_two_threads_and_all_are_told(port: int) -> None:
    person = {"username": "manager", "password": "manager-password"}
    token = str(ask(port, "POST", "/auth/login", body=person)["access_token"])
    with contextlib.ExitStack() as stack:
        streams = []
        for _ in range(LISTENERS):
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            stack.callback(link.close)
            link.request("GET", "/api/v1/events", headers={"Authorization": f"Bearer {token}"})
            answer = link.getresponse()
            assert answer.status == 200
            assert answer.readline() == b"retry: 3000\n"
            streams.append(answer)
        case = {
            "no": "YK-1",
            "process": "hv",
            "customer": {"name": "Red Maple Textiles"},
            "site": SITE,
            "supply": {"voltage_kv": 10, "capacity_kva": 630},
        }
        ask(port, "POST", "/cases", token, case)
        for answer in streams:
            while True:
                line = answer.readline()
                assert line, "the stream has ended"
                if line.startswith(b"data: ") and b"case_opened" in line:
                    break
