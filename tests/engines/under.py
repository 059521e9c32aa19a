"""A corner of a shared server: each database's name begins with a prefix that the test never sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from sync.store import DatabaseInfo, DbUpdate, DocumentStore, NewDatabase, Size, Stored, never


class Under:
    """`store` with `prefix` put before every database's name, and taken off again. Is a DocumentStore."""

    def __init__(self, store: DocumentStore, prefix: str) -> None:
        self._store = store
        self._prefix = prefix

    @property
    def whole(self) -> DocumentStore:
        """The store with every database in it."""
        return self._store

    def __getattr__(self, name: str) -> Any:
        """Every other method takes a database first."""
        method = getattr(self._store, name)
        return lambda db, *args, **more: method(self._prefix + db, *args, **more)

    @property
    def complete_feed(self) -> bool:
        return self._store.complete_feed

    @property
    def exact_revisions(self) -> bool:
        return self._store.exact_revisions

    def refresh_design_documents(self, stopping: Callable[[], bool] = never) -> list[str]:
        return [self._bare(db) for db in self._store.refresh_design_documents(stopping)]

    def database_names(self, prefix: str = "") -> list[str]:
        return [self._bare(db) for db in self._store.database_names(self._prefix + prefix)]

    def create_databases(self, wanted: Sequence[NewDatabase]) -> list[tuple[str, ...] | None]:
        return self._store.create_databases([replace(one, name=self._prefix + one.name) for one in wanted])

    def info(self, db: str) -> DatabaseInfo:
        found = self._store.info(self._prefix + db)
        return replace(found, name=self._bare(found.name))

    def stored(self, dbs: Sequence[str], doc_id: str) -> list[Stored]:
        found = self._store.stored([self._prefix + db for db in dbs], doc_id)
        return [replace(one, db=self._bare(one.db)) for one in found]

    def reading_order(self, dbs: Sequence[str], doc_id: str) -> list[str]:
        found = self._store.reading_order([self._prefix + db for db in dbs], doc_id)
        return [self._bare(db) for db in found]

    def having(self, dbs: Sequence[str], prefix: str) -> list[str]:
        return [self._bare(db) for db in self._store.having([self._prefix + db for db in dbs], prefix)]

    def sizes(self, dbs: Sequence[str]) -> dict[str, Size]:
        found = self._store.sizes([self._prefix + db for db in dbs])
        return {self._bare(db): size for db, size in found.items()}

    def db_updates(self, *, since: str = "0", timeout: float = 0.0) -> tuple[list[DbUpdate], str]:
        found, last = self._store.db_updates(since=since, timeout=timeout)
        ours = [update for update in found if update.db_name.startswith(self._prefix)]
        return [replace(update, db_name=self._bare(update.db_name)) for update in ours], last

    def dismiss(self) -> None:
        self._store.dismiss()

    def close(self) -> None:
        for db in self._store.database_names(self._prefix):
            self._store.delete_database(db)
        self._store.close()

    def _bare(self, db: str) -> str:
        assert db.startswith(self._prefix)
        return db.removeprefix(self._prefix)


def under(store: DocumentStore, prefix: str) -> DocumentStore:
    return cast("DocumentStore", Under(store, prefix))
