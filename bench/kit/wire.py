"""An HTTP/1.1 client that costs little beside the servers it measures: requests are made beforehand."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

_RECEIVE = 1 << 18


class Unexpected(Exception):
    """A server answered otherwise than the measurement needs, so its time would mean nothing."""


@dataclass(frozen=True)
class Target:
    """Where a system listens, the path its databases lie under, and the headers that let a client in."""

    host: str
    port: int
    mount: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, url: str) -> Target:
        """From a URL, whose user and password become HTTP Basic."""
        parts = urlsplit(url)
        headers = {}
        if parts.username is not None:
            login = f"{parts.username}:{parts.password}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(login).decode()
        return cls(parts.hostname or "127.0.0.1", parts.port or 80, parts.path.rstrip("/"), headers)

    def request(
        self, method: str, path: str, body: bytes = b"", content_type: str = "application/json"
    ) -> bytes:
        """A whole request. `path` begins with a slash and is encoded already."""
        fields = {"Host": f"{self.host}:{self.port}", "Accept": "application/json", **self.headers}
        if method in {"PUT", "POST"}:
            fields |= {"Content-Type": content_type, "Content-Length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"{method} {self.mount}{path} HTTP/1.1\r\n{lines}\r\n".encode() + body


class Wire:
    """One connection, kept open. Not for several threads."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._socket = self._connect()
        self._buffer = bytearray()

    def _connect(self) -> socket.socket:
        made = socket.create_connection((self._target.host, self._target.port), timeout=120)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def ask(self, request: bytes, *wanted: int) -> bytes:
        """Send a request and return the answer's body. Raises Unexpected for a status not in `wanted`."""
        self._socket.sendall(request)
        status, body, close = self._answer()
        if close:
            self._socket.close()
            self._socket = self._connect()
            self._buffer.clear()
        if status not in wanted:
            head = request[:120].split(b"\r\n")[0].decode("latin-1")
            raise Unexpected(f"{head}: {status} {body[:300]!r}")
        return body

    def close(self) -> None:
        self._socket.close()

    def _answer(self) -> tuple[int, bytes, bool]:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            self._more()
        head = bytes(self._buffer[:end]).lower()
        del self._buffer[: end + 4]
        status = int(head[9:12])
        if b"transfer-encoding: chunked" in head:
            body = self._chunked()
        else:
            at = head.find(b"content-length:")
            body = self._take(int(head[at + 15 :].split(b"\r\n", 1)[0])) if at >= 0 else b""
        return status, body, b"connection: close" in head

    def _chunked(self) -> bytes:
        chunks = []
        while True:
            while (end := self._buffer.find(b"\r\n")) < 0:
                self._more()
            size = int(bytes(self._buffer[:end]), 16)
            del self._buffer[: end + 2]
            chunks.append(self._take(size))
            self._take(2)
            if size == 0:
                return b"".join(chunks)

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _more(self) -> None:
        chunk = self._socket.recv(_RECEIVE)
        if not chunk:
            raise Unexpected("the server closed the connection in mid-answer")
        self._buffer += chunk


def run(target: Target, requests: Sequence[bytes], *wanted: int, clients: int = 1) -> float:
    """Send all `requests` over `clients` connections; the seconds from the first to the last answer."""
    wires = [Wire(target) for _ in range(clients)]
    failures: list[BaseException] = []
    start = threading.Barrier(clients + 1)

    def client(number: int) -> None:
        start.wait()
        try:
            for request in requests[number::clients]:
                wires[number].ask(request, *wanted)
        except BaseException as error:  # noqa: BLE001  told to the caller below
            failures.append(error)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    start.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - begun
    for wire in wires:
        wire.close()
    if failures:
        raise failures[0]
    return taken


def once(target: Target, method: str, path: str, body: bytes = b"", *wanted: int) -> bytes:
    """One request over a connection of its own; any success will do if no status is `wanted`."""
    wire = Wire(target)
    try:
        return wire.ask(target.request(method, path, body), *(wanted or (200, 201, 202)))
    finally:
        wire.close()


def escaped(name: str) -> str:
    return quote(name, safe="")
