"""The case as the one document `case` of its database, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from server.workflow.model import Case, LogEntry

CASE_ID = "case"
SCHEMA = 1
_ENVELOPE = ("_id", "_rev", "type", "schema")


class _Entry(LogEntry, frozen=True, omit_defaults=True):
    """An entry with what it was caused by and what it changed unread: most of a document is that."""

    cause: msgspec.Raw = msgspec.Raw(b"null")  # type: ignore[assignment]
    changes: msgspec.Raw = msgspec.Raw(b"null")  # type: ignore[assignment]


class _Glance(Case, frozen=True, kw_only=True):
    """A case document as it is stored."""

    log: tuple[_Entry, ...] = ()
    type: Literal["case"]
    schema: Literal[1]


class CaseFormatError(ValueError):
    """A document that is no case, or one of a shape that this version does not know."""


def case_to_document(case: Case) -> dict[str, Any]:
    """Plain JSON values with `_id`, `type` and `schema`; the shell adds the `_rev` that it read."""
    return enveloped(msgspec.json.encode(case))


def enveloped(body: bytes) -> dict[str, Any]:
    """The document of a case that was encoded as JSON."""
    return {"_id": CASE_ID, "type": "case", "schema": SCHEMA, **msgspec.json.decode(body)}


def case_from_document(doc: Mapping[str, Any]) -> Case:
    """The case in a document, `_rev` left aside. Raises CaseFormatError for anything else.

    An unknown field refuses: what this version does not understand it must not write back without.
    """
    if doc.get("_id") != CASE_ID or doc.get("type") != "case":
        raise CaseFormatError(f"not a case document: {doc.get('_id')!r}")
    if doc.get("schema") != SCHEMA:
        raise CaseFormatError(f"case schema {doc.get('schema')!r} is not {SCHEMA}")
    body = {key: value for key, value in doc.items() if key not in _ENVELOPE}
    try:
        return msgspec.convert(body, Case, str_keys=True)
    except msgspec.ValidationError as error:
        raise CaseFormatError(str(error)) from error


_GLANCE = msgspec.json.Decoder(_Glance)


def glanced(body: bytes) -> Case:
    """The case in a document as it is stored, to be looked at and never written back: the causes of its log
    are not read. Raises CaseFormatError.
    """
    try:
        return _GLANCE.decode(body)
    except msgspec.DecodeError as error:
        raise CaseFormatError(str(error)) from error
