"""Whole databases: making and deleting them, their settings, their documents by id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from flask import Response

from sync.embedded.engine import EmbeddedStore
from sync.embedded.http.asked import Query, any_json_body, json_object
from sync.embedded.http.call import Call, require_server_admin
from sync.embedded.http.replies import empty_reply, encode, json_reply, location, stream_reply
from sync.embedded.http.shown import show_of
from sync.embedded.listing import Listing, ListQuery
from sync.embedded.rendering import Show
from sync.store import BadRequest, NotOffered

#: Parameters of `_all_docs` that are JSON in a URL too.
_KEYS = frozenset({"key", "keys", "startkey", "start_key", "endkey", "end_key", "atts_since"})


def info(call: Call, db: str) -> Response:
    return json_reply(call.store.info_json(db))


def exists(call: Call, db: str) -> Response:
    call.store.info(db)
    return empty_reply(200)


def create(call: Call, db: str) -> Response:
    require_server_admin(call.user)
    call.store.create_database(db)
    return json_reply({"ok": True}, 201, location(db))


def delete(call: Call, db: str) -> Response:
    require_server_admin(call.user)
    if "rev" in call.query:
        raise BadRequest(
            "You tried to DELETE a database with a ?=rev parameter. "
            "Did you mean to DELETE a document instead?"
        )
    call.store.delete_database(db)
    return json_reply({"ok": True})


def security(call: Call, db: str) -> Response:
    return json_reply(call.store.security(db))


def put_security(call: Call, db: str) -> Response:
    call.store.put_security(db, any_json_body(call.request, call.limits.max_document_bytes), user=call.user)
    return json_reply({"ok": True})


def revs_limit(call: Call, db: str) -> Response:
    return json_reply(call.store.revs_limit(db))


def put_revs_limit(call: Call, db: str) -> Response:
    limit = any_json_body(call.request, call.limits.max_document_bytes)
    call.store.set_revs_limit(db, limit, user=call.user)
    return json_reply({"ok": True})


def ensure_full_commit(call: Call, db: str) -> Response:
    """Nothing to do: whatever was acknowledged is on disk."""
    call.store.info(db)
    return json_reply({"ok": True, "instance_start_time": "0"}, 201)


def revs_diff(call: Call, db: str) -> Response:
    wanted = json_object(call.request, call.limits.max_request_bytes)
    return json_reply(call.store.revs_diff(db, wanted))


def all_docs(call: Call, db: str) -> Response:
    return _listing(call, db, call.query)


def post_all_docs(call: Call, db: str) -> Response:
    """The parameters of the URL may come in the body instead, as JSON; the URL's win."""
    body = json_object(call.request, call.limits.max_request_bytes)
    if "queries" in body:
        raise NotOffered("Several queries at once are not offered by Hezha's embedded engine.")
    return _listing(call, db, call.query.over(body, json_names=_KEYS))


def _listing(call: Call, db: str, asked: Query) -> Response:
    query = _list_query(asked)
    head: dict[str, Any] = {}
    if asked.flag("update_seq"):
        head["update_seq"] = call.store.info(db).update_seq
    listing = call.store.list_docs(db, replace(query, include_docs=False))
    head |= {"total_rows": listing.total_rows, "offset": listing.offset}
    rows = listing.rows if not query.include_docs else _with_docs(call.store, db, listing, query.show)
    return stream_reply(_written(head, rows))


def _with_docs(store: EmbeddedStore, db: str, listing: Listing, show: Show) -> Iterator[dict[str, Any]]:
    """The rows with their documents, read one at a time: with attachments they might not fit into memory."""
    for row in listing.rows:
        if "error" in row:
            yield row
        elif row["value"].get("deleted"):
            yield row | {"doc": None}
        else:
            (found,) = store.open_revs(db, row["id"], [row["value"]["rev"]], show=show)
            yield row | {"doc": found.doc}


def _written(head: dict[str, Any], rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    yield encode(head)[:-1] + b',"rows":[\n'
    for number, row in enumerate(rows):
        yield (b",\n" if number else b"") + encode(row)
    yield b"\n]}\n"


def _list_query(query: Query) -> ListQuery:
    start = _key(query, "startkey", "start_key")
    end = _key(query, "endkey", "end_key")
    inclusive_end = query.flag("inclusive_end", default=True)
    key = _key(query, "key")
    keys = query.strings("keys")
    if key is not None:
        start = end = key
        inclusive_end = True
    if keys is not None and (start is not None or end is not None):
        raise BadRequest(
            "`keys` is incompatible with `key`, `start_key` and `end_key`", error="query_parse_error"
        )
    return ListQuery(
        startkey=start,
        endkey=end,
        inclusive_end=inclusive_end,
        keys=keys,
        limit=query.integer("limit"),
        skip=query.integer("skip") or 0,
        descending=query.flag("descending"),
        include_docs=query.flag("include_docs"),
        show=show_of(query),
    )


def _key(query: Query, *names: str) -> str | None:
    """The first of the parameters that is there, a JSON string (document ids are nothing else)."""
    for name in names:
        if name in query:
            value = query.json(name)
            if value is not None and not isinstance(value, str):
                raise BadRequest(f"`{name}` must be a JSON string.", error="query_parse_error")
            return value
    return None
