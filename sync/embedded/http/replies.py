"""Answers in CouchDB's form."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

import orjson
from werkzeug.wsgi import ClosingIterator

from sync.embedded.inlining import has_marks, written_out
from sync.embedded.pausing import Pause
from sync.store import StoreError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from sync.embedded.http.call import Call

JSON_TYPE = "application/json"
#: Documents with their attachments inside are in answers of these types.
_WITH_MARKS = (JSON_TYPE, "text/event-stream")
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
#: These have no body, and say nothing of one (RFC 9110, 15.3.5 and 15.4.5).
_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


def encode(value: Any) -> bytes:
    """JSON in UTF-8. Documents may hold integers and depths that orjson refuses; json takes those."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


class Reply:
    """An answer, and the WSGI application that gives it."""

    __slots__ = ("_body", "_on_close", "headers", "status")

    def __init__(
        self,
        body: bytes | Iterable[bytes | Pause],
        content_type: str = JSON_TYPE,
        headers: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> None:
        self.status = status
        self._body = body
        self._on_close: list[Callable[[], object]] = []
        self.headers: dict[str, str] = {
            "Content-Type": content_type,
            "Cache-Control": "must-revalidate",
            "X-Content-Type-Options": "nosniff",
            "X-Couch-Request-ID": f"{random.getrandbits(40):010x}",
        }
        if isinstance(body, bytes):
            self.headers["Content-Length"] = str(len(body))
        if status in _BODILESS:
            del self.headers["Content-Type"], self.headers["Content-Length"]
        if headers:
            self.headers.update(headers)

    def write_out(self, open_blob: Callable[[str], BinaryIO]) -> Reply:
        """Write large attachments where the JSON of this answer only marks them."""
        if not self.headers.get("Content-Type", "").startswith(_WITH_MARKS):
            return self
        if not isinstance(self._body, bytes):
            self._body = written_out(self._body, open_blob)
        elif has_marks(self._body):
            self._body = written_out((self._body,), open_blob)
            del self.headers["Content-Length"]
        return self

    def call_on_close(self, function: Callable[[], object]) -> None:
        """Call `function` when the answer has been given, or has broken off."""
        self._on_close.append(function)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = [(name, _header(value)) for name, value in self.headers.items()]
        start_response(f"{self.status} {_PHRASES.get(self.status, 'Unknown')}", headers)
        bare = environ["REQUEST_METHOD"] == "HEAD" or self.status in _BODILESS
        if isinstance(self._body, bytes) and not self._on_close:
            return () if bare else (self._body,)
        # What the iterator yields is handed on as it is: a pause is for the server below.
        body: Any = (self._body,) if isinstance(self._body, bytes) else self._body
        closing = [*([body.close] if hasattr(body, "close") else []), *self._on_close]
        return ClosingIterator(() if bare else body, closing)


def json_reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(encode(value) + b"\n", JSON_TYPE, headers, status)


def empty_reply(status: int, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(b"", JSON_TYPE, headers, status)


def stream_reply(
    chunks: Iterable[bytes | Pause],
    content_type: str = JSON_TYPE,
    headers: Mapping[str, str] | None = None,
    status: int = 200,
) -> Reply:
    return Reply(chunks, content_type, headers, status)


def gathered(chunks: Iterable[bytes], *, size: int = 64 * 1024, seconds: float = 1.0) -> Iterator[bytes]:
    """The same bytes in pieces of about `size`: each piece that goes out costs as much as finding many rows.

    What comes later than `seconds` after the last piece goes out at once, so that a sign of life is one. Not
    for chunks between which somebody waits.
    """
    pieces: list[bytes] = []
    length, due = 0, time.monotonic() + seconds
    for chunk in chunks:
        pieces.append(chunk)
        length += len(chunk)
        if length >= size or time.monotonic() >= due:
            yield b"".join(pieces)
            pieces.clear()
            length, due = 0, time.monotonic() + seconds
    if pieces:
        yield b"".join(pieces)


def error_reply(error: StoreError, headers: Mapping[str, str] | None = None) -> Reply:
    return json_reply({"error": error.error, "reason": error.reason}, error.status, headers)


def etag(value: str) -> dict[str, str]:
    return {"ETag": f'"{value}"'}


def not_modified(call: Call, value: str) -> bool:
    """Whether the client says that it has the version `value` already."""
    return call.request.if_none_match.contains_weak(value)


def location(call: Call, *parts: str) -> dict[str, str]:
    """The URL of what was just made, below the mount."""
    environ = call.request.environ
    host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    path = "/".join([quote(part, safe="") for part in parts])
    return {"Location": f"{environ['wsgi.url_scheme']}://{host}{call.mount}/{path}"}


def _header(value: str) -> str:
    """A header's value as WSGI wants it. Some are a client's text, and begin no header of their own."""
    if value.isascii() and value.isprintable():
        return value
    return "".join(char if char.isprintable() else " " for char in value).encode().decode("latin-1")
