"""Documents: reading them, and writing them so that a write tried twice is one write.

When a connection is lost after a PUT was sent, nobody knows whether it was stored. Sent again, it is either
stored now or refused as a conflict, and that conflict may be with itself. So after such a refusal we look for
our own edit below the revision that it built on; if it is there, it was acknowledged late.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

from sync import checks
from sync.checks import LOCAL
from sync.couch.answers import error_of_row, is_missing_document
from sync.couch.base import CouchBase, asker
from sync.couch.outgoing import check_document, same_edit
from sync.couch.wire import Tries
from sync.store import SERVER, BulkResult, Conflict, Document, NotFound, Stored, StoreError, UserCtx


class DocumentCalls(CouchBase):
    """The part of the store that speaks of documents."""

    # -- reading

    def get(self, db: str, doc_id: str, *, rev: str | None = None, conflicts: bool = False) -> Document:
        """The winner, or revision `rev`; attachments as stubs. Raises NotFound, also for a deleted winner."""
        params: dict[str, Any] = {} if rev is None else {"rev": rev}
        if conflicts:
            params["conflicts"] = True
        return cast("Document", self.wire.json("GET", db, checks.check_id(doc_id), params=params))

    def find(self, db: str, doc_id: str) -> Document | None:
        """The winner, or None if there is no such document or it is deleted. Raises NotFound (database)."""
        try:
            return self.get(db, doc_id)
        except NotFound as error:
            if not is_missing_document(error):
                raise
            return None

    def leaves(self, db: str, doc_id: str, *, deleted: bool = False) -> list[Document]:
        """Every leaf, winner first, with `_revisions`; tombstones too if `deleted`. [] if unknown."""
        try:
            rows = self.wire.json(
                "GET", db, checks.check_id(doc_id), params={"open_revs": "all", "revs": True}
            )
        except NotFound as error:
            if not is_missing_document(error):
                raise
            return []
        found = [row["ok"] for row in rows if "ok" in row]
        found.sort(key=lambda leaf: (not leaf.get("_deleted"), checks.read_rev(leaf["_rev"])), reverse=True)
        return [leaf for leaf in found if deleted or not leaf.get("_deleted")]

    def stored(self, dbs: Sequence[str], doc_id: str) -> list[Stored]:
        """The winner of one document in each of these databases, one after the other; see DocumentStore."""
        found = []
        for db in dbs:
            try:
                doc = self.get(db, doc_id, conflicts=True)
            except NotFound:
                continue
            conflicting = bool(doc.pop("_conflicts", []))
            rev = doc.pop("_rev")
            body = {name: value for name, value in doc.items() if not name.startswith("_")}
            found.append(Stored(db, rev, json.dumps(body).encode(), conflicting))
        return found

    def reading_order(self, dbs: Sequence[str], doc_id: str) -> list[str]:
        """As they come: only CouchDB knows how its documents lie; see DocumentStore."""
        return list(dbs)

    def having(self, dbs: Sequence[str], prefix: str) -> list[str]:
        """All of them, as asking each costs what reading it does; see DocumentStore."""
        return list(dbs)

    def all_docs(self, db: str, *, prefix: str = "", keys: Sequence[str] | None = None) -> Iterator[Document]:
        """Winners that are not deleted, by id; only ids that begin with `prefix`, or those in `keys`.

        Read page by page: documents written meanwhile may or may not be seen, none comes twice.
        """
        pages = self._pages(db, prefix) if keys is None else self._pages_of(db, keys, prefix)
        first = next(pages)  # an unknown database is reported by the call, not by the first `next`
        return self._flat(first, pages)

    def get_local(self, db: str, doc_id: str) -> Document | None:
        """The `_local/<doc_id>` document, or None. Raises NotFound (database)."""
        return self.find(db, LOCAL + doc_id)

    def revs_diff(self, db: str, wanted: Mapping[str, Sequence[str]]) -> dict[str, dict[str, list[str]]]:
        """Which of the `wanted` revisions are not here: `{id: {missing: […], possible_ancestors?: […]}}`."""
        asked = {doc_id: list(revs) for doc_id, revs in wanted.items()}
        return cast("dict[str, dict[str, list[str]]]", self.wire.json("POST", db, "_revs_diff", body=asked))

    # -- writing

    def put(self, db: str, doc: Document, *, user: UserCtx = SERVER) -> str:
        """Store one document with its bodies and inline attachments; return the new revision.

        Raises NotFound, Conflict, Forbidden, Unauthorized, BadRequest, TooLarge, DigestMismatch.
        """
        check_document(doc, max_bytes=self.options.document_bytes)
        tries = Tries()
        try:
            stored = self.wire.json("PUT", db, doc["_id"], body=doc, user=asker(user), tries=tries)
            return str(stored["rev"])
        except Conflict:
            rev = self._own_edit(db, doc) if tries.unsure else None
            if rev is None:
                raise
            return rev

    def bulk_docs(
        self, db: str, docs: Iterable[Document], *, new_edits: bool = True, user: UserCtx = SERVER
    ) -> list[BulkResult]:
        """Store many; each stands or falls alone. A document without `_id` gets one.

        Raises NotFound (database), and Unauthorized or Forbidden for who is no member; every other refusal
        is a row.
        """
        named = [self._named(doc) for doc in docs]
        rows: dict[int, BulkResult] = {}
        good: list[int] = []
        for number, doc in enumerate(named):
            try:
                check_document(doc, max_bytes=self.options.document_bytes)
                good.append(number)
            except StoreError as error:
                rows[number] = _refused(doc, error)
        if not good:
            self.wire.ask("HEAD", db)  # an unknown database is one for an empty list, too
        told = self._bulk(db, [named[number] for number in good], new_edits, user)
        rows.update(zip(good, told, strict=True))
        return [rows[number] for number in range(len(named))]

    def put_local(self, db: str, doc_id: str, doc: Document) -> None:
        """Write `_local/<doc_id>`, whatever was there. Raises NotFound (database), BadRequest, TooLarge."""
        plain = {name: value for name, value in doc.items() if name not in {"_id", "_rev"}}
        full = check_document({**plain, "_id": LOCAL + doc_id}, max_bytes=self.options.document_bytes)
        self.wire.ask("PUT", db, full["_id"], body=full)

    # -- inside

    def _pages(self, db: str, prefix: str) -> Iterator[list[Document]]:
        asked: dict[str, Any] = {"include_docs": True, "limit": self.options.page}
        if prefix:
            asked.update(start_key=prefix, end_key=prefix + "\U0010ffff")
        while True:
            rows = self.wire.json("POST", db, "_all_docs", body=asked)["rows"]
            yield [row["doc"] for row in rows if row.get("doc") is not None]
            if len(rows) < self.options.page:
                return
            # Not by `skip`: the last document may be gone by then, and the next must not be skipped for it.
            asked["start_key"] = rows[-1]["id"] + "\x00"

    def _pages_of(self, db: str, keys: Sequence[str], prefix: str) -> Iterator[list[Document]]:
        wanted = [key for key in keys if key.startswith(prefix)]
        for start in range(0, max(len(wanted), 1), self.options.page):
            asked = {"keys": wanted[start : start + self.options.page], "include_docs": True}
            rows = self.wire.json("POST", db, "_all_docs", body=asked)["rows"]
            yield [row["doc"] for row in rows if row.get("doc") is not None]

    def _flat(self, first: list[Document], pages: Iterator[list[Document]]) -> Iterator[Document]:
        yield from first
        for page in pages:
            yield from page

    def _named(self, doc: object) -> Any:
        if isinstance(doc, dict) and "_id" not in doc:
            return {"_id": uuid.uuid4().hex, **doc}
        return doc

    def _bulk(self, db: str, docs: list[Document], new_edits: bool, user: UserCtx) -> list[BulkResult]:
        """Rows in the order of `docs`, in as many requests as their sizes need."""
        if not docs:
            return []
        body: dict[str, Any] = {"docs": docs}
        if not new_edits:
            body["new_edits"] = False
        tries = Tries()
        try:
            told = self.wire.json("POST", db, "_bulk_docs", body=body, user=asker(user), tries=tries)
        except NotFound:
            raise
        except StoreError as error:
            # CouchDB refuses all for one it cannot read or take; the half without that one must not suffer.
            if error.status not in {400, 412, 413}:
                raise
            if len(docs) == 1:
                return [_refused(docs[0], error)]
            middle = len(docs) // 2
            return [
                *self._bulk(db, docs[:middle], new_edits, user),
                *self._bulk(db, docs[middle:], new_edits, user),
            ]
        if not new_edits:
            return _replicated(docs, told)
        return [self._row(db, doc, row, tries) for doc, row in zip(docs, told, strict=True)]

    def _row(self, db: str, doc: Document, row: Mapping[str, Any], tries: Tries) -> BulkResult:
        if "error" not in row:
            return BulkResult(str(row["id"]), str(row["rev"]))
        error = error_of_row(row)
        rev = self._own_edit(db, doc) if tries.unsure and isinstance(error, Conflict) else None
        return _refused(doc, error) if rev is None else BulkResult(doc["_id"], rev)

    def _own_edit(self, db: str, doc: Document) -> str | None:
        """The revision that `doc` became when it was sent before, if it did."""
        return self._edit_below(db, doc["_id"], doc.get("_rev"), lambda found: same_edit(doc, found))

    def _edit_below(
        self, db: str, doc_id: str, parent: str | None, ours: Callable[[Document], bool]
    ) -> str | None:
        """The first edit of `parent` that is `ours`, in the lines of all leaves."""
        for leaf in self.leaves(db, doc_id, deleted=True):
            for rev in _children(leaf, parent):
                found = self._revision(db, doc_id, rev)
                if found is not None and ours(found):
                    return rev
        return None

    def _revision(self, db: str, doc_id: str, rev: str) -> Document | None:
        try:
            return self.get(db, doc_id, rev=rev)
        except NotFound as error:
            if not is_missing_document(error):
                raise
            return None


def _children(leaf: Document, parent: str | None) -> list[str]:
    """Where in a leaf's line an edit of `parent` would be: the next one after it.

    Without a parent it is the first, or the last if it brought a deleted document back.
    """
    start, ids = leaf["_revisions"]["start"], leaf["_revisions"]["ids"]
    line = [f"{start - n}-{name}" for n, name in enumerate(ids)]
    if parent is None:
        return list(dict.fromkeys((line[0], line[-1])))
    return [child for child, builds_on in pairwise(line) if builds_on == parent]


def _refused(doc: object, error: StoreError) -> BulkResult:
    given: Mapping[str, Any] = doc if isinstance(doc, dict) else {}
    doc_id, rev = given.get("_id"), given.get("_rev")
    return BulkResult(
        doc_id if isinstance(doc_id, str) else "",
        rev if isinstance(rev, str) else None,
        error.error,
        error.reason,
    )


def _replicated(docs: list[Document], told: object) -> list[BulkResult]:
    """With `new_edits=false` CouchDB names only what it refused."""
    rows = told if isinstance(told, list) else []
    refused = {(str(row.get("id")), row.get("rev")): row for row in rows if "error" in row}
    results = []
    for doc in docs:
        rev = _named_rev(doc)
        row = refused.get((doc["_id"], rev)) or refused.get((doc["_id"], None))
        results.append(
            BulkResult(doc["_id"], rev) if row is None else _refused({**doc, "_rev": rev}, error_of_row(row))
        )
    return results


def _named_rev(doc: Document) -> str | None:
    revisions = doc.get("_revisions")
    if revisions:
        return f"{revisions['start']}-{revisions['ids'][0]}"
    rev = doc.get("_rev")
    return None if rev is None else str(rev)
