"""A replica that fails when it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sync.multipart import Stream
from sync.replication import Missing, Opened, Replica
from sync.store import BulkResult, ChangeBatch, DatabaseInfo, Document


@dataclass
class Faulty:
    """Passes everything on to `replica`, after `before(name of the call)`, which may raise.

    Reading an attachment's bytes counts as a call too, each chunk of them.
    """

    replica: Replica
    before: Callable[[str], None]

    @property
    def identity(self) -> str:
        return self.replica.identity

    def info(self) -> DatabaseInfo:
        self.before("info")
        return self.replica.info()

    def get_local(self, log_id: str) -> Document | None:
        self.before("get_local")
        return self.replica.get_local(log_id)

    def put_local(self, log_id: str, doc: Document) -> None:
        self.before("put_local")
        self.replica.put_local(log_id, doc)

    def changes(self, since: str, limit: int) -> ChangeBatch:
        self.before("changes")
        return self.replica.changes(since, limit)

    def revs_diff(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, Missing]:
        self.before("revs_diff")
        return self.replica.revs_diff(wanted)

    def bulk_get(self, wanted: Sequence[tuple[str, str]]) -> list[list[Document]]:
        self.before("bulk_get")
        return self.replica.bulk_get(wanted)

    @contextmanager
    def open_rev(self, doc_id: str, rev: str, atts_since: Sequence[str]) -> Iterator[Iterator[Opened]]:
        self.before("open_rev")
        with self.replica.open_rev(doc_id, rev, atts_since) as opened:
            yield (Opened(found.doc, self._attachments(found)) for found in opened)

    def _attachments(self, opened: Opened) -> Iterator[tuple[str, Stream]]:
        for name, stream in opened.attachments:
            yield name, _FaultyStream(stream, self.before)

    def bulk_docs(self, docs: Sequence[Document]) -> list[BulkResult]:
        self.before("bulk_docs")
        return self.replica.bulk_docs(docs)

    def put(self, opened: Opened) -> None:
        self.before("put")
        self.replica.put(opened)


@dataclass
class _FaultyStream:
    stream: Stream
    before: Callable[[str], None]

    def read(self, size: int, /) -> bytes:
        self.before("read")
        return self.stream.read(size)


@dataclass
class Fuse:
    """Burns at the `at`-th call (from 1), once, with what `error` makes; `at=0` never."""

    at: int
    error: Callable[[], Exception]
    calls: int = 0

    def __call__(self, _name: str) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise self.error()
