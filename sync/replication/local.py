"""Replicas in this process: databases of the embedded store."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sync.checks import parse_digest
from sync.embedded.engine import EmbeddedStore
from sync.embedded.rendering import Show
from sync.embedded.validate import Validator
from sync.embedded.writer import StoreBusy
from sync.multipart import Stream
from sync.replication.replica import Missing, Opened, Replica, Transient
from sync.store import BulkResult, ChangeBatch, DatabaseExists, DatabaseInfo, Document

_STUBS = Show(revs=True, att_encoding_info=True)


@contextmanager
def _patient() -> Iterator[None]:
    """A store that another process keeps busy is worth another try."""
    try:
        yield
    except StoreBusy as error:
        raise Transient(error.reason) from error


class LocalReplica:
    """One database of an embedded store. `answer_bytes` bounds what one `bulk_get` answers."""

    def __init__(self, store: EmbeddedStore, db: str, *, answer_bytes: int = 16 * 1024 * 1024) -> None:
        self._store = store
        self._db = db
        self._answer_bytes = answer_bytes

    @property
    def identity(self) -> str:
        return f"{self._store.incarnation}/{self._db}"

    def info(self) -> DatabaseInfo:
        return self._store.info(self._db)

    def get_local(self, log_id: str) -> Document | None:
        return self._store.get_local(self._db, log_id)

    def put_local(self, log_id: str, doc: Document) -> None:
        with _patient():
            self._store.put_local(self._db, log_id, doc)

    def changes(self, since: str, limit: int) -> ChangeBatch:
        return self._store.changes(self._db, since=since, limit=limit, style="all_docs")

    def revs_diff(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, Missing]:
        found = self._store.revs_diff(self._db, wanted)
        return {
            doc_id: Missing(tuple(row["missing"]), tuple(row.get("possible_ancestors", ())))
            for doc_id, row in found.items()
        }

    def bulk_get(self, wanted: Sequence[tuple[str, str]]) -> list[list[Document]]:
        answers: list[list[Document]] = []
        size = 0
        for doc_id, rev in wanted:
            found = self._store.open_revs(self._db, doc_id, [rev], latest=True, show=_STUBS)
            answers.append([one.doc for one in found if one.doc is not None])
            size += sum(len(json.dumps(doc)) for doc in answers[-1])
            if size > self._answer_bytes:
                break
        return answers

    @contextmanager
    def open_rev(self, doc_id: str, rev: str, atts_since: Sequence[str]) -> Iterator[Iterator[Opened]]:
        show = Show(revs=True, attachments="follows", atts_since=atts_since)
        found = self._store.open_revs(self._db, doc_id, [rev], latest=True, show=show)
        with ExitStack() as streams:
            yield (Opened(one.doc, self._attachments(one.doc, streams)) for one in found if one.doc)

    def _attachments(self, doc: Document, streams: ExitStack) -> Iterator[tuple[str, Stream]]:
        for name, spec in doc.get("_attachments", {}).items():
            if spec.get("follows"):
                found = self._store.open_attachment(self._db, doc["_id"], name, rev=doc["_rev"])
                yield name, streams.enter_context(found).stream

    def bulk_docs(self, docs: Sequence[Document]) -> list[BulkResult]:
        with _patient():
            return [row for row in self._store.bulk_docs(self._db, docs, new_edits=False) if not row.ok]

    def put(self, opened: Opened) -> None:
        specs = opened.doc.get("_attachments", {})
        with _patient():
            blobs = {
                name: self._store.ingest(stream, expect_md5=parse_digest(specs[name].get("digest")))
                for name, stream in opened.attachments
            }
            self._store.put(self._db, opened.doc, new_edits=False, blobs=blobs)


def is_data_folder(folder: Path) -> bool:
    """Whether an embedded store has been in `folder`."""
    return (folder / "hezha.sqlite3").is_file()


class LocalSite:
    """The databases of an embedded store. `close` closes it."""

    def __init__(self, store: EmbeddedStore, label: str) -> None:
        self._store = store
        self.label = label

    @classmethod
    def open(cls, folder: Path) -> LocalSite:
        """Open a data folder, or make one. Raises RuntimeError if another version wrote it.

        The write rules of its databases run; they let the server pass, as CouchDB's let its admin.
        """
        return cls(EmbeddedStore(folder, validator=Validator()), str(folder))

    @property
    def identity(self) -> str:
        return self._store.incarnation

    def names(self) -> list[str]:
        return self._store.database_names()

    def create(self, db: str, *, q: int | None = None, n: int | None = None) -> None:
        """One machine has neither shards nor copies: `q` and `n` mean nothing here."""
        try:
            self._store.create_database(db)
        except DatabaseExists:
            return

    def security(self, db: str) -> dict[str, Any]:
        return self._store.security(db)

    def put_security(self, db: str, security: Mapping[str, Any]) -> None:
        self._store.put_security(db, dict(security))

    def revs_limit(self, db: str) -> int:
        return self._store.revs_limit(db)

    def put_revs_limit(self, db: str, limit: int) -> None:
        self._store.set_revs_limit(db, limit)

    def replica(self, db: str) -> Replica:
        return LocalReplica(self._store, db)

    def close(self) -> None:
        self._store.close()
