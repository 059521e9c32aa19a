"""A photo's original: the one attachment of its document, and the bytes that were meant by it."""

from __future__ import annotations

import gzip
from typing import BinaryIO, cast

from sync.store import Attachment

ATTACHMENT = "original"


def plain_bytes(attachment: Attachment) -> BinaryIO:
    """The bytes that were meant: a client may have sent them compressed, and they are kept as sent."""
    if attachment.encoding == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=attachment.stream))
    return attachment.stream
