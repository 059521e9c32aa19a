"""Errors as people and programs get them: `application/problem+json` (RFC 9457) with a stable `code`.

A handler raises `Problem(status, code, **params)`; the words come from the catalogue (`problem.<code>`), in
the language that the request prefers. Codes are never renamed or given a second meaning.
"""

from __future__ import annotations

import errno
import math
import sqlite3
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, jsonify, request
from flask_smorest import Api
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from checklists.loader import DefinitionError
from checklists.refusal import ChecklistRefused
from server.evidence.originals.bucket import OriginalLost, OriginalsUnreachable
from server.openapi import announced
from server.services import services
from server.texts import DEFAULT_LANGUAGE, LANGUAGES, catalogue, text
from server.workflow.refusal import Refusal
from sync.lease import Busy
from sync.store import (
    BytesMissing,
    Conflict,
    Damaged,
    NoSpace,
    NotFound,
    ReadOnly,
    StoreError,
    TooLarge,
    Unavailable,
)

log = structlog.get_logger()

_CODES_BY_STATUS = {
    400: "bad_request",
    401: "token_missing",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    412: "precondition_failed",
    413: "too_large",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    422: "invalid_fields",
    428: "precondition_required",
    429: "rate_limited",
    503: "unavailable",
    507: "disk_full",
}
#: What a refusal of HTTP itself says in its headers.
_KEPT_HEADERS = {"Allow", "Content-Range", "Retry-After"}


class Problem(Exception):
    """A refusal to be answered. `params` fill the text; `extra` are further members of the body.

    A parameter may be called `status` or `code` as well, so ours come by position.
    """

    def __init__(
        self,
        status: int,
        code: str,
        /,
        *,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        text_code: str | None = None,
        **params: Any,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.text_code = text_code or f"problem.{code}"
        self.params = params
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})


def language() -> str:
    """The language of this request, by `Accept-Language`; zh-CN where it prefers none we have."""
    return request.accept_languages.best_match(LANGUAGES, DEFAULT_LANGUAGE) or DEFAULT_LANGUAGE


def respond(problem: Problem) -> Response:
    lang = language()
    body = {
        "type": f"urn:hezha:problem:{problem.code}",
        "title": text(f"status.{problem.status}", lang),
        "status": problem.status,
        "code": problem.code,
        "detail": text(problem.text_code, lang, **problem.params),
        **problem.extra,
    }
    response = jsonify(body)
    response.status_code = problem.status
    response.content_type = "application/problem+json"
    response.headers["Content-Language"] = lang
    response.headers.extend(problem.headers)
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE and "Retry-After" not in response.headers:
        response.headers.extend(_retry_after(services().settings.retry_seconds))
    return response


def _retry_after(seconds: float) -> dict[str, str]:
    """The header takes whole seconds, and zero would mean at once."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


#: Names in marshmallow's messages that are no field of the request.
_NO_STEPS = {"_schema", "key", "value"}

#: Parameters of a refusal that are names of the tables, and the part of the catalogue that says them.
_NAMES: Mapping[str, Mapping[str, str]] = {
    "move_not_allowed": {"from": "stage", "to": "stage", "names": "stage"},
    "precondition_unmet": {"from": "stage", "to": "stage", "names": "precondition"},
}
_STATUS_BY_KIND = {"conflict": 409, "forbidden": 403, "invalid": 422, "not_found": 404}


def _from_refusal(refusal: Refusal | ChecklistRefused) -> Response:
    """A rule of the trade, or of versions and limits, said no: its code, its words, and the facts that would
    change the answer."""
    catalogue_of = "refusal" if isinstance(refusal, Refusal) else "library"
    return respond(
        Problem(
            _STATUS_BY_KIND[refusal.kind],
            refusal.code,
            text_code=f"{catalogue_of}.{refusal.code}",
            extra={"params": refusal.params, "facts": list(refusal.facts)},
            **{**refusal.params, **_in_words(refusal)},
        )
    )


def _in_words(refusal: Refusal | ChecklistRefused) -> dict[str, str]:
    """The parameters that a reader would not know by their names; the body's own `params` keep those."""
    lang = language()
    return {
        name: "; ".join(text(f"{part}.{one}", lang) for one in str(refusal.params[name]).split(", "))
        for name, part in _NAMES.get(refusal.code, {}).items()
    }


def _from_library(error: DefinitionError) -> Response:
    log.error("library_unreadable", path=request.path, reason=str(error))
    return respond(Problem(500, "library_unreadable"))


