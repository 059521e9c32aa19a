"""The rows behind documents: databases, documents, revisions, attachments, read and counted.

Functions of a connection and values, for readers and for the writer alike. Nothing here decides who may do
what; `updates.py` does, and `rendering.py` says how a client sees it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import apsw

from sync import revtree
from sync.embedded.documents import StoredAttachment
from sync.revtree import Rev, RevTree
from sync.store import BadRequest, NotFound

K = TypeVar("K", int, str)
_SEQ = re.compile(r"([0-9]+)(?:-([0-9a-f]+))?")
#: Documents looked up by one statement.
_AT_ONCE = 50
_MARKS = ", ".join("?" * _AT_ONCE)
_DOCUMENTS = f"SELECT pk, id, seq, deleted, tree FROM docs WHERE db = ? AND id IN ({_MARKS})"  # noqa: S608  marks
#: With the winner of each, unless it is too large to be held beside forty-nine others.
_WINNERS = (
    "SELECT d.pk, d.id, d.seq, d.deleted, d.tree, r.pk, r.rev, r.deleted, r.body"  # noqa: S608  marks
    " FROM docs d LEFT JOIN revisions r ON r.doc = d.pk AND r.rev = d.winner AND length(r.body) <= ?"
    f" WHERE d.db = ? AND d.id IN ({_MARKS})"
)
_ATTACHMENTS = "SELECT name, content_type, encoding, length, stored_length, md5, sha256, revpos"
_ATTACHMENTS_OF = f"{_ATTACHMENTS}, revision FROM attachments WHERE revision IN ({_MARKS}) ORDER BY name"


class DatabaseRow(NamedTuple):
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


class DocRow:
    """A document's row. Its tree is taken apart when somebody asks for it: most readers do not."""

    __slots__ = ("_encoded", "_tree", "deleted", "id", "pk", "seq")

    def __init__(self, pk: int, doc_id: str, seq: int, deleted: bool, encoded: bytes) -> None:
        self.pk = pk
        self.id = doc_id
        self.seq = seq
        self.deleted = deleted
        self._encoded = encoded
        self._tree: RevTree | None = None

    @property
    def tree(self) -> RevTree:
        if self._tree is None:
            self._tree = revtree.decode(self._encoded)
        return self._tree

    @property
    def is_single(self) -> bool:
        """Whether it has one revision alone; at times False where it does."""
        return revtree.is_single(self._encoded)


class RevisionRow(NamedTuple):
    pk: int
    rev: Rev
    deleted: bool
    body: bytes


class WholeRow(NamedTuple):
    """A document with its winner `rev`, of which `stored` is None if its body was not read."""

    doc: DocRow
    rev: str | None
    stored: RevisionRow | None
    attachments: Mapping[str, StoredAttachment]


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
    for some in _some(ids):
        found.update((row[1], doc_row(row)) for row in conn.execute(_DOCUMENTS, (db.pk, *some)))
    return found


def whole(
    conn: apsw.Connection, db: DatabaseRow, ids: Sequence[str], *, max_bytes: int
) -> dict[str, WholeRow]:
    """Those of `ids` that exist, with their winners. A body of more than `max_bytes` is left out."""
    found: dict[str, WholeRow] = {}
    for some in _some(ids):
        rows: list[tuple[Any, ...]] = conn.execute(_WINNERS, (max_bytes, db.pk, *some)).fetchall()
        atts = _attachments_of(conn, [row[5] for row in rows if row[5] is not None])
        for row in rows:
            doc, pk = doc_row(row), row[5]
            stored = None if pk is None else RevisionRow(pk, revtree.split_rev(row[6]), bool(row[7]), row[8])
            found[doc.id] = WholeRow(doc, row[6], stored, atts.get(pk, {}))
    return found


def _some(keys: Sequence[K]) -> Iterator[tuple[K, ...]]:
    """The keys, by as many as one statement takes: it is the same one each time, so the last is repeated."""
    for first in range(0, len(keys), _AT_ONCE):
        some = tuple(keys[first : first + _AT_ONCE])
        yield some + some[-1:] * (_AT_ONCE - len(some))


def _attachments_of(
    conn: apsw.Connection, revisions: Sequence[int]
) -> dict[int, dict[str, StoredAttachment]]:
    found: dict[int, dict[str, StoredAttachment]] = {}
    for some in _some(revisions):
        for *columns, revision_pk in conn.execute(_ATTACHMENTS_OF, some):
            found.setdefault(revision_pk, {})[columns[0]] = StoredAttachment(*columns)
    return found


def doc_row(row: tuple[Any, ...]) -> DocRow:
    """From the columns `pk, id, seq, deleted, tree`."""
    return DocRow(row[0], row[1], row[2], bool(row[3]), row[4])


def revision(conn: apsw.Connection, doc: DocRow, rev: Rev) -> RevisionRow | None:
    """A stored revision, or None if its body is not kept."""
    row = conn.execute(
        "SELECT pk, deleted, body FROM revisions WHERE doc = ? AND rev = ?",
        (doc.pk, revtree.format_rev(rev)),
    ).fetchone()
    return None if row is None else RevisionRow(row[0], rev, bool(row[1]), row[2])


def attachments(conn: apsw.Connection, revision_pk: int) -> dict[str, StoredAttachment]:
    rows = conn.execute(f"{_ATTACHMENTS} FROM attachments WHERE revision = ? ORDER BY name", (revision_pk,))
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


def design_sources(conn: apsw.Connection, db: DatabaseRow) -> list[tuple[str, str | None]]:
    """The design documents of a database by their ids, in their order: each with its `validate_doc_update`,
    None if it has none."""
    rows = conn.execute(
        "SELECT d.id, r.body FROM docs d JOIN revisions r ON r.doc = d.pk AND r.rev = d.winner"
        " WHERE d.db = ? AND d.id >= '_design/' AND d.id < '_design0' AND NOT d.deleted ORDER BY d.id",
        (db.pk,),
    )
    return [(doc_id, json.loads(body).get("validate_doc_update")) for doc_id, body in rows]


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
