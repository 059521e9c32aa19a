"""One moment of a database, from which a client may want many revisions: each as JSON, never taken apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import apsw

from sync import revtree
from sync.embedded import records, rendering
from sync.embedded.blobs import BlobStore
from sync.embedded.documents import StoredAttachment, read_rev
from sync.embedded.records import DatabaseRow, DocRow, RevisionRow, WholeRow
from sync.embedded.rendering import PLAIN, Show
from sync.revtree import Rev


class Moment:
    """Reads inside one transaction. Let go of it soon: the write-ahead log cannot shrink meanwhile."""

    def __init__(self, conn: apsw.Connection, blobs: BlobStore, db: DatabaseRow) -> None:
        self._conn = conn
        self._blobs = blobs
        self._db = db
        self._looked_up: dict[str, WholeRow] = {}

    def look_up(self, ids: Sequence[str], *, max_bytes: int = 64 * 1024) -> None:
        """Read the winners of documents together, since they will be asked for.

        Those that were looked up before are let go of. A body of more than `max_bytes` is not read yet.
        """
        self._looked_up = records.whole(self._conn, self._db, ids, max_bytes=max_bytes)

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
        whole = self._looked_up.get(doc_id)
        if whole is not None and whole.stored is not None and [whole.rev] == revs:
            # Most ask for what they have just been told of: the winner, which is its own latest.
            return [(revs[0], self._rendered(whole.doc, whole.stored, whole.attachments, show))]
        doc = records.document(self._conn, self._db, doc_id) if whole is None else whole.doc
        if doc is None:
            return [] if revs == "all" else [(revtree.format_rev(rev), None) for rev in _named(revs)]
        wanted = list(doc.tree.leaves) if revs == "all" else _named(revs)
        if latest and revs != "all":
            wanted = newest(doc, wanted)
        return [(revtree.format_rev(rev), self._json(doc, rev, show)) for rev in wanted]

    def _json(self, doc: DocRow, rev: Rev, show: Show) -> bytes | None:
        stored = records.revision(self._conn, doc, rev)
        if stored is None:
            return None
        return self._rendered(doc, stored, records.attachments(self._conn, stored.pk), show)

    def _rendered(
        self, doc: DocRow, stored: RevisionRow, atts: Mapping[str, StoredAttachment], show: Show
    ) -> bytes:
        return rendering.full_json(self._blobs, doc, stored, atts, show=show)


def _named(revs: Sequence[str]) -> list[Rev]:
    return list(dict.fromkeys(read_rev(text) for text in revs))


def newest(doc: DocRow, revs: Sequence[Rev]) -> list[Rev]:
    """The leaves below `revs`; a revision that is unknown stands for itself, to be reported missing."""
    found: dict[Rev, None] = {}
    for rev in revs:
        found.update(dict.fromkeys(revtree.latest(doc.tree, rev) or [rev]))
    return list(found)
