"""Writing documents: parsed and their attachments kept on disk first, then one place in a transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping

from sync import revtree
from sync.embedded import updates
from sync.embedded.base import StoreBase
from sync.embedded.blobs import BlobInfo
from sync.embedded.documents import LOCAL, Incoming
from sync.embedded.ledger import Ledger
from sync.revtree import Rev
from sync.store import SERVER, BulkResult, Document, NoSpace, ReadOnly, StoreError, UserCtx


class WriteCalls(StoreBase):
    """The part of the store that writes documents."""

    def put(
        self,
        db: str,
        doc: Document,
        *,
        user: UserCtx = SERVER,
        new_edits: bool = True,
        blobs: Mapping[str, BlobInfo] | None = None,
    ) -> str:
        """Store one document with its bodies and inline attachments; return its revision.

        `blobs` are attachments named with `"follows": true`, already taken in by `ingest`. With
        `new_edits=False` the document comes from a replicator and keeps its `_rev`.
        Raises NotFound, Conflict, Forbidden, Unauthorized, BadRequest, TooLarge, DigestMismatch.
        """
        incoming = self._parsed(doc, blobs)
        rev = self._io.edit(lambda ledger: self._edit(ledger, db, incoming, user, new_edits=new_edits))
        return revtree.format_rev(rev)

    def bulk_docs(
        self,
        db: str,
        docs: Iterable[Document],
        *,
        new_edits: bool = True,
        user: UserCtx = SERVER,
        well_formed: bool = False,
    ) -> list[BulkResult]:
        """Store many, in one transaction; each stands or falls alone. A document without `_id` gets one.

        Raises NotFound (database), NoSpace, ReadOnly; every other refusal is a row. With `well_formed` a
        document that is none by itself (BadRequest, TooLarge, DigestMismatch) raises, and nothing is stored.
        """
        self._database(db)  # before any attachment is kept for one that is not there
        with self._blobs.arrivals() as arrivals:
            parse = self._parser(arrivals)
            parsed = [_tried(doc, parse, raising=well_formed) for doc in docs]
            arrivals.settle()

        ids = [item.id for item in parsed if isinstance(item, Incoming) and not item.id.startswith(LOCAL)]

        def job(ledger: Ledger) -> list[BulkResult]:
            ledger.look_up(db, ids)
            return [
                item if isinstance(item, BulkResult) else self._row(ledger, db, item, user, new_edits)
                for item in parsed
            ]

        return self._io.edit(job)

    def put_local(self, db: str, doc_id: str, doc: Document) -> None:
        """Write `_local/<doc_id>`, whatever was there. Raises NotFound (database), BadRequest, TooLarge."""
        plain = {name: value for name, value in doc.items() if name not in {"_id", "_rev"}}
        self.put(db, {**plain, "_id": LOCAL + doc_id})

    def _edit(self, ledger: Ledger, db: str, incoming: Incoming, user: UserCtx, *, new_edits: bool) -> Rev:
        if incoming.id.startswith(LOCAL):
            return updates.edit_local(ledger, db, incoming)
        return updates.edit(ledger, self._rules, self._blobs, db, incoming, user=user, new_edits=new_edits)

    def _row(self, ledger: Ledger, db: str, incoming: Incoming, user: UserCtx, new_edits: bool) -> BulkResult:
        try:
            rev = self._edit(ledger, db, incoming, user, new_edits=new_edits)
        except StoreError as error:
            given = None if incoming.rev is None else revtree.format_rev(incoming.rev)
            return BulkResult(incoming.id, given, error.error, error.reason)
        return BulkResult(incoming.id, revtree.format_rev(rev))


def _tried(doc: object, parse: Callable[[object], Incoming], *, raising: bool) -> Incoming | BulkResult:
    if isinstance(doc, dict) and "_id" not in doc:
        doc = {"_id": uuid.uuid4().hex, **doc}
    try:
        return parse(doc)
    except (NoSpace, ReadOnly):
        raise  # no fault of this document: the client keeps them all and tries again
    except StoreError as error:
        if raising:
            raise
        name = doc.get("_id") if isinstance(doc, dict) else None
        return BulkResult(name if isinstance(name, str) else "", None, error.error, error.reason)
