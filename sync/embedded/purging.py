"""Purging: leaves of documents taken out as if they had never been, which replication does not hear of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import apsw

from sync import revtree
from sync.embedded import records, updates
from sync.embedded.base import StoreBase
from sync.embedded.documents import DESIGN, LOCAL, read_rev
from sync.embedded.records import DatabaseRow, DocRow
from sync.revtree import Rev, RevTree
from sync.store import SERVER, BadRequest, UserCtx


class PurgeCalls(StoreBase):
    """The part of the store that forgets documents for good."""

    def purge(self, db: str, wanted: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Take out those of the `wanted` revisions that are leaves; return which they were, for each id.

        Ancestors that only they had go too, and a document without a leaf left is gone: to the feed of
        changes it never was. What remains of a document comes again in the feed. All or nothing, and the
        same again purges nothing more. Raises NotFound, BadRequest (malformed, or more than the limits).
        """
        asked = _checked(wanted, self.limits.purge_documents, self.limits.purge_revisions)

        def job(conn: apsw.Connection) -> dict[str, list[str]]:
            purged = {doc_id: _purge(conn, db, doc_id, revs) for doc_id, revs in asked.items()}
            row = records.database(conn, db)
            _remember(conn, row, asked)
            if any(purged.values()):
                self._rules.forget(row)
                records.note_update(conn, db, "updated")
            return {doc_id: [revtree.format_rev(rev) for rev in revs] for doc_id, revs in purged.items()}

        return self._io.write(job)

    def purged_infos(self, db: str) -> list[dict[str, object]]:
        """What was asked to be purged of late, oldest first: `{id, revs}`."""
        with self._reading(db) as (conn, row):
            rows = conn.execute("SELECT id, revs FROM purges WHERE db = ? ORDER BY seq", (row.pk,))
            return [{"id": doc_id, "revs": json.loads(str(revs))} for doc_id, revs in rows]

    def purged_infos_limit(self, db: str) -> int:
        """How many purges are remembered."""
        with self._reading(db) as (_, row):
            return row.purges_kept

    def set_purged_infos_limit(self, db: str, limit: object, *, user: UserCtx = SERVER) -> None:
        """Raises BadRequest, Unauthorized, Forbidden."""
        if not isinstance(limit, int) or isinstance(limit, bool) or not 0 < limit < 2**63:
            raise BadRequest("`purged_infos_limit` must be positive integer")

        def job(conn: apsw.Connection) -> None:
            row = records.database(conn, db)
            updates.require_admin(user, row.security)
            conn.execute("UPDATE databases SET purges_kept = ? WHERE pk = ?", (limit, row.pk))
            _forget_beyond(conn, row.pk, row.purge_seq - limit)

        self._io.write(job)


def _checked(
    wanted: Mapping[str, Sequence[str]], most_documents: int, most_revisions: int
) -> dict[str, list[Rev]]:
    if any(not isinstance(revs, (list, tuple)) for revs in wanted.values()):
        raise BadRequest("Invalid list of revisions")
    asked = {doc_id: [read_rev(text) for text in revs] for doc_id, revs in wanted.items()}
    if len(asked) > most_documents:
        raise BadRequest("Exceeded maximum number of documents.")
    if sum(len(revs) for revs in asked.values()) > most_revisions:
        raise BadRequest("Exceeded maximum number of revisions.")
    return asked


def _purge(conn: apsw.Connection, name: str, doc_id: str, revs: Sequence[Rev]) -> list[Rev]:
    db = records.database(conn, name)  # its number grows with each document
    doc = None if doc_id.startswith(LOCAL) else records.document(conn, db, doc_id)
    if doc is None:
        return []
    leaves = set(doc.tree.leaves)
    removed = [rev for rev in dict.fromkeys(revs) if rev in leaves]
    if not removed:
        return []
    tree = revtree.purge(doc.tree, removed)
    for rev in doc.tree.nodes.keys() - tree.nodes.keys():
        records.drop_revision(conn, db, doc, rev, leaf=rev in leaves)
    _store(conn, db, doc, tree)
    return removed


def _store(conn: apsw.Connection, db: DatabaseRow, doc: DocRow, tree: RevTree) -> None:
    """Write what is left of a document under the next sequence number; if that is nothing, remove it."""
    seq = db.seq + 1
    live, dead = -int(not doc.deleted), -int(doc.deleted)
    if tree.nodes:
        winner, deleted = revtree.format_rev(tree.leaves[0]), tree.all_deleted
        live, dead = live + int(not deleted), dead + int(deleted)
        conn.execute(
            "UPDATE docs SET seq = ?, winner = ?, deleted = ?, tree = ? WHERE pk = ?",
            (seq, winner, deleted, revtree.encode(tree), doc.pk),
        )
    else:
        conn.execute("DELETE FROM docs WHERE pk = ?", (doc.pk,))
    conn.execute(
        "UPDATE databases SET seq = ?, doc_count = doc_count + ?, del_count = del_count + ? WHERE pk = ?",
        (seq, live, dead, db.pk),
    )
    if doc.id.startswith(DESIGN):
        conn.execute("UPDATE databases SET design_seq = ? WHERE pk = ?", (seq, db.pk))


def _remember(conn: apsw.Connection, db: DatabaseRow, asked: Mapping[str, Sequence[Rev]]) -> None:
    for number, (doc_id, revs) in enumerate(asked.items(), start=db.purge_seq + 1):
        texts = json.dumps([revtree.format_rev(rev) for rev in revs])
        conn.execute("INSERT INTO purges VALUES (?, ?, ?, ?)", (db.pk, number, doc_id, texts))
    newest = db.purge_seq + len(asked)
    conn.execute("UPDATE databases SET purge_seq = ? WHERE pk = ?", (newest, db.pk))
    _forget_beyond(conn, db.pk, newest - db.purges_kept)


def _forget_beyond(conn: apsw.Connection, pk: int, seq: int) -> None:
    conn.execute("DELETE FROM purges WHERE db = ? AND seq <= ?", (pk, seq))
