"""The rows behind documents: databases, documents, revisions, attachments, read and counted.

Functions of a connection and values, for readers and for the writer alike. Nothing here decides who may do
what; `updates.py` does, and `rendering.py` says how a client sees it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from sync import revtree
from sync.embedded.documents import StoredAttachment
from sync.revtree import Rev, RevTree
from sync.store import BadRequest, NotFound

_SEQ = re.compile(r"([0-9]+)(?:-([0-9a-f]+))?")
#: Documents looked up by one statement.
_AT_ONCE = 50
_DOCUMENTS = (
    "SELECT pk, id, seq, deleted, tree FROM docs"  # noqa: S608  nothing in it but marks
    f" WHERE db = ? AND id IN ({', '.join('?' * _AT_ONCE)})"
)


@dataclass(frozen=True)
class DatabaseRow:
    """One database as it is at this moment of the transaction."""

    pk: int
    name: str
    incarnation: str
    seq: int
    design_seq: int
    revs_limit: int
    security_json: str
    doc_count: int
    del_count: int
    bytes: int
    old_bytes: int
    compacted_seq: int
    compacting_until: float
    purge_seq: int
    purges_kept: int

    @property
    def security(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.security_json)
        return value

    def sequence(self, number: int) -> str:
        """The opaque form of a sequence number of this database."""
        return f"{number}-{self.incarnation}"

    def number(self, since: str | int) -> int:
        """The number behind an opaque sequence; 0, the beginning, if another database of this name gave it.

        Raises BadRequest if it is no sequence at all.
        """
        if since == "now":
            return self.seq
        return sequence_number(since, self.incarnation, self.seq)


@dataclass(frozen=True)
class DocRow:
    pk: int
    id: str
    seq: int
    deleted: bool
    tree: RevTree


@dataclass(frozen=True)
class RevisionRow:
    pk: int
    rev: Rev
    deleted: bool
    body: bytes


def sequence_number(since: str | int, incarnation: str, newest: int) -> int:
    """Take a sequence apart. Whatever cannot be a place in this history means its beginning: rather twice
    than never. That holds for another incarnation, none, and a number beyond the newest (an older backup).
    """
    match = _SEQ.fullmatch(str(since))
    if match is None:
        raise BadRequest("Malformed sequence supplied in 'since' parameter.")
    number = int(match[1])
    return number if match[2] == incarnation and number <= newest else 0


def database(conn: apsw.Connection, name: str) -> DatabaseRow:
    """Raises NotFound."""
    row = conn.execute("SELECT * FROM databases WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise NotFound("Database does not exist.")
    return DatabaseRow(*row)


def document(conn: apsw.Connection, db: DatabaseRow, doc_id: str) -> DocRow | None:
    row = conn.execute(
        "SELECT pk, id, seq, deleted, tree FROM docs WHERE db = ? AND id = ?", (db.pk, doc_id)
    ).fetchone()
    return None if row is None else doc_row(row)


def documents(conn: apsw.Connection, db: DatabaseRow, ids: Sequence[str]) -> dict[str, DocRow]:
    """Those of `ids` that exist: many are found together at a fraction of what they cost one by one."""
    found: dict[str, DocRow] = {}
    for first in range(0, len(ids), _AT_ONCE):
        some = ids[first : first + _AT_ONCE]
        # Of one length, so that there is one statement: the last of them is asked for again and again.
        rows = conn.execute(_DOCUMENTS, (db.pk, *some, *[some[-1]] * (_AT_ONCE - len(some))))
        found.update((row[1], doc_row(row)) for row in rows)
    return found


def doc_row(row: tuple[Any, ...]) -> DocRow:
    """From the columns `pk, id, seq, deleted, tree`."""
    return DocRow(row[0], row[1], row[2], bool(row[3]), revtree.decode(row[4]))


def revision(conn: apsw.Connection, doc: DocRow, rev: Rev) -> RevisionRow | None:
    """A stored revision, or None if its body is not kept."""
    row = conn.execute(
        "SELECT pk, deleted, body FROM revisions WHERE doc = ? AND rev = ?",
        (doc.pk, revtree.format_rev(rev)),
    ).fetchone()
    return None if row is None else RevisionRow(row[0], rev, bool(row[1]), row[2])


def attachments(conn: apsw.Connection, revision_pk: int) -> dict[str, StoredAttachment]:
    rows = conn.execute(
        "SELECT name, content_type, encoding, length, stored_length, md5, sha256, revpos"
        " FROM attachments WHERE revision = ? ORDER BY name",
        (revision_pk,),
    )
    return {row[0]: StoredAttachment(*row) for row in rows}


def stored_size(conn: apsw.Connection, doc_pk: int, rev: Rev) -> tuple[int, int] | None:
    """The key of a stored revision and its bytes with its attachments, or None if its body is not kept."""
    row = conn.execute(
        "SELECT pk, length(body) + coalesce("
        "(SELECT sum(stored_length) FROM attachments WHERE revision = revisions.pk), 0)"
        " FROM revisions WHERE doc = ? AND rev = ?",
        (doc_pk, revtree.format_rev(rev)),
    ).fetchone()
    return None if row is None else (row[0], row[1])


def drop_revision(
    conn: apsw.Connection, db: DatabaseRow, doc: DocRow, rev: Rev, *, leaf: bool = False
) -> int:
    """Forget a stored body and its attachments' entries, if there is one; return how many bytes that was.

    `leaf`: whether the revision was a leaf, which is not counted among the old ones.
    """
    found = stored_size(conn, doc.pk, rev)
    if found is None:
        return 0
    pk, size = found
    conn.execute("DELETE FROM revisions WHERE pk = ?", (pk,))
    conn.execute(
        "UPDATE databases SET bytes = bytes - ?, old_bytes = old_bytes - ? WHERE pk = ?",
        (size, 0 if leaf else size, db.pk),
    )
    return size


def note_update(conn: apsw.Connection, name: str, kind: str) -> None:
    """Put a database at the end of the feed of databases."""
    conn.execute(
        "INSERT INTO updates (name, seq, type)"
        " VALUES (?, (SELECT coalesce(max(seq), 0) + 1 FROM updates), ?)"
        " ON CONFLICT (name, type) DO UPDATE SET seq = excluded.seq",
        (name, kind),
    )


def design_sources(conn: apsw.Connection, db: DatabaseRow) -> tuple[str, ...]:
    """The `validate_doc_update` functions of a database, in the order of their documents' ids."""
    rows = conn.execute(
        "SELECT r.body FROM docs d JOIN revisions r ON r.doc = d.pk AND r.rev = d.winner"
        " WHERE d.db = ? AND d.id >= '_design/' AND d.id < '_design0' AND NOT d.deleted ORDER BY d.id",
        (db.pk,),
    )
    found = []
    for (body,) in rows:
        source = json.loads(body).get("validate_doc_update")
        if source is not None:
            found.append(source)
    return tuple(found)


