"""What a transaction is about to write: edits are decided one by one and written together.

An edit reads what it builds upon, is refused or not, and only then is entered here; so a refusal has nothing
to take back, and one statement stores many documents. Whoever looks at a document that has been entered
already finds it, since everything is written out before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import apsw

from sync import revtree
from sync.embedded import records
from sync.embedded.documents import StoredAttachment
from sync.embedded.records import DatabaseRow, DocRow
from sync.revtree import Rev, RevTree


@dataclass(slots=True)
class _Tally:
    """A database, and what the edits entered so far will have changed in its row."""

    row: DatabaseRow
    seq: int
    live: int = 0
    dead: int = 0
    bytes: int = 0
    old_bytes: int = 0


class Ledger:
    """The edits of one transaction on `conn`, which holds the write lock. `flush` writes them."""

    def __init__(self, conn: apsw.Connection) -> None:
        self.conn = conn
        #: How many edits have been entered since the beginning.
        self.entered = 0
        self._tallies: dict[str, _Tally] = {}
        self._touched: set[tuple[int, str]] = set()
        self._looked_up: dict[tuple[int, str], DocRow | None] = {}
        self._new: list[tuple[int, int, str, int, str, bool, bytes]] = []
        self._grown: list[tuple[int, str, bool, bytes, int]] = []
        self._revisions: list[tuple[int, int, str, bool, bytes]] = []
        self._attachments: list[tuple[object, ...]] = []
        # Keys are handed out here, so that a revision can name its document before either is written. 0: the
        # newest has not been looked up.
        self._last_doc = 0
        self._last_revision = 0

    def database(self, name: str) -> DatabaseRow:
        """The database as it was before these edits; its counters do not count them. Raises NotFound."""
        return self._tally(name).row

    def look_up(self, name: str, ids: Iterable[str]) -> None:
        """Read many documents of a database together, since they will be asked for. Raises NotFound."""
        db = self.database(name)
        wanted = [doc_id for doc_id in ids if (db.pk, doc_id) not in self._touched]
        found = records.documents(self.conn, db, wanted)
        self._looked_up.update(((db.pk, doc_id), found.get(doc_id)) for doc_id in wanted)

    def document(self, db: DatabaseRow, doc_id: str) -> DocRow | None:
        """A document with all edits entered so far."""
        key = (db.pk, doc_id)
        if key in self._touched:
            self.flush()
        elif key in self._looked_up:
            return self._looked_up[key]
        return records.document(self.conn, db, doc_id)

    def enter(
        self,
        db: DatabaseRow,
        doc_id: str,
        old: DocRow | None,
        tree: RevTree,
        rev: Rev,
        *,
        deleted: bool,
        body: bytes,
        atts: Sequence[StoredAttachment],
    ) -> int:
        """Give a document the next sequence number and `tree`, in which the revision `rev` has a body now.

        Returns the number. `old` is the document before, None for a new one.
        """
        # Encoded first: what cannot be encoded is refused before anything is counted.
        leaf = tree.leaves[0]
        encoded, winner, dead = revtree.encode(tree), revtree.format_rev(leaf), tree.deleted(leaf)
        self.entered += 1
        tally = self._tally(db.name)
        tally.seq += 1
        if old is None:
            self._last_doc = pk = (self._last_doc or self._newest_key("docs")) + 1
            self._new.append((pk, db.pk, doc_id, tally.seq, winner, dead, encoded))
        else:
            pk = old.pk
            self._grown.append((tally.seq, winner, dead, encoded, pk))
            tally.live -= not old.deleted
            tally.dead -= old.deleted
            self._supersede(tally, old, tree)
        tally.live += not dead
        tally.dead += dead
        tally.bytes += len(body)
        self._last_revision = key = (self._last_revision or self._newest_key("revisions")) + 1
        self._revisions.append((key, pk, winner if rev == leaf else revtree.format_rev(rev), deleted, body))
        for a in atts:
            tally.bytes += a.stored_length
            self._attachments.append((key, *a))
        self._touched.add((db.pk, doc_id))
        return tally.seq

    def flush(self) -> None:
        """Write everything that was entered, and forget what was read: the next edit sees it anew."""
        conn = self.conn
        if self._new:
            conn.executemany(
                "INSERT INTO docs (pk, db, id, seq, winner, deleted, tree) VALUES (?, ?, ?, ?, ?, ?, ?)",
                self._new,
            )
        if self._grown:
            conn.executemany(
                "UPDATE docs SET seq = ?, winner = ?, deleted = ?, tree = ? WHERE pk = ?", self._grown
            )
        if self._revisions:
            conn.executemany(
                "INSERT INTO revisions (pk, doc, rev, deleted, body) VALUES (?, ?, ?, ?, ?)", self._revisions
            )
        if self._attachments:
            conn.executemany("INSERT INTO attachments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", self._attachments)
        for tally in self._tallies.values():
            if tally.seq != tally.row.seq:
                _settle(conn, tally)
        self._forget()

    def _forget(self) -> None:
        for pending in (
            self._tallies,
            self._touched,
            self._looked_up,
            self._new,
            self._grown,
            self._revisions,
            self._attachments,
        ):
            pending.clear()
        self._last_doc = self._last_revision = 0

    def _tally(self, name: str) -> _Tally:
        tally = self._tallies.get(name)
        if tally is None:
            row = records.database(self.conn, name)
            tally = self._tallies[name] = _Tally(row, row.seq)
        return tally

    def _newest_key(self, table: str) -> int:
        return int(self.conn.execute(f"SELECT coalesce(max(pk), 0) FROM {table}").get)  # noqa: S608  ours

    def _supersede(self, tally: _Tally, old: DocRow, tree: RevTree) -> None:
        """Count revisions that were leaves and have been built upon, and drop those too old to be kept."""
        for rev in set(old.tree.leaves).difference(tree.leaves):
            found = records.stored_size(self.conn, old.pk, rev)
            tally.old_bytes += found[1] if found is not None else 0
        if not old.tree.nodes.keys() <= tree.nodes.keys():
            for forgotten in old.tree.nodes.keys() - tree.nodes.keys():
                records.drop_revision(self.conn, tally.row, old, forgotten)


def _settle(conn: apsw.Connection, tally: _Tally) -> None:
    conn.execute(
        "UPDATE databases SET seq = ?, doc_count = doc_count + ?, del_count = del_count + ?,"
        " bytes = bytes + ?, old_bytes = old_bytes + ? WHERE pk = ?",
        (tally.seq, tally.live, tally.dead, tally.bytes, tally.old_bytes, tally.row.pk),
    )
    records.note_update(conn, tally.row.name, "updated")
