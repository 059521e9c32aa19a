"""The one way to an original: whoever reads one asks here, and need not know where it lies.

What comes from object storage is compared with what was moved there: its length before a byte is given out,
its digest when it is read whole. The last bytes are held back until it is known to be right, so that nobody
takes other bytes for the original. A read that breaks off goes on where it was, a bounded number of times.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, cast

from server.evidence.originals.bucket import OriginalLost, OriginalsUnreachable, Source
from server.evidence.originals.document import ATTACHMENT, Moved, attached, has_original, moved, plain_bytes
from sync.store import Attachment, Document, DocumentStore, NotFound

__all__ = ["Original", "Originals", "read_moved"]

_BLOCK = 256 * 1024
#: How often a document is read again that changed between a look at it and its attachment.
_RACES = 3


@dataclass(frozen=True)
class Original:
    """An original that was found. Close it, or use it in a `with`.

    `content_type` is what whoever sent it said. `length` are the bytes that were meant; None where only
    reading tells.
    """

    content_type: str
    length: int | None
    begin: Callable[[int, int | None], BinaryIO]
    opened: list[BinaryIO] = field(default_factory=list)

    def open(self, start: int = 0, stop: int | None = None) -> BinaryIO:
        """The bytes from `start` to before `stop`, or to the end; to be called once.

        Raises OriginalLost, OriginalsUnreachable, here or while they are read.
        """
        stream = self.begin(start, stop)
        self.opened.append(stream)
        return stream

    def close(self) -> None:
        """Let go of whatever was opened."""
        for stream in self.opened:
            stream.close()

    def __enter__(self) -> Original:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Originals:
    """Reads originals. `bucket` is None where the settings name no object storage."""

    def __init__(self, store: DocumentStore, bucket: Source | None = None) -> None:
        self._store = store
        self._bucket = bucket

    def find(self, media: str, doc_id: str, sha256: str | None = None) -> Original:
        """The original of a photo's document. Raises NotFound, BytesMissing; what was moved is first asked
        for when it is opened.

        With `sha256`, of the leaf whose original that is, should another one have come to be the winner.
        """
        for left in reversed(range(_RACES)):
            document = self._meant(media, doc_id, sha256)
            where = None if attached(document) else moved(document)
            if where is not None:
                return Original(where.content_type, where.bytes, partial(read_moved, self._bucket, where))
            try:
                # By its revision: what was chosen stays chosen, whatever comes to be the winner meanwhile.
                found = self._store.open_attachment(media, doc_id, ATTACHMENT, rev=document["_rev"])
            except NotFound:
                # It may have been moved, and the revision that had it compacted, a moment ago.
                if not left or not attached(document):
                    raise
                continue
            length = None if found.encoding else found.length
            return Original(found.content_type, length, partial(_part, found), [found.stream])
        raise AssertionError("the last try raises")

    def _meant(self, media: str, doc_id: str, sha256: str | None) -> Document:
        document = self._store.get(media, doc_id)
        if sha256 is None or _is(document, sha256):
            return document
        leaves = self._store.leaves(media, doc_id)
        return next((leaf for leaf in leaves if _is(leaf, sha256)), document)


def read_moved(bucket: Source | None, where: Moved, start: int = 0, stop: int | None = None) -> BinaryIO:
    """The bytes of an original that was moved, compared as they come; the whole of it with its digest.
    Raises OriginalLost, OriginalsUnreachable."""
    if bucket is None:
        raise OriginalsUnreachable("This original was moved to object storage, and no setting names one.")
    return cast(BinaryIO, _Compared(bucket, where, start, where.bytes if stop is None else stop))


def _is(document: Document, sha256: str) -> bool:
    return document.get("sha256") == sha256 and has_original(document)


def _part(found: Attachment, start: int, stop: int | None) -> BinaryIO:
    """A part of an attachment, which is read up to there: an engine's stream need not know how to seek."""
    stream = plain_bytes(found)
    left = start
    while left and (block := stream.read(min(left, _BLOCK))):
        left -= len(block)
    return stream if stop is None else cast(BinaryIO, _Bounded(stream, stop - start))


class _Bounded:
    """The next `length` bytes of a stream."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream = stream
        self._left = length

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(block)
        return block

    def close(self) -> None:
        self._stream.close()


class _Compared:
    """Bytes `start` to before `stop` of an original that was moved. The last is given out when all are known
    to be right."""

    def __init__(self, bucket: Source, where: Moved, start: int, stop: int) -> None:
        self._bucket = bucket
        self._where = where
        self._at = start
        self._stop = stop
        self._digest = hashlib.sha256() if (start, stop) == (0, where.bytes) else None
        self._known = bytearray()
        self._tries = max(1, bucket.attempts)
        self._source = self._begin()

    def read(self, size: int = -1) -> bytes:
        while self._at < self._stop and (size < 0 or len(self._known) <= size):
            self._pull()
        # While there is more to come, one byte stays here.
        ready = len(self._known) - (self._at < self._stop)
        given = bytes(self._known[: ready if size < 0 else min(size, ready)])
        del self._known[: len(given)]
        return given

    def close(self) -> None:
        self._source.close()

    def _begin(self) -> BinaryIO:
        """Ask for what is still to come."""
        self._tries -= 1
        whole = self._at == 0 and self._stop == self._where.bytes
        part = () if whole else (self._at, self._stop)
        reply = self._bucket.open(self._where.key, *part)
        if reply.whole != self._where.bytes:
            reply.stream.close()
            raise OriginalLost(self._where.key, "length")
        return reply.stream

    def _pull(self) -> None:
        try:
            block = self._source.read(min(_BLOCK, self._stop - self._at))
            if not block:
                raise OriginalsUnreachable("The object storage ended before the original did.")
        except OriginalsUnreachable:
            self._source.close()
            if not self._tries:
                raise
            self._source = self._begin()
            return
        self._at += len(block)
        self._known += block
        if self._digest is not None:
            self._digest.update(block)
            if self._at >= self._stop and self._digest.hexdigest() != self._where.sha256:
                # Nothing of the last block was given out yet, and nothing will be.
                self._known.clear()
                raise OriginalLost(self._where.key, "digest")
