"""A document that arrives as multipart/related: its JSON first, then the attachments that it announces.

The bytes go to disk as they come. A body that breaks off, or that does not hold what its document
announces, leaves no document and only blobs that nobody names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from werkzeug.wrappers import Request

from sync.checks import parse_digest
from sync.embedded.blobs import BlobInfo
from sync.embedded.engine import EmbeddedStore
from sync.embedded.http.asked import body_stream, parse_json, read_all
from sync.embedded.http.limits import HttpLimits
from sync.multipart import Part, Parts, boundary_of
from sync.store import BadRequest, Document

#: Bytes that may follow the last boundary, which RFC 2046 allows and nobody needs.
_MAX_EPILOGUE = 64 * 1024


def read_related(
    request: Request, store: EmbeddedStore, limits: HttpLimits
) -> tuple[Document, dict[str, BlobInfo]]:
    """The document and its attachments, taken in. Raises BadRequest, TooLarge, DigestMismatch."""
    body = body_stream(request)
    parts = iter(Parts(body, boundary_of(request.headers.get("Content-Type", ""))))
    first = next(parts, None)
    if first is None or first.content_type not in {"", "application/json"}:
        raise BadRequest("The first part must be the document, as application/json.")
    # Inline attachments may sit in it, so it is bounded as a whole request; the store bounds the body.
    doc = parse_json(read_all(first.stream, limits.max_request_bytes))
    if not isinstance(doc, dict):
        raise BadRequest("Document must be a JSON object")
    announced = _announced(doc)
    blobs: dict[str, BlobInfo] = {}
    for name, part in _matched(parts, list(announced)):
        blobs[name] = _take_in(store, limits, name, announced[name], part)
    missing = announced.keys() - blobs.keys()
    if missing:
        raise BadRequest(f"The body ends before these attachments: {', '.join(sorted(missing))}")
    read_all(body, _MAX_EPILOGUE)  # to its end, which is where a body that broke off is noticed
    return doc, blobs


def _announced(doc: Document) -> dict[str, dict[str, Any]]:
    """Attachments with `"follows": true`, in the order of the document."""
    attachments = doc.get("_attachments", {})
    if not isinstance(attachments, dict):
        raise BadRequest("_attachments isn't an object.", error="doc_validation")
    return {
        name: spec for name, spec in attachments.items() if isinstance(spec, dict) and spec.get("follows")
    }


def _matched(parts: Iterator[Part], waiting: list[str]) -> Iterator[tuple[str, Part]]:
    """Each part and the attachment it is: the one it names, else (as in CouchDB) the document's next."""
    for part in parts:
        if not waiting:
            raise BadRequest("The body holds more parts than the document announces.")
        name = part.filename if part.filename in waiting else waiting[0]
        waiting.remove(name)
        yield name, part


def _take_in(
    store: EmbeddedStore, limits: HttpLimits, name: str, spec: dict[str, Any], part: Part
) -> BlobInfo:
    info = store.ingest(
        part.stream, max_bytes=limits.max_attachment_bytes, expect_md5=parse_digest(spec.get("digest"))
    )
    encoded = spec.get("encoding") not in {None, "identity"}
    length = spec.get("encoded_length" if encoded else "length")
    if length is not None and length != info.length:
        raise BadRequest(f"Attachment {name} has {info.length} bytes, its document says {length}.")
    return info
