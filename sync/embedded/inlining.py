"""Large attachments inside JSON, never held whole.

`attachments=true` asks for bytes in base64 amid a document. A small attachment is written there at once. For
a large one the rendered JSON holds a mark, and whoever sends the JSON writes the blob out where the mark
stands. Marks begin with a secret of this process, so that no document can contain one.
"""

from __future__ import annotations

import base64
import gzip
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, TypeVar

from sync.embedded.documents import StoredAttachment

T = TypeVar("T")
#: Decoded bytes up to which an attachment is written into its document at once.
SMALL = 64 * 1024
_SECRET = secrets.token_hex(16).encode()
_MARK = re.compile(_SECRET + rb":([0-9a-f]{64}):(gzip|)")
#: A multiple of 3, so that base64 needs no padding before the end.
_CHUNK = 3 * 64 * 1024


def mark(attachment: StoredAttachment) -> str:
    """What stands for the attachment's data in JSON until it is sent."""
    return f"{_SECRET.decode()}:{attachment.sha256}:{attachment.encoding or ''}"


def written_out(chunks: Iterable[bytes | T], open_blob: Callable[[str], BinaryIO]) -> Iterator[bytes | T]:
    """The chunks with blobs in place of marks. A mark never spans two chunks; what is no bytes passes."""
    try:
        for chunk in chunks:
            if isinstance(chunk, bytes) and _SECRET in chunk:
                yield from _expanded(chunk, open_blob)
            else:
                yield chunk
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()


def has_marks(data: bytes) -> bool:
    return _SECRET in data


def _expanded(chunk: bytes, open_blob: Callable[[str], BinaryIO]) -> Iterator[bytes]:
    at = 0
    for found in _MARK.finditer(chunk):
        yield chunk[at : found.start()]
        with open_blob(found[1].decode()) as stream:
            yield from _base64(gzip.GzipFile(fileobj=stream) if found[2] else stream)
        at = found.end()
    yield chunk[at:]


def _base64(stream: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    while data := stream.read(_CHUNK):
        yield base64.b64encode(data)
