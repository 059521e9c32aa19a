"""A stored revision as the JSON that a client, a design function or a replicator sees."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import apsw
import orjson

from sync import revtree
from sync.embedded import inlining, records
from sync.embedded.blobs import BlobStore
from sync.embedded.documents import Incoming, StoredAttachment
from sync.embedded.records import DatabaseRow, DocRow, RevisionRow
from sync.revtree import Body, Rev, RevTree
from sync.store import BytesMissing, Document


@dataclass(frozen=True)
class Show:
    """What to put into a document beside its body: CouchDB's query parameters of the same names.

    `attachments`: False gives stubs; True gives their data inline; "streamed" too, with marks for large ones
    which the caller writes out (`inlining.py`); "follows" marks those whose bytes the caller will send beside
    the document (`open_attachment`), with `encoding` and `encoded_length`.
    `atts_since` limits either to attachments newer than those revisions which the client already has; None
    means no limit.
    """

    revs: bool = False
    revs_info: bool = False
    conflicts: bool = False
    deleted_conflicts: bool = False
    local_seq: bool = False
    attachments: Literal[False, True, "streamed", "follows"] = False
    atts_since: Sequence[str] | None = None
    att_encoding_info: bool = False


PLAIN = Show()
#: The length of an object without members.
_EMPTY = len(b"{}")


def full(
    conn: apsw.Connection, blobs: BlobStore, db: DatabaseRow, doc: DocRow, rev: Rev, *, show: Show
) -> Document | None:
    """Revision `rev` of `doc` with what `show` asks for; None if its body is not kept."""
    stored = records.revision(conn, doc, rev)
    if stored is None:
        return None
    atts = records.attachments(conn, stored.pk)
    return _body(doc.id, stored) | _beside(blobs, doc, stored, atts, show)


def full_json(
    blobs: BlobStore, doc: DocRow, stored: RevisionRow, atts: Mapping[str, StoredAttachment], *, show: Show
) -> bytes:
    """The same of a revision that has been read, as JSON: what is stored goes out as it came in."""
    named = orjson.dumps({"_id": doc.id, "_rev": revtree.format_rev(stored.rev)})
    beside: Document = {"_deleted": True} if stored.deleted else {}
    beside |= _beside(blobs, doc, stored, atts, show)
    return _spliced(named, stored.body, orjson.dumps(beside))


def _beside(
    blobs: BlobStore, doc: DocRow, stored: RevisionRow, atts: Mapping[str, StoredAttachment], show: Show
) -> Document:
    """What is not part of a revision's body: where it stands, and its attachments."""
    result: Document = {}
    line = [stored.rev] if doc.is_single else revtree.ancestry(doc.tree, stored.rev)
    if show.revs:
        result["_revisions"] = revisions(line)
    if show.revs_info:
        result["_revs_info"] = [
            {"rev": revtree.format_rev(r), "status": _STATUS[doc.tree.nodes[r].body]} for r in line
        ]
    if show.conflicts:
        _add(result, "_conflicts", [r for r in doc.tree.leaves[1:] if not doc.tree.deleted(r)])
    if show.deleted_conflicts:
        _add(result, "_deleted_conflicts", [r for r in doc.tree.leaves[1:] if doc.tree.deleted(r)])
    if show.local_seq:
        result["_local_seq"] = doc.seq
    if atts:
        known = _newest_known(line, show.atts_since)
        result["_attachments"] = {a.name: _attachment(a, blobs, show, known) for a in atts.values()}
    return result


def for_rules(doc_id: str, stored: RevisionRow, tree: RevTree, atts: Mapping[str, StoredAttachment]) -> bytes:
    """A revision on disk as `validate_doc_update` gets it for `oldDoc`, as JSON."""
    line = revtree.ancestry(tree, stored.rev)
    return _judged(doc_id, stored.body, line, atts.values(), deleted=stored.deleted)


def incoming_for_rules(incoming: Incoming, line: Sequence[Rev], atts: Sequence[StoredAttachment]) -> bytes:
    """A document on its way in as `validate_doc_update` gets it for `newDoc`, as JSON.

    `line` is the revision and its ancestors, empty for a document that has none yet.
    """
    return _judged(incoming.id, incoming.body, line, atts, deleted=incoming.deleted)


def _judged(
    doc_id: str, body: bytes, line: Sequence[Rev], atts: Iterable[StoredAttachment], *, deleted: bool
) -> bytes:
    named: Document = {"_id": doc_id}
    beside: Document = {"_deleted": True} if deleted else {}
    if line:
        named["_rev"] = revtree.format_rev(line[0])
        beside["_revisions"] = revisions(line)
    if stubs := {a.name: a.stub() for a in atts}:
        beside["_attachments"] = stubs
    return _spliced(orjson.dumps(named), body, orjson.dumps(beside))


def _spliced(*members: bytes) -> bytes:
    """One JSON object of the members of several, none of which names what another names."""
    return b"{" + b",".join([part[1:-1] for part in members if len(part) > _EMPTY]) + b"}"


def revisions(line: Sequence[Rev]) -> dict[str, Any]:
    return {"start": line[0][0], "ids": [name for _, name in line]}


def inline_data(blobs: BlobStore, attachment: StoredAttachment) -> str:
    """The attachment's own bytes, decoded, in base64."""
    try:
        with blobs.open(attachment.sha256) as stream:
            data = stream.read()
    except FileNotFoundError as error:
        raise BytesMissing(attachment.name) from error
    return base64.b64encode(gzip.decompress(data) if attachment.encoding == "gzip" else data).decode()


def _marked(blobs: BlobStore, attachment: StoredAttachment) -> str:
    if not blobs.has(attachment.sha256):
        raise BytesMissing(attachment.name)
    return inlining.mark(attachment)


_STATUS = {Body.MISSING: "missing", Body.STORED: "available", Body.DELETED: "deleted"}


def _body(doc_id: str, stored: RevisionRow) -> Document:
    result: Document = {"_id": doc_id, "_rev": revtree.format_rev(stored.rev)}
    result.update(json.loads(stored.body))
    if stored.deleted:
        result["_deleted"] = True
    return result


def _add(result: Document, name: str, revs: list[Rev]) -> None:
    if revs:
        result[name] = [revtree.format_rev(rev) for rev in revs]


def _newest_known(line: Sequence[Rev], since: Sequence[str] | None) -> int:
    """The generation up to which the client has this line's attachments; 0 if it has none."""
    if not since:
        return 0
    have = set(since)
    return next((rev[0] for rev in line if revtree.format_rev(rev) in have), 0)


def _attachment(attachment: StoredAttachment, blobs: BlobStore, show: Show, known: int) -> dict[str, Any]:
    result = attachment.stub()
    wanted = show.attachments and attachment.revpos > known
    if wanted and show.attachments == "follows":
        del result["stub"]
        result["follows"] = True
    elif wanted:
        del result["stub"], result["length"]
        large = show.attachments == "streamed" and attachment.length > inlining.SMALL
        result["data"] = _marked(blobs, attachment) if large else inline_data(blobs, attachment)
    if attachment.encoding and (show.att_encoding_info or "follows" in result):
        result["encoding"] = attachment.encoding
        result["encoded_length"] = attachment.stored_length
    return result
