"""The `_changes` feed: which changes it shows, and to whom. `feeding.py` writes it.

Whenever a waiting feed wakes, it looks first whether its user may still read the database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

from sync.embedded.feed import FeedQuery
from sync.embedded.http.asked import any_json_body, require_json
from sync.embedded.http.call import Call, require_member
from sync.embedded.http.feeding import feed_reply, kind_of, waiting_of
from sync.embedded.http.filtering import Narrowed, read_filter
from sync.embedded.http.replies import Reply, empty_reply, etag, not_modified
from sync.embedded.http.shown import show_of
from sync.embedded.rendering import Show
from sync.embedded.wakeup import Waiter
from sync.selector import project
from sync.store import BadRequest, Change, Document

_KINDS = "normal, continuous, live, longpoll, eventsource"
#: CouchDB counts rows down from here where no limit is given, which `seq_interval` is reckoned by.
_NO_LIMIT = 10**15


def changes(call: Call, db: str) -> Reply:
    return _reply(call, db, {})


def post_changes(call: Call, db: str) -> Reply:
    require_json(call.request)
    empty = call.request.content_length == 0
    body = {} if empty else any_json_body(call.request, call.limits.max_request_bytes)
    if not isinstance(body, dict):
        raise BadRequest("Request body must be a JSON object")
    return _reply(call, db, body)


def _reply(call: Call, db: str, body: dict[str, Any]) -> Reply:
    kind = kind_of(call.query, _KINDS)
    waiting_of(call.query, call.limits)  # nonsense in it is told before anything else
    narrowed = read_filter(call, db, body)
    query = _query(call, narrowed, kind)
    headers: dict[str, str] = {}
    if kind == "normal":
        headers = etag(_state(call, db))
        if not_modified(call, headers["ETag"].strip('"')):
            return empty_reply(304, headers)
    return feed_reply(call, _Changes(call, db, query, narrowed), kind, headers)


def _state(call: Call, db: str) -> str:
    """Changes with everything that a feed may show."""
    info = call.store.info_json(db)
    said = f"{info['update_seq']} {info['purge_seq']} {call.user.name}"
    return hashlib.md5(said.encode(), usedforsecurity=False).hexdigest()


class _Changes:
    """One client's way through the changes: where it is, and how many rows it may still have."""

    def __init__(self, call: Call, db: str, query: FeedQuery, narrowed: Narrowed) -> None:
        self._store = call.store
        self._user = call.user
        self._db = db
        self._narrowed = narrowed
        self._interval = _interval(call)
        self._left = _NO_LIMIT if query.limit is None else query.limit
        self._include_docs = query.include_docs
        self._pending: int | None = 0
        # A bad `since`, or a database that is gone, is told by status; later it could only break the stream.
        query = replace(query, include_docs=False, count_pending=False)
        start = self._store.read_changes(db, replace(query, limit=0, descending=False))
        self._last_seq = start.last_seq
        self._query = query
        self._told: str | None = None
        # With documents at hand a page must fit into memory.
        judged = narrowed.passes is not None
        self._page = call.limits.docs_page if judged else call.limits.changes_page

    @property
    def ended(self) -> bool:
        return self._left <= 0 or self._query.descending or self._store.dismissed

    def rows(self) -> Iterator[dict[str, Any] | None]:
        """Everything there is now, within what is left of the limit."""
        if self._left <= 0:
            self._pending = None
            return
        while True:
            page = self._page if self._narrowed.passes is not None else min(self._page, self._left)
            batch = self._store.read_changes(self._db, self._from_here(limit=page))
            for change, revs in self._passing(batch.results):
                self._go_on(change.seq)
                if revs:
                    yield self._row(change, revs)
                    self._left -= 1
                    if self._left <= 0:
                        self._pending = None  # counted when somebody asks
                        return
            if not self._query.descending:
                self._go_on(batch.last_seq)
            if not batch.pending:
                return
            yield None

    def bell(self) -> Waiter:
        return self._store.watch(self._db)

    def woken(self) -> bool:
        require_member(self._store, self._user, self._db)
        batch = self._store.read_changes(self._db, self._from_here(limit=1))
        if not batch.results:
            self._go_on(batch.last_seq)
        return bool(batch.results)

    def closing(self) -> dict[str, Any]:
        if self._pending is None:
            rest = self._store.read_changes(self._db, self._from_here(limit=0, count_pending=True))
            self._pending = rest.pending
        return {"last_seq": self._last_seq, "pending": self._pending}

    def _go_on(self, seq: str) -> None:
        self._last_seq = self._told = seq

    def _from_here(self, *, limit: int, count_pending: bool = False) -> FeedQuery:
        """The same question, about what comes after the last row that was told."""
        before = self._told if self._query.descending else None
        return replace(
            self._query, since=self._last_seq, before=before, limit=limit, count_pending=count_pending
        )

    def _passing(self, page: tuple[Change, ...]) -> Iterator[tuple[Change, tuple[str, ...]]]:
        """Each change with those of its revisions that the filter lets pass."""
        if self._narrowed.passes is None:
            yield from ((change, change.revs) for change in page)
            return
        found = self._store.leaf_documents(
            self._db, [(change.id, change.revs) for change in page], show=self._narrowed.show
        )
        docs = [doc for docs in found for doc in docs]
        verdicts = iter(self._narrowed.passes(docs))
        for change, leaves in zip(page, found, strict=True):
            yield change, tuple([doc["_rev"] for doc in leaves if next(verdicts)])

    def _row(self, change: Change, revs: tuple[str, ...]) -> dict[str, Any]:
        row: dict[str, Any] = {
            "seq": change.seq if self._left % self._interval == 0 else None,
            "id": change.id,
            "changes": [{"rev": rev} for rev in revs],
        }
        if change.deleted:
            row["deleted"] = True
        if self._include_docs:
            row["doc"] = self._document(change)
        return row

    def _document(self, change: Change) -> Document | None:
        """The winner. One document at a time: with their attachments, a page might not fit into memory."""
        show: Show = self._query.show
        (found,) = self._store.open_revs(self._db, change.id, [change.revs[0]], show=show)
        return found.doc if found.doc is None else project(found.doc, self._narrowed.fields)


def _interval(call: Call) -> int:
    text = call.query.text("seq_interval", "1")
    if not text.isascii() or not text.isdecimal() or int(text[:18]) < 1:
        raise BadRequest("invalid_seq_interval")
    return int(text[:18])


def _query(call: Call, narrowed: Narrowed, kind: str) -> FeedQuery:
    query = call.query
    style: Literal["main_only", "all_docs"] = "main_only"
    match query.text("style", "main_only"):
        case "main_only":
            pass
        case "all_docs":
            style = "all_docs"
        case other:
            raise BadRequest(f"Supported `style` types: main_only, all_docs. Not: {other}")
    since = query.text("since") or query.text("last-event-id")
    if kind == "eventsource":
        # A browser that comes back says where it was, and its URL still says where it began.
        since = call.request.headers.get("Last-Event-ID", "").strip('"') or since
    return FeedQuery(
        since=since or "0",
        limit=query.integer("limit"),
        include_docs=query.flag("include_docs"),
        style=style,
        descending=query.flag("descending"),
        doc_ids=narrowed.doc_ids,
        design_only=narrowed.design_only,
        show=show_of(query),
    )
