"""Single documents: read, written, deleted."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from sync.embedded.documents import LOCAL
from sync.embedded.http.asked import any_json_body, json_object, string_list
from sync.embedded.http.call import Call
from sync.embedded.http.related import read_related
from sync.embedded.http.replies import (
    JSON_TYPE,
    Reply,
    empty_reply,
    encode,
    etag,
    json_reply,
    location,
    not_modified,
    stream_reply,
)
from sync.embedded.http.shown import accepts, beside, following, part_of, show_of
from sync.embedded.reading import OpenRev
from sync.embedded.rendering import Show
from sync.embedded.reproof import CHECKPOINT
from sync.multipart import new_boundary, write_parts
from sync.store import BadRequest, Document, NotFound

#: What a document is shown with that is not its own.
_BESIDE = frozenset({"_revs_info", "_conflicts", "_deleted_conflicts", "_local_seq"})


def read(call: Call, db: str, doc_id: str) -> Reply:
    """`GET /db/doc` with `rev`, `latest`, `open_revs`, and the parameters of `Show`."""
    query = call.query
    rev, latest, show = query.text("rev") or None, query.flag("latest"), show_of(query)
    if "open_revs" in query:
        return _open_revs(call, db, doc_id, show, latest=latest)
    if doc_id.startswith(LOCAL):
        call.store.checkpoint_read(db, doc_id)
    related = bool(show.attachments) and accepts(call.request, "multipart/related")
    doc = call.store.get(db, doc_id, rev=rev, latest=latest, show=beside(show) if related else show)
    # What is told of its neighbours changes without the revision changing.
    headers = {} if _BESIDE & doc.keys() else etag(doc["_rev"])
    if headers and not_modified(call, doc["_rev"]):
        return empty_reply(304, headers)
    if related and following(doc):
        content_type, chunks = part_of(call.store, db, doc)
        return stream_reply(chunks, content_type, headers)
    return json_reply(doc, headers=headers)


def _open_revs(call: Call, db: str, doc_id: str, show: Show, *, latest: bool) -> Reply:
    wanted = call.query.text("open_revs")
    revs: list[str] | Literal["all"] = (
        "all" if wanted in {"all", '"all"'} else string_list(call.query.json("open_revs"), "open_revs")
    )
    if not accepts(call.request, "multipart/mixed"):
        found = call.store.open_revs(db, doc_id, revs, latest=latest, show=show)
        _require_some(found, revs)
        rows = [{"missing": one.rev} if one.doc is None else {"ok": one.doc} for one in found]
        return json_reply(rows)
    # As CouchDB does: whoever takes parts takes the attachments too, asked for or not.
    found = call.store.open_revs(db, doc_id, revs, latest=latest, show=beside(show))
    _require_some(found, revs)
    boundary = new_boundary()

    def parts() -> Iterator[tuple[dict[str, str], Iterator[bytes]]]:
        for one in found:
            if one.doc is None:
                missing = encode({"missing": one.rev})
                yield {"Content-Type": f'{JSON_TYPE}; error="true"'}, iter([missing])
            else:
                content_type, chunks = part_of(call.store, db, one.doc)
                yield {"Content-Type": content_type}, chunks

    return stream_reply(write_parts(boundary, parts()), f'multipart/mixed; boundary="{boundary}"')


def _require_some(found: Sequence[OpenRev], revs: Sequence[str]) -> None:
    """Raises NotFound for all leaves of a document that is not there."""
    if revs == "all" and not found:
        raise NotFound("missing")


def create(call: Call, db: str) -> Reply:
    """`POST /db`: a document under its own id, or a new one."""
    doc = json_object(call.request, call.limits.max_request_bytes)
    doc.setdefault("_id", uuid.uuid4().hex)
    rev = call.store.put(db, doc, user=call.user)
    reply = {"ok": True, "id": doc["_id"], "rev": rev}
    return json_reply(reply, 201, location(call, db, doc["_id"]))


def write(call: Call, db: str, doc_id: str) -> Reply:
    """`PUT /db/doc`, as JSON or as multipart/related; `new_edits=false` for replicators.

    `batch=ok` is answered like any other write, when the document is on disk.
    """
    new_edits = call.query.flag("new_edits", default=True)
    if call.request.mimetype == "multipart/related":
        doc, blobs = read_related(call.request, call.store, call.limits)
    else:
        doc, blobs = any_json_body(call.request, call.limits.max_request_bytes), {}
    if not isinstance(doc, dict):
        raise BadRequest("Document must be a JSON object")
    if doc_id.startswith(LOCAL) and doc.keys() >= CHECKPOINT:
        call.store.require_reproof(db, doc_id)
    doc["_id"] = doc_id
    rev = named_rev(call, doc.get("_rev"))
    if rev is not None:
        doc["_rev"] = rev
    return written(
        call, db, doc_id, call.store.put(db, doc, user=call.user, new_edits=new_edits, blobs=blobs), 201
    )


def delete(call: Call, db: str, doc_id: str) -> Reply:
    doc: Document = {"_id": doc_id, "_deleted": True}
    rev = named_rev(call, None)
    if rev is not None:
        doc["_rev"] = rev
    call.store.get(db, doc_id, rev=None if doc_id.startswith("_local/") else rev)  # 404 rather than 409
    return written(call, db, doc_id, call.store.put(db, doc, user=call.user), 200)


def named_rev(call: Call, in_body: Any) -> str | None:
    """The revision a write builds on, which a client may name in three places.

    Raises BadRequest if they differ.
    """
    in_query = call.query.text("rev") or None
    in_header = call.request.headers.get("If-Match", "").strip().strip('"') or None
    if in_body is not None and in_query is not None and in_body != in_query:
        raise BadRequest("Document rev from request body and query string have different values")
    given: str | None = in_body if in_body is not None else in_query
    if given is not None and in_header is not None and given != in_header:
        raise BadRequest("Document rev and etag have different values")
    return given if given is not None else in_header


def written(call: Call, db: str, doc_id: str, rev: str, status: int) -> Reply:
    headers = etag(rev) | (location(call, db, doc_id) if status == 201 else {})
    return json_reply({"ok": True, "id": doc_id, "rev": rev}, status, headers)
