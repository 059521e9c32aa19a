"""Reading one thing of many databases at once: what a list of everything is made of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from sync.embedded import records
from sync.embedded.base import StoreBase
from sync.store import Size, Stored

#: Databases named in one statement.
_AT_ONCE = 500


class AcrossCalls(StoreBase):
    """The part of the store that speaks of many databases."""

    def stored(self, dbs: Sequence[str], doc_id: str) -> list[Stored]:
        """The winner of one document in each of these databases, as it lies on disk; see DocumentStore."""
        found: dict[str, Stored] = {}
        for some in _batched(dbs):
            with self._io.reading() as conn:
                # CROSS JOIN: first the database, then its document, whatever SQLite may think.
                rows = conn.execute(
                    "SELECT b.name, d.pk, d.id, d.seq, d.deleted, d.tree, r.rev, r.body"  # noqa: S608  marks
                    " FROM databases b CROSS JOIN docs d ON d.db = b.pk AND d.id = ?"
                    " CROSS JOIN revisions r ON r.doc = d.pk AND r.rev = d.winner"
                    f" WHERE b.name IN ({', '.join('?' * len(some))}) AND NOT d.deleted",
                    (doc_id, *some),
                )
                for name, *columns, rev, body in rows:
                    doc = records.doc_row(tuple(columns))
                    alive = (
                        () if doc.is_single else [one for one in doc.tree.leaves if not doc.tree.deleted(one)]
                    )
                    found[name] = Stored(name, rev, body, conflicting=len(alive) > 1)
        return [found[name] for name in dbs if name in found]

    def reading_order(self, dbs: Sequence[str], doc_id: str) -> list[str]:
        """As the documents lie in the file. By name they lie anywhere, and a disk that is asked for them so
        reads each part of it several times. Databases without one are last."""
        with self._io.reading() as conn:
            rows = conn.execute(
                "SELECT b.name, r.pk FROM databases b CROSS JOIN docs d ON d.db = b.pk AND d.id = ?"
                " CROSS JOIN revisions r ON r.doc = d.pk AND r.rev = d.winner",
                (doc_id,),
            )
            places: dict[str, float] = dict(rows)
        return sorted(dbs, key=lambda name: places.get(name, math.inf))

    def having(self, dbs: Sequence[str], prefix: str) -> list[str]:
        """Those of these databases with a document whose id begins so; see DocumentStore."""
        found: set[str] = set()
        for some in _batched(dbs):
            with self._io.reading() as conn:
                rows = conn.execute(
                    "SELECT b.name FROM databases b"  # noqa: S608  marks
                    f" WHERE b.name IN ({', '.join('?' * len(some))})"
                    " AND EXISTS (SELECT 1 FROM docs WHERE db = b.pk AND id >= ? AND id < ?)",
                    (*some, prefix, prefix + "\U0010ffff"),
                )
                found.update(name for (name,) in rows)
        return [name for name in dbs if name in found]

    def sizes(self, dbs: Sequence[str]) -> dict[str, Size]:
        """What each of these databases takes; an attachment that several have counts in each."""
        found: dict[str, Size] = {}
        for some in _batched(dbs):
            with self._io.reading() as conn:
                rows = conn.execute(
                    "SELECT name, doc_count, bytes FROM databases"  # noqa: S608  marks
                    f" WHERE name IN ({', '.join('?' * len(some))})",
                    some,
                )
                found.update((name, Size(count, size)) for name, count, size in rows)
        return found


def _batched(names: Sequence[str]) -> Iterable[Sequence[str]]:
    return (names[at : at + _AT_ONCE] for at in range(0, len(names), _AT_ONCE))
