"""`_all_docs`, `_design_docs` and `_local_docs`: documents by id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import apsw

from sync import revtree
from sync.embedded import records
from sync.embedded.blobs import BlobStore
from sync.embedded.documents import DESIGN, LOCAL
from sync.embedded.records import DatabaseRow
from sync.embedded.rendering import PLAIN, Show, full

#: The ids that begin with `_design/` are those from there up to here.
_DESIGN_END = "_design0"
_LOCAL_END = "_local0"


@dataclass(frozen=True)
class ListQuery:
    """CouchDB's parameters of `_all_docs`. With `keys` the rows come in their order, one for each.

    `after` leaves out what comes up to this id, in the direction of reading: for the next page.
    """

    startkey: str | None = None
    endkey: str | None = None
    inclusive_end: bool = True
    keys: Sequence[str] | None = None
    limit: int | None = None
    skip: int = 0
    descending: bool = False
    include_docs: bool = False
    namespace: Literal["all", "design", "local"] = "all"
    after: str | None = None
    show: Show = PLAIN


@dataclass(frozen=True)
class Listing:
    """Rows in CouchDB's shape, `{id, key, value: {rev}, doc?}`.

    `offset` is None with `keys`, and so are both numbers for local documents, which CouchDB does not count.
    """

    rows: tuple[dict[str, Any], ...]
    total_rows: int | None
    offset: int | None


def read(conn: apsw.Connection, blobs: BlobStore, db: DatabaseRow, query: ListQuery) -> Listing:
    """List documents of one moment."""
    if query.namespace == "local":
        return Listing(tuple(_local_rows(conn, db, query)), None, None)
    total = db.doc_count if query.namespace == "all" else _count(conn, db, _Range(DESIGN, _DESIGN_END))
    if query.keys is not None:
        rows = [_by_key(conn, blobs, db, key, query) for key in _wanted(query)]
        if query.namespace == "design":  # as in CouchDB, what is none is left out
            rows = [row for row in rows if row.get("id", "").startswith(DESIGN)]
        return Listing(tuple(rows), total, None)
    rows = []
    for doc_id, winner in _walk(conn, "docs", "id, winner", "NOT deleted", db, query):
        rows.append(_row(conn, blobs, db, doc_id, winner, query))
    return Listing(tuple(rows), total, _offset(conn, db, query, total))


@dataclass(frozen=True)
class _Range:
    """Ids from `low` to `high`, each counted in unless it is open; None is no bound."""

    low: str | None = None
    high: str | None = None
    low_open: bool = False
    high_open: bool = True

    def sql(self) -> tuple[str, list[str]]:
        condition, bound = "", []
        if self.low is not None:
            condition += " AND id > ?" if self.low_open else " AND id >= ?"
            bound.append(self.low)
        if self.high is not None:
            condition += " AND id < ?" if self.high_open else " AND id <= ?"
            bound.append(self.high)
        return condition, bound


_WHOLE = {"all": _Range(), "design": _Range(DESIGN, _DESIGN_END), "local": _Range(LOCAL, _LOCAL_END)}


def _range(query: ListQuery) -> _Range:
    """What `startkey`, `endkey` and `after` leave: the end is the lower bound when descending."""
    start = query.startkey if query.after is None else query.after
    end_open = not query.inclusive_end and query.endkey is not None
    if query.descending:
        return _Range(query.endkey, start, end_open, query.after is not None)
    return _Range(start, query.endkey, query.after is not None, end_open)


def _walk(
    conn: apsw.Connection, table: str, columns: str, condition: str, db: DatabaseRow, query: ListQuery
) -> list[tuple[Any, ...]]:
    whole, bound_whole = _WHOLE[query.namespace].sql()
    part, bound_part = _range(query).sql()
    order = "DESC" if query.descending else "ASC"
    sql = (
        f"SELECT {columns} FROM {table} WHERE db = ? AND {condition}{whole}{part}"  # noqa: S608  ours, all
        f" ORDER BY id {order} LIMIT ? OFFSET ?"
    )
    limit = -1 if query.limit is None else query.limit
    found: list[tuple[Any, ...]] = conn.execute(
        sql, (db.pk, *bound_whole, *bound_part, limit, query.skip)
    ).fetchall()
    return found


def _wanted(query: ListQuery) -> list[str]:
    keys = list(query.keys or ())
    if query.descending:
        keys.reverse()
    return keys[query.skip : None if query.limit is None else query.skip + query.limit]


def _by_key(
    conn: apsw.Connection, blobs: BlobStore, db: DatabaseRow, key: str, query: ListQuery
) -> dict[str, Any]:
    found = conn.execute("SELECT winner, deleted FROM docs WHERE db = ? AND id = ?", (db.pk, key)).fetchone()
    if found is None:
        local = _local_row(conn, db, key, query)
        return {"key": key, "error": "not_found"} if local is None else local
    if not found[1]:
        return _row(conn, blobs, db, key, str(found[0]), query)
    row = {"id": key, "key": key, "value": {"rev": found[0], "deleted": True}}
    return row | {"doc": None} if query.include_docs else row


def _row(
    conn: apsw.Connection, blobs: BlobStore, db: DatabaseRow, doc_id: str, winner: str, query: ListQuery
) -> dict[str, Any]:
    row: dict[str, Any] = {"id": doc_id, "key": doc_id, "value": {"rev": winner}}
    if query.include_docs:
        doc = records.document(conn, db, doc_id)
        row["doc"] = (
            None if doc is None else full(conn, blobs, db, doc, revtree.parse_rev(winner), show=query.show)
        )
    return row


def _local_rows(conn: apsw.Connection, db: DatabaseRow, query: ListQuery) -> list[dict[str, Any]]:
    """Local documents. As in CouchDB, `keys` that are unknown are left out."""
    if query.keys is None:
        ids = [doc_id for (doc_id,) in _walk(conn, "local_docs", "id", "TRUE", db, query)]
    else:
        ids = _wanted(query)
    rows = (_local_row(conn, db, doc_id, query) for doc_id in ids)
    return [row for row in rows if row is not None]


def _local_row(
    conn: apsw.Connection, db: DatabaseRow, doc_id: str, query: ListQuery
) -> dict[str, Any] | None:
    found = records.local_document(conn, db, doc_id) if doc_id.startswith(LOCAL) else None
    if found is None:
        return None
    rev = f"0-{found[0]}"
    row: dict[str, Any] = {"id": doc_id, "key": doc_id, "value": {"rev": rev}}
    return row | {"doc": {"_id": doc_id, "_rev": rev, **found[1]}} if query.include_docs else row


def _count(conn: apsw.Connection, db: DatabaseRow, ids: _Range) -> int:
    condition, bound = ids.sql()
    sql = f"SELECT count(*) FROM docs WHERE db = ? AND NOT deleted{condition}"  # noqa: S608  ours
    return int(conn.execute(sql, (db.pk, *bound)).get)


def _offset(conn: apsw.Connection, db: DatabaseRow, query: ListQuery, total: int) -> int:
    """How many documents of the namespace come before the first row."""
    before = 0
    if query.startkey is not None:
        whole = _WHOLE[query.namespace]
        if query.descending:
            start = max(query.startkey, whole.low or "")
            before = _count(conn, db, _Range(start, whole.high, low_open=True))
        elif whole.high is None or query.startkey < whole.high:
            before = _count(conn, db, _Range(whole.low, query.startkey))
        else:
            before = total
    return min(before + query.skip, total)
