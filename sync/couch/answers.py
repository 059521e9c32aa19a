"""What an answer of CouchDB means: its statuses and error words as the store's exceptions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync.store import (
    BadRequest,
    Conflict,
    DatabaseExists,
    DigestMismatch,
    Forbidden,
    NoSpace,
    NotFound,
    NotOffered,
    StoreError,
    TooLarge,
    Unauthorized,
    Unavailable,
)

#: Worth another try: too many requests, no node that answers, and what a proxy says of such a node.
PASSING = frozenset({429, 502, 503, 504})

_BY_STATUS: Mapping[int, type[StoreError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    412: DigestMismatch,
    413: TooLarge,
    501: NotOffered,
    507: NoSpace,
}
#: CouchDB's word tells more than its status.
_BY_WORD: Mapping[str, type[StoreError]] = {
    "conflict": Conflict,
    "file_exists": DatabaseExists,
    "missing_stub": DigestMismatch,
    "content_md5_mismatch": DigestMismatch,
    "md5_mismatch": DigestMismatch,
    "forbidden": Forbidden,
    "unauthorized": Unauthorized,
    "enospc": NoSpace,
}


def error_of(status: int, body: object) -> StoreError:
    """The exception for an answer with `status`; `body` is its JSON, if it had any."""
    told: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    word, reason = told.get("error"), told.get("reason")
    word = word if isinstance(word, str) else None
    reason = reason if isinstance(reason, str) else f"CouchDB answered {status}."
    if status == 409:
        return Conflict(reason)
    if status in PASSING:
        return Unavailable(reason, error=word)
    kind = _BY_WORD.get(word or "") or _BY_STATUS.get(status, StoreError)
    return kind(reason, error=word, status=status)


def error_of_row(row: Mapping[str, Any]) -> StoreError:
    """The exception that one refused row of `_bulk_docs` stands for."""
    word = str(row.get("error", ""))
    reason = str(row.get("reason") or word)
    if word == "conflict":
        return Conflict(reason)
    return _BY_WORD.get(word, BadRequest)(reason, error=word)


def is_missing_document(error: NotFound) -> bool:
    """Whether the document is what is missing (or deleted), and not its database."""
    return error.reason in {"missing", "deleted"}


def pause_after(tries: int, *, first: float, longest: float, spread: float, retry_after: str | None) -> float:
    """Seconds to wait before the next try, after `tries` that failed.

    Doubles from `first` to `longest`; `spread` (0 to 1, drawn anew each time) takes up to half of it off, so
    that clients which failed together do not come back together. A server's `Retry-After` in seconds counts
    if it is longer, up to `longest`.
    """
    pause = min(longest, first * 2.0 ** min(tries - 1, 30)) * (1.0 - spread / 2)
    if retry_after is not None and retry_after.strip().isdigit():
        pause = max(pause, float(retry_after))
    return min(pause, longest)
