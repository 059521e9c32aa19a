"""One moment of a database, from which a client may want many revisions: each as JSON, never taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import apsw

from sync import revtree
from sync.embedded import records, rendering
from sync.embedded.blobs import BlobStore
from sync.embedded.documents import read_rev
from sync.embedded.records import DatabaseRow, DocRow
from sync.embedded.rendering import PLAIN, Show
from sync.revtree import Rev


class Moment:
    """Reads inside one transaction. Let go of it soon: the write-ahead log cannot shrink meanwhile."""

    def __init__(self, conn: apsw.Connection, blobs: BlobStore, db: DatabaseRow) -> None:
        self._conn = conn
        self._blobs = blobs
        self._db = db

    def open_revs(
        self,
        doc_id: str,
        revs: Sequence[str] | Literal["all"],
        *,
        latest: bool = False,
        show: Show = PLAIN,
    ) -> list[tuple[str, bytes | None]]:
        """The given revisions, or all leaves; with `latest`, the leaves that descend from those given.

        Each by its name and as JSON, None if it is unknown here or its body is not kept. Raises BadRequest (a
        malformed revision), BytesMissing.
        """
        doc = records.document(self._conn, self._db, doc_id)
        if doc is None:
            return [] if revs == "all" else [(revtree.format_rev(rev), None) for rev in _named(revs)]
        wanted = list(doc.tree.leaves) if revs == "all" else _named(revs)
        if latest and revs != "all":
            wanted = newest(doc, wanted)
        return [(revtree.format_rev(rev), self._json(doc, rev, show)) for rev in wanted]

    def _json(self, doc: DocRow, rev: Rev, show: Show) -> bytes | None:
        return rendering.full_json(self._conn, self._blobs, self._db, doc, rev, show=show)


def _named(revs: Sequence[str]) -> list[Rev]:
    return list(dict.fromkeys(read_rev(text) for text in revs))


def newest(doc: DocRow, revs: Sequence[Rev]) -> list[Rev]:
    """The leaves below `revs`; a revision that is unknown stands for itself, to be reported missing."""
    found: dict[Rev, None] = {}
    for rev in revs:
        found.update(dict.fromkeys(revtree.latest(doc.tree, rev) or [rev]))
    return list(found)
