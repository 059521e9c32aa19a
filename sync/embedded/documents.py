"""Documents as CouchDB understands them: what a client sends, checked and taken apart.

Pure but for one thing: inline attachments are handed to `keep`, which puts them on disk, because that has to
happen before a transaction begins and need not happen inside one.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from sync import revtree
from sync.checks import (
    DESIGN,
    LOCAL,
    check_attachment_name,
    check_database_name,
    check_id,
    inline_bytes,
    is_utf8,
    own_fields,
    parse_digest,
    read_deleted,
    read_rev,
)
from sync.embedded.blobs import BlobInfo
from sync.revtree import Rev
from sync.store import BadRequest, DigestMismatch, Document, TooLarge

#: What the rest of the room takes from here, some of it from `sync.checks`.
__all__ = [
    "DEFAULT_CONTENT_TYPE",
    "DESIGN",
    "LOCAL",
    "Incoming",
    "Keep",
    "StoredAttachment",
    "Stub",
    "check_attachment_name",
    "check_database_name",
    "check_id",
    "encode_body",
    "new_rev",
    "parse",
    "read_rev",
]

DEFAULT_CONTENT_TYPE = "application/octet-stream"
#: What orjson would write and JSON does not know.
_STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
_NULL = b"null"
#: What a new document's revision says beside its body, where there is nothing to say.
_PLAIN_BEGINNING = orjson.dumps([False, None, []])
#: Hexadecimal characters of a revision's hash.
_HASH_LENGTH = 32


class StoredAttachment(NamedTuple):
    """An attachment whose bytes are on disk. `length` counts them decoded, `stored_length` as stored.

    A tuple in the order of its table's columns.
    """

    name: str
    content_type: str
    encoding: str | None
    length: int
    stored_length: int
    md5: bytes
    sha256: str
    revpos: int

    @property
    def digest(self) -> str:
        return "md5-" + base64.b64encode(self.md5).decode()

    def stub(self) -> dict[str, Any]:
        return {
            "content_type": self.content_type,
            "revpos": self.revpos,
            "digest": self.digest,
            "length": self.length,
            "stub": True,
        }


@dataclass(frozen=True)
class Stub:
    """An attachment that is to be what it was in an ancestor, which had it at `revpos` if that is given."""

    name: str
    revpos: int | None


class Incoming(NamedTuple):
    """A document on its way in. `rev` is the revision it builds on (new edits) or is (replicated ones)."""

    id: str
    rev: Rev | None
    deleted: bool
    body: bytes
    fields: Document
    ancestry: tuple[int, tuple[str, ...]] | None = None
    attachments: tuple[StoredAttachment | Stub, ...] = ()

    @property
    def is_design(self) -> bool:
        return self.id.startswith(DESIGN)


Keep = Callable[[bytes, bytes | None], BlobInfo]


def encode_body(fields: Document) -> bytes:
    """JSON as it is stored: the client's own order of members.

    Raises BadRequest for what JSON cannot say, and for a document that is nested more deeply (254 levels)
    than a reply could carry: kept, it would break every reply it is part of, and so the replication of its
    database.
    """
    body = None
    try:
        body = orjson.dumps(fields, option=_STRICT)
        if _NULL not in body:
            return body
    except TypeError as error:
        if "recursion" in str(error).lower():
            raise BadRequest("The document is nested too deeply.") from error
    # There is something that orjson does not write, as an integer of more than 64 bits, or that it writes as
    # null, as NaN. The standard library knows the one and refuses the other.
    try:
        plain = json.dumps(fields, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise BadRequest(f"The document is not valid JSON: {error}") from error
    return plain if body is None else body


def parse(
    doc: object,
    *,
    keep: Keep,
    max_bytes: int,
    max_revisions: int,
    blobs: Mapping[str, BlobInfo] | None = None,
) -> Incoming:
    """Check a document and keep its inline attachments.

    `blobs` are attachments that came beside the document (`"follows": true`), already on disk.
    Raises BadRequest, TooLarge (body over `max_bytes` of JSON) or DigestMismatch.
    """
    if not isinstance(doc, dict):
        raise BadRequest("Document must be a JSON object")
    doc_id = check_id(doc.get("_id"))
    deleted = read_deleted(doc)
    fields = own_fields(doc)
    body = encode_body(fields)
    if len(body) > max_bytes:
        raise TooLarge(doc_id, error="document_too_large")
    ancestry = None
    if "_revisions" in doc and not doc_id.startswith(LOCAL):  # a local document has none, only a count
        ancestry = _ancestry(doc["_revisions"], max_revisions)
    rev = read_rev(doc["_rev"]) if doc.get("_rev") is not None else None
    if ancestry is not None:
        rev = (ancestry[0], ancestry[1][0])
    if rev is not None and rev[0] < 1 and not doc_id.startswith(LOCAL):
        raise BadRequest("Invalid rev format")
    attachments: tuple[StoredAttachment | Stub, ...] = ()
    if blobs or "_attachments" in doc:
        attachments = _attachments(doc.get("_attachments", {}), keep, blobs or {}, edited=ancestry is None)
    return Incoming(doc_id, rev, deleted, body, fields, ancestry, attachments)


def new_rev(incoming: Incoming, parent: Rev | None, attachments: tuple[StoredAttachment, ...]) -> Rev:
    """The revision that this edit becomes: the same edit of the same parent is the same revision anywhere.

    As in CouchDB the order of a body's members is part of the edit.
    """
    if parent is None and not attachments and not incoming.deleted:  # most documents begin so
        return 1, _digest(_PLAIN_BEGINNING, incoming.body)
    about = [
        incoming.deleted,
        revtree.format_rev(parent) if parent else None,
        [[a.name, a.content_type, a.digest] for a in sorted(attachments)] if attachments else [],
    ]
    return parent[0] + 1 if parent else 1, _digest(orjson.dumps(about), incoming.body)


def _digest(about: bytes, body: bytes) -> str:
    """A revision's hash: as long as CouchDB's, of SHA-256, which processors have instructions for."""
    whole = hashlib.sha256(about)
    whole.update(body)
    return whole.hexdigest()[:_HASH_LENGTH]


def resolve(
    incoming: Incoming, ancestor: Mapping[str, StoredAttachment] | None, generation: int, *, new_edit: bool
) -> tuple[StoredAttachment, ...]:
    """The attachments with every stub replaced by what the ancestor has. Raises DigestMismatch (412)."""
    if not incoming.attachments:
        return ()
    resolved = []
    for attachment in incoming.attachments:
        if isinstance(attachment, Stub):
            if ancestor is None:
                raise DigestMismatch(f"Previous revision missing for document {incoming.id}")
            known = ancestor.get(attachment.name)
            if known is None or attachment.revpos not in {None, known.revpos}:
                raise DigestMismatch(f"Invalid attachment stub in {incoming.id} for {attachment.name}")
            resolved.append(known)
        elif new_edit or not 0 < attachment.revpos <= generation:
            resolved.append(attachment._replace(revpos=generation))
        else:
            resolved.append(attachment)
    return tuple(resolved)


def _ancestry(revisions: object, longest: int) -> tuple[int, tuple[str, ...]]:
    if not isinstance(revisions, dict):
        raise BadRequest("_revisions isn't an object.", error="doc_validation")
    start, ids = revisions.get("start"), revisions.get("ids")
    if not isinstance(start, int) or isinstance(start, bool):
        raise BadRequest("_revisions.start isn't an integer.", error="doc_validation")
    if not isinstance(ids, list) or not all(isinstance(name, str) for name in ids):
        raise BadRequest("_revisions.ids isn't a array.", error="doc_validation")
    if not ids or start < len(ids) or len(ids) > longest:
        raise BadRequest("_revisions.ids does not fit _revisions.start.", error="doc_validation")
    try:
        return start, tuple(revtree.parse_hash(name) for name in ids)
    except ValueError as error:
        raise BadRequest(str(error), error="doc_validation") from error


def _attachments(
    value: object, keep: Keep, blobs: Mapping[str, BlobInfo], *, edited: bool
) -> tuple[StoredAttachment | Stub, ...]:
    if not isinstance(value, dict):
        raise BadRequest("Bad special document member: _attachments", error="doc_validation")
    found = tuple(_attachment(name, spec, keep, blobs, edited=edited) for name, spec in value.items())
    strays = set(blobs) - set(value)
    if strays:
        raise BadRequest(f"Attachments without an entry in _attachments: {', '.join(sorted(strays))}")
    return found


def _attachment(
    name: object, spec: object, keep: Keep, blobs: Mapping[str, BlobInfo], *, edited: bool
) -> StoredAttachment | Stub:
    name = check_attachment_name(name)
    if not isinstance(spec, dict):
        raise BadRequest(f"Invalid attachment {name}", error="doc_validation")
    revpos = spec.get("revpos")
    if revpos is not None and (not isinstance(revpos, int) or isinstance(revpos, bool)):
        raise BadRequest(f"Invalid revpos of attachment {name}", error="doc_validation")
    if spec.get("stub"):
        return Stub(name, revpos)
    content_type = spec.get("content_type", DEFAULT_CONTENT_TYPE)
    if not isinstance(content_type, str) or not is_utf8(content_type):
        raise BadRequest(f"Invalid content_type of attachment {name}", error="doc_validation")
    if not spec.get("follows"):
        # A client that changes the bytes of what it read leaves the old digest beside them, and the revpos.
        leftover = edited and revpos is not None
        expected = None if leftover else parse_digest(spec.get("digest"))
        info = keep(inline_bytes(name, spec.get("data")), expected)
        return _kept(name, content_type, info, revpos=revpos)
    expected = parse_digest(spec.get("digest"))
    if name not in blobs:
        raise BadRequest(f"Attachment {name} was announced and did not follow")
    info = blobs[name]
    if expected is not None and expected != info.md5:
        raise DigestMismatch("Possible message corruption.", error="content_md5_mismatch")
    encoding = spec.get("encoding")
    if encoding in {None, "identity"}:
        return _kept(name, content_type, info, revpos=revpos)
    length = spec.get("length")
    if encoding != "gzip" or not isinstance(length, int) or isinstance(length, bool) or length < 0:
        raise BadRequest(f"Invalid encoding of attachment {name}", error="doc_validation")
    return _kept(name, content_type, info, revpos=revpos, encoding="gzip", length=length)


def _kept(
    name: str,
    content_type: str,
    info: BlobInfo,
    *,
    revpos: int | None,
    encoding: str | None = None,
    length: int | None = None,
) -> StoredAttachment:
    return StoredAttachment(
        name,
        content_type,
        encoding,
        info.length if length is None else length,
        info.length,
        info.md5,
        info.sha256,
        revpos or 0,
    )
