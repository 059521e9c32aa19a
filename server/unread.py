"""Reads a request to its end even where it was refused before.

A server that answers early and closes makes the kernel tell the client that the connection was reset, and the
answer is lost with it: a tablet that pushes photos with a token grown stale would see a broken link, and try
the same again, instead of hearing 401 or 413.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_CHUNK = 64 * 1024
#: How much of an unread body is thrown away for an answer's sake, and how long that may take, in seconds. Who
#: sends more than that, or slower, may miss the answer.
MAX_BYTES = 256 * 1024 * 1024
MAX_SECONDS = 60.0


class ReadToTheEnd:
    """WSGI middleware, for servers whose `wsgi.input` ends with the request."""

    def __init__(
        self,
        application: WSGIApplication,
        *,
        max_bytes: int = MAX_BYTES,
        max_seconds: float = MAX_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._application = application
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._monotonic = monotonic

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._application(environ, start_response)
        # Nothing of the answer is on its way yet: servers send the headers with the first chunk.
        if environ.get("wsgi.input_terminated"):
            self._discard(environ)
        return answer

    def _discard(self, environ: WSGIEnvironment) -> None:
        left, deadline = self._max_bytes, self._monotonic() + self._max_seconds
        while left > 0 and self._monotonic() < deadline:
            try:
                chunk = environ["wsgi.input"].read(min(_CHUNK, left))
            except Exception:  # noqa: BLE001  however the body broke off, the answer to it stands
                return
            if not chunk:
                return
            left -= len(chunk)
