"""What happens on the wire itself, under gunicorn: broken requests, vanished clients, large bodies."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.peers.conftest import LiveServer

pytestmark = pytest.mark.peers

_BASIC = "Authorization: Basic " + base64.b64encode(b"admin:admin").decode()


def send(server: LiveServer, head: list[str], body: bytes = b"") -> socket.socket:
    """Send a request as it is written here and leave the connection open."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    lines = [*head, "Host: peer", _BASIC, "", ""]
    connection.sendall("\r\n".join(lines).encode() + body)
    return connection


def read_all(connection: socket.socket) -> bytes:
    chunks = []
    with contextlib.suppress(OSError):
        while chunk := connection.recv(65536):
            chunks.append(chunk)
    return b"".join(chunks)


def path_of(url: str) -> str:
    return "/sync/" + url.rsplit("/", 1)[1]


_DOC = json.dumps({"_attachments": {"a": {"follows": True, "content_type": "x/y", "length": 5}}})
_RELATED = f"--b\r\nContent-Type: application/json\r\n\r\n{_DOC}\r\n--b\r\n\r\nhello\r\n--b--"


@pytest.mark.parametrize(
    ("request_line", "content_type", "body"),
    [
        ("PUT {db}/doc", "application/json", b'{"n": 1}'),
        ("POST {db}/_bulk_docs", "application/json", b'{"docs": [{"_id": "doc"}]}'),
        ("PUT {db}/doc/att", "image/jpeg", b"0123456789"),
        ("PUT {db}/doc", "multipart/related; boundary=b", _RELATED.encode()),
    ],
)
@pytest.mark.parametrize("framing", ["length", "chunked", "valid json, too few bytes"])
def test_a_client_that_vanishes_half_way_stores_nothing(
    server: LiveServer, request_line: str, content_type: str, body: bytes, framing: str
) -> None:
    url = server.database()
    head = [request_line.format(db=path_of(url)) + " HTTP/1.1", f"Content-Type: {content_type}"]
    if framing == "chunked":
        half = body[: len(body) // 2]
        connection = send(
            server, [*head, "Transfer-Encoding: chunked"], f"{len(half):x}\r\n".encode() + half + b"\r\n"
        )
    elif framing == "length":
        connection = send(server, [*head, f"Content-Length: {len(body)}"], body[: len(body) // 2])
    else:
        # All the bytes of a whole document, and a Content-Length which says that there is more.
        connection = send(server, [*head, f"Content-Length: {len(body) + 10}"], body)
    connection.shutdown(socket.SHUT_WR)
    answer = read_all(connection)
    connection.close()
    assert b" 201 " not in answer.split(b"\r\n", 1)[0]
    info = server.admin("GET", url.rsplit("/", 1)[1]).json()
    assert (info["doc_count"], info["doc_del_count"]) == (0, 0)
    server.admin("PUT", url.rsplit("/", 1)[1] + "/doc", json={"n": 2})


def test_polls_whose_clients_are_gone_give_their_places_back(server: LiveServer) -> None:
    """Thirty places, taken by clients that then vanish without a word."""
    url = server.database()
    poll = f"GET {path_of(url)}/_changes?feed=longpoll&since=now&heartbeat=1000&timeout=60000 HTTP/1.1"
    gone = [send(server, [poll]) for _ in range(30)]
    for connection in gone:
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
    begun = time.monotonic()
    crowded = requests.get(
        f"{url}/_changes?feed=longpoll&since=now", auth=("admin", "admin"), timeout=30
    ).json()
    assert crowded["results"] == []
    assert time.monotonic() - begun < 1
    for connection in gone:
        connection.close()
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        begun = time.monotonic()
        requests.get(
            f"{url}/_changes?feed=longpoll&since=now&timeout=500", auth=("admin", "admin"), timeout=30
        )
        if time.monotonic() - begun > 0.4:
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the places of vanished clients were not given back")
    assert time.monotonic() < deadline - 7, "given back by heartbeats, not because the polls were over"


def test_a_body_over_the_limit_is_answered_and_not_cut_off(server: LiveServer) -> None:
    url = server.database()
    body = b'{"x": "' + b"x" * (65 * 1024 * 1024) + b'"}'
    answer = requests.put(
        f"{url}/doc",
        data=body,
        auth=("admin", "admin"),
        headers={"Content-Type": "application/json"},
        timeout=60,
    )
    assert answer.status_code == 413
    assert answer.json()["error"] == "too_large"


def test_large_attachments_are_streamed_both_ways(server: LiveServer, tmp_path: Path) -> None:
    """Forty megabytes go through a server whose memory does not grow by as much."""
    url = server.database()
    block = os.urandom(1024 * 1024)

    def blocks() -> Iterator[bytes]:
        for _ in range(40):
            yield block

    auth = ("admin", "admin")
    before = memory(server)
    made = requests.put(f"{url}/p/original", data=blocks(), auth=auth, timeout=60)
    assert made.status_code == 201, made.text
    with requests.get(f"{url}/p/original", auth=auth, stream=True, timeout=60) as answer:
        assert answer.headers["Content-Length"] == str(40 * len(block))
        size = 0
        for chunk in answer.iter_content(len(block)):
            assert chunk == block
            size += len(chunk)
    assert size == 40 * len(block)
    assert memory(server) - before < 20_000_000


def memory(server: LiveServer) -> int:
    """The most memory that any process of the server has used so far, in bytes."""
    peak = 0
    for pid in server.pids():
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                peak = max(peak, int(line.split()[1]) * 1024)
    return peak


def test_a_request_target_may_be_a_whole_url(server: LiveServer) -> None:
    connection = send(server, ["GET http://peer/sync/_up HTTP/1.1", "Connection: close"])
    assert read_all(connection).startswith(b"HTTP/1.1 200")
    connection.close()


def test_what_was_acknowledged_survives_a_power_cut(tmp_path: Path) -> None:
    """Writers are at work when every process is killed; each write that was answered is there afterwards."""
    own = LiveServer(tmp_path / "own")
    own.start()
    try:
        url = own.database()
        acknowledged: list[str] = []

        def write(writer: int) -> None:
            with contextlib.suppress(requests.RequestException), requests.Session() as session:
                session.auth = ("admin", "admin")
                for n in range(100_000):
                    doc_id = f"{writer}-{n}"
                    answer = session.put(f"{url}/{doc_id}/a", data=doc_id.encode() * 1000, timeout=10)
                    answer.raise_for_status()
                    acknowledged.append(doc_id)

        writers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
        for thread in writers:
            thread.start()
        deadline = time.monotonic() + 10
        while len(acknowledged) < 60 and time.monotonic() < deadline:
            time.sleep(0.01)
        own.stop(sign=signal.SIGKILL)
        for thread in writers:
            thread.join()
        own.start()
        assert len(acknowledged) >= 60
        for doc_id in acknowledged:
            body = requests.get(f"{url}/{doc_id}/a", auth=("admin", "admin"), timeout=10)
            assert body.content == doc_id.encode() * 1000
    finally:
        own.stop()
