"""Reading documents and feeds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import apsw

from sync import revtree
from sync.embedded import feed, listing, records
from sync.embedded.base import StoreBase
from sync.embedded.documents import LOCAL, read_rev
from sync.embedded.feed import FeedQuery
from sync.embedded.listing import Listing, ListQuery
from sync.embedded.records import DatabaseRow, DocRow
from sync.embedded.rendering import PLAIN, Show, full
from sync.revtree import Rev
from sync.store import BadRequest, ChangeBatch, Document, NotFound


@dataclass(frozen=True)
class OpenRev:
    """One answer of `open_revs`: `doc` is None if the revision is unknown here or its body is not kept."""

    rev: str
    doc: Document | None


class ReadCalls(StoreBase):
    """The part of the store that reads."""

    def get(
        self,
        db: str,
        doc_id: str,
        *,
        rev: str | None = None,
        conflicts: bool = False,
        latest: bool = False,
        show: Show = PLAIN,
    ) -> Document:
        """The winner, or revision `rev` (its best leaf, if `latest`), with what `show` asks for.

        `_local/` ids are read too. Raises BadRequest, and NotFound (`missing`, or `deleted` for a winner).
        """
        if conflicts:
            show = replace(show, conflicts=True)
        with self._reading(db) as (conn, row):
            if doc_id.startswith(LOCAL):
                return _local(conn, row, doc_id)
            doc = records.document(conn, row, doc_id)
            if doc is None:
                raise NotFound("missing")
            if rev is None and doc.deleted:
                raise NotFound("deleted")
            wanted = doc.tree.leaves[0] if rev is None else read_rev(rev)
            if latest:
                wanted = next(iter(revtree.latest(doc.tree, wanted)), wanted)
            found = full(conn, self._blobs, row, doc, wanted, show=show)
        if found is None:
            raise NotFound("missing")
        return found

    def find(self, db: str, doc_id: str) -> Document | None:
        """The winner, or None if there is no such document or it is deleted. Raises NotFound (database)."""
        with self._reading(db) as (conn, row):
            doc = records.document(conn, row, doc_id)
            if doc is None or doc.deleted:
                return None
            return full(conn, self._blobs, row, doc, doc.tree.leaves[0], show=PLAIN)

    def leaves(self, db: str, doc_id: str, *, deleted: bool = False) -> list[Document]:
        """Every leaf, winner first, with `_revisions`; tombstones too if `deleted`. [] if unknown."""
        with self._reading(db) as (conn, row):
            doc = records.document(conn, row, doc_id)
            if doc is None:
                return []
            wanted = [leaf for leaf in doc.tree.leaves if deleted or not doc.tree.deleted(leaf)]
            found = (full(conn, self._blobs, row, doc, leaf, show=Show(revs=True)) for leaf in wanted)
            return [body for body in found if body is not None]

    def open_revs(
        self,
        db: str,
        doc_id: str,
        revs: Sequence[str] | Literal["all"],
        *,
        latest: bool = False,
        show: Show = PLAIN,
    ) -> list[OpenRev]:
        """The given revisions, or all leaves; with `latest`, the leaves that descend from those given.

        Raises NotFound (database), BadRequest (a malformed revision).
        """
        with self._reading(db) as (conn, row):
            doc = records.document(conn, row, doc_id)
            if revs == "all":
                wanted = [] if doc is None else list(doc.tree.leaves)
            else:
                wanted = list(dict.fromkeys(read_rev(text) for text in revs))
            if doc is None:
                return [OpenRev(revtree.format_rev(rev), None) for rev in wanted]
            if latest and revs != "all":
                wanted = _newest(doc, wanted)
            return [
                OpenRev(revtree.format_rev(rev), full(conn, self._blobs, row, doc, rev, show=show))
                for rev in wanted
            ]

    def leaf_documents(
        self, db: str, wanted: Sequence[tuple[str, Sequence[str]]], *, show: Show = PLAIN
    ) -> list[list[Document]]:
        """The given revisions of each document, all of one moment; those that are not kept are left out."""
        with self._reading(db) as (conn, row):
            result: list[list[Document]] = []
            for doc_id, revs in wanted:
                doc = records.document(conn, row, doc_id)
                if doc is None:
                    result.append([])
                    continue
                found = [full(conn, self._blobs, row, doc, read_rev(rev), show=show) for rev in revs]
                result.append([body for body in found if body is not None])
            return result

    def revs_diff(self, db: str, wanted: Mapping[str, Sequence[str]]) -> dict[str, dict[str, list[str]]]:
        """Which of the `wanted` revisions are not here: `{id: {missing: […], possible_ancestors?: […]}}`.

        Documents of which nothing is missing are left out. Raises BadRequest for malformed input.
        """
        result = {}
        with self._reading(db) as (conn, row):
            for doc_id, texts in wanted.items():
                if not isinstance(texts, (list, tuple)):
                    raise BadRequest("Invalid list of revisions")
                revs = list(dict.fromkeys(read_rev(text) for text in texts))
                doc = records.document(conn, row, doc_id)
                missing = revs if doc is None else revtree.missing(doc.tree, revs)
                if missing:
                    entry = {"missing": [revtree.format_rev(rev) for rev in missing]}
                    ancestors = [] if doc is None else revtree.possible_ancestors(doc.tree, missing)
                    if ancestors:
                        entry["possible_ancestors"] = [revtree.format_rev(rev) for rev in ancestors]
                    result[doc_id] = entry
        return result

    def all_docs(self, db: str, *, prefix: str = "", keys: Sequence[str] | None = None) -> Iterator[Document]:
        """Winners that are not deleted, by id; only ids that begin with `prefix`, or those in `keys`.

        Read page by page: documents written meanwhile may or may not be seen, none comes twice.
        """
        with self._reading(db):
            pass  # an unknown database is reported by the call, not by the first `next`
        return self._pages(db, prefix) if keys is None else self._by_keys(db, keys, prefix)

    def list_docs(self, db: str, query: ListQuery) -> Listing:
        """`_all_docs` in CouchDB's shape, from one moment."""
        with self._reading(db) as (conn, row):
            return listing.read(conn, self._blobs, row, query)

    def get_local(self, db: str, doc_id: str) -> Document | None:
        """The `_local/<doc_id>` document, or None. Raises NotFound (database)."""
        with self._reading(db) as (conn, row):
            try:
                return _local(conn, row, LOCAL + doc_id)
            except NotFound:
                return None

    def changes(
        self,
        db: str,
        *,
        since: str = "0",
        limit: int | None = None,
        include_docs: bool = False,
        style: Literal["main_only", "all_docs"] = "main_only",
        timeout: float = 0.0,
    ) -> ChangeBatch:
        """What changed after `since`, oldest first; waits up to `timeout` seconds if there is nothing.

        `since` may be `now`. A sequence of another database that once had this name counts from the start.
        Raises NotFound, also when the database is deleted meanwhile, and BadRequest for a malformed `since`.
        """
        query = FeedQuery(since=since, limit=limit, include_docs=include_docs, style=style)
        return self.wait_changes(db, query, timeout=timeout)

    def read_changes(self, db: str, query: FeedQuery) -> ChangeBatch:
        """One batch of the feed, at once."""
        with self._reading(db) as (conn, row):
            return feed.read(conn, self._blobs, self._pending, row, query)

    def wait_changes(self, db: str, query: FeedQuery, *, timeout: float) -> ChangeBatch:
        """One batch of the feed, waiting up to `timeout` seconds for the first change."""
        deadline = time.monotonic() + timeout
        with self.watch(db) as bell:
            while True:
                batch = self.read_changes(db, query)
                left = deadline - time.monotonic()
                if batch.results or left <= 0 or self.dismissed:
                    return batch
                query = replace(query, since=batch.last_seq)
                bell.wait(left)

    def _pages(self, db: str, prefix: str) -> Iterator[Document]:
        low, low_open = prefix, False
        while True:
            with self._reading(db) as (conn, row):
                page = list(
                    records.winners(
                        conn,
                        row,
                        low=low,
                        low_open=low_open,
                        high=prefix + "\U0010ffff" if prefix else None,
                        limit=self.limits.page,
                    )
                )
                bodies = [full(conn, self._blobs, row, doc, doc.tree.leaves[0], show=PLAIN) for doc in page]
            yield from (body for body in bodies if body is not None)
            if len(page) < self.limits.page:
                return
            low, low_open = page[-1].id, True

    def _by_keys(self, db: str, keys: Sequence[str], prefix: str) -> Iterator[Document]:
        for key in keys:
            found = self.find(db, key) if key.startswith(prefix) else None
            if found is not None:
                yield found


def _local(conn: apsw.Connection, row: DatabaseRow, doc_id: str) -> Document:
    found = records.local_document(conn, row, doc_id)
    if found is None:
        raise NotFound("missing")
    return {"_id": doc_id, "_rev": f"0-{found[0]}", **found[1]}


def _newest(doc: DocRow, revs: Sequence[Rev]) -> list[Rev]:
    """The leaves below `revs`; a revision that is unknown stands for itself, to be reported missing."""
    found: dict[Rev, None] = {}
    for rev in revs:
        found.update(dict.fromkeys(revtree.latest(doc.tree, rev) or [rev]))
    return list(found)
