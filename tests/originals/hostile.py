"""An object storage that misbehaves: a small HTTP server whose every answer the test writes itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REFUSAL = '<?xml version="1.0"?><Error><Code>{code}</Code><Message>no</Message></Error>'


@dataclass
class Answer:
    """What is answered: `body` may be shorter than `length` says, and then the connection ends. `pause` are
    seconds before the body."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    pause: float = 0.0


@dataclass(frozen=True)
class Asked:
    """A request that came: verb, path, the range that it asked for, and what it was signed with."""

    verb: str
    path: str
    range: str | None
    signed: str = ""
    token: str | None = None


Mind = Callable[[Asked], Answer]


def refusal(status: int, code: str) -> Answer:
    return Answer(status, REFUSAL.format(code=code).encode(), {"Content-Type": "application/xml"})


class Hostile:
    """The server: `mind` decides what each request is answered, `asked` is what came."""

    def __init__(self) -> None:
        self.mind: Mind = lambda _: refusal(500, "InternalError")
        self.asked: list[Asked] = []
        self.url = ""


@contextmanager
def hostile() -> Iterator[Hostile]:
    told = Hostile()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            left = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(left)
            asked = Asked(
                self.command,
                self.path,
                self.headers.get("Range"),
                self.headers.get("Authorization", ""),
                self.headers.get("X-Amz-Security-Token"),
            )
            told.asked.append(asked)
            answer = told.mind(asked)
            length = len(answer.body) if answer.length is None else answer.length
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            time.sleep(answer.pause)
            if self.command != "HEAD":
                self.wfile.write(answer.body)
            if length != len(answer.body):
                self.close_connection = True

        do_GET = do_PUT = do_HEAD = answer  # noqa: N815  as the library calls them

        def log_message(self, *_: object) -> None:
            """Nothing: the test looks at `asked`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
