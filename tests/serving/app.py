"""A small application behind the web worker: `python app.py PORT THREADS HEADER_SECONDS STALL_SECONDS`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from gunicorn.app.base import BaseApplication

from server.serving.worker import WebWorker
from sync.embedded.pausing import Pause, can_pause, pause
from sync.embedded.wakeup import Waiter

bells: set[Waiter] = set()
counted = {"closed": 0, "read": 0, "begun": 0}
lock = threading.Lock()


def count(what: str) -> None:
    with lock:
        counted[what] += 1


def parked(seconds: float, *, aside: bool) -> Iterator[bytes | Pause]:
    bell = Waiter(None, None)  # type: ignore[arg-type]
    bells.add(bell)
    try:
        yield b"begin "
        yield from pause(bell, seconds, aside=aside)
        yield b"middle "
        yield from pause(bell, seconds, aside=aside)
        yield b"end"
    finally:
        bells.discard(bell)
        count("closed")


def failing() -> Iterator[bytes]:
    yield b"begin "
    raise RuntimeError("the application failed in the middle")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[Any]:
    path, _, argument = environ["PATH_INFO"][1:].partition("/")
    answer: Iterable[Any] = [b"now"]
    match path:
        case "park":
            answer = parked(float(argument), aside=can_pause(environ))
        case "ring":
            for bell in list(bells):
                bell.ring()
        case "counted":
            answer = [repr(counted).encode()]
        case "length":
            count("begun")
            try:
                answer = [str(sum(map(len, iter(lambda: environ["wsgi.input"].read(100_000), b"")))).encode()]
            finally:
                count("read")
        case "lines":
            answer = [repr([len(line) for line in environ["wsgi.input"]]).encode()]
        case "big":
            answer = (b"x" * 65536 for _ in range(2000))
        case "fail":
            answer = failing()
        case "crash":
            raise RuntimeError("the application failed at once")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return answer


class Server(BaseApplication):  # type: ignore[misc]
    def load_config(self) -> None:
        port, threads, header_seconds, stall_seconds = sys.argv[1:]
        self.cfg.set("bind", f"127.0.0.1:{port}")
        self.cfg.set("threads", int(threads))
        self.cfg.set("graceful_timeout", 10)
        self.cfg.set("keepalive", 5)
        self.cfg.set("loglevel", "warning")
        self.cfg.set("control_socket_disable", True)
        self.cfg.set(
            "worker_class",
            WebWorker.bounded(header_seconds=float(header_seconds), stall_seconds=float(stall_seconds)),
        )

    def load(self) -> Any:
        return application


if __name__ == "__main__":
    Server().run()
