"""Many documents in one request: `_bulk_docs` and `_bulk_get`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from sync.embedded.http.asked import json_object
from sync.embedded.http.batches import read_batch
from sync.embedded.http.call import Call
from sync.embedded.http.replies import JSON_TYPE, Reply, encode, json_reply, stream_reply
from sync.embedded.http.shown import accepts, beside, part_of, show_of
from sync.embedded.moment import Moment
from sync.embedded.rendering import Show
from sync.multipart import new_boundary, write_parts
from sync.store import BadRequest, BulkResult, Document, NotOffered, StoreError, TooLarge

#: Documents looked up together. Most are small; of one that is not, nothing is read before its turn.
_LOOKED_UP = 50
#: Refusals of a replicated document that no repetition will change.
_FINAL = frozenset(
    {
        "bad_request",
        "doc_validation",
        "illegal_docid",
        "too_large",
        "document_too_large",
        "attachment_too_large",
    }
)


def bulk_docs(call: Call, db: str) -> Reply:
    batch = read_batch(call.request, call.limits.max_request_bytes)
    if not isinstance(batch.new_edits, bool):
        raise BadRequest("`new_edits` must be true or false.")
    if batch.all_or_nothing:
        raise NotOffered("all_or_nothing is not offered; CouchDB has dropped it too.")
    if batch.length > call.limits.max_bulk_docs:
        raise TooLarge(str(call.limits.max_bulk_docs), error="max_bulk_docs_count_exceeded")
    if not batch.new_edits:
        # Each for itself: one that can never be stored must not keep a replicator from delivering the rest.
        results = call.store.bulk_docs(db, _named(batch.docs), new_edits=False, user=call.user)
        return json_reply([_row(_final(result)) for result in results if not result.ok], 201)
    # As in CouchDB one document that is none fails its request: whoever wrote it is there to mend it.
    results = call.store.bulk_docs(db, batch.docs, user=call.user, well_formed=True)
    return json_reply([_row(result, refused_rev=False) for result in results], 201)


def _named(docs: Iterable[Document]) -> Iterator[Document]:
    """The documents, each of which says which revision it is. Raises BadRequest at one that does not."""
    for doc in docs:
        if doc.get("_rev") is None and "_revisions" not in doc:
            raise BadRequest("When `new_edits: false`, the document needs `_rev` or `_revisions` specified")
        yield doc


def _final(result: BulkResult) -> BulkResult:
    """To a replicator, say "forbidden" of a document that can never be stored here.

    PouchDB reports a forbidden document and goes on with the others; any other error makes it repeat the
    batch for ever, and one oversized document would end all sync of its database.
    """
    if result.error not in _FINAL:
        return result
    return BulkResult(result.id, result.rev, "forbidden", f"{result.error}: {result.reason}")


def _row(result: BulkResult, *, refused_rev: bool = True) -> dict[str, Any]:
    """One row of the answer. `refused_rev`: whether a refusal names the revision that was sent."""
    if result.error is None:
        return {"ok": True, "id": result.id, "rev": result.rev}
    row: dict[str, Any] = {"id": result.id, "error": result.error, "reason": result.reason}
    return row | {"rev": result.rev} if result.rev and refused_rev else row


def bulk_get(call: Call, db: str) -> Reply:
    """Stream the wanted revisions one document after the other, so that a large batch is never held whole."""
    body = json_object(call.request, call.limits.max_request_bytes)
    wanted = body.get("docs")
    if not isinstance(wanted, list):
        raise BadRequest("Missing JSON list of 'docs'.")
    if len(wanted) > call.limits.max_bulk_docs:
        raise TooLarge(str(call.limits.max_bulk_docs), error="max_bulk_get_count_exceeded")
    show, latest = show_of(call.query), call.query.flag("latest")
    request = call.request
    if not accepts(request, JSON_TYPE) and not accepts(request, "*/*"):
        for kind in ("multipart/mixed", "multipart/related"):
            if accepts(request, kind):
                boundary = new_boundary()
                rows = _wanted(call, db, wanted, beside(show), latest=latest)
                chunks = write_parts(boundary, _parts(call, db, rows))
                return stream_reply(chunks, f'{kind}; boundary="{boundary}"')
    return stream_reply(_json(call, db, wanted, show, latest=latest))


_Answer = tuple[str, list[dict[str, Any]]]


def _wanted(call: Call, db: str, wanted: list[Any], show: Show, *, latest: bool) -> Iterator[_Answer]:
    """For each entry of the request: the id, and `{ok: doc}` or `{error: …}` for each revision."""
    for entry in wanted:
        doc_id = _id(entry)
        if doc_id is None:
            yield "", [_problem("", None, "bad_request", "document id missed")]
            continue
        rev = entry.get("rev")
        try:
            yield doc_id, list(_answers(call, db, entry, show, latest=latest))
        except StoreError as error:
            yield doc_id, [_problem(doc_id, rev, error.error, error.reason)]


def _answers(
    call: Call, db: str, entry: dict[str, Any], show: Show, *, latest: bool
) -> Iterator[dict[str, Any]]:
    doc_id, rev, since = entry["id"], entry.get("rev"), entry.get("atts_since")
    if since is not None:
        show = _since(show, since)
    found = call.store.open_revs(db, doc_id, "all" if rev is None else [rev], latest=latest, show=show)
    if not found:
        yield _problem(doc_id, rev, "not_found", "missing")
    for answer in found:
        if answer.doc is None:
            yield _problem(doc_id, answer.rev, "not_found", "missing")
        else:
            yield {"ok": answer.doc}


def _since(show: Show, since: object) -> Show:
    if not isinstance(since, list) or not all(isinstance(rev, str) for rev in since):
        raise BadRequest("`atts_since` must be a JSON array of strings.")
    return Show(
        revs=show.revs,
        attachments=show.attachments or "streamed",
        atts_since=since,
        att_encoding_info=show.att_encoding_info,
    )


def _problem(doc_id: str, rev: object, error: str, reason: str) -> dict[str, Any]:
    shown = rev if isinstance(rev, str) else "undefined"
    return {"error": {"id": doc_id, "rev": shown, "error": error, "reason": reason}}


def _json(call: Call, db: str, wanted: list[Any], show: Show, *, latest: bool) -> Iterator[bytes]:
    """Page by page: between two pages no transaction is held, and none is larger than memory bears."""
    yield b'{"results": ['
    before, place = b"", 0
    while place < len(wanted):
        page = _page(call, db, wanted, place, show, latest=latest)
        place += len(page)
        yield before + b",".join(page)
        before = b","
    yield b"]}\n"


def _page(call: Call, db: str, wanted: list[Any], start: int, show: Show, *, latest: bool) -> list[bytes]:
    page: list[bytes] = []
    size = 0
    with call.store.moment(db) as moment:
        for first in range(start, len(wanted), _LOOKED_UP):
            some = wanted[first : first + _LOOKED_UP]
            moment.look_up([doc_id for doc_id in map(_id, some) if doc_id is not None])
            for entry in some:
                page.append(_entry(moment, entry, show, latest=latest))
                size += len(page[-1])
                if size >= call.limits.page_bytes:
                    return page
    return page


def _id(entry: Any) -> str | None:
    """The document that an entry of the request names, if it does."""
    doc_id = entry.get("id") if isinstance(entry, dict) else None
    return doc_id if isinstance(doc_id, str) else None


def _entry(moment: Moment, entry: Any, show: Show, *, latest: bool) -> bytes:
    """The answer to one entry of the request."""
    doc_id = _id(entry)
    if doc_id is None:
        return encode({"id": "", "docs": [_problem("", None, "bad_request", "document id missed")]})
    rev, since = entry.get("rev"), entry.get("atts_since")
    docs: list[dict[str, Any]]
    try:
        asked = show if since is None else _since(show, since)
        found = moment.open_revs(doc_id, "all" if rev is None else [rev], latest=latest, show=asked)
        docs = [
            _problem(doc_id, name, "not_found", "missing") if doc is None else {"ok": orjson.Fragment(doc)}
            for name, doc in found
        ]
    except StoreError as error:
        docs = [_problem(doc_id, rev, error.error, error.reason)]
    return encode({"id": doc_id, "docs": docs or [_problem(doc_id, rev, "not_found", "missing")]})


def _parts(call: Call, db: str, rows: Iterator[_Answer]) -> Iterator[tuple[dict[str, str], Iterator[bytes]]]:
    for _, docs in rows:
        for answer in docs:
            if "ok" in answer:
                content_type, chunks = part_of(call.store, db, answer["ok"])
                yield {"Content-Type": content_type}, chunks
            else:
                yield {"Content-Type": f'{JSON_TYPE}; error="true"'}, iter([encode(answer["error"])])
