"""The changes feed: each document once, at its latest change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import apsw

from sync import revtree
from sync.embedded import records
from sync.embedded.blobs import BlobStore
from sync.embedded.pending import Pending
from sync.embedded.records import DatabaseRow, DocRow
from sync.embedded.rendering import PLAIN, Show, full
from sync.store import Change, ChangeBatch, DbUpdate

_COLUMNS = "SELECT pk, id, seq, deleted, tree, winner FROM docs WHERE db = ?"


@dataclass(frozen=True)
class FeedQuery:
    """What a client asks of `_changes`. `since` is opaque; `limit` None means all.

    `doc_ids` and `design_only` narrow the feed; `show` says how documents look if `include_docs`.
    `descending` begins at the newest change, or below `before`, and ignores `since`, as CouchDB does.
    Without `count_pending` the batch only says whether anything is pending, which costs nothing.
    """

    since: str | int = "0"
    limit: int | None = None
    include_docs: bool = False
    style: Literal["main_only", "all_docs"] = "main_only"
    descending: bool = False
    before: str | None = None
    doc_ids: Sequence[str] | None = None
    design_only: bool = False
    count_pending: bool = True
    show: Show = PLAIN


def read(
    conn: apsw.Connection, blobs: BlobStore, counts: Pending, db: DatabaseRow, query: FeedQuery
) -> ChangeBatch:
    """One batch of changes, from one moment of the database. Raises BadRequest for a malformed `since`."""
    start = 0 if query.descending else db.number(query.since)
    rows, pending = _select(conn, counts, db, query, start)
    show = query.show
    results = []
    for row in rows:
        body = None
        if query.include_docs:
            doc = row.document()
            body = full(conn, blobs, db, doc, doc.tree.leaves[0], show=show)
        results.append(Change(db.sequence(row.seq), row.id, _leaves(row, query), bool(row.deleted), body))
    # With nothing left the client may go on from the newest number, also past what a filter left out.
    ended = pending == 0 and not query.descending
    last = db.sequence(db.seq) if ended else (results[-1].seq if results else db.sequence(start))
    return ChangeBatch(tuple(results), last, pending)


class _Row(NamedTuple):
    """A document of the feed, its tree not taken apart: most rows tell of the winner and nothing else."""

    pk: int
    id: str
    seq: int
    deleted: int
    tree: bytes
    winner: str

    def document(self) -> DocRow:
        return records.doc_row(self[:5])


def _leaves(row: _Row, query: FeedQuery) -> tuple[str, ...]:
    if query.style == "main_only" or revtree.is_single(row.tree):
        return (row.winner,)
    return tuple([revtree.format_rev(rev) for rev in revtree.decode(row.tree).leaves])


def _select(
    conn: apsw.Connection, counts: Pending, db: DatabaseRow, query: FeedQuery, start: int
) -> tuple[list[_Row], int]:
    """The documents of one batch and how many more there are."""
    end = db.seq + 1 if query.before is None else db.number(query.before)
    if query.doc_ids is not None:
        return _cut(_by_ids(conn, db, query.doc_ids, start, end), query)
    condition, bound = "", [db.pk, start, end]
    if query.design_only:
        condition = " AND id >= '_design/' AND id < '_design0'"
    order = "DESC" if query.descending else "ASC"
    limit = -1 if query.limit is None else query.limit
    found = conn.execute(
        f"{_COLUMNS} AND seq > ? AND seq < ?{condition} ORDER BY seq {order} LIMIT ?",
        (*bound, limit),
    )
    rows = [_Row(*row) for row in found]
    if limit < 0 or len(rows) < limit:
        return rows, 0
    if query.count_pending and not (query.descending or query.design_only):
        return rows, counts.after(conn, db, rows[-1].seq if rows else start)
    return rows, _rest(conn, query, condition, bound, rows)


def _rest(conn: apsw.Connection, query: FeedQuery, condition: str, bound: list[int], rows: list[_Row]) -> int:
    """How many come after a full batch; without `count_pending`, 1 if any do."""
    pk, start, end = bound
    if rows:
        start, end = (start, rows[-1].seq) if query.descending else (rows[-1].seq, end)
    what = "count(*)" if query.count_pending else "1"
    sql = f"SELECT {what} FROM docs WHERE db = ? AND seq > ? AND seq < ?{condition} LIMIT 1"  # noqa: S608  ours
    return int(conn.execute(sql, (pk, start, end)).get or 0)


def _by_ids(conn: apsw.Connection, db: DatabaseRow, ids: Iterable[str], start: int, end: int) -> list[_Row]:
    found = (conn.execute(f"{_COLUMNS} AND id = ?", (db.pk, doc_id)).get for doc_id in dict.fromkeys(ids))
    rows = [_Row(*row) for row in found if row is not None]
    return [row for row in rows if start < row.seq < end]


def _cut(rows: list[_Row], query: FeedQuery) -> tuple[list[_Row], int]:
    rows = sorted(rows, key=lambda doc: doc.seq, reverse=query.descending)
    limit = len(rows) if query.limit is None else query.limit
    return rows[:limit], len(rows) - len(rows[:limit])


def database_updates(
    conn: apsw.Connection,
    incarnation: str,
    since: str,
    *,
    limit: int | None = None,
    descending: bool = False,
    before: str | None = None,
) -> tuple[list[DbUpdate], str]:
    """What happened to databases after `since`, and the sequence to go on from.

    As in CouchDB, each kind of event of each database is there once, at its latest. `descending` begins at
    the newest, or below `before`, and ignores `since`.
    """
    newest = int(conn.execute("SELECT coalesce(max(seq), 0) FROM updates").get)
    start = newest if since == "now" else records.sequence_number(since, incarnation, newest)
    end = newest + 1 if before is None else records.sequence_number(before, incarnation, newest)
    order, start = ("DESC", 0) if descending else ("ASC", start)
    rows = conn.execute(
        f"SELECT name, type, seq FROM updates WHERE seq > ? AND seq < ? ORDER BY seq {order} LIMIT ?",  # noqa: S608  ours
        (start, end, -1 if limit is None else limit),
    ).fetchall()
    found = [DbUpdate(name, kind, f"{seq}-{incarnation}") for name, kind, seq in rows]  # type: ignore[arg-type]
    if limit is not None and len(found) == limit > 0:
        return found, found[-1].seq
    reached = start if limit == 0 and since != "now" else newest
    return found, f"{reached}-{incarnation}"
