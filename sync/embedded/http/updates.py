"""`_db_updates`: what happens to databases. For server admins, as in CouchDB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sync.embedded.http.call import Call, require_server_admin
from sync.embedded.http.feeding import feed_reply, kind_of, waiting_of
from sync.embedded.http.replies import Reply, empty_reply, etag, not_modified
from sync.embedded.wakeup import Waiter
from sync.store import BadRequest, DbUpdate

_KINDS = "normal, continuous, longpoll, eventsource"


def db_updates(call: Call) -> Reply:
    """Each kind of event of each database once, at its latest: `created`, `updated`, `deleted`."""
    require_server_admin(call.user)
    kind = kind_of(call.query, _KINDS)
    waiting_of(call.query, call.limits)  # nonsense in it is told before anything else
    headers: dict[str, str] = {}
    if kind == "normal":
        _, newest = call.store.database_events(since="now", limit=0)
        headers = etag(newest)
        if not_modified(call, newest):
            return empty_reply(304, headers)
    return feed_reply(call, _Updates(call), kind, headers)


class _Updates:
    """One client's way through the events."""

    def __init__(self, call: Call) -> None:
        self._store = call.store
        self._page = call.limits.changes_page
        self._left = _limit(call)
        self._descending = call.query.text("descending") == "true"
        since = call.query.text("since") or "0"
        found, self._since = self._store.database_events(since=since, limit=1)
        if found:
            self._since = since
        self._before: str | None = None

    @property
    def ended(self) -> bool:
        return self._left == 0 or self._descending or self._store.dismissed

    def rows(self) -> Iterator[dict[str, Any] | None]:
        while self._left != 0:
            size = self._page if self._left is None else min(self._page, self._left)
            found, last = self._store.database_events(
                since=self._since, limit=size, descending=self._descending, before=self._before
            )
            for update in found:
                yield _row(update)
            if self._left is not None:
                self._left -= len(found)
            if self._descending:
                self._before = last
            self._since = last
            if len(found) < size:
                return

    def bell(self) -> Waiter:
        return self._store.watch(None)

    def woken(self) -> bool:
        found, last = self._store.database_events(since=self._since, limit=1)
        if not found:
            self._since = last
        return bool(found)

    def closing(self) -> dict[str, Any]:
        return {"last_seq": self._since}


def _row(update: DbUpdate) -> dict[str, Any]:
    return {"db_name": update.db_name, "type": update.type, "seq": update.seq}


def _limit(call: Call) -> int | None:
    text = call.query.text("limit")
    if not text:
        return None
    if not text.isascii() or not text.isdecimal():
        raise BadRequest("invalid_integer")
    return int(text[:18])
