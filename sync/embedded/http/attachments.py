"""Attachments on their own, streamed from and to the disk."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterator

from werkzeug.datastructures import ContentRange, Headers

from sync.embedded.documents import DEFAULT_CONTENT_TYPE, check_attachment_name
from sync.embedded.http.asked import sent_stream
from sync.embedded.http.call import Call
from sync.embedded.http.documents import named_rev
from sync.embedded.http.replies import (
    Reply,
    empty_reply,
    etag,
    json_reply,
    location,
    not_modified,
    stream_reply,
)
from sync.embedded.http.shown import read_out
from sync.store import Attachment, BadRequest, StoreError

_CHUNK = 256 * 1024


class RangeNotSatisfiable(StoreError):
    status = 416
    error = "requested_range_not_satisfiable"


def read(call: Call, db: str, doc_id: str, name: str) -> Reply:
    """`GET` with `rev`, `If-None-Match` and one `Range`; `HEAD` likewise."""
    attachment = call.store.open_attachment(db, doc_id, name, rev=call.query.text("rev") or None)
    try:
        response = _reply(call, attachment)
    except BaseException:
        attachment.stream.close()
        raise
    if call.request.method == "HEAD" or response.status == 304:
        attachment.stream.close()
    response.call_on_close(attachment.stream.close)
    return response


def _reply(call: Call, attachment: Attachment) -> Reply:
    digest = attachment.digest.removeprefix("md5-")
    headers = etag(digest) | {
        # Written by others and served from our own origin: nothing in it may run or be guessed at.
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    if not_modified(call, digest):
        return empty_reply(304, headers)
    content_type = attachment.content_type
    if attachment.encoding is not None:
        headers["Accept-Ranges"] = "none"
        headers["Vary"] = "Accept-Encoding"
        if not _takes_gzip(call):
            return stream_reply(_gunzipped(attachment), content_type, headers)
        headers["Content-Encoding"] = attachment.encoding
    else:
        headers["Accept-Ranges"] = "bytes"
        wanted = _range(call, attachment.length, digest)
        if wanted is not None:
            return _partial(attachment, wanted, headers)
    headers["Content-MD5"] = digest
    headers["Content-Length"] = str(attachment.length)
    return stream_reply(read_out(attachment), content_type, headers)


def _partial(attachment: Attachment, wanted: tuple[int, int], headers: dict[str, str]) -> Reply:
    start, stop = wanted
    attachment.stream.seek(start)
    headers["Content-Range"] = ContentRange("bytes", start, stop, attachment.length).to_header()
    headers["Content-Length"] = str(stop - start)
    chunks = read_out(attachment, stop - start)
    return stream_reply(chunks, attachment.content_type, headers, status=206)


def _range(call: Call, length: int, digest: str) -> tuple[int, int] | None:
    """The one range that is wanted, or None for everything. Raises RangeNotSatisfiable.

    Several ranges at once, units other than bytes and a stale `If-Range` get everything (RFC 9110, 14.2).
    """
    wanted = call.request.range
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return None
    if_range = call.request.if_range
    if (if_range.etag is not None and if_range.etag != digest) or if_range.date is not None:
        return None
    found = wanted.range_for_length(length)
    if found is None:
        raise RangeNotSatisfiable("Requested range not satisfiable")
    return found


def _takes_gzip(call: Call) -> bool:
    return call.request.accept_encodings.quality("gzip") > 0 and bool(call.request.accept_encodings)


def _gunzipped(attachment: Attachment) -> Iterator[bytes]:
    with attachment, gzip.GzipFile(fileobj=attachment.stream) as plain:
        while chunk := plain.read(_CHUNK):
            yield chunk


def write(call: Call, db: str, doc_id: str, name: str) -> Reply:
    """`PUT`: the bytes as they are sent, encoded or not; `rev` names the leaf, none makes a new document."""
    check_attachment_name(name)  # before its bytes are taken in
    stream, encoding = sent_stream(call.request)
    info = call.store.ingest(
        stream,
        max_bytes=call.limits.max_attachment_bytes,
        expect_md5=_expected(call.request.headers),
    )
    content_type = call.request.headers.get("Content-Type") or DEFAULT_CONTENT_TYPE
    rev = call.store.attach(
        db,
        doc_id,
        named_rev(call, None),
        name=name,
        content_type=content_type,
        info=info,
        encoding=encoding,
        max_bytes=call.limits.max_attachment_bytes,
        user=call.user,
    )
    return json_reply({"ok": True, "id": doc_id, "rev": rev}, 201, location(call, db, doc_id, name))


def _expected(headers: Headers) -> bytes | None:
    """The MD5 that `Content-MD5` says the bytes have. Raises BadRequest."""
    given = headers.get("Content-MD5")
    if given is None:
        return None
    try:
        digest = base64.b64decode(given, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != hashlib.md5(usedforsecurity=False).digest_size:
        raise BadRequest("Content-MD5 must be the base64 of an MD5 digest.")
    return digest


def delete(call: Call, db: str, doc_id: str, name: str) -> Reply:
    rev = call.store.delete_attachment(db, doc_id, name, named_rev(call, None), user=call.user)
    return json_reply({"ok": True, "id": doc_id, "rev": rev}, 200)
