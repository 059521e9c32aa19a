"""DocumentStore: the one interface through which Hezha keeps documents, whatever engine runs below.

It speaks CouchDB's words. A document is a dict with `_id`, and `_rev` once stored; a database is a name; a
`seq` is an opaque string that only grows. Everything that is acknowledged (a method has returned) is on disk.
The server uses it as an administrator; whoever writes for somebody else says so with `user`, and is then
held to the write rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, NamedTuple, Protocol

from sync.errors import (
    BadRequest,
    BytesMissing,
    Conflict,
    Damaged,
    DatabaseExists,
    DigestMismatch,
    Forbidden,
    NoSpace,
    NotFound,
    NotOffered,
    ReadOnly,
    StoreError,
    TooLarge,
    Unauthorized,
    Unavailable,
    Unusable,
)

__all__ = [
    "NOBODY",
    "SERVER",
    "Attachment",
    "BadRequest",
    "BulkResult",
    "BytesMissing",
    "Change",
    "ChangeBatch",
    "Conflict",
    "Damaged",
    "DatabaseExists",
    "DatabaseInfo",
    "DbUpdate",
    "DigestMismatch",
    "Document",
    "DocumentStore",
    "Forbidden",
    "NewAttachment",
    "NewDatabase",
    "NoSpace",
    "NotFound",
    "NotOffered",
    "ReadOnly",
    "Security",
    "Size",
    "StoreError",
    "Stored",
    "TooLarge",
    "Unauthorized",
    "Unavailable",
    "Unusable",
    "UserCtx",
    "never",
]


Document = dict[str, Any]


@dataclass(frozen=True)
class UserCtx:
    """Who asks, as CouchDB tells design functions: `name` is None for nobody."""

    name: str | None
    roles: tuple[str, ...] = ()

    @property
    def is_admin(self) -> bool:
        return "_admin" in self.roles


#: Hezha itself. It may do everything; the write rules see the role `_admin`.
SERVER = UserCtx("hezha", ("_admin",))
NOBODY = UserCtx(None)


def never() -> bool:
    """What is asked whether to leave off, where nobody says so."""
    return False


@dataclass(frozen=True)
class DatabaseInfo:
    name: str
    doc_count: int
    doc_del_count: int
    update_seq: str


class Size(NamedTuple):
    """What a database takes: documents that are not deleted, and `bytes` of all that is kept of them, old
    revisions and attachments too, as far as the engine can tell one database from another."""

    doc_count: int
    bytes: int


class BulkResult(NamedTuple):
    """One row of `_bulk_docs`. With `ok`, `rev` is what was stored; else `error` and `reason` say why not."""

    id: str
    rev: str | None
    error: str | None = None
    reason: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None


class Change(NamedTuple):
    """One row of `_changes`: `revs` holds the winner, or every leaf with `style="all_docs"`."""

    seq: str
    id: str
    revs: tuple[str, ...]
    deleted: bool = False
    doc: Document | None = None


@dataclass(frozen=True)
class ChangeBatch:
    results: tuple[Change, ...]
    last_seq: str
    pending: int = 0


@dataclass(frozen=True)
class DbUpdate:
    """A database that changed. `type` is `created`, `updated` or `deleted`."""

    db_name: str
    type: Literal["created", "updated", "deleted"]
    seq: str


@dataclass(frozen=True)
class Attachment:
    """An attachment's stream and what is known of it. Close it, or use it in a `with`.

    `digest` is CouchDB's `md5-…`; `length` counts the bytes of `stream` (encoded ones if `encoding`).
    """

    name: str
    content_type: str
    length: int
    digest: str
    stream: BinaryIO
    encoding: str | None = None
    revpos: int = 1

    def __enter__(self) -> Attachment:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()


@dataclass(frozen=True)
class Security:
    """A database's `_security`: who may read it (members) or administer it, and who may write.

    CouchDB lets every member write and keeps any further key of the object, which it hands to design
    functions as `secObj`. `kind` and `writers` travel there (`{"hezha": {"kind": …, "writers": […]}}`), so
    that the write rules can tell a reader from a writer on both engines.
    """

    members: tuple[str, ...] = ()
    member_roles: tuple[str, ...] = ()
    kind: str = ""
    writers: tuple[str, ...] = ()
    admin_roles: tuple[str, ...] = ("_admin",)

    def to_json(self) -> dict[str, Any]:
        return {
            "admins": {"names": [], "roles": list(self.admin_roles)},
            "members": {"names": list(self.members), "roles": [*self.member_roles, "_admin"]},
            "hezha": {"kind": self.kind, "writers": list(self.writers)},
        }


@dataclass(frozen=True)
class Stored:
    """A document's winner in a database, as JSON text without `_id` and `_rev`. `conflicting`: it has other
    leaves that are not deleted."""

    db: str
    rev: str
    body: bytes
    conflicting: bool


@dataclass(frozen=True)
class NewDatabase:
    """A database to be made, with the documents that it begins with; none of them has attachments."""

    name: str
    security: Security
    documents: tuple[Document, ...] = ()


@dataclass(frozen=True)
class NewAttachment:
    """Bytes to be attached: a stream that is read once, never held whole.

    `extra` may hold `digest` (`md5-…`, then checked) and `encoding` (`gzip`, if the stream is so encoded).
    """

    name: str
    content_type: str
    stream: BinaryIO
    extra: Mapping[str, Any] = field(default_factory=dict)


class DocumentStore(Protocol):
    """What the server may ask of an engine. `db` is always a full database name.

    Every method that names a database raises NotFound when there is none, unless it says otherwise. Any
    method may raise Unavailable.
    """

    @property
    def exact_revisions(self) -> bool:
        """Whether a write that names a `_rev` can never be acknowledged beside another that names it too.

        On a cluster each replica checks by itself, so that both may be, and one of them ends as a conflict.
        """

    @property
    def complete_feed(self) -> bool:
        """Whether `db_updates` tells of every change that was acknowledged, whatever crashes.

        Where it may not, who must not miss anything looks at every database from time to time.
        """

    def refresh_design_documents(self, stopping: Callable[[], bool] = never) -> list[str]:
        """Give every database of Hezha's the present write rules; return the names of those that changed.

        It may take a while, beside the writes of others, and asks `stopping` whether to leave off; the next
        call goes on from there. The embedded engine holds everybody to the present rules before; CouchDB
        knows of no others than those that lie in a database.
        """

    def trouble(self) -> str | None:
        """What keeps tablets from replicating although the store itself answers, in English, or None."""

    def maintain(self, stopping: Callable[[], bool] = never) -> None:
        """Housekeeping that the engine wants done from time to time, by one process; nothing, mostly.

        It may take a while and asks `stopping` whether to leave off. Raises StoreError; try again later.
        """

    def request_compaction(self, db: str) -> None:
        """Have the engine free, before long, what no leaf of `db` needs. Returns at once."""

    def dismiss(self) -> None:
        """End every wait for changes, now and from now on: a server that stops must not wait for its pollers.

        Reads and writes go on until `close`.
        """

    def create_database(self, db: str, security: Security | None = None) -> None:
        """Create `db` with its `_security` (admins only, if none is given), and the write rules if that
        names a kind. Raises DatabaseExists, BadRequest (name).
        """

    def create_databases(self, wanted: Sequence[NewDatabase]) -> list[tuple[str, ...] | None]:
        """Create many as `create_database` does, each with its first documents; their revisions, or None for
        one that was there already, which is left alone.

        Cut off, each of them is there with its documents, or may be missing some, or is not there at all.
        Raises BadRequest (name), TooLarge, Forbidden (write rules).
        """

    def delete_database(self, db: str) -> None: ...

    def database_names(self, prefix: str = "") -> list[str]: ...

    def info(self, db: str) -> DatabaseInfo: ...

    def security(self, db: str) -> dict[str, Any]: ...

    def set_security(self, db: str, security: Security) -> None: ...

    def get(self, db: str, doc_id: str, *, rev: str | None = None, conflicts: bool = False) -> Document:
        """The winner, or revision `rev`; attachments as stubs. Raises NotFound, also for a deleted winner."""

    def find(self, db: str, doc_id: str) -> Document | None:
        """The winner, or None where `get` would raise NotFound for the document."""

    def leaves(self, db: str, doc_id: str, *, deleted: bool = False) -> list[Document]:
        """Every leaf, winner first, with `_revisions`; tombstones too if `deleted`. [] if unknown."""

    def stored(self, dbs: Sequence[str], doc_id: str) -> list[Stored]:
        """The winner of one document in each of these databases, in their order; one that is not there, or is
        deleted, is left out, and so is one of a database that is not there. Attachments are not shown.
        """

    def reading_order(self, dbs: Sequence[str], doc_id: str) -> list[str]:
        """The same databases in the order in which that document of theirs is read with the least delay."""

    def having(self, dbs: Sequence[str], prefix: str) -> list[str]:
        """Those of these databases in which there is, or was, a document whose id begins so."""

    def sizes(self, dbs: Sequence[str]) -> dict[str, Size]:
        """What each of these databases takes; those that are not there are left out."""

    def all_docs(self, db: str, *, prefix: str = "", keys: Sequence[str] | None = None) -> Iterator[Document]:
        """Winners that are not deleted, by id; only ids that begin with `prefix`, or those in `keys`."""

    def put(self, db: str, doc: Document, *, user: UserCtx = SERVER) -> str:
        """Store one document with its bodies and inline attachments; return the new revision.

        Raises Conflict, Forbidden or Unauthorized (write rules), BadRequest, TooLarge, DigestMismatch.
        """

    def bulk_docs(
        self, db: str, docs: Iterable[Document], *, new_edits: bool = True, user: UserCtx = SERVER
    ) -> list[BulkResult]:
        """Store many. Each document stands or falls alone; each is whole or not there."""

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

        `since` may be `now`. With `include_docs` a row carries the winner, attachments as stubs.
        """

    def get_local(self, db: str, doc_id: str) -> Document | None:
        """The `_local/<doc_id>` document, or None. Local documents are not replicated."""

    def put_local(self, db: str, doc_id: str, doc: Document) -> None:
        """Write `_local/<doc_id>`, whatever was there."""

    def put_attachment(
        self, db: str, doc_id: str, rev: str | None, attachment: NewAttachment, *, user: UserCtx = SERVER
    ) -> str:
        """Attach a stream to revision `rev` (None: to a new document); return the new revision."""

    def open_attachment(self, db: str, doc_id: str, name: str, *, rev: str | None = None) -> Attachment:
        """Open an attachment for reading. Raises NotFound."""

    def db_updates(self, *, since: str = "0", timeout: float = 0.0) -> tuple[list[DbUpdate], str]:
        """Databases that changed after `since` (each once, latest change), and the seq to go on from.

        `since` may be `now`. Waits up to `timeout` seconds if nothing has changed.
        """

    def close(self) -> None: ...
