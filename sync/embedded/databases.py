"""Databases: creating and deleting them, their settings, their permissions, and the feed of all of them."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import apsw

from sync import revtree
from sync.embedded import documents, feed, records, reproof, updates
from sync.embedded.base import StoreBase
from sync.embedded.documents import Incoming
from sync.embedded.ledger import Ledger
from sync.store import (
    SERVER,
    BadRequest,
    DatabaseExists,
    DatabaseInfo,
    DbUpdate,
    Document,
    NewDatabase,
    Security,
    UserCtx,
    never,
)

#: What CouchDB answers for a database that was just made.
_ADMINS_ONLY: Mapping[str, Any] = {"members": {"roles": ["_admin"]}, "admins": {"roles": ["_admin"]}}
#: Every database with the key and the winner of one document of it, NULL if it is not there.
_DESIGNS = """
SELECT b.name, b.security, d.pk, d.winner
FROM databases b LEFT JOIN docs d ON d.db = b.pk AND d.id = ? AND NOT d.deleted
"""
_BODY = "SELECT body FROM revisions WHERE doc = ? AND rev = ?"


class DatabaseCalls(StoreBase):
    """The part of the store that speaks of whole databases."""

    def create_database(self, db: str, security: Security | None = None) -> None:
        """Create `db` with its `_security` (admins only, if none is given).

        One of Hezha's own (its security names a kind) gets the write rules too; any other is as empty as
        CouchDB makes it. Raises DatabaseExists, BadRequest (illegal_database_name).
        """
        documents.check_database_name(db)
        shown = _ADMINS_ONLY if security is None else security.to_json()
        rules = self._rules_for(shown)

        def job(conn: apsw.Connection) -> None:
            if not self._found(Ledger(conn), db, shown, rules):
                raise DatabaseExists("The database could not be created, the file already exists.")

        self._io.write(job)

    def create_databases(self, wanted: Sequence[NewDatabase]) -> list[tuple[str, ...] | None]:
        """Create many with their first documents, in one transaction: all that are not there, or none.

        The revisions of each, or None for one that was there. Raises BadRequest, TooLarge, Forbidden.
        """
        ready = []
        for new in wanted:
            documents.check_database_name(new.name)
            shown = new.security.to_json()
            ready.append((new.name, shown, [self._parsed(document) for document in new.documents]))
        rules = self._rules_for({"hezha": {"kind": "any"}})

        def job(conn: apsw.Connection) -> list[tuple[str, ...] | None]:
            ledger = Ledger(conn)
            made: list[tuple[str, ...] | None] = []
            for db, shown, first in ready:
                if not self._found(ledger, db, shown, rules if updates.has_kind(shown) else None):
                    made.append(None)
                    continue
                revs = [
                    updates.edit(ledger, self._rules, self._blobs, db, one, user=SERVER, new_edits=True)
                    for one in first
                ]
                made.append(tuple(map(revtree.format_rev, revs)))
            ledger.flush()
            return made

        return self._io.write(job)

    def _rules_for(self, security: Mapping[str, Any]) -> Incoming | None:
        """The write rules as a document, for a database whose security names a kind."""
        return None if self._design is None or not updates.has_kind(security) else self._parsed(self._design)

    def _found(self, ledger: Ledger, db: str, security: Mapping[str, Any], rules: Incoming | None) -> bool:
        """Make a database inside the writer's transaction; False if it is there already."""
        conn = ledger.conn
        if conn.execute("SELECT 1 FROM databases WHERE name = ?", (db,)).get is not None:
            return False
        granted = json.dumps(security, ensure_ascii=False)
        conn.execute(
            "INSERT INTO databases (name, incarnation, revs_limit, security) VALUES (?, ?, ?, ?)",
            (db, secrets.token_hex(4), self.limits.revs_limit, granted),
        )
        if rules is not None:
            updates.edit(ledger, self._rules, self._blobs, db, rules, user=SERVER, new_edits=True)
            ledger.flush()
        records.note_update(conn, db, "created")
        return True

    def delete_database(self, db: str) -> None:
        """Delete `db` with all it holds. Raises NotFound."""

        def job(conn: apsw.Connection) -> None:
            row = records.database(conn, db)
            conn.execute("DELETE FROM databases WHERE pk = ?", (row.pk,))
            self._rules.forget(row)
            records.note_update(conn, db, "deleted")

        self._io.write(job)

    def database_names(self, prefix: str = "") -> list[str]:
        """Names that begin with `prefix`, sorted."""
        with self._io.reading() as conn:
            rows = conn.execute(
                "SELECT name FROM databases WHERE name >= ? AND name < ? ORDER BY name",
                (prefix, prefix + "\U0010ffff"),
            )
            return [name for (name,) in rows]

    def info(self, db: str) -> DatabaseInfo:
        row = self._database(db)
        return DatabaseInfo(row.name, row.doc_count, row.del_count, row.sequence(row.seq))

    def info_json(self, db: str) -> dict[str, Any]:
        """What `GET /db` answers.

        All databases share one file, so the sizes are sums of stored bodies and attachments, shared ones each
        time: `file` of all that is kept, `active` and `external` of the leaves alone. The difference is what
        compaction would free.
        """
        row = self._database(db)
        leaves = row.bytes - row.old_bytes
        return {
            "db_name": row.name,
            "doc_count": row.doc_count,
            "doc_del_count": row.del_count,
            "update_seq": row.sequence(row.seq),
            "purge_seq": row.sequence(row.purge_seq),
            "sizes": {"file": row.bytes, "external": leaves, "active": leaves},
            "props": {},
            "compact_running": row.compacting_until > time.time(),
            "cluster": {"q": 1, "n": 1, "w": 1, "r": 1},
            "disk_format_version": 8,
            "instance_start_time": "0",
        }

    def security(self, db: str) -> dict[str, Any]:
        return self._database(db).security

    def set_security(self, db: str, security: Security) -> None:
        self.put_security(db, security.to_json())

    def put_security(self, db: str, security: object, *, user: UserCtx = SERVER) -> None:
        """Replace `_security`. Raises BadRequest (its shape), Unauthorized or Forbidden (no admin)."""
        text = json.dumps(_checked_security(security), ensure_ascii=False)

        def job(conn: apsw.Connection) -> None:
            row = records.database(conn, db)
            updates.require_admin(user, row.security)
            conn.execute("UPDATE databases SET security = ? WHERE pk = ?", (text, row.pk))
            records.note_update(conn, db, "updated")

        self._io.write(job)

    def revs_limit(self, db: str) -> int:
        """How many generations of each document are remembered."""
        return self._database(db).revs_limit

    def set_revs_limit(self, db: str, limit: object, *, user: UserCtx = SERVER) -> None:
        """Takes effect on each document at its next edit. Raises BadRequest, Unauthorized, Forbidden."""
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise BadRequest("`_revs_limit` must be a positive integer")

        def job(conn: apsw.Connection) -> None:
            row = records.database(conn, db)
            updates.require_admin(user, row.security)
            conn.execute("UPDATE databases SET revs_limit = ? WHERE pk = ?", (limit, row.pk))

        self._io.write(job)

    def db_updates(self, *, since: str = "0", timeout: float = 0.0) -> tuple[list[DbUpdate], str]:
        """Databases that changed after `since`, each once, and the seq to go on from.

        With a `timeout` (seconds) it waits for one if there is none. Raises BadRequest (malformed `since`).
        """
        deadline = time.monotonic() + timeout
        with self.watch(None) as bell:
            while True:
                with self._io.reading() as conn:
                    found, last = feed.database_updates(conn, self._io.incarnation, since)
                left = deadline - time.monotonic()
                if found or left <= 0 or self.dismissed:
                    return list({update.db_name: update for update in found}.values()), last
                since = last
                bell.wait(left)

    def database_events(
        self,
        *,
        since: str = "0",
        limit: int | None = None,
        descending: bool = False,
        before: str | None = None,
    ) -> tuple[list[DbUpdate], str]:
        """A page of what `_db_updates` tells, and the seq to go on from (descending: to go on `before`).

        Raises BadRequest (malformed `since`).
        """
        with self._io.reading() as conn:
            return feed.database_updates(
                conn, self._io.incarnation, since, limit=limit, descending=descending, before=before
            )

    def mark_restored(self) -> None:
        """Make every replicator begin anew: this store was put together from what was left of another."""
        self._io.write(reproof.mark)

    def checkpoint_read(self, db: str, doc_id: str) -> None:
        """A replicator has read its checkpoint. Counts in a database that was restored. Raises NotFound."""
        with self._reading(db) as (conn, row):
            matters = reproof.readings(conn, row, doc_id) is not None
        if matters:
            self._io.write(lambda conn: reproof.note_reading(conn, records.database(conn, db), doc_id))

    def require_reproof(self, db: str, doc_id: str) -> None:
        """A replicator wants to write its checkpoint. Raises Restored if it has to begin anew; NotFound."""
        with self._reading(db) as (conn, row):
            if reproof.readings(conn, row, doc_id) is not None:
                raise reproof.Restored

    def refresh_design_documents(self, stopping: Callable[[], bool] = never) -> list[str]:
        """Give Hezha's databases the engine's present write rules; return the names of those that changed.

        Hezha's are those whose security names a kind, and those that have the rules already. What the rules
        say holds there before: see `Rules`. So many databases are written in one turn of the writer, and
        after a turn others get as long for their own writes. `stopping` is asked between turns; the next
        call goes on from there.
        """
        if self._design is None:
            return []
        wanted = self._without_present_rules(self._design)
        changed: list[str] = []
        for at in range(0, len(wanted), self.limits.rules_per_turn):
            if stopping():
                break
            began = time.monotonic()
            turn = wanted[at : at + self.limits.rules_per_turn]
            changed += self._io.write(partial(self._write_rules, names=turn, design=self._design))
            if at + len(turn) < len(wanted):
                time.sleep(time.monotonic() - began)
        return sorted(changed)

    def _without_present_rules(self, design: Document) -> list[str]:
        """Databases of Hezha's that carry other rules than `design`, or none."""
        body = self._parsed(design).body
        # A revision's name is the digest of what it says: those of the same name need be compared once.
        same: dict[str, bool] = {}
        wanted = []
        with self._io.reading() as conn:
            for name, security, doc, winner in conn.execute(_DESIGNS, (design["_id"],)):
                if winner is None:
                    if updates.has_kind(json.loads(security)):
                        wanted.append(name)
                    continue
                if winner not in same:
                    same[winner] = conn.execute(_BODY, (doc, winner)).get == body
                if not same[winner]:
                    wanted.append(name)
        return wanted

    def _write_rules(self, conn: apsw.Connection, names: Sequence[str], design: Document) -> list[str]:
        """Write the present rules to these databases in one transaction; those where they were not yet."""
        ledger, fresh = Ledger(conn), self._parsed(design)
        written = []
        for db in names:
            if conn.execute("SELECT 1 FROM databases WHERE name = ?", (db,)).get is None:
                continue  # deleted since its name was read
            known = records.document(conn, records.database(conn, db), design["_id"])
            wanted = fresh
            if known is not None and not known.deleted:
                winner = known.tree.leaves[0]
                stored = records.revision(conn, known, winner)
                if stored is not None and stored.body == fresh.body:
                    continue
                wanted = self._parsed({**design, "_rev": revtree.format_rev(winner)})
            updates.edit(ledger, self._rules, self._blobs, db, wanted, user=SERVER, new_edits=True)
            written.append(db)
        ledger.flush()
        return written


def _checked_security(security: object) -> Mapping[str, Any]:
    if not isinstance(security, dict):
        raise BadRequest("_security must be a JSON object")
    for group in ("admins", "members"):
        value = security.get(group, {})
        if not isinstance(value, dict):
            raise BadRequest("admins or members must be a JSON list of strings")
        for kind in ("names", "roles"):
            names = value.get(kind, [])
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise BadRequest(f"{kind} must be a JSON list of strings")
    return security
