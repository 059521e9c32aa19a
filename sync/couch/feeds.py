"""The feeds: changes of a database, and of all databases.

CouchDB's sequences are opaque, and a cluster may name the same moment differently each time it is asked; the
store hands them on and never compares them. A long wait is made of short ones, so that it can be ended.
"""

from __future__ import annotations

from typing import Any, Literal

from sync.couch.base import CouchBase
from sync.couch.wire import monotonic_deadline
from sync.store import Change, ChangeBatch, DbUpdate, NotFound, StoreError

Kind = Literal["created", "updated", "deleted"]


class FeedCalls(CouchBase):
    """The part of the store that tells what changed."""

    def changes(
        self,
        db: str,
        *,
        since: str = "0",
        limit: int | None = None,
        include_docs: bool = False,
        style: Literal["main_only", "all_docs"] = "main_only",
        timeout: float = 0.0,
    ) -> ChangeBatch:
        """What changed after `since`, oldest first; waits up to `timeout` seconds if there is nothing.

        `since` may be `now`. Raises NotFound, also when the database is deleted meanwhile, and BadRequest
        for a malformed `since`.
        """
        asked: dict[str, Any] = {"style": style}
        if limit is not None:
            asked["limit"] = limit
        if include_docs:
            asked["include_docs"] = True
        left = monotonic_deadline(timeout)
        while True:
            batch = self._changes(db, {**asked, "since": since}, wait=self._patience(left()))
            if batch.results or left() <= 0 or self.dismissed:
                return batch
            since = batch.last_seq
            self.wire.ask("HEAD", db)  # a poll of a database that is deleted ends like any other

    def _changes(self, db: str, params: dict[str, Any], *, wait: float) -> ChangeBatch:
        if wait > 0:
            params = {**params, "feed": "longpoll", "timeout": int(wait * 1000)}
        # POST, because `since` may be longer than a URL may be on a cluster with many shards.
        told = self.wire.json("POST", db, "_changes", params=params, body={}, wait=wait)
        return ChangeBatch(
            tuple(_change(row) for row in told["results"]),
            str(told["last_seq"]),
            int(told.get("pending", 0)),
        )

    def db_updates(self, *, since: str = "0", timeout: float = 0.0) -> tuple[list[DbUpdate], str]:
        """Databases of ours that changed after `since`, each once, and the seq to go on from.

        `since` may be `now`. Waits up to `timeout` seconds if nothing has changed. CouchDB gathers this feed
        from all nodes a moment after the fact, and what it had not yet gathered when it crashed is missing:
        who must not miss anything looks at every database from time to time.
        """
        left = monotonic_deadline(timeout)
        while True:
            found, last = self._updates(since, wait=self._patience(left()))
            if found or left() <= 0 or self.dismissed:
                return found, last
            since = last

    def _updates(self, since: str, *, wait: float) -> tuple[list[DbUpdate], str]:
        params: dict[str, Any] = {"since": since}
        if wait > 0:
            params.update(feed="longpoll", timeout=int(wait * 1000))
        try:
            told = self.wire.json("GET", "_db_updates", params=params, wait=wait)
        except NotFound as error:
            raise StoreError(
                "CouchDB has no database _global_changes, which tells what changed where; "
                "`hezha couchdb configure --apply` makes it.",
                error="not_configured",
            ) from error
        latest: dict[str, DbUpdate] = {}
        for row in told["results"]:
            name = str(row["db_name"])
            if name.startswith(self.options.prefix) and not name.startswith("_"):
                latest.pop(name, None)
                latest[name] = DbUpdate(name, row["type"], str(row["seq"]))
        return [self._settled(update) for update in latest.values()], str(told["last_seq"])

    def _settled(self, update: DbUpdate) -> DbUpdate:
        """The feed tells a deletion and what was before or after it in any order; the database knows."""
        there = self._exists(update.db_name)
        kind: Kind = "deleted" if not there else "updated" if update.type == "deleted" else update.type
        return DbUpdate(update.db_name, kind, update.seq)

    def _exists(self, db: str) -> bool:
        try:
            self.wire.ask("HEAD", db)
        except NotFound:
            return False
        return True

    def _patience(self, left: float) -> float:
        """How long the next single wait may be, in seconds; 0 is none."""
        return 0.0 if self.dismissed else min(left, self.options.patience.poll)


def _change(row: dict[str, Any]) -> Change:
    return Change(
        seq=str(row["seq"]),
        id=row["id"],
        revs=tuple(entry["rev"] for entry in row["changes"]),
        deleted=bool(row.get("deleted")),
        doc=row.get("doc"),
    )
