"""What is looked at before it is sent: CouchDB takes some things that it should refuse. Pure.

It ignores the digest of inline bytes, and for one malformed document it refuses all of a `_bulk_docs`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from sync import checks
from sync.store import BadRequest, DigestMismatch, Document, TooLarge


def check_document(doc: object, *, max_bytes: int) -> Document:
    """The document, if it is one that both engines take.

    Raises BadRequest, TooLarge (own members beyond `max_bytes` of JSON), DigestMismatch.
    """
    if not isinstance(doc, dict):
        raise BadRequest("Document must be a JSON object")
    doc_id = checks.check_id(doc.get("_id"))
    checks.read_deleted(doc)
    if _length(checks.own_fields(doc)) > max_bytes:
        raise TooLarge(doc_id, error="document_too_large")
    if doc.get("_rev") is not None:
        checks.read_rev(doc["_rev"])
    attachments = doc.get("_attachments", {})
    if not isinstance(attachments, dict):
        raise BadRequest("_attachments isn't an object.", error="doc_validation")
    for name, spec in attachments.items():
        _check_attachment(checks.check_attachment_name(name), spec, edited="_revisions" not in doc)
    return doc


def same_edit(wanted: Document, stored: Document) -> bool:
    """Whether a stored revision says what `wanted` would have said: its members, its attachments.

    `stored` has its attachments as stubs. Attachments are compared by digest, or by revision for a stub.
    """
    if bool(wanted.get("_deleted")) != bool(stored.get("_deleted")):
        return False
    if checks.own_fields(wanted) != checks.own_fields(stored):
        return False
    mine: Mapping[str, Any] = wanted.get("_attachments") or {}
    theirs: Mapping[str, Any] = stored.get("_attachments") or {}
    return mine.keys() == theirs.keys() and all(_same_bytes(mine[name], theirs[name]) for name in mine)


def _same_bytes(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    if mine.get("stub"):
        return "digest" not in mine or mine["digest"] == theirs.get("digest")
    if "encoding" in theirs:  # CouchDB compresses some types by itself, and then digests that
        return bool(mine.get("content_type") == theirs.get("content_type"))
    md5 = hashlib.md5(checks.inline_bytes("", mine.get("data")), usedforsecurity=False).digest()
    return md5 == checks.parse_digest(theirs.get("digest"))


def _length(fields: Document) -> int:
    try:
        return len(json.dumps(fields, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode())
    except (ValueError, TypeError, RecursionError) as error:
        raise BadRequest(f"The document is not valid JSON: {error}") from error


def _check_attachment(name: str, spec: object, *, edited: bool) -> None:
    if not isinstance(spec, dict):
        raise BadRequest(f"Invalid attachment {name}", error="doc_validation")
    if spec.get("stub"):
        return
    data = checks.inline_bytes(name, spec.get("data"))
    # A client that changes the bytes of what it read leaves the old digest beside them, and the revpos.
    leftover = edited and spec.get("revpos") is not None
    expected = None if leftover else checks.parse_digest(spec.get("digest"))
    if expected is not None and hashlib.md5(data, usedforsecurity=False).digest() != expected:
        raise DigestMismatch("Possible message corruption.", error="content_md5_mismatch")


class Guarded:
    """A stream on its way out. Its last piece is held back until all of it has been seen.

    So bytes that are not those of their digest end in an aborted request, of which CouchDB stores nothing
    (it does not look at Content-MD5). What the stream itself raised stays in `fault`, for a client library
    would disguise it as a lost connection.
    """

    def __init__(self, stream: BinaryIO, expected: bytes | None, *, max_bytes: int, chunk: int) -> None:
        self._read: Callable[[int], bytes] = stream.read
        self._expected = expected
        self._max_bytes = max_bytes
        self._chunk = chunk
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.length = 0
        self.whole = False
        self.fault: BaseException | None = None

    @property
    def md5(self) -> bytes:
        """MD5 of what has been read."""
        return self._md5.digest()

    def __iter__(self) -> Any:
        """The pieces, so that requests sends them as they come (chunked), never knowing a length."""
        try:
            held = self._next()
            while held:
                following = self._next()
                if not following and self._expected is not None and self.md5 != self._expected:
                    raise DigestMismatch("Possible message corruption.", error="content_md5_mismatch")
                yield held
                held = following
            if not self.length and self._expected is not None and self.md5 != self._expected:
                raise DigestMismatch("Possible message corruption.", error="content_md5_mismatch")
        except GeneratorExit:
            raise
        except BaseException as error:
            self.fault = error
            raise

    def _next(self) -> bytes:
        piece = self._read(self._chunk)
        self.whole = not piece
        self.length += len(piece)
        if self.length > self._max_bytes:
            raise TooLarge("attachment", error="attachment_too_large")
        self._md5.update(piece)
        return piece
