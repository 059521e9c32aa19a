"""The feeds: changes of a database, and of all databases.

CouchDB's sequences are opaque, and a cluster may name the same moment differently each time it is asked; the
store hands them on and never compares them. A long wait is made of short ones, so that it can be ended.
"""

from __future__ import annotations

from typing import Any, Literal

from sync.couch.databases import DatabaseCalls
from sync.couch.wire import monotonic_deadline
from sync.store import Change, ChangeBatch, DbUpdate, NotFound, StoreError

#: More names than this are looked up in the list of all databases.
_ASKED_ONE_BY_ONE = 20


class FeedCalls(DatabaseCalls):
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
        doubtful = set()
        for row in told["results"]:
            name = str(row["db_name"])
            if name.startswith(self.options.prefix) and not name.startswith("_"):
                latest.pop(name, None)
                latest[name] = DbUpdate(name, row["type"], str(row["seq"]))
                if row["type"] == "deleted":
                    doubtful.add(name)
        # The feed tells a deletion and what was before or after it in any order; the databases know.
        there = self._those_there(doubtful)
        updates = [_settled(one, there) if one.db_name in doubtful else one for one in latest.values()]
        return updates, str(told["last_seq"])

    def _those_there(self, names: set[str]) -> set[str]:
        if len(names) > _ASKED_ONE_BY_ONE:
            return names & set(self.database_names())
        return {name for name in names if self._exists(name)}

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


def _settled(update: DbUpdate, there: set[str]) -> DbUpdate:
    """What has become of a database that was deleted lately, and perhaps made again."""
    if update.db_name not in there:
        return DbUpdate(update.db_name, "deleted", update.seq)
    return update if update.type != "deleted" else DbUpdate(update.db_name, "updated", update.seq)
