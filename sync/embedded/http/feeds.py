"""The `_changes` feed: normal, longpoll and continuous.

A feed is written page by page while it is read, and a waiting one holds a thread but no connection to the
database. Whenever it wakes, it looks first whether its user may still read the database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from flask import Response

from sync.embedded.feed import FeedQuery
from sync.embedded.http.asked import any_json_body, string_list
from sync.embedded.http.call import Call, require_member
from sync.embedded.http.replies import encode, stream_reply
from sync.embedded.http.shown import show_of
from sync.store import BadRequest, Change, NotOffered, StoreError


@dataclass(frozen=True)
class Waiting:
    """How a feed waits, in seconds: until `quiet` without a change or `whole` in all, with a newline every
    `heartbeat`. Clients take the end of a feed as a sign to ask again from `last_seq`.
    """

    quiet: float
    whole: float
    heartbeat: float


def changes(call: Call, db: str) -> Response:
    return _reply(call, db, _query(call, {}))


def post_changes(call: Call, db: str) -> Response:
    empty = call.request.content_length == 0
    body = {} if empty else any_json_body(call.request, call.limits.max_request_bytes)
    if not isinstance(body, dict):
        raise BadRequest("Request body must be a JSON object")
    return _reply(call, db, _query(call, body))


def _reply(call: Call, db: str, query: FeedQuery) -> Response:
    kind = call.query.text("feed", "normal")
    if kind == "eventsource":
        raise NotOffered("The eventsource feed is not offered here; Apache CouchDB has it.")
    if kind not in {"normal", "longpoll", "continuous"}:
        raise BadRequest(f"Supported `feed` types: normal, continuous, longpoll. Not: {kind}")
    waiting = _waiting(call)
    interval = max(1, call.query.integer("seq_interval") or 1)
    # A bad `since`, or a database that is gone, is told by status; later it could only break the stream.
    first = call.store.read_changes(db, replace(query, limit=1, include_docs=False))
    if query.since == "now":
        query = replace(query, since=first.last_seq)
    feed = _Feed(call, db, query, interval)
    if kind == "continuous":
        return stream_reply(feed.continuous(waiting))
    return stream_reply(feed.envelope(waiting if kind == "longpoll" else None))


class _Feed:
    """One client's feed under way: where it is, and how many rows it may still send."""

    def __init__(self, call: Call, db: str, query: FeedQuery, interval: int) -> None:
        self._store = call.store
        self._user = call.user
        self._parking = call.parking
        self._page = call.limits.changes_page
        self._db = db
        self._query = query
        self._interval = interval
        self._left = query.limit
        self._sent = 0
        self._last_seq = str(query.since)
        self._pending = 0

    def envelope(self, waiting: Waiting | None) -> Iterator[bytes]:
        """The normal feed, or a long poll: one JSON object, written as its rows are found."""
        yield b'{"results":[\n'

        def rows() -> Iterator[bytes]:
            for row in self._rows():
                yield (b",\n" if self._sent > 1 else b"") + row

        yield from rows()
        if waiting is not None and not self._sent:
            yield from self._wait(waiting, rows, once=True)
        yield b"\n],\n" + encode({"last_seq": self._last_seq, "pending": self._pending})[1:] + b"\n"

    def continuous(self, waiting: Waiting) -> Iterator[bytes]:
        """One JSON object a line, then a last line with `last_seq` when the feed ends."""

        def rows() -> Iterator[bytes]:
            return (row + b"\n" for row in self._rows())

        yield b"\n"  # the headers go out with the first byte, and clients wait for them
        yield from rows()
        yield from self._wait(waiting, rows, once=False)
        yield encode({"last_seq": self._last_seq, "pending": self._pending}) + b"\n"

    def _rows(self) -> Iterator[bytes]:
        """Everything there is now, as JSON, within what is left of the limit."""
        while self._left != 0:
            # A descending feed cannot be read from the middle on, so it is one page.
            limit = self._left if self._query.descending else min(self._page, self._left or self._page)
            batch = self._store.read_changes(self._db, self._at_last(limit))
            for number, change in enumerate(batch.results, start=1):
                self._sent += 1
                yield self._row(change, with_seq=number == len(batch.results))
            self._last_seq, self._pending = batch.last_seq, batch.pending
            if self._left is not None:
                self._left -= len(batch.results)
            if not batch.pending or not batch.results:
                return

    def _row(self, change: Change, *, with_seq: bool) -> bytes:
        with_seq = with_seq or self._sent % self._interval == 0
        row: dict[str, Any] = {
            "seq": change.seq if with_seq else None,
            "id": change.id,
            "changes": [{"rev": rev} for rev in change.revs],
        }
        if change.deleted:
            row["deleted"] = True
        if self._query.include_docs:
            # One document at a time: with their attachments, a page of them might not fit into memory.
            show = self._query.show
            (found,) = self._store.open_revs(self._db, change.id, [change.revs[0]], show=show)
            row["doc"] = found.doc
        return encode(row)

    def _at_last(self, limit: int | None) -> FeedQuery:
        return replace(self._query, since=self._last_seq, limit=limit, include_docs=False)

    def _wait(self, waiting: Waiting, rows: Callable[[], Iterator[bytes]], *, once: bool) -> Iterator[bytes]:
        """Send `rows` whenever something has changed, and newlines in between, until the time is over.

        A database that is deleted meanwhile, or that its user may no longer read, ends the feed: the status
        is sent already, and the next request will be told.
        """
        if self._query.descending or not self._parking.enter():
            return
        try:
            end = time.monotonic() + waiting.whole
            quiet_end = time.monotonic() + waiting.quiet
            while self._left != 0 and not self._store.dismissed:
                left = min(end, quiet_end) - time.monotonic()
                if left <= 0:
                    return
                if self._woken(min(left, waiting.heartbeat)):
                    yield from rows()
                    if once:
                        return
                    quiet_end = time.monotonic() + waiting.quiet
                else:
                    yield b"\n"
        except StoreError:
            return
        finally:
            self._parking.leave()

    def _woken(self, timeout: float) -> bool:
        """Whether a change came within `timeout` seconds. Raises StoreError if the user may not see it."""
        batch = self._store.wait_changes(self._db, self._at_last(1), timeout=timeout)
        require_member(self._store, self._user, self._db)
        if not batch.results:
            self._last_seq = batch.last_seq
        return bool(batch.results)


