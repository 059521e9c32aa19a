"""Attachments: streams out and in, a piece at a time."""

from __future__ import annotations

import base64
import io
from typing import Any, BinaryIO, cast

import requests
import urllib3

from sync import checks
from sync.couch.base import asker
from sync.couch.documents import DocumentCalls
from sync.couch.outgoing import Guarded
from sync.couch.wire import Tries
from sync.store import (
    SERVER,
    Attachment,
    BadRequest,
    Conflict,
    NewAttachment,
    NotFound,
    Unavailable,
    UserCtx,
)

#: What the client makes of a connection that ends in the middle of an answer.
_BROKEN = (urllib3.exceptions.HTTPError, requests.RequestException, OSError)


class AttachmentCalls(DocumentCalls):
    """The part of the store that moves attachments."""

    def put_attachment(
        self, db: str, doc_id: str, rev: str | None, attachment: NewAttachment, *, user: UserCtx = SERVER
    ) -> str:
        """Attach a stream to leaf `rev` (None: to a new document); return the new revision.

        `attachment.extra` may hold `digest` (`md5-…`, then checked) and `encoding` (`gzip`, if the stream is
        so encoded). A stream that can seek is sent again after a lost connection; any other is not, and then
        Unavailable is raised unless the bytes turn out to have arrived. Raises as `put` does.
        """
        checks.check_id(doc_id)
        if doc_id.startswith(checks.LOCAL):
            raise BadRequest("_local documents do not accept attachments.")
        name = checks.check_attachment_name(attachment.name)
        if rev is not None:
            checks.read_rev(rev)
        source = _Source(attachment, max_bytes=self.options.attachment_bytes, chunk=self.options.chunk)
        headers = {"Content-Type": attachment.content_type}
        if attachment.extra.get("encoding") not in {None, "identity"}:
            headers["Content-Encoding"] = str(attachment.extra["encoding"])
        tries = Tries()
        try:
            stored = self.wire.json(
                "PUT",
                db,
                doc_id,
                name,
                params=None if rev is None else {"rev": rev},
                data=source,
                headers=headers,
                user=asker(user),
                tries=tries,
                again=source.rewind,
            )
            return str(stored["rev"])
        except (Conflict, Unavailable):
            if source.fault is not None:
                raise source.fault from None
            own = self._own_attachment(db, doc_id, rev, source) if tries.unsure else None
            if own is None:
                raise
            return own

    def _own_attachment(self, db: str, doc_id: str, rev: str | None, source: _Source) -> str | None:
        """The revision that our own upload made, if it did: a child of `rev` with these very bytes."""
        if source.md5 is None:
            return None
        return self._edit_below(db, doc_id, rev, lambda found: source.is_in(found.get("_attachments", {})))

    def open_attachment(self, db: str, doc_id: str, name: str, *, rev: str | None = None) -> Attachment:
        """Open an attachment of the winner or of `rev` for reading; its stream does not seek.

        A connection lost on the way is taken up again where it broke. Raises NotFound; reading may raise
        Unavailable.
        """
        params: dict[str, Any] = {"att_encoding_info": True} | ({} if rev is None else {"rev": rev})
        doc = self.wire.json("GET", db, checks.check_id(doc_id), params=params)
        entry = doc.get("_attachments", {}).get(name)
        if entry is None:
            raise NotFound("Document is missing attachment")
        encoding = entry.get("encoding")
        length = int(entry["length"] if encoding is None else entry["encoded_length"])
        stream = _Download(self, (db, doc_id, name), doc["_rev"], encoding, length)
        stream.connect()
        return Attachment(
            name=name,
            content_type=entry["content_type"],
            length=length,
            digest=entry["digest"],
            stream=cast("BinaryIO", io.BufferedReader(stream, self.options.chunk)),
            encoding=encoding,
            revpos=entry["revpos"],
        )


class _Source:
    """A new attachment's stream as often as it may have to be sent."""

    def __init__(self, attachment: NewAttachment, *, max_bytes: int, chunk: int) -> None:
        self._attachment = attachment
        self._expected = checks.parse_digest(attachment.extra.get("digest"))
        self._bounds = {"max_bytes": max_bytes, "chunk": chunk}
        self._guarded: Guarded | None = None
        stream = attachment.stream
        self._start = stream.tell() if _seeks(stream) else None

    def __iter__(self) -> Any:
        self._guarded = Guarded(self._attachment.stream, self._expected, **self._bounds)
        return iter(self._guarded)

    @property
    def fault(self) -> BaseException | None:
        """What the stream itself raised, or the digest that did not hold."""
        return None if self._guarded is None else self._guarded.fault

    @property
    def md5(self) -> bytes | None:
        """MD5 of the bytes sent, if all of them were read."""
        return self._guarded.md5 if self._guarded is not None and self._guarded.whole else None

    def rewind(self) -> bool:
        """Go back to the first byte. False if the stream cannot, or is itself what failed."""
        if self.fault is not None or self._start is None:
            return False
        self._attachment.stream.seek(self._start)
        return True

    def is_in(self, attachments: dict[str, Any]) -> bool:
        entry = attachments.get(self._attachment.name)
        if entry is None or self.md5 is None:
            return False
        return bool(entry.get("digest") == "md5-" + base64.b64encode(self.md5).decode())


class _Download(io.RawIOBase):
    """An attachment's bytes as they come; after a lost connection the rest, by a Range request."""

    def __init__(
        self,
        store: AttachmentCalls,
        path: tuple[str, str, str],
        rev: str,
        encoding: str | None,
        length: int,
    ) -> None:
        super().__init__()
        self._store = store
        self._path = path
        self._rev = rev
        self._accept = "identity" if encoding is None else encoding
        self._length = length
        self._position = 0
        self._failed = 0
        self._response: requests.Response | None = None

    def connect(self) -> None:
        """Open the stream at the present position. Raises as the wire does."""
        headers = {"Accept": "*/*", "Accept-Encoding": self._accept}
        if self._position:
            headers["Range"] = f"bytes={self._position}-"
        reply = self._store.wire.ask(
            "GET", *self._path, params={"rev": self._rev}, headers=headers, stream=True
        )
        if self._position and reply.status != 206:
            reply.body.close()
            raise Unavailable("CouchDB did not go on with an attachment where the connection was lost.")
        self._response = reply.body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._position >= self._length:
            return 0
        while True:
            try:
                if self._response is None:
                    self.connect()
                assert self._response is not None  # noqa: S101  for the type checker: connect sets it
                piece = self._response.raw.read(len(buffer), decode_content=False)
                if not piece:
                    raise OSError("the answer ended too soon")
            except _BROKEN as error:
                self._drop()
                self._failed += 1
                if self._failed >= self._store.options.patience.attempts:
                    raise Unavailable(f"An attachment broke off again and again: {error}") from error
                continue
            buffer[: len(piece)] = piece
            self._position += len(piece)
            return len(piece)

    def _drop(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None

    def close(self) -> None:
        self._drop()
        super().close()


def _seeks(stream: BinaryIO) -> bool:
    seekable = getattr(stream, "seekable", None)
    return bool(seekable is not None and seekable())
