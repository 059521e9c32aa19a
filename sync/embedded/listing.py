"""`_all_docs`: documents by id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from sync import revtree
from sync.embedded import records
from sync.embedded.blobs import BlobStore
from sync.embedded.records import DatabaseRow, DocRow
from sync.embedded.rendering import PLAIN, Show, full


@dataclass(frozen=True)
class ListQuery:
    """CouchDB's parameters of `_all_docs`. With `keys` the rows come in their order, one for each."""

    startkey: str | None = None
    endkey: str | None = None
    inclusive_end: bool = True
    keys: Sequence[str] | None = None
    limit: int | None = None
    skip: int = 0
    descending: bool = False
    include_docs: bool = False
    show: Show = PLAIN


@dataclass(frozen=True)
class Listing:
    """Rows in CouchDB's shape, `{id, key, value: {rev}, doc?}`; `offset` is None where it has no meaning."""

    rows: tuple[dict[str, Any], ...]
    total_rows: int
    offset: int | None


def read(conn: apsw.Connection, blobs: BlobStore, db: DatabaseRow, query: ListQuery) -> Listing:
    """List documents of one moment."""
    if query.keys is not None:
        end = None if query.limit is None else query.skip + query.limit
        wanted = list(query.keys)[query.skip : end]
        if query.descending:
            wanted.reverse()
        return Listing(tuple(_by_key(conn, blobs, db, key, query) for key in wanted), db.doc_count, None)
    low, high = query.startkey, query.endkey
    if query.descending:
        low, high = high, low
    # `inclusive_end` speaks of the key where reading ends, which is the lower one when descending.
    excluded = not query.inclusive_end and query.endkey is not None
    found = records.winners(
        conn,
        db,
        low=low or "",
        low_open=excluded and query.descending,
        high=high,
        high_open=excluded and not query.descending,
        descending=query.descending,
        limit=-1 if query.limit is None else query.limit,
        skip=query.skip,
    )
    docs = list(found)
    rows = tuple(_row(conn, blobs, db, doc, query) for doc in docs)
    return Listing(rows, db.doc_count, _offset(conn, db, docs, query))


def _row(
    conn: apsw.Connection, blobs: BlobStore, db: DatabaseRow, doc: DocRow, query: ListQuery
) -> dict[str, Any]:
    winner = doc.tree.leaves[0]
    value: dict[str, Any] = {"rev": revtree.format_rev(winner)}
    if doc.deleted:
        value["deleted"] = True
    row: dict[str, Any] = {"id": doc.id, "key": doc.id, "value": value}
    if query.include_docs:
        row["doc"] = None if doc.deleted else full(conn, blobs, db, doc, winner, show=query.show)
    return row


def _by_key(
    conn: apsw.Connection, blobs: BlobStore, db: DatabaseRow, key: str, query: ListQuery
) -> dict[str, Any]:
    doc = records.document(conn, db, key)
    return {"key": key, "error": "not_found"} if doc is None else _row(conn, blobs, db, doc, query)


def _offset(conn: apsw.Connection, db: DatabaseRow, docs: list[DocRow], query: ListQuery) -> int:
    """How many documents come before the first row."""
    if query.startkey is None:
        return min(query.skip, db.doc_count)
    if not docs:
        return db.doc_count
    side = ">" if query.descending else "<"
    sql = f"SELECT count(*) FROM docs WHERE db = ? AND NOT deleted AND id {side} ?"  # noqa: S608  constants
    return int(conn.execute(sql, (db.pk, docs[0].id)).get)
