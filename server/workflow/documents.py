"""The case as the one document `case` of its database, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from server.workflow.model import Case

CASE_ID = "case"
SCHEMA = 1
_ENVELOPE = ("_id", "_rev", "type", "schema")


class CaseFormatError(ValueError):
    """A document that is no case, or one of a shape that this version does not know."""


def case_to_document(case: Case) -> dict[str, Any]:
    """Plain JSON values with `_id`, `type` and `schema`; the shell adds the `_rev` that it read."""
    body: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(case))
    return {"_id": CASE_ID, "type": "case", "schema": SCHEMA, **body}


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
