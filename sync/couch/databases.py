"""Databases: creating and deleting them, their permissions and their write rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from sync.checks import check_database_name
from sync.couch.answers import is_missing_document
from sync.couch.base import CouchBase
from sync.couch.wire import Tries
from sync.store import Conflict, DatabaseExists, DatabaseInfo, Document, NotFound, Security, Size, never

#: How often a design document that somebody else writes at the same moment is looked at again.
_DESIGN_TRIES = 5


class DatabaseCalls(CouchBase):
    """The part of the store that speaks of whole databases."""

    def create_database(self, db: str, security: Security | None = None) -> None:
        """Create `db`, then its write rules, then `_security` (admins only, if none is given).

        In this order, because CouchDB has no transaction over the three: until its members are named nobody
        but an admin may enter, and by then the rules are there. One whose security names no kind is not one
        of Hezha's own and gets no rules. Raises DatabaseExists, BadRequest (illegal_database_name).
        """
        check_database_name(db)
        shards = {name: value for name, value in (("q", self.options.q), ("n", self.options.n)) if value}
        tries = Tries()
        try:
            self.wire.ask("PUT", db, params=shards, tries=tries)
        except DatabaseExists:
            if not tries.unsure:
                raise
        if security is not None:
            self.set_security(db, security)

    def delete_database(self, db: str) -> None:
        """Delete `db` with all it holds. Raises NotFound."""
        tries = Tries()
        try:
            self.wire.ask("DELETE", db, tries=tries)
        except NotFound:
            if not tries.unsure:
                raise

    def database_names(self, prefix: str = "") -> list[str]:
        """Names of ours that begin with `prefix`, sorted. CouchDB's own (`_users`) are not."""
        low = max(self.options.prefix, prefix, key=len)
        if not (low.startswith(prefix) and low.startswith(self.options.prefix)):
            return []
        params = {"start_key": json.dumps(low), "end_key": json.dumps(low + "\ufff0")} if low else None
        names = self.wire.json("GET", "_all_dbs", params=params)
        return sorted(name for name in names if not name.startswith("_") and name.startswith(low))

    def info(self, db: str) -> DatabaseInfo:
        found = self.wire.json("GET", db)
        return DatabaseInfo(
            found["db_name"], found["doc_count"], found["doc_del_count"], str(found["update_seq"])
        )

    def request_compaction(self, db: str) -> None:
        """Have CouchDB compact `db` now. By itself it looks only at a database that is written, and at most
        once in some minutes: one to which nothing more comes keeps what it no longer needs."""
        self.wire.ask("POST", db, "_compact", body={})

    def sizes(self, dbs: Sequence[str]) -> dict[str, Size]:
        """What each of these databases takes on disk. CouchDB is asked for each, some at a time."""
        with ThreadPoolExecutor(self.options.helpers, thread_name_prefix="sizes") as pool:
            found = pool.map(self._size, dbs)
            return {db: size for db, size in zip(dbs, found, strict=True) if size is not None}

    def _size(self, db: str) -> Size | None:
        try:
            found = self.wire.json("GET", db)
        except NotFound:
            return None
        return Size(found["doc_count"], found["sizes"]["file"])

    def security(self, db: str) -> dict[str, Any]:
        return cast("dict[str, Any]", self.wire.json("GET", db, "_security"))

    def set_security(self, db: str, security: Security) -> None:
        """Replace `_security`; before a database is opened to members, its write rules are put in place."""
        if self._design is not None and security.kind:
            self._refresh_design(db, self._design)
        self.wire.ask("PUT", db, "_security", body=security.to_json())

    def refresh_design_documents(self, stopping: Callable[[], bool] = never) -> list[str]:
        """Give every database of Hezha's the present write rules; return the names of those that changed.

        Until it has come to a database, CouchDB holds tablets there to the rules before. One that carries
        neither the rules nor Hezha's `_security` is somebody else's and stays as it is.
        """
        design = self._design
        if design is None:
            return []
        with ThreadPoolExecutor(self.options.helpers, thread_name_prefix="design") as pool:
            names = self.database_names()
            changed = pool.map(lambda db: self._refresh_ours(db, design, stopping), names)
            return [db for db, was in zip(names, changed, strict=True) if was]

    def _refresh_ours(self, db: str, design: Document, stopping: Callable[[], bool]) -> bool:
        if self.dismissed or stopping():  # closing must not wait for tens of thousands of databases
            return False
        try:
            if self._rules(db, design) is None and not _has_kind(self.security(db)):
                return False
            return self._refresh_design(db, design)
        except NotFound:  # deleted since its name was read
            return False

    def _refresh_design(self, db: str, design: Document) -> bool:
        """Whether the rules had to be written. Raises NotFound (database)."""
        for _ in range(_DESIGN_TRIES):
            present = self._rules(db, design)
            wanted = dict(design)
            if present is not None:
                wanted["_rev"] = present["_rev"]
                if present == wanted:
                    return False
            try:
                self.wire.ask("PUT", db, design["_id"], body=wanted)
            except Conflict:
                continue  # another process is at it
            return True
        raise Conflict

    def _rules(self, db: str, design: Document) -> Document | None:
        try:
            return cast("Document", self.wire.json("GET", db, design["_id"]))
        except NotFound as error:
            if not is_missing_document(error):
                raise
            return None


def _has_kind(security: Mapping[str, Any]) -> bool:
    hezha = security.get("hezha")
    return isinstance(hezha, Mapping) and bool(hezha.get("kind"))
