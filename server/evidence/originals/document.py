"""What a photo's document says of its original: it is attached, or it was moved and can be had elsewhere.

A document whose original was moved has no attachment, and the member `original_moved` instead. Only the
server writes that: the write rules refuse it from everybody else.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from typing import Any, BinaryIO, cast

import msgspec

from sync.store import Attachment

__all__ = [
    "ATTACHMENT",
    "MOVED",
    "Moved",
    "attached",
    "has_original",
    "is_digest",
    "key_of",
    "moved",
    "plain_bytes",
]

ATTACHMENT = "original"
MOVED = "original_moved"

_SHA256 = re.compile(r"[0-9a-f]{64}")
#: Folders of the storage that begin alike, so that a person can list one of them.
_SHARD = 2


class Moved(msgspec.Struct, frozen=True):
    """Where an original went: `key` in the bucket, behind the prefix of the settings; `bytes` as they were
    meant. `sha256` is that of the document.

    `moved_on` is a day and no more: two servers of a cluster that move one original at once write the same
    revision then, and no conflict.
    """

    sha256: str
    bytes: int
    content_type: str
    key: str
    moved_on: str


def key_of(sha256: str) -> str:
    """Where an original lies: by its digest alone, so that the same bytes are kept once, and a key never
    comes to mean other bytes."""
    return f"originals/{sha256[:_SHARD]}/{sha256}"


def is_digest(sha256: object) -> bool:
    """Whether this is a SHA-256 in lower-case hex."""
    return isinstance(sha256, str) and _SHA256.fullmatch(sha256) is not None


def attached(document: Mapping[str, Any]) -> bool:
    """Whether the original is the document's attachment."""
    return ATTACHMENT in (document.get("_attachments") or {})


def moved(document: Mapping[str, Any]) -> Moved | None:
    """Where the original was moved; None where it was not, or where what is said of it cannot be meant.

    It must speak of the bytes that the document itself claims: nothing here leads to somebody else's photo.
    """
    try:
        found = msgspec.convert(document.get(MOVED), Moved)
    except msgspec.ValidationError:
        return None
    sound = is_digest(found.sha256) and found.key == key_of(found.sha256) and found.bytes > 0
    return found if sound and found.sha256 == document.get("sha256") else None


def has_original(document: Mapping[str, Any]) -> bool:
    """Whether there is an original to be had."""
    return attached(document) or moved(document) is not None


def plain_bytes(attachment: Attachment) -> BinaryIO:
    """The bytes that were meant: a client may have sent them compressed, and they are kept as sent."""
    if attachment.encoding == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=attachment.stream))
    return attachment.stream
