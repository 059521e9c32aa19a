"""multipart/related and multipart/mixed (RFC 2046) as streams: no part is ever held whole.

Reading: a `Parts` walks over the parts of a body; each part is a stream that ends where its boundary begins.
Writing: generators of bytes.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from werkzeug.http import parse_options_header

from sync.store import BadRequest

_CHUNK = 64 * 1024
_MAX_HEADER_BYTES = 16 * 1024
_MAX_BOUNDARY = 70  # RFC 2046, 5.1.1


class Stream(Protocol):
    """Bytes to be read once; b"" is their end."""

    def read(self, size: int, /) -> bytes: ...


class PartStream:
    """The bytes of one part. Reading past its end gives b"". Raises BadRequest if the body ends inside."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.ended = False

    def read(self, size: int = _CHUNK, /) -> bytes:
        if self.ended or size <= 0:
            return b""
        data = self._parts.take(size)
        self.ended = not data
        return data


@dataclass(frozen=True)
class Part:
    """One part: its headers (names in lower case) and its bytes, to be read before the next part."""

    headers: Mapping[str, str]
    stream: PartStream

    @property
    def filename(self) -> str | None:
        return parse_options_header(self.headers.get("content-disposition"))[1].get("filename")

    @property
    def content_type(self) -> str:
        return parse_options_header(self.headers.get("content-type"))[0].lower()


class Parts:
    """The parts of a multipart body, one after the other."""

    def __init__(self, stream: Stream, boundary: str) -> None:
        self._stream = stream
        self._delimiter = b"\r\n--" + boundary.encode("latin-1")
        # As if a line had ended before the body, so that the first boundary is found like all others.
        self._buffer = bytearray(b"\r\n")
        self._ended = False

    def __iter__(self) -> Iterator[Part]:
        self._skip()  # the preamble
        while self._next():
            stream = PartStream(self)
            yield Part(self._headers(), stream)
            if not stream.ended:
                self._skip()

    def take(self, size: int) -> bytes:
        """Up to `size` bytes before the next delimiter; b"" at it."""
        keep = len(self._delimiter) - 1  # these might be the beginning of a delimiter
        while True:
            at = self._buffer.find(self._delimiter)
            free = at if at >= 0 else len(self._buffer) - keep
            if at == 0:
                return b""
            if free > 0:
                data = bytes(self._buffer[: min(free, size)])
                del self._buffer[: len(data)]
                return data
            self._fill()

    def _skip(self) -> None:
        while self.take(_CHUNK):
            pass

    def _next(self) -> bool:
        """Step over a delimiter; whether a part follows it."""
        del self._buffer[: len(self._delimiter)]
        while len(self._buffer) < 2:
            self._fill()
        if self._buffer[:2] == b"--":
            return False
        if self._line().strip(b" \t"):
            raise BadRequest("A multipart boundary is followed by something else.")
        return True

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        left = _MAX_HEADER_BYTES
        while line := self._line():
            left -= len(line)
            if left < 0:
                raise BadRequest("The headers of a part are too long.")
            name, colon, value = line.decode("utf-8", "replace").partition(":")
            if not colon:
                raise BadRequest("A part has a malformed header.")
            headers[name.strip().lower()] = value.strip()
        return headers

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > _MAX_HEADER_BYTES:
                raise BadRequest("The headers of a part are too long.")
            self._fill()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _fill(self) -> None:
        chunk = self._stream.read(_CHUNK)
        if not chunk:
            raise BadRequest("The multipart body ends early.")
        self._buffer += chunk


def boundary_of(content_type: str) -> str:
    """The boundary that a Content-Type header names. Raises BadRequest."""
    boundary = parse_options_header(content_type)[1].get("boundary", "")
    if not 0 < len(boundary) <= _MAX_BOUNDARY or not boundary.isascii():
        raise BadRequest("A multipart body needs a boundary of 1 to 70 characters.")
    return boundary


def new_boundary() -> str:
    return secrets.token_hex(16)


def write_parts(boundary: str, parts: Iterable[tuple[Mapping[str, str], Iterable[bytes]]]) -> Iterator[bytes]:
    """The body of a multipart message, whose parts are headers and chunks."""
    for headers, chunks in parts:
        lines = "".join(f"{name}: {_clean(value)}\r\n" for name, value in headers.items())
        yield f"\r\n--{boundary}\r\n{lines}\r\n".encode()
        yield from chunks
    yield f"\r\n--{boundary}--".encode()


def _clean(value: str) -> str:
    """A content type is a client's text; it must not begin a header of its own."""
    return value.replace("\r", " ").replace("\n", " ")


def quoted(name: str) -> str:
    """An attachment's name as a quoted string for Content-Disposition."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
