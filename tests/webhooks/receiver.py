"""A program that webhooks are sent to: a real HTTP server on the loopback that does what a test tells it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Handler"], None]


def ok(handler: Handler) -> None:
    handler.answer(200)


class Handler(BaseHTTPRequestHandler):
    server: Any
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        receiver: Receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver.heard.append(Heard(self.path, dict(self.headers), body))
        receiver.answer(self)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@dataclass
class Heard:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    url: str
    answer: Answer = ok
    heard: list[Heard] = field(default_factory=list)
    #: Set at the end, so that nobody hangs longer than the test.
    over: threading.Event = field(default_factory=threading.Event)

    def hang(self, handler: Handler) -> None:
        """Never answer."""
        self.over.wait(30)
        handler.close_connection = True

    def drip(self, handler: Handler) -> None:
        """Answer, a byte now and then, without end."""
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not self.over.is_set():
            try:
                handler.wfile.write(b"x")
            except OSError:
                return
            time.sleep(0.02)

    def flood(self, handler: Handler) -> None:
        """Answer with more than anybody wants to read."""
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(100):
                handler.wfile.write(b"x" * 1_000_000)
        except OSError:
            return
        finally:
            handler.close_connection = True


@contextmanager
def receiver() -> Iterator[Receiver]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Receiver(f"http://127.0.0.1:{server.server_address[1]}/hook?x=1")
    server.receiver = made  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        made.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
