"""Originals of photos move to object storage, are looked at there, and come back: one photo after the other.

Moving one is four steps, and a process may end between any two of them: the attachment is read and hashed;
the bytes are stored under their digest; what lies there is read again; a revision of the document is written
that has no attachment and says where the original went. Only the last takes anything away, and it builds on
the very revision that was read. Whatever raises a doubt leaves the original where it is, and is told by a
code of catalogue `originals`. Nothing is ever removed from the bucket: other documents may name the same
bytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, timedelta
from itertools import islice
from typing import IO, Any, BinaryIO, Literal, cast

import msgspec
import structlog

from server.casework.projection import project_photo
from server.evidence.originals.bucket import Bucket, OriginalLost
from server.evidence.originals.document import (
    ATTACHMENT,
    MOVED,
    Moved,
    attached,
    is_digest,
    key_of,
    moved,
    plain_bytes,
)
from server.evidence.originals.door import read_moved
from server.evidence.verify import copy_hashed
from server.services import Services
from server.workflow.ended import ended_at, unfinished
from server.workflow.model import Case
from sync.store import BytesMissing, Conflict, Document, NewAttachment, NotFound, StoreError, never

__all__ = ["Item", "Mover", "NoStorage", "Outcome", "Step"]

log = structlog.get_logger()

#: What was found or done of one photo. `stays`: the original is where it was, for the reason beside it.
Outcome = Literal["moved", "would_move", "back", "sound", "stays", "lost"]
#: After each of these a process may end.
Step = Literal["read", "stored", "verified", "written", "attached", "compared"]


@dataclass(frozen=True)
class Item:
    """One photo. `reason` is a code of catalogue `originals` for what stays or is lost."""

    case: str
    photo: str
    outcome: Outcome
    reason: str = ""
    bytes: int = 0


class NoStorage(RuntimeError):
    """No setting names an object storage."""


class _Stays(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Mover:
    """Moves originals and looks at them. Safe beside other movers: each photo moves once, and a mover that
    comes too late says so. Every method raises OriginalsUnreachable as soon as the storage cannot be had."""

    def __init__(self, made: Services, *, step: Callable[[Step], None] = lambda _: None) -> None:
        if made.bucket is None:
            raise NoStorage
        self._bucket: Bucket = made.bucket
        self._made = made
        self._store = made.store
        self._step = step

    def reach(self) -> None:
        """Raises OriginalsUnreachable unless the bucket is there."""
        self._bucket.reach()

    def days(self, case: Case) -> int:
        """Days after a case's end from which its originals move; 0: never by themselves."""
        return self._made.cases.policy(case.organisation).originals_days

    def over(self, case: Case) -> str | None:
        """`not_over` as long as a case goes on, or something of it is still to be done."""
        still = ended_at(case) is None or unfinished(case, self._made.clock(), self._made.cases.rules)
        return "not_over" if still else None

    def waits_for(self, case: Case) -> str | None:
        """Why originals of a case do not move now, None if they do: `never`, `not_over`, `not_yet`."""
        days, ended = self.days(case), ended_at(case)
        if not days:
            return "never"
        if ended is None or self.over(case):
            return "not_over"
        return "not_yet" if ended + timedelta(days=days) > self._made.clock() else None

    def move(
        self,
        case: Case,
        *,
        most: int | None = None,
        dry_run: bool = False,
        stopping: Callable[[], bool] = never,
    ) -> Iterator[Item]:
        """Move what is here of a case's originals, as long as it comes to no more than `most` bytes; the
        first goes whatever it takes. Asks nobody whether the case is over."""
        media = self._made.names.media(case.id)
        receipts = self._receipts(media)
        wanted = (one for one in self._photos(media) if attached(one))

        def one(document: Document) -> Item:
            return self._told(case, document, lambda: self._move(case, media, document, receipts, dry_run))

        any_moved = False
        for item in self._at_once(one, _within(wanted, most), stopping):
            any_moved |= item.outcome == "moved"
            yield item
        if any_moved:
            self._give_room_back(media)

    def _give_room_back(self, media: str) -> None:
        """Nothing may ever be written to these databases again, and then no engine looks at them by itself.
        What was moved stands whatever comes of it."""
        try:
            self._store.request_compaction(media)
        except StoreError as error:
            log.warning("compaction_not_begun", database=media, reason=error.reason)

    def back(self, case: Case, *, stopping: Callable[[], bool] = never) -> Iterator[Item]:
        """Attach a case's originals to their documents again. What lies in the bucket stays there."""
        media = self._made.names.media(case.id)
        receipts = self._receipts(media)

        def one(document: Document) -> Item:
            return self._told(case, document, lambda: self._back(case, media, document, receipts))

        wanted = (one for one in self._photos(media) if moved(one) is not None)
        yield from self._at_once(one, wanted, stopping)

    def check(
        self, case: Case, *, deep: bool = False, stopping: Callable[[], bool] = never
    ) -> Iterator[Item]:
        """Whether each original that was moved is there with all its bytes; `deep`: with the right ones."""
        media = self._made.names.media(case.id)
        receipts = self._receipts(media)

        def one(document: Document) -> Item:
            return self._told(case, document, lambda: self._check(case, document, receipts, deep))

        wanted = (one for one in self._photos(media) if MOVED in one and not attached(one))
        yield from self._at_once(one, wanted, stopping)

    def _photos(self, media: str) -> Iterator[Document]:
        try:
            yield from self._store.all_docs(media, prefix="photo:")
        except NotFound:
            return  # the case is being opened, or its databases are gone

    def _receipts(self, media: str) -> Mapping[str, Document]:
        try:
            return {str(one["photo"]): one for one in self._store.all_docs(media, prefix="photo-receipt:")}
        except NotFound:
            return {}

    def _at_once(
        self, one: Callable[[Document], Item], documents: Iterator[Document], stopping: Callable[[], bool]
    ) -> Iterator[Item]:
        """As many at once as the settings say, in their order."""
        width = self._made.settings.originals_concurrency
        with ThreadPoolExecutor(width, thread_name_prefix="originals") as pool:
            while not stopping() and (some := list(islice(documents, width))):
                yield from pool.map(one, some)

    def _told(self, case: Case, document: Document, work: Callable[[], Item]) -> Item:
        """What becomes of one photo; a doubt stays with it and stops no other."""
        photo = _photo_id(document)
        try:
            return work()
        except _Stays as stays:
            return Item(case.id, photo, "stays", stays.reason)
        except OriginalLost as lost:
            return Item(case.id, photo, "lost", f"lost_{lost.what}")
        except BytesMissing:
            return Item(case.id, photo, "stays", "bytes_missing")
        except (Conflict, NotFound):
            return Item(case.id, photo, "stays", "changed")

    def _move(
        self, case: Case, media: str, seen: Document, receipts: Mapping[str, Document], dry_run: bool
    ) -> Item:
        document, receipt = self._fit(case, media, seen, receipts)
        photo, sha256 = _photo_id(document), str(document["sha256"])
        if dry_run:
            return Item(case.id, photo, "would_move", bytes=_length(document))
        with tempfile.NamedTemporaryFile(dir=self._made.settings.spool_dir, suffix=".original") as spool:
            found = self._store.open_attachment(media, document["_id"], ATTACHMENT, rev=document["_rev"])
            with found:
                size = self._copy(plain_bytes(found), spool, sha256)
            self._step("read")
            where = Moved(
                sha256=sha256,
                bytes=size,
                content_type=found.content_type,
                key=key_of(sha256),
                moved_on=self._made.clock().astimezone(UTC).date().isoformat(),
            )
            self._keep(where, cast(BinaryIO, spool))
        self._step("verified")
        without = {**_without(document, "_attachments"), MOVED: msgspec.to_builtins(where)}
        if moved(without) != where:
            raise _Stays("no_digest")  # the door would not find it
        self._write(case, without, receipt)
        return Item(case.id, photo, "moved", bytes=size)

    def _fit(
        self, case: Case, media: str, seen: Document, receipts: Mapping[str, Document]
    ) -> tuple[Document, Document]:
        """The document as it stands, and its receipt, if nothing speaks against its moving."""
        document, receipt = self._single(media, seen), receipts.get(_photo_id(seen))
        if receipt is None:
            raise _Stays("not_judged")
        if list(document.get("_attachments") or {}) != [ATTACHMENT]:
            raise _Stays("changed")
        sha256 = document.get("sha256")
        if not is_digest(sha256):
            raise _Stays("no_digest")
        if receipt.get("sha256") != sha256:
            raise _Stays("receipt_differs")
        relied = case.photos.get(_photo_id(document))
        if relied is not None and relied.sha256 not in (None, sha256):
            raise _Stays("case_differs")
        return document, receipt

    def _single(self, media: str, seen: Document) -> Document:
        """The document as it stands. While it has several leaves, nobody knows which of them is meant."""
        leaves = self._store.leaves(media, seen["_id"])
        if len(leaves) != 1:
            raise _Stays("conflict")
        return self._store.get(media, seen["_id"], rev=leaves[0]["_rev"])

    def _copy(self, source: BinaryIO, target: Any, sha256: str) -> int:
        found, size = copy_hashed(source, cast(IO[bytes], target), self._made.settings.max_attachment_bytes)
        target.flush()
        if found != sha256 or not size:
            raise _Stays("digest_differs")
        return size

    def _keep(self, where: Moved, file: BinaryIO) -> None:
        """Have the bytes in the bucket, and know that they are there."""
        held = self._bucket.head(where.key)
        if held is not None and held.bytes == where.bytes and self._is_there(where):
            return  # by an earlier try, or another photo of the same bytes
        file.seek(0)
        self._bucket.put(where.key, file, where.bytes, where.sha256, where.content_type)
        self._step("stored")
        if not self._is_there(where):
            raise _Stays("not_there")

    def _is_there(self, where: Moved) -> bool:
        """Whether the bucket has these very bytes: by reading them, or by the digest that it computed."""
        if self._made.settings.originals_verify == "checksum":
            held = self._bucket.head(where.key, checksum=True)
            if held is not None and held.sha256 is not None:
                return (held.bytes, held.sha256) == (where.bytes, where.sha256)
        try:
            _drain(read_moved(self._bucket, where))
        except OriginalLost:
            return False
        return True

    def _back(self, case: Case, media: str, seen: Document, receipts: Mapping[str, Document]) -> Item:
        document = self._single(media, seen)
        where = moved(document)
        if where is None:
            raise _Stays("changed")
        if not attached(document):
            document = self._attach(media, document, where)
        found = self._store.open_attachment(media, document["_id"], ATTACHMENT, rev=document["_rev"])
        with found:
            sha256, size = copy_hashed(plain_bytes(found), None, self._made.settings.max_attachment_bytes)
        if sha256 != where.sha256:
            raise _Stays("digest_differs")
        self._step("compared")
        self._write(case, _without(document, MOVED), receipts.get(_photo_id(document)))
        return Item(case.id, _photo_id(document), "back", bytes=size)

    def _attach(self, media: str, document: Document, where: Moved) -> Document:
        with tempfile.NamedTemporaryFile(dir=self._made.settings.spool_dir, suffix=".original") as spool:
            _drain(read_moved(self._bucket, where), cast(IO[bytes], spool))
            self._step("read")
            spool.seek(0)
            attachment = NewAttachment(ATTACHMENT, where.content_type, cast(BinaryIO, spool))
            rev = self._store.put_attachment(media, document["_id"], document["_rev"], attachment)
        self._step("attached")
        return self._store.get(media, document["_id"], rev=rev)

    def _check(self, case: Case, document: Document, receipts: Mapping[str, Document], deep: bool) -> Item:
        photo, where = _photo_id(document), moved(document)
        receipt = receipts.get(photo)
        if where is None or (receipt is not None and receipt.get("sha256") != where.sha256):
            return Item(case.id, photo, "lost", "lost_record")
        held = self._bucket.head(where.key)
        if held is None:
            raise OriginalLost(where.key, "missing")
        if held.bytes != where.bytes:
            raise OriginalLost(where.key, "length")
        if deep:
            _drain(read_moved(self._bucket, where))
        return Item(case.id, photo, "sound", bytes=where.bytes)

    def _write(self, case: Case, document: Document, receipt: Document | None) -> None:
        """Write the document over the revision that it was read at. Raises Conflict if that has changed."""
        self._store.put(self._made.names.media(case.id), document)
        self._step("written")
        if receipt is not None:
            project_photo(self._made.readmodel, case.id, document, receipt)


def _within(documents: Iterator[Document], most: int | None) -> Iterator[Document]:
    """As many of the documents as have originals of `most` bytes together, and one in any case."""
    taken = 0
    for document in documents:
        if most is not None and taken >= most:
            return
        taken += _length(document)
        yield document


def _length(document: Document) -> int:
    """The bytes of a document's attachment as stored."""
    return int(document["_attachments"][ATTACHMENT].get("length", 0))


def _without(document: Document, name: str) -> Document:
    return {key: value for key, value in document.items() if key != name}


def _photo_id(document: Document) -> str:
    return str(document["_id"]).removeprefix("photo:")


def _drain(stream: BinaryIO, target: IO[bytes] | None = None) -> None:
    """Read to the end. Raises OriginalLost, OriginalsUnreachable."""
    block = 256 * 1024
    try:
        while data := stream.read(block):
            if target is not None:
                target.write(data)
        if target is not None:
            target.flush()
    finally:
        stream.close()
