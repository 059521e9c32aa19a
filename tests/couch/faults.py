"""A server that fails as networks and clusters do, in front of the embedded engine's own.

Answers may be lost after the work was done, or be replaced; requests may never arrive; streams may break off.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.engines.served import App


@dataclass
class Fault:
    """What happens to the next `times` requests whose `METHOD path` matches `pattern`.

    `done`: whether the server does what was asked before it. `status` is answered instead; without one the
    connection is cut, after `cut_after` bytes of the answer's body if that is given. `then` is called before.
    """

    pattern: str
    times: int = 1
    done: bool = False
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    then: Callable[[], object] | None = None


class Faults:
    """Wraps a WSGI application; add faults to it and read what was asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self.asked: list[str] = []

    def add(self, pattern: str, **more: Any) -> None:
        self._faults.append(Fault(pattern, **more))

    def then(self, pattern: str, act: Callable[[], object]) -> None:
        """The next such request is carried out, then `act` happens, and the answer is lost."""
        self.add(pattern, done=True, then=act)

    def instead(self, pattern: str, act: Callable[[], object]) -> None:
        """The next such request is lost, and `act` happens."""
        self.add(pattern, then=act)

    def clear(self) -> None:
        self._faults.clear()

    def count(self, pattern: str) -> int:
        return sum(re.search(pattern, asked) is not None for asked in self.asked)

    def around(self, app: App) -> App:
        def wrapped(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            asked = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ['QUERY_STRING']}"
            fault = self._next(asked)
            if fault is None:
                return app(environ, start)  # type: ignore[no-any-return]
            return self._spoil(fault, app, environ, start)

        return wrapped

    def _next(self, asked: str) -> Fault | None:
        with self._lock:
            self.asked.append(asked)
            for fault in self._faults:
                if fault.times and re.search(fault.pattern, asked):
                    fault.times -= 1
                    return fault
        return None

    def _spoil(
        self, fault: Fault, app: App, environ: dict[str, Any], start: Callable[..., Any]
    ) -> Iterable[bytes]:
        if fault.cut_after is not None:
            return _first(fault.cut_after, app(environ, start), environ)
        if fault.done:
            answer = app(environ, lambda *_: lambda _data: None)
            b"".join(answer)
            with suppress(AttributeError):
                answer.close()
        else:
            _read(environ)
        if fault.then is not None:
            fault.then()
        if fault.status is None:
            cut(environ)
        start(f"{fault.status} Fault", [("Content-Type", "application/json"), *fault.headers.items()])
        return [json.dumps({"error": "fault", "reason": "as the test wants it"}).encode()]


def _read(environ: dict[str, Any]) -> None:
    """What was sent must be read, else closing the connection would not be silent but a reset."""
    if environ.get("wsgi.input_terminated"):
        environ["wsgi.input"].read()
    else:
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))


def cut(environ: dict[str, Any]) -> None:
    """End the connection without a word."""
    with suppress(OSError):
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError


def _first(size: int, chunks: Iterable[bytes], environ: dict[str, Any]) -> Iterator[bytes]:
    left = size
    for chunk in chunks:
        yield chunk[:left]
        left -= len(chunk)
        if left <= 0:
            cut(environ)
