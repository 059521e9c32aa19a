"""Canonical JSON (RFC 8785): the bytes that are hashed and signed, the same here and on a tablet."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import rfc8785

#: Beyond it a double is no longer every integer; JavaScript has rounded such a number when it read it.
_SAFE = 2**53 - 1


class NotCanonical(ValueError):
    """A value that has no canonical JSON: half a character, a number beyond every double, nested too deep."""


def canonical(value: Any) -> bytes:
    """The canonical JSON of plain values, in UTF-8. Numbers are doubles, whatever Python read them as.

    Raises NotCanonical.
    """
    try:
        return rfc8785.dumps(_doubles(value))
    except (ValueError, OverflowError, RecursionError) as error:
        raise NotCanonical(str(error)) from error


def sha256(value: Any) -> str:
    """SHA-256 of the canonical JSON, in lower-case hex. Raises NotCanonical."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _doubles(value: Any) -> Any:
    """Integers that a double does not hold exactly, as the double that a tablet made of them."""
    if isinstance(value, Mapping):
        return {key: _doubles(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_doubles(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _SAFE:
        return float(value)
    return value
