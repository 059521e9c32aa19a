"""`_all_docs`, `_design_docs`, `_local_docs`: by GET, by POST, and several queries at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from sync.embedded.engine import EmbeddedStore
from sync.embedded.http.asked import Query, json_object
from sync.embedded.http.call import Call
from sync.embedded.http.limits import HttpLimits
from sync.embedded.http.replies import Reply, encode, gathered, stream_reply
from sync.embedded.http.shown import show_of
from sync.embedded.listing import ListQuery
from sync.store import BadRequest

Namespace = Literal["all", "design", "local"]
_NAMESPACES: Mapping[str, Namespace] = {
    "_all_docs": "all",
    "_design_docs": "design",
    "_local_docs": "local",
}
#: Parameters that are JSON in a URL too.
_KEYS = frozenset({"key", "keys", "startkey", "start_key", "endkey", "end_key", "atts_since"})


def reading(name: str) -> Callable[[Call, str], Reply]:
    """The handler of `GET` for `name`."""
    return lambda call, db: _one(call, db, _NAMESPACES[name], call.query)


def posting(name: str) -> Callable[[Call, str], Reply]:
    """The handler of `POST`: the URL's parameters may come in a JSON body instead; the URL's win."""

    def handle(call: Call, db: str) -> Reply:
        body = json_object(call.request, call.limits.max_request_bytes)
        return _one(call, db, _NAMESPACES[name], call.query.over(body, json_names=_KEYS))

    return handle


def querying(name: str) -> Callable[[Call, str], Reply]:
    """The handler of `POST …/queries`: a list of the bodies that a POST takes, answered one after another."""

    def handle(call: Call, db: str) -> Reply:
        body = json_object(call.request, call.limits.max_request_bytes)
        if "queries" not in body:
            raise BadRequest("POST body must include `queries` parameter.")
        return _several(call, db, _NAMESPACES[name], body["queries"])

    return handle


def _one(call: Call, db: str, namespace: Namespace, asked: Query) -> Reply:
    answer = _answer(call.store, call.limits, db, asked, _list_query(asked, namespace))
    return stream_reply(gathered(answer))


def _several(call: Call, db: str, namespace: Namespace, queries: Any) -> Reply:
    if not isinstance(queries, list) or not all(isinstance(one, dict) for one in queries):
        raise BadRequest("`queries` member must be an array.")
    if len(queries) > call.limits.max_queries:
        raise BadRequest(f"At most {call.limits.max_queries} queries at once.")
    # Read, all of them, before the first is answered: a mistake in the last one is still told by status.
    asked = [call.query.over(one, json_names=_KEYS) for one in queries]
    wanted = [(one, _list_query(one, namespace)) for one in asked]
    call.store.info(db)

    def answers() -> Iterator[bytes]:
        yield b'{"results":['
        for number, (one, query) in enumerate(wanted):
            yield b",\r\n" if number else b"\r\n"
            yield from _answer(call.store, call.limits, db, one, query)
        yield b"\r\n]}\n"

    return stream_reply(gathered(answers()))


def _answer(
    store: EmbeddedStore, limits: HttpLimits, db: str, asked: Query, query: ListQuery
) -> Iterator[bytes]:
    """The answer to one query, read page by page: no more of it is held at once.

    The first page is read here and now, so that a database that is gone is told by status.
    """
    first = store.list_docs(db, _page(query, limits, query.limit))
    head: dict[str, Any] = {"total_rows": first.total_rows, "offset": first.offset}
    if asked.flag("update_seq"):
        head["update_seq"] = store.info(db).update_seq

    def chunks() -> Iterator[bytes]:
        yield encode(head)[:-1] + b',"rows":[\n'
        rows, sent, at, left = first.rows, 0, query, query.limit
        while True:
            for row in rows:
                yield (b",\r\n" if sent else b"") + encode(row)
                sent += 1
            following = _following(at, rows, _size(query, limits), left)
            if following is None:
                break
            at, left = following
            rows = store.list_docs(db, _page(at, limits, left)).rows
        yield b"\n]}\n"

    return chunks()


def _following(
    query: ListQuery, rows: tuple[dict[str, Any], ...], size: int, left: int | None
) -> tuple[ListQuery, int | None] | None:
    """The query for what comes after a page of `rows` and how many more are wanted; None at the end."""
    left = None if left is None else left - size
    if left is not None and left <= 0:
        return None
    if query.keys is not None:
        skip = query.skip + size
        return (replace(query, skip=skip), left) if skip < len(query.keys) else None
    if len(rows) < size:
        return None
    return replace(query, after=rows[-1]["id"], skip=0), left


def _page(query: ListQuery, limits: HttpLimits, left: int | None) -> ListQuery:
    size = _size(query, limits)
    return replace(query, limit=size if left is None else min(size, left))


def _size(query: ListQuery, limits: HttpLimits) -> int:
    if not query.include_docs:
        return limits.changes_page
    return 1 if query.show.attachments else limits.docs_page


def _list_query(query: Query, namespace: Namespace) -> ListQuery:
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
        namespace=namespace,
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
