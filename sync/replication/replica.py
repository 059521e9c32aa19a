"""What replication asks of a database, wherever it is kept.

Five questions and three writes, in CouchDB's words. `local.py` answers them for the embedded store in this
process, `http.py` for whatever speaks CouchDB's HTTP. Nothing here knows which of the two it talks to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from sync.multipart import Stream
from sync.store import BulkResult, ChangeBatch, DatabaseInfo, Document, StoreError


class Transient(StoreError):
    """It did not work now and may work soon: a lost connection, a busy server.

    `retry_after` is how many seconds the server asked for, if it did.
    """

    status = 503
    error = "service_unavailable"

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Missing:
    """Revisions of one document that a replica lacks, and its leaves from which they may descend."""

    revs: tuple[str, ...]
    ancestors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Opened:
    """A revision with its history, whose attachments are stubs or follow.

    `attachments` gives name and bytes of those marked `"follows": true`, in the order of the document; each
    must be read before the next is asked for. The bytes are as stored: encoded, if the entry says so.
    """

    doc: Document
    attachments: Iterator[tuple[str, Stream]]


class Replica(Protocol):
    """One database that can take part in a replication.

    Every method may raise Transient, NotFound if there is no such database, and Unauthorized or Forbidden
    if it is closed to us.
    """

    @property
    def identity(self) -> str:
        """The same for the same database as long as it lives; no secret."""

    def info(self) -> DatabaseInfo: ...

    def get_local(self, log_id: str) -> Document | None:
        """`_local/<log_id>`, or None."""

    def put_local(self, log_id: str, doc: Document) -> None:
        """Write `_local/<log_id>`, whatever was there."""

    def changes(self, since: str, limit: int) -> ChangeBatch:
        """The next changes, oldest first, each with every leaf (`style=all_docs`)."""

    def revs_diff(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, Missing]:
        """What of the `wanted` revisions is not here, by document."""

    def bulk_get(self, wanted: Sequence[tuple[str, str]]) -> list[list[Document]]:
        """The `wanted` (id, revision) with their histories, attachments as stubs that tell the encoding.

        One list for each, of the leaves that have come of it; empty if it is gone. To stay small it may
        answer for the first few only, but at least for one.
        """

    def open_rev(
        self, doc_id: str, rev: str, atts_since: Sequence[str]
    ) -> AbstractContextManager[Iterator[Opened]]:
        """The leaves that have come of a revision, one after the other, with the attachments which are newer
        than the revisions `atts_since`."""

    def bulk_docs(self, docs: Sequence[Document]) -> list[BulkResult]:
        """Store revisions that were made elsewhere (`new_edits=false`). Returns what was refused.

        Raises TooLarge if they are too many for one request.
        """

    def put(self, opened: Opened) -> None:
        """Store one such revision whose attachments follow, reading them as they come.

        Raises DigestMismatch for a stub of an attachment that is not here, or bytes that are not those of
        their digest; Forbidden, BadRequest or TooLarge if it is refused.
        """


class Site(Protocol):
    """A server of databases, or a folder of them. Raises as Replica does."""

    @property
    def identity(self) -> str: ...

    @property
    def label(self) -> str:
        """How people call it; no secret."""

    def names(self) -> list[str]:
        """Every database, but for those that the server keeps for itself."""

    def create(self, db: str, *, q: int | None = None, n: int | None = None) -> None:
        """Create `db`, open to administrators only, if there is none. `q` shards, `n` copies."""

    def security(self, db: str) -> dict[str, Any]: ...

    def put_security(self, db: str, security: Mapping[str, Any]) -> None: ...

    def revs_limit(self, db: str) -> int: ...

    def put_revs_limit(self, db: str, limit: int) -> None: ...

    def replica(self, db: str) -> Replica: ...

    def close(self) -> None: ...


Pause = Callable[[float], None]
