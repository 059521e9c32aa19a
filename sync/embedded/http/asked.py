"""What a client asked: query parameters in CouchDB's types, and bodies read within bounds."""

from __future__ import annotations

import io
import sys
import zlib
from collections.abc import Collection, Mapping
from typing import Any, Protocol

import orjson
from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request

from sync.store import BadRequest, StoreError, TooLarge

_CHUNK = 64 * 1024


class Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


class BadContentType(StoreError):
    status = 415
    error = "bad_content_type"


class QueryParseError(BadRequest):
    error = "query_parse_error"


class Query:
    """A URL's parameters, read as CouchDB reads them. Every method raises QueryParseError on nonsense."""

    def __init__(self, args: Mapping[str, str]) -> None:
        self._args = args

    @classmethod
    def of(cls, request: Request) -> Query:
        """The request's own; of a parameter that is there twice, the first."""
        return cls(request.args.to_dict() if request.query_string else {})

    def __contains__(self, name: str) -> bool:
        return name in self._args

    def over(self, body: Mapping[str, Any], *, json_names: Collection[str]) -> Query:
        """These parameters, and those of a JSON `body` that are not among them.

        `json_names` are the parameters whose value is JSON in a URL as well. Raises BadRequest (nonsense).
        """
        said = {
            name: value if isinstance(value, str) and name not in json_names else _dump(value)
            for name, value in body.items()
        }
        return Query({**said, **self._args})

    def text(self, name: str, default: str = "") -> str:
        return self._args.get(name, default)

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self._args.get(name)
        if value is None:
            return default
        if value not in {"true", "false"}:
            raise QueryParseError(f"Invalid boolean parameter: {name}={value}")
        return value == "true"

    def integer(self, name: str, default: int | None = None) -> int | None:
        """A number that is not negative."""
        value = self._args.get(name)
        if value is None:
            return default
        if not value.isascii() or not value.isdecimal() or len(value) > 18:
            kind = "positive integer" if value[:1] == "-" and value[1:].isdecimal() else "integer"
            raise QueryParseError(f'Invalid value for {kind}: "{value}"')
        return int(value)

    def json(self, name: str, default: Any = None) -> Any:
        value = self._args.get(name)
        if value is None:
            return default
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise QueryParseError(f"Invalid JSON parameter: {name}={value}") from error

    def strings(self, name: str) -> list[str] | None:
        """A JSON list of strings, or None where there is no such parameter."""
        return None if name not in self else string_list(self.json(name), name)


