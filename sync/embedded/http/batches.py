"""The body of `_bulk_docs`. A batch of photos is large: its documents are read one at a time, so that what
is held beside the body is one of them, and not all of them twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from werkzeug.wrappers import Request

from sync.embedded.http.asked import json_bytes, parse_json
from sync.store import BadRequest, Document

#: Bodies of fewer bytes are read at once, which is quicker.
LARGE = 1024 * 1024


class Batch(NamedTuple):
    """`docs` can be gone through once, and raise BadRequest on the way for what is no document."""

    docs: Iterable[Document]
    length: int
    new_edits: Any
    all_or_nothing: Any


class _Body(msgspec.Struct):
    docs: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    new_edits: Any = True
    all_or_nothing: Any = False


def read_batch(request: Request, limit: int, *, large: int = LARGE) -> Batch:
    """What a request to `_bulk_docs` says; its documents one by one if it has `large` bytes or more.

    Raises BadContentType, TooLarge, BadRequest.
    """
    data = json_bytes(request, limit)
    return _in_pieces(data) if len(data) >= large else _at_once(data)


def _at_once(data: bytes | bytearray) -> Batch:
    body = parse_json(data)
    if not isinstance(body, dict):
        raise BadRequest("Request body must be a JSON object")
    if "docs" not in body:
        raise BadRequest("POST body must include `docs` parameter.")
    docs = body["docs"]
    if not isinstance(docs, list):
        raise BadRequest("`docs` parameter must be an array.")
    if not all(isinstance(doc, dict) for doc in docs):
        raise BadRequest("Document must be a JSON object")
    return Batch(docs, len(docs), body.get("new_edits", True), body.get("all_or_nothing", False))


def _in_pieces(data: bytes | bytearray) -> Batch:
    try:
        body = msgspec.json.decode(data, type=_Body)
    except msgspec.ValidationError as error:
        raise BadRequest("Request body must be a JSON object") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequest("invalid UTF-8 JSON") from error
    if body.docs is msgspec.UNSET:
        raise BadRequest("POST body must include `docs` parameter.")
    try:
        docs = msgspec.json.decode(body.docs, type=list[msgspec.Raw])
    except msgspec.ValidationError as error:
        raise BadRequest("`docs` parameter must be an array.") from error
    return Batch(_each(docs), len(docs), body.new_edits, body.all_or_nothing)


def _each(docs: Sequence[msgspec.Raw]) -> Iterator[Document]:
    for raw in docs:
        doc = parse_json(memoryview(raw))
        if not isinstance(doc, dict):
            raise BadRequest("Document must be a JSON object")
        yield doc