def _from_store(error: StoreError) -> Response:
    """A refusal of the store that no handler expected: nothing there, overtaken, or a real fault."""
    if isinstance(error, NotFound):
        return respond(Problem(404, "not_found"))
    if isinstance(error, Conflict):
        return respond(Problem(409, "conflict"))
    if isinstance(error, Busy):
        return respond(Problem(503, "case_busy", headers={"Retry-After": str(error.retry_after)}))
    if isinstance(error, TooLarge):
        return respond(Problem(413, "too_large"))
    if isinstance(error, NoSpace):
        return _disk_full(error)
    for kind, status, code in _OPERATORS_MATTERS:
        if isinstance(error, kind):
            log.error(code, path=request.path, reason=error.reason)
            left = error.retry_after if isinstance(error, OriginalsUnreachable) else None
            return respond(Problem(status, code, headers={} if left is None else _retry_after(left)))
    return _from_crash(error)


#: What a client can only wait out, and an operator has to mend: `hezha doctor` names it.
_OPERATORS_MATTERS = (
    (OriginalsUnreachable, 503, "originals_unreachable"),
    (OriginalLost, 500, "original_lost"),
    (Unavailable, 503, "unavailable"),
    (ReadOnly, 503, "data_read_only"),
    (Damaged, 500, "store_damaged"),
    (BytesMissing, 500, "bytes_missing"),
)


def _disk_full(error: Exception) -> Response:
    log.error("disk_full", path=request.path, error=str(error))
    return respond(Problem(507, "disk_full"))


def _from_system(error: OSError) -> Response:
    """A disk that fills up below the spool is no crash: the same request is good again when there is room."""
    return _disk_full(error) if error.errno in {errno.ENOSPC, errno.EDQUOT} else _from_crash(error)


def _from_readmodel(error: DBAPIError) -> Response:
    """The read model lies on the same disk. What it missed, the worker projects when the case settles."""
    full = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return _disk_full(error) if full else _from_crash(error)


class ProblemApi(Api):  # type: ignore[misc]
    """flask-smorest with our own error bodies, and a document that says so."""

    #: What may go wrong follows from what an operation asks for; see `openapi`.
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _openapi_json(self) -> Response:
        return jsonify(announced(self.spec.to_dict()))

    def _register_error_handlers(self) -> None:
        app: Flask = self._app
        app.register_error_handler(HTTPException, _from_http)
        app.register_error_handler(Problem, respond)
        app.register_error_handler(Refusal, _from_refusal)
        app.register_error_handler(ChecklistRefused, _from_refusal)
        app.register_error_handler(DefinitionError, _from_library)
        app.register_error_handler(StoreError, _from_store)
        app.register_error_handler(OSError, _from_system)
        app.register_error_handler(DBAPIError, _from_readmodel)
        app.register_error_handler(Exception, _from_crash)


def _from_http(error: HTTPException) -> Response:
    if error.response is not None:
        return error.response  # type: ignore[return-value]
    status = error.code or 500
    data: Mapping[str, Any] = getattr(error, "data", None) or {}
    messages = data.get("messages")
    code = _CODES_BY_STATUS.get(status, "internal_error" if status >= 500 else "bad_request")
    extra: dict[str, Any] = {}
    if messages is not None:
        if _is_broken_json(messages):
            status, code = 400, "broken_json"
        else:
            # webargs puts the part of the request (json, query, …) on top.
            inner = messages.values() if isinstance(messages, Mapping) else [messages]
            extra["errors"] = [row for part in inner for row in _flatten(part)]
    headers = {name: value for name, value in error.get_headers() if name in _KEPT_HEADERS}
    if status >= 500:
        log.error("request_failed", status=status, path=request.path, error=str(error))
    return respond(Problem(status, code, extra=extra, headers=headers))


def _from_crash(error: Exception) -> Response:
    log.exception("request_crashed", method=request.method, path=request.path)
    return respond(Problem(500, "internal_error"))


def _is_broken_json(messages: Any) -> bool:
    flat = messages.get("json") if isinstance(messages, Mapping) else None
    return isinstance(flat, list) and any("JSON" in str(line) for line in flat)


def _flatten(messages: Any, path: str = "#") -> Iterator[dict[str, str]]:
    """marshmallow's nested messages as `{pointer, message}` rows, so that a form can mark each field.

    A pointer is a JSON pointer in a fragment (RFC 6901), into the body or the query.
    """
    if isinstance(messages, Mapping):
        for key, value in messages.items():
            step = str(key).replace("~", "~0").replace("/", "~1")
            # `_schema` speaks of the whole, `key` and `value` of a mapping's entry; none is a step.
            yield from _flatten(value, path if key in _NO_STEPS else f"{path}/{step}")
    else:
        for message in messages if isinstance(messages, list) else [messages]:
            yield {"pointer": path, "message": str(message)}


def known_codes() -> set[str]:
    """Every problem code the catalogue has words for."""
    return {code.removeprefix("problem.") for code in catalogue("en") if code.startswith("problem.")}
