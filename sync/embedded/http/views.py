"""`GET` and `POST /db/_design/d/_view/v`, and several queries of one view at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sync.embedded.engine import EmbeddedStore, Show
from sync.embedded.http.asked import Query, QueryParseError, json_object
from sync.embedded.http.call import Call
from sync.embedded.http.replies import Reply, encode, stream_reply
from sync.embedded.views import Overflow, View, linked
from sync.store import BadRequest, Document, NotFound
from sync.views import ABSENT, Index, Row, ViewQuery, bounds, check, reduces

_KEYS = frozenset({"key", "keys", "startkey", "start_key", "endkey", "end_key"})
#: What may be asked of an index, and is no matter where there is none.
_OF_AN_INDEX: Mapping[str, frozenset[str]] = {
    "stale": frozenset({"ok", "update_after"}),
    "stable": frozenset({"true", "false"}),
    "update": frozenset({"true", "false", "lazy"}),
    "sorted": frozenset({"true", "false"}),
}


@dataclass(frozen=True)
class _Asked:
    """One query: which rows, and what to show beside them."""

    query: ViewQuery
    include_docs: bool
    update_seq: bool
    show: Show


def read(call: Call, db: str, design: str, name: str) -> Reply:
    return _one(call, db, design, name, call.query)


def post(call: Call, db: str, design: str, name: str) -> Reply:
    """The URL's parameters may come in a JSON body instead; the URL's win."""
    body = json_object(call.request, call.limits.max_request_bytes)
    if "queries" in body:
        raise BadRequest("The `queries` parameter is no longer supported at this endpoint")
    if not isinstance(body.get("keys", []), list):
        raise BadRequest("`keys` member must be an array.")
    return _one(call, db, design, name, call.query.over(body, json_names=_KEYS))


def queries(call: Call, db: str, design: str, name: str) -> Reply:
    """A list of the bodies that a POST takes, answered one after another, all of one moment."""
    body = json_object(call.request, call.limits.max_request_bytes)
    if "queries" not in body:
        raise BadRequest("POST body must include `queries` parameter.")
    wanted = body["queries"]
    if not isinstance(wanted, list) or not all(isinstance(one, dict) for one in wanted):
        raise BadRequest("`queries` member must be an array.")
    if len(wanted) > call.limits.max_queries:
        raise BadRequest(f"At most {call.limits.max_queries} queries at once.")
    view = call.sandboxes.views.load(call.store.get(db, design), name)
    asked = [_asked(call.query.over(one, json_names=_KEYS), view) for one in wanted]
    answers = _answers(call, db, view, asked)

    def chunks() -> Iterator[bytes]:
        yield b'{"results":['
        for number, answer in enumerate(answers):
            yield b",\r\n" if number else b"\r\n"
            yield from answer
        yield b"\r\n]}\n"

    return stream_reply(chunks())


def _one(call: Call, db: str, design: str, name: str, query: Query) -> Reply:
    view = call.sandboxes.views.load(call.store.get(db, design), name)
    (answer,) = _answers(call, db, view, [_asked(query, view)])
    return stream_reply(answer)


def _answers(call: Call, db: str, view: View, asked: Sequence[_Asked]) -> list[Iterator[bytes]]:
    """The answers to queries of one moment. All is computed here: a mistake is told by status."""
    views = call.sandboxes.views
    answers = []
    with views.turn() as turn:
        rows, seq = views.rows(turn, call.store, db, view)
        try:
            index = Index(rows, [key for one in asked for key in bounds(one.query)])
        except RecursionError as error:
            raise BadRequest("A key is nested too deeply.") from error
        for one in asked:
            head: dict[str, Any] = {"update_seq": seq} if one.update_seq else {}
            if reduces(one.query, has_reduce=view.reduce is not None):
                shown: Iterable[dict[str, Any]] = _reduced(index, one.query, views.reducer(turn, view))
            else:
                found = index.select(one.query)
                head |= {"total_rows": found.total, "offset": found.offset}
                shown = _mapped(call.store, db, found.rows, one)
            answers.append(_written(head, shown))
    return answers


def _written(head: Mapping[str, Any], rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    yield (encode(head)[:-1] + b"," if head else b"{") + b'"rows":[\n'
    for number, row in enumerate(rows):
        yield (b",\r\n" if number else b"") + encode(row)
    yield b"\n]}\n"


def _reduced(index: Index, query: ViewQuery, reducer: Callable[[Sequence[Row]], Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for group in index.groups(query):
        try:
            rows.append({"key": group.key, "value": reducer(group.rows)})
        except Overflow as overflow:
            rows.append({"key": group.key, "error": "reduce_overflow_error", "reason": str(overflow)})
    return rows


def _mapped(store: EmbeddedStore, db: str, rows: Sequence[Row], asked: _Asked) -> Iterator[dict[str, Any]]:
    """The rows with their documents, which, as in CouchDB, are read as they are when they are sent."""
    for row in rows:
        shown: dict[str, Any] = {"id": row.id, "key": row.key, "value": row.value}
        if asked.include_docs:
            shown["doc"] = _document(store, db, row, asked.show)
        yield shown


def _document(store: EmbeddedStore, db: str, row: Row, show: Show) -> Document | None:
    other = linked(row.value)
    doc_id, rev = (row.id, None) if other is None else other
    if doc_id is None:
        return None
    try:
        return store.get(db, doc_id, rev=rev, show=show if other is None else Show())
    except (NotFound, BadRequest):
        return None


def _asked(query: Query, view: View) -> _Asked:
    """Raises BadRequest: for what cannot be read, and for what makes no sense for this view."""
    for name, known in _OF_AN_INDEX.items():
        if name in query and query.text(name) not in known:
            raise QueryParseError(f"Invalid value for `{name}`.")
    if "partition" in query:
        raise QueryParseError("`partition` parameter is not supported in this design doc")
    wanted = _view_query(query)
    has_reduce = view.reduce is not None
    check(wanted, has_reduce=has_reduce)
    include_docs, conflicts = query.flag("include_docs"), query.flag("conflicts")
    if reduces(wanted, has_reduce=has_reduce):
        if include_docs:
            raise QueryParseError("`include_docs` is invalid for reduce")
        if "conflicts" in query:
            raise QueryParseError("`conflicts` is invalid for reduce views.")
    show = Show(
        conflicts=conflicts,
        attachments=query.flag("attachments"),
        att_encoding_info=query.flag("att_encoding_info"),
    )
    return _Asked(wanted, include_docs, query.flag("update_seq"), show)


def _view_query(query: Query) -> ViewQuery:
    start, end = _key(query, "startkey", "start_key"), _key(query, "endkey", "end_key")
    inclusive_end = query.flag("inclusive_end", default=True)
    key, keys = _key(query, "key"), _key(query, "keys")
    if keys is ABSENT:
        keys = None
    elif not isinstance(keys, list):
        raise QueryParseError("`keys` must be an array of strings.")
    elif len(keys) == 1 and key is ABSENT and start is ABSENT and end is ABSENT:
        key, keys = keys[0], None  # as CouchDB reads it: also of a view that reduces, without grouping
    if key is not ABSENT:
        if start is not ABSENT or end is not ABSENT:
            raise QueryParseError("`key` is incompatible with `start_key` and `end_key`")
        start = end = key
    return ViewQuery(
        reduce=query.flag("reduce") if "reduce" in query else None,
        group=query.flag("group") if "group" in query else None,
        group_level=query.integer("group_level"),
        startkey=start,
        endkey=end,
        startkey_docid=_text(query, "startkey_docid", "start_key_doc_id"),
        endkey_docid=_text(query, "endkey_docid", "end_key_doc_id"),
        inclusive_end=inclusive_end,
        keys=keys,
        limit=query.integer("limit"),
        skip=query.integer("skip") or 0,
        descending=query.flag("descending"),
    )


def _key(query: Query, *names: str) -> Any:
    """The first of the parameters that is there, as JSON."""
    return next((query.json(name) for name in names if name in query), ABSENT)


def _text(query: Query, *names: str) -> str | None:
    return next((query.text(name) for name in names if name in query), None)