def _query(call: Call, body: dict[str, Any]) -> FeedQuery:
    query = call.query
    doc_ids, design_only = _filter(call, body)
    limit = query.integer("limit")
    style: Literal["main_only", "all_docs"] = "main_only"
    match query.text("style", "main_only"):
        case "main_only":
            pass
        case "all_docs":
            style = "all_docs"
        case other:
            raise BadRequest(f"Supported `style` types: main_only, all_docs. Not: {other}")
    return FeedQuery(
        since=query.text("since") or call.request.headers.get("Last-Event-ID") or "0",
        # CouchDB: "using 0 here has the same effect as 1".
        limit=None if limit is None else max(1, limit),
        include_docs=query.flag("include_docs"),
        style=style,
        descending=query.flag("descending"),
        doc_ids=doc_ids,
        design_only=design_only,
        show=show_of(query),
    )


def _filter(call: Call, body: dict[str, Any]) -> tuple[list[str] | None, bool]:
    """The ids to which the feed is limited, and whether it is limited to design documents."""
    name = call.query.text("filter")
    if not name:
        return None, False
    if name == "_design":
        return None, True
    if name != "_doc_ids":
        raise NotOffered(
            f"The filter {name} is not offered here, only _doc_ids and _design; Apache CouchDB has it."
        )
    if "doc_ids" in body:
        return string_list(body["doc_ids"], "doc_ids"), False
    ids = call.query.strings("doc_ids")
    if ids is None:
        raise BadRequest("`doc_ids` filter parameter is not a list.")
    return ids, False


def _waiting(call: Call) -> Waiting:
    """From `timeout` and `heartbeat` (milliseconds, or `true`), within the server's bounds."""
    limits = call.limits
    beat = call.query.text("heartbeat", "false")
    heartbeat = limits.heartbeat
    if beat not in {"true", "false"}:
        heartbeat = max(limits.min_heartbeat, (call.query.integer("heartbeat") or 0) / 1000)
    timeout = call.query.integer("timeout")
    if timeout is not None:
        quiet = timeout / 1000
    else:
        quiet = limits.default_feed_timeout if beat == "false" else limits.max_feed_timeout
    return Waiting(min(quiet, limits.max_feed_timeout), limits.max_feed_timeout, heartbeat)
