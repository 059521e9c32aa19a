"""What a tablet wrote, read with distrust: the shape that was expected, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from server.workflow.vocabulary import MAX_WORDS

__all__ = ["as_mapping", "moment", "shortened", "texts_in"]


def moment(value: Any) -> datetime | None:
    """An RFC 3339 time with its zone, or None."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo is not None else None


def shortened(words: str) -> str:
    """A text as long as the case takes it; whole, it stands in the document that it came from."""
    return words if len(words) <= MAX_WORDS else words[: MAX_WORDS - 1] + "…"


def as_mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def texts_in(value: Any) -> list[str]:
    """The texts of a list, such as photo ids; none if it is no list."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
