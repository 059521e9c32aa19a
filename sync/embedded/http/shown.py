"""How documents are to be shown: query parameters to `Show`, documents and their attachments to bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from werkzeug.wrappers import Request

from sync.embedded.engine import EmbeddedStore
from sync.embedded.http.asked import Query
from sync.embedded.http.replies import JSON_TYPE, encode
from sync.embedded.rendering import Show
from sync.multipart import new_boundary, quoted, write_parts
from sync.store import Attachment, Document

_CHUNK = 256 * 1024


def show_of(query: Query) -> Show:
    """Raises QueryParseError."""
    meta = query.flag("meta")
    return Show(
        revs=query.flag("revs"),
        revs_info=query.flag("revs_info") or meta,
        conflicts=query.flag("conflicts") or meta,
        deleted_conflicts=query.flag("deleted_conflicts") or meta,
        local_seq=query.flag("local_seq"),
        # To ask for what is newer than a revision is to ask for attachments.
        attachments="streamed" if query.flag("attachments") or "atts_since" in query else False,
        atts_since=query.strings("atts_since"),
        att_encoding_info=query.flag("att_encoding_info"),
    )


def accepts(request: Request, content_type: str) -> bool:
    """Whether the client names this very type; `*/*` gets JSON, as in CouchDB."""
    return any(value.lower() == content_type for value in request.accept_mimetypes.values())


def beside(show: Show) -> Show:
    """The same, with the attachments' bytes sent beside the document instead of inside."""
    return replace(show, attachments="follows")


def following(doc: Document) -> list[str]:
    """The attachments whose bytes follow `doc`, in the order in which they must."""
    return [name for name, spec in doc.get("_attachments", {}).items() if spec.get("follows")]


def part_of(store: EmbeddedStore, db: str, doc: Document) -> tuple[str, Iterator[bytes]]:
    """A document as the content type and bytes of a part: JSON, or multipart/related with attachments."""
    names = following(doc)
    if not names:
        return JSON_TYPE, iter([encode(doc)])
    boundary = new_boundary()
    return f'multipart/related; boundary="{boundary}"', _related(store, db, doc, names, boundary)


def _related(
    store: EmbeddedStore, db: str, doc: Document, names: list[str], boundary: str
) -> Iterator[bytes]:
    def parts() -> Iterator[tuple[dict[str, str], Iterator[bytes]]]:
        yield {"Content-Type": JSON_TYPE}, iter([encode(doc)])
        for name in names:
            attachment = store.open_attachment(db, doc["_id"], name, rev=doc["_rev"])
            yield _headers(attachment), read_out(attachment)

    return write_parts(boundary, parts())


def _headers(attachment: Attachment) -> dict[str, str]:
    headers: dict[str, Any] = {
        "Content-Disposition": f"attachment; filename={quoted(attachment.name)}",
        "Content-Type": attachment.content_type,
        "Content-Length": str(attachment.length),
    }
    if attachment.encoding:
        headers["Content-Encoding"] = attachment.encoding
    return headers


def read_out(attachment: Attachment, length: int | None = None) -> Iterator[bytes]:
    """The attachment's bytes from where its stream stands, `length` of them if given; closes it."""
    left = attachment.length if length is None else length
    with attachment:
        while left > 0 and (chunk := attachment.stream.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk
