"""Answers in CouchDB's form."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, cast
from urllib.parse import quote

import orjson
from flask import Response, request

from sync.embedded.http.pausing import Pause
from sync.store import StoreError

JSON_TYPE = "application/json"


def encode(value: Any) -> bytes:
    """JSON in UTF-8. Documents may hold integers and depths that orjson refuses; json takes those."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def json_reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    response = Response(encode(value) + b"\n", status, content_type=JSON_TYPE)
    return _finish(response, headers)


def empty_reply(status: int, headers: Mapping[str, str] | None = None) -> Response:
    return _finish(Response(b"", status, content_type=JSON_TYPE), headers)


def stream_reply(
    chunks: Iterable[bytes | Pause],
    content_type: str = JSON_TYPE,
    headers: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    # werkzeug hands on what the iterator yields as it is; a pause is for the server below.
    body = cast("Iterable[bytes]", chunks)
    return _finish(Response(body, status, content_type=content_type), headers)


def error_reply(error: StoreError, headers: Mapping[str, str] | None = None) -> Response:
    return json_reply({"error": error.error, "reason": error.reason}, error.status, headers)


def etag(value: str) -> dict[str, str]:
    return {"ETag": f'"{value}"'}


def not_modified(value: str) -> bool:
    """Whether the client says that it has the version `value` already."""
    return request.if_none_match.contains_weak(value)


def location(*parts: str) -> dict[str, str]:
    """The URL of what was just made, below the mount."""
    path = "/".join(quote(part, safe="") for part in parts)
    return {"Location": f"{request.host_url.rstrip('/')}{mount()}/{path}"}


def mount() -> str:
    """The path below which this interface is mounted, without a slash at its end."""
    rule = request.url_rule.rule if request.url_rule is not None else ""
    return request.script_root + rule.partition("<")[0].rstrip("/")


def _finish(response: Response, headers: Mapping[str, str] | None) -> Response:
    response.headers["Cache-Control"] = "must-revalidate"
    response.headers["X-Couch-Request-ID"] = secrets.token_hex(5)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response
