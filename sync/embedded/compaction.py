"""Compaction: bodies of revisions that have been built upon, then the pages and blobs they took.

CouchDB writes a new file and changes over. Here the writer's own thread takes bodies away in slices between
other people's writes, each slice a transaction: a crash leaves a database that is compacted a little, and
whatever a leaf needs is never touched. Functions of the writer's connection; `upkeep.py` calls them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import apsw

from sync import revtree
from sync.embedded import records
from sync.embedded.records import DatabaseRow


@dataclass(frozen=True)
class Slice:
    """How much one transaction may do: documents looked at, revisions removed."""

    documents: int
    revisions: int


@dataclass(frozen=True)
class Freed:
    """What compaction has removed: revisions, and the bytes of their bodies and attachments as stored."""

    revisions: int = 0
    bytes: int = 0

    def __add__(self, other: Freed) -> Freed:
        return Freed(self.revisions + other.revisions, self.bytes + other.bytes)


def step(conn: apsw.Connection, name: str, upto: int, bounds: Slice, busy_until: float) -> tuple[Freed, bool]:
    """One slice of compacting database `name` up to change `upto`: what it freed, and whether that was all.

    `busy_until` is noted for `compact_running` (seconds since the epoch). Raises NotFound.
    """
    db = records.database(conn, name)
    upto = min(upto, db.seq)
    rows = conn.execute(
        "SELECT pk, id, seq, deleted, tree FROM docs WHERE db = ? AND seq > ? AND seq <= ?"
        " ORDER BY seq LIMIT ?",
        (db.pk, db.compacted_seq, upto, bounds.documents),
    ).fetchall()
    freed, reached = Freed(), db.compacted_seq
    done = len(rows) < bounds.documents
    row: tuple[Any, ...]
    for row in rows:
        more = _free(conn, db, row, bounds.revisions - freed.revisions)
        freed += more
        if freed.revisions >= bounds.revisions:  # perhaps not all of this document: look at it again
            done = False
            break
        reached = row[2]
    if done:
        reached = max(reached, upto)
    conn.execute(
        "UPDATE databases SET compacted_seq = ?, compacting_until = ? WHERE pk = ?",
        (reached, 0.0 if done else busy_until, db.pk),
    )
    return freed, done


def _free(conn: apsw.Connection, db: DatabaseRow, row: tuple[Any, ...], most: int) -> Freed:
    """Take up to `most` bodies from one document, the oldest first."""
    stored = [text for (text,) in conn.execute("SELECT rev FROM revisions WHERE doc = ?", (row[0],))]
    if len(stored) < 2:
        return Freed()
    doc = records.doc_row(row)
    leaves = set(doc.tree.leaves)
    old = sorted(rev for rev in map(revtree.parse_rev, stored) if rev not in leaves)[:most]
    if not old:
        return Freed()
    size = sum(records.drop_revision(conn, db, doc, rev) for rev in old)
    tree = revtree.without_bodies(doc.tree, [rev for rev in old if rev in doc.tree.nodes])
    conn.execute("UPDATE docs SET tree = ? WHERE pk = ?", (revtree.encode(tree), doc.pk))
    return Freed(len(old), size)


def worth_it(conn: apsw.Connection, *, share: float, least_bytes: int) -> list[str]:
    """Databases in which old bodies are at least `share` of all bytes stored and at least `least_bytes`."""
    rows = conn.execute(
        "SELECT name FROM databases WHERE old_bytes >= ? AND old_bytes >= ? * bytes ORDER BY old_bytes DESC",
        (least_bytes, share),
    )
    return [name for (name,) in rows]


def free_pages(conn: apsw.Connection) -> tuple[int, int]:
    """Pages of the file that hold nothing, and pages in all."""
    return int(conn.pragma("freelist_count")), int(conn.pragma("page_count"))


def give_back(conn: apsw.Connection, pages: int) -> int:
    """Return up to `pages` free pages to the disk; how many that were. 0 where the file cannot shrink."""
    before = int(conn.pragma("page_count"))
    conn.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
    return before - int(conn.pragma("page_count"))
