"""The write rules: one JavaScript function for both engines, as the design document `_design/hezha`."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from sync.store import Document

DESIGN_ID = "_design/hezha"


@cache
def validate_doc_update() -> str:
    """The source of the write rules, a JavaScript function expression."""
    return files(__name__).joinpath("validate_doc_update.js").read_text(encoding="utf-8")


def design_document() -> Document:
    """The design document (without `_rev`) that carries the write rules into every database.

    `rules_version` is the SHA-256 of the source in hex, so that a database with older rules can be told by
    comparing one field.
    """
    source = validate_doc_update()
    return {
        "_id": DESIGN_ID,
        "language": "javascript",
        "validate_doc_update": source,
        "rules_version": hashlib.sha256(source.encode()).hexdigest(),
    }
