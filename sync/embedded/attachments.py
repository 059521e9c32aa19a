"""Attachments on their own: streams in and out, and the sweeping of bytes that nobody names any more."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import BinaryIO

import apsw

from sync.checks import parse_digest
from sync.embedded import records
from sync.embedded.blobs import BlobInfo, Readable, decoded_length
from sync.embedded.documents import LOCAL, check_attachment_name, read_rev
from sync.embedded.reading import ReadCalls
from sync.embedded.writing import WriteCalls
from sync.store import (
    SERVER,
    Attachment,
    BadRequest,
    BytesMissing,
    Conflict,
    Document,
    NewAttachment,
    NotFound,
    UserCtx,
    never,
)

#: Blobs looked at under one hold of the write lock, so that a sweep delays nobody noticeably.
_SWEEP_BATCH = 100


class AttachmentCalls(ReadCalls, WriteCalls):
    """The part of the store that moves attachments."""

    def ingest(
        self, stream: Readable, *, max_bytes: int | None = None, expect_md5: bytes | None = None
    ) -> BlobInfo:
        """Take a stream in, to its end, without holding it; it stays if a document names it soon after.

        `max_bytes` can only lower the store's own limit. Raises TooLarge, DigestMismatch, and whatever
        the stream raises; then nothing is kept.
        """
        limit = self.limits.attachment_bytes
        return self._blobs.ingest(
            stream, max_bytes=limit if max_bytes is None else min(limit, max_bytes), expect_md5=expect_md5
        )

    def put_attachment(
        self, db: str, doc_id: str, rev: str | None, attachment: NewAttachment, *, user: UserCtx = SERVER
    ) -> str:
        """Attach a stream to leaf `rev` (None: to a new document); return the new revision.

        `attachment.extra` may hold `digest` (`md5-…`, then checked) and `encoding` (`gzip`, if the stream is
        so encoded). Raises as `put` does.
        """
        self._database(db)  # before the bytes are taken in
        check_attachment_name(attachment.name)
        info = self.ingest(attachment.stream, expect_md5=parse_digest(attachment.extra.get("digest")))
        return self.attach(
            db,
            doc_id,
            rev,
            name=attachment.name,
            content_type=attachment.content_type,
            info=info,
            encoding=attachment.extra.get("encoding"),
            user=user,
        )

    def attach(
        self,
        db: str,
        doc_id: str,
        rev: str | None,
        *,
        name: str,
        content_type: str,
        info: BlobInfo,
        encoding: str | None = None,
        max_bytes: int | None = None,
        user: UserCtx = SERVER,
    ) -> str:
        """Like `put_attachment`, with bytes that `ingest` has taken in.

        Decoded they may be `max_bytes` at most, which can only lower the store's own limit.
        """
        doc = self._editable(db, doc_id, rev)
        entry: Document = {"follows": True, "content_type": content_type}
        if encoding not in {None, "identity"}:
            entry["encoding"] = encoding
            limit = self.limits.attachment_bytes
            with self._blobs.open(info.sha256) as stream:
                entry["length"] = decoded_length(
                    stream, str(encoding), max_bytes=limit if max_bytes is None else min(limit, max_bytes)
                )
        doc["_attachments"] = {**doc.get("_attachments", {}), name: entry}
        return self.put(db, doc, user=user, blobs={name: info})

    def delete_attachment(
        self, db: str, doc_id: str, name: str, rev: str | None, *, user: UserCtx = SERVER
    ) -> str:
        """Take an attachment off leaf `rev`; return the new revision. Raises NotFound, Conflict as `put`."""
        if rev is None:
            raise Conflict
        doc = self._editable(db, doc_id, rev)
        if name not in doc.get("_attachments", {}):
            raise NotFound("Document is missing attachment")
        del doc["_attachments"][name]
        return self.put(db, doc, user=user)

    def open_attachment(self, db: str, doc_id: str, name: str, *, rev: str | None = None) -> Attachment:
        """Open an attachment of the winner or of `rev` for reading; its stream can seek.

        Raises NotFound; BadRequest (a local document); BytesMissing if the document is here and the bytes,
        of which it speaks, are not.
        """
        with self._reading(db) as (conn, row):
            _refuse_local(doc_id)
            doc = records.document(conn, row, doc_id)
            if doc is None or (rev is None and doc.deleted):
                raise NotFound("missing" if doc is None else "deleted")
            wanted = doc.tree.leaves[0] if rev is None else read_rev(rev)
            stored = records.revision(conn, doc, wanted)
            if stored is None:
                raise NotFound("missing")
            found = records.attachments(conn, stored.pk).get(name)
            if found is None:
                raise NotFound("Document is missing attachment")
            # Opened before the transaction ends: an open file outlives its removal.
            try:
                stream = self._blobs.open(found.sha256)
            except FileNotFoundError as error:
                raise BytesMissing(name) from error
        return Attachment(
            name=found.name,
            content_type=found.content_type,
            length=found.stored_length,
            digest=found.digest,
            stream=stream,
            encoding=found.encoding,
            revpos=found.revpos,
        )

    def open_blob(self, sha256: str) -> BinaryIO:
        """Open the bytes of an attachment that a document was just rendered with. Raises BytesMissing."""
        try:
            return self._blobs.open(sha256)
        except FileNotFoundError as error:
            raise BytesMissing(sha256) from error

    def sweep_blobs(self, *, now: float | None = None, stopping: Callable[[], bool] = never) -> int:
        """Remove blobs which no stored revision names and nobody sent lately; return how many.

        `now` is seconds since the epoch, the present if None. Never takes one that a write under way needs:
        such a write checks its blobs under the same lock. Stops where a backup needs them all.
        """
        age = self.limits.abandoned_seconds
        self._blobs.sweep_incoming(older_than=age, now=now)
        candidates = self._blobs.stale(older_than=age, now=now)
        removed = 0
        while (batch := list(islice(candidates, _SWEEP_BATCH))) and not stopping():
            with self._io.reading() as conn:
                unnamed = _unnamed(conn, batch)
            if not unnamed:  # as most: nobody is held up for them
                continue
            with self._blobs.sweeping() as allowed:
                if not allowed:
                    break
                removed += self._io.write(partial(self._sweep, candidates=unnamed, age=age, now=now))
        return removed

    def _sweep(self, conn: apsw.Connection, *, candidates: list[str], age: float, now: float | None) -> int:
        # Somebody may have sent one again since it was looked at.
        gone = [sha256 for sha256 in _unnamed(conn, candidates) if self._blobs.aged(sha256, age, now=now)]
        for sha256 in gone:
            self._blobs.remove(sha256)
        return len(gone)

    def _editable(self, db: str, doc_id: str, rev: str | None) -> Document:
        """Leaf `rev` with its attachments as stubs, to be changed and put; a bare one if `rev` is None."""
        _refuse_local(doc_id)
        if rev is None:
            return {"_id": doc_id}
        try:
            return self.get(db, doc_id, rev=rev)
        except NotFound as error:
            self._database(db)  # which is told as it is, if it is missing itself
            raise Conflict from error


def _unnamed(conn: apsw.Connection, candidates: list[str]) -> list[str]:
    """Those that no stored revision names."""
    named = "SELECT 1 FROM attachments WHERE sha256 = ? LIMIT 1"
    return [sha256 for sha256 in candidates if conn.execute(named, (sha256,)).get is None]


def _refuse_local(doc_id: str) -> None:
    if doc_id.startswith(LOCAL):
        raise BadRequest("_local documents do not accept attachments.")