def _dump(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:
        raise BadRequest("The body is nested too deeply.") from error


def string_list(value: Any, name: str) -> list[str]:
    """`value` if it is a list of strings. Raises BadRequest."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadRequest(f"`{name}` must be a JSON array of strings.")
    return value


class Gunzip(io.RawIOBase):
    """The decoded bytes of a gzip stream, never more than asked for at once.

    Raises BadRequest when the stream is broken or ends early.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._engine = zlib.decompressobj(wbits=31)
        self._pending = b""
        self._started = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            raise io.UnsupportedOperation("a bound is needed")
        while True:
            chunk = self._pending or self._stream.read(_CHUNK)
            if not chunk:
                if self._started and not self._engine.eof:
                    raise BadRequest("The gzip body ends early.")
                return b""
            self._started = True
            if self._engine.eof:  # members may follow each other
                self._engine = zlib.decompressobj(wbits=31)
            try:
                data = self._engine.decompress(chunk, size)
            except zlib.error as error:
                raise BadRequest("The body is not valid gzip.") from error
            self._pending = self._engine.unused_data if self._engine.eof else self._engine.unconsumed_tail
            if data:
                return data


class Interrupted(BadRequest):
    """The client went away before its body was complete; nobody will read this answer."""


class _Whole:
    """A body of which every byte came, or Interrupted.

    gunicorn ends a body that breaks off like a complete one (and tells werkzeug not to count), so that half
    a photo would be stored as a photo: the bytes are counted here, against Content-Length.
    """

    def __init__(self, stream: Stream, length: int | None) -> None:
        self._stream = stream
        self._missing = length

    def read(self, size: int, /) -> bytes:
        try:
            data = self._stream.read(size)
        except (ClientDisconnected, OSError) as error:
            raise Interrupted("The request body ends early.") from error
        if self._missing is not None:
            self._missing -= len(data)
            if not data and self._missing > 0:
                raise Interrupted("The request body ends early.")
        return data


def body_stream(request: Request) -> Stream:
    """The request's body, its content encoding undone. The reader sets the bound. Raises BadContentType."""
    stream, encoding = sent_stream(request)
    return stream if encoding is None else Gunzip(stream)


def sent_stream(request: Request) -> tuple[Stream, str | None]:
    """The request's body as it was sent, and its encoding: `gzip` or None. Raises BadContentType."""
    stream = _Whole(_raw(request), request.content_length)
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in {"identity", ""}:
        return stream, None
    if encoding in {"gzip", "x-gzip"}:
        return stream, "gzip"
    raise BadContentType(f"{encoding} is not a supported content encoding.")


def _raw(request: Request) -> Stream:
    if request.environ.get("wsgi.input_terminated"):
        # Werkzeug would put a bound around it; every reader here has its own, and answers in JSON.
        raw: Stream = request.environ["wsgi.input"]
        return raw
    request.max_content_length = sys.maxsize
    return request.stream


def read_all(stream: Stream, limit: int) -> bytes:
    """Raises TooLarge beyond `limit` bytes."""
    buffer = io.BytesIO()  # which grows in place, and gives its bytes away without a copy
    while chunk := stream.read(_CHUNK):
        if buffer.tell() + len(chunk) > limit:
            raise TooLarge(f"the request entity exceeds {limit} bytes")
        buffer.write(chunk)
    return buffer.getvalue()


def _exactly(stream: Stream, length: int) -> bytearray:
    """A body of a known length, held once. `stream` raises if it is shorter."""
    whole, at = bytearray(length), 0
    while at < length:
        piece = stream.read(min(length - at, _CHUNK))
        whole[at : at + len(piece)] = piece
        at += len(piece)
    return whole


def require_json(request: Request) -> None:
    """Raises BadContentType unless the body calls itself JSON.

    One that does not may come from a form on a foreign page: CouchDB refuses it too.
    """
    if request.mimetype != "application/json":
        raise BadContentType("Content-Type must be application/json")


def json_body(request: Request, limit: int) -> Any:
    """The body as JSON. Raises BadContentType, TooLarge, BadRequest."""
    require_json(request)
    return any_json_body(request, limit)


def json_bytes(request: Request, limit: int) -> bytes | bytearray:
    """The body, which calls itself JSON and may be none. Raises BadContentType, TooLarge, BadRequest."""
    require_json(request)
    return _whole(request, limit)


def any_json_body(request: Request, limit: int) -> Any:
    """The body as JSON, whatever its Content-Type says. Raises TooLarge, BadRequest."""
    return parse_json(_whole(request, limit))


def _whole(request: Request, limit: int) -> bytes | bytearray:
    """The body, decoded. Raises TooLarge beyond `limit` bytes, BadRequest."""
    length = request.content_length
    if length is None or request.headers.get("Content-Encoding"):
        return read_all(body_stream(request), limit)
    if length > limit:
        raise TooLarge(f"the request entity exceeds {limit} bytes")
    return _exactly(body_stream(request), length)


def json_object(request: Request, limit: int) -> dict[str, Any]:
    value = json_body(request, limit)
    if not isinstance(value, dict):
        raise BadRequest("Request body must be a JSON object")
    return value


def parse_json(data: bytes | bytearray | memoryview) -> Any:
    """Raises BadRequest: for broken JSON, NaN and infinities, lone surrogates, and wild nesting."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadRequest("invalid UTF-8 JSON") from error
