"""Many clients in one thread: an HTTP/1.1 client on asyncio, cheap beside the server that it measures."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any


class Link:
    """One kept-alive connection. Use it in an `async with`; it connects when it is first used."""

    def __init__(self, host: str, port: int, headers: Mapping[str, str]) -> None:
        self._where = (host, port)
        self._fixed = "".join(f"{name}: {value}\r\n" for name, value in {"Host": host, **headers}.items())
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Link:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.drop()

    def drop(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of the answer."""
        data = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\n{self._fixed}"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._where)
        reader, writer = self._streams
        writer.write(head.encode() + b"\r\n" + data)
        status, answered, close = await _answer(reader)
        if close:
            self.drop()
        return status, json.loads(answered or b"null")


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(lines[0].split()[1])
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return status, body, headers.get("connection") == "close"


class Times:
    """Durations of one kind of request, in seconds, and what went wrong with it."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.failures: list[str] = []

    async def measure(self, link: Link, method: str, path: str, body: Any = None) -> Any:
        """The JSON of a 2xx answer; anything else is a failure, and None."""
        began = time.perf_counter()
        try:
            status, answered = await link.ask(method, path, body)
        except (OSError, asyncio.IncompleteReadError) as error:
            link.drop()
            self.failures.append(f"{method} {path}: {error!r}")
            return None
        self.seconds.append(time.perf_counter() - began)
        if not 200 <= status < 300:
            self.failures.append(f"{method} {path}: {status} {answered}")
            return None
        return answered

    def percentile(self, share: float) -> float:
        ranked = sorted(self.seconds)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else float("nan")

    def line(self) -> str:
        p50, p95, p99 = (1000 * self.percentile(share) for share in (0.5, 0.95, 0.99))
        failed = f", {len(self.failures)} FAILED, first: {self.failures[0]}" if self.failures else ""
        times = f"p50 {p50:6.1f} ms, p95 {p95:6.1f} ms, p99 {p99:6.1f} ms"
        return f"{len(self.seconds):6d} requests, {times}{failed}"