def local_document(conn: apsw.Connection, db: DatabaseRow, doc_id: str) -> tuple[int, dict[str, Any]] | None:
    """A local document's revision number and body, by its whole id."""
    row = conn.execute("SELECT rev, body FROM local_docs WHERE db = ? AND id = ?", (db.pk, doc_id)).fetchone()
    return None if row is None else (row[0], json.loads(row[1]))


def winners(
    conn: apsw.Connection,
    db: DatabaseRow,
    *,
    low: str = "",
    low_open: bool = False,
    high: str | None = None,
    high_open: bool = False,
    descending: bool = False,
    limit: int = -1,
    skip: int = 0,
) -> Iterator[DocRow]:
    """Documents that are not deleted, by id between `low` and `high` (either may be left out)."""
    sql = "SELECT pk, id, seq, deleted, tree FROM docs WHERE db = ? AND NOT deleted"
    bound: list[Any] = [db.pk]
    sql += " AND id > ?" if low_open else " AND id >= ?"
    bound.append(low)
    if high is not None:
        sql += " AND id < ?" if high_open else " AND id <= ?"
        bound.append(high)
    sql += f" ORDER BY id {'DESC' if descending else 'ASC'} LIMIT ? OFFSET ?"
    for row in conn.execute(sql, (*bound, limit, skip)):
        yield doc_row(row)
