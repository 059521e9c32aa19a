"""CouchDB's replication protocol, from one replica to another, once.

It reads like the protocol: find the common ancestry, then page by page ask the source for changes, ask the
target which of those revisions it lacks, fetch them with their histories, store them under the revisions
they have, and write down on both sides how far it came. Whatever breaks off in between is done again from
there: every step may be repeated, and a page that is written down is stored.

Most documents travel many at a time as JSON. One with large attachments travels alone, its bytes streamed
from the source's answer into the target's request; they are never held whole.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from sync.multipart import Stream
from sync.replication import ancestry
from sync.replication.batching import Batch, halves, shown_ancestors
from sync.replication.replica import Missing, Opened, Pause, Replica, Transient
from sync.store import (
    BadRequest,
    BulkResult,
    BytesMissing,
    DigestMismatch,
    Document,
    Forbidden,
    NotFound,
    StoreError,
    TooLarge,
    Unauthorized,
)

_log = structlog.get_logger(__name__)
T = TypeVar("T")

_CHUNK = 64 * 1024
#: Refusals of one document in `_bulk_docs` that no repetition will change.
_FINAL = frozenset(
    {
        "attachment_too_large",
        "bad_request",
        "content_md5_mismatch",
        "doc_validation",
        "document_too_large",
        "forbidden",
        "illegal_docid",
        "invalid_design_doc",
        "too_large",
        "unauthorized",
    }
)


@dataclass(frozen=True)
class Limits:
    """How one replication works. Sizes are bytes, times seconds.

    `page` changes lie between two checkpoints; up to `fetch` revisions are asked for at once, up to
    `batch_docs` documents or about `batch_bytes` of JSON stored at once. Attachments of one document that
    are no more than `inline_bytes` together travel inside its JSON. At most `ancestors` of a document are
    named to the source, and `history` sessions remembered.

    After a loss a step is tried `tries` times in all, the n-th pause being up to `first_pause * 2**(n-1)` or
    what the server asks for, at most `longest_pause`.
    """

    page: int = 200
    fetch: int = 100
    batch_docs: int = 200
    batch_bytes: int = 4 * 1024 * 1024
    inline_bytes: int = 64 * 1024
    ancestors: int = 20
    history: int = 50
    tries: int = 8
    first_pause: float = 0.5
    longest_pause: float = 30.0


@dataclass(frozen=True)
class Failure:
    """A revision that the target refused, or that the source could not give."""

    doc_id: str
    rev: str
    error: str
    reason: str


@dataclass(frozen=True)
class Progress:
    """How far a replication has come. `pending` is the source's own guess of the changes left."""

    missing_checked: int
    docs_written: int
    attachment_bytes: int
    pending: int


@dataclass(frozen=True)
class ReplicationResult:
    """What a replication did. `last_seq` is the source's; everything before it is on the target's disk,
    but for the `failures`."""

    start_seq: str
    last_seq: str
    missing_checked: int = 0
    missing_found: int = 0
    docs_read: int = 0
    docs_written: int = 0
    attachment_bytes: int = 0
    failures: tuple[Failure, ...] = ()


def replicate(
    source: Replica,
    target: Replica,
    *,
    since: str | None = None,
    limits: Limits | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    pause: Pause = time.sleep,
) -> ReplicationResult:
    """Bring everything in `source` to `target`: all leaves, deleted ones too, with attachments.

    Goes on where the last replication of the two ended; with `since` (`"0"` for everything) from there.
    A document that is refused for good is among the `failures`, and the others are stored. Raises
    Transient if a step failed `limits.tries` times, and what the replicas raise: then everything up to the
    last checkpoint is stored, and calling again goes on from there.
    """
    run = _Run(source, target, limits or Limits(), on_progress or (lambda _: None), now, pause)
    return run(since)


def steady(step: Callable[[], T], limits: Limits, pause: Pause) -> T:
    """The result of `step`, tried again while it is Transient. Raises Transient after the last try."""
    for number in range(limits.tries - 1):
        try:
            return step()
        except Transient as error:
            wait = min(limits.first_pause * 2**number, limits.longest_pause)
            # Many who lost the same server must not come back together.
            wait = wait * random.uniform(0.5, 1.0) if error.retry_after is None else error.retry_after  # noqa: S311
            _log.info("replication.again", reason=error.reason, tries=number + 1, retry_in=round(wait, 2))
            pause(min(wait, limits.longest_pause))
    return step()


@dataclass
class _Run:
    """One call of `replicate`."""

    source: Replica
    target: Replica
    limits: Limits
    on_progress: Callable[[Progress], None]
    now: Callable[[], datetime]
    pause: Pause
    attachment_bytes: int = 0
    pending: int = 0
    failures: list[Failure] = field(default_factory=list)
    #: (id, revision) carried since the last checkpoint: several missing revisions may lead to one leaf.
    carried: set[tuple[str, str]] = field(default_factory=set)

    def __call__(self, since: str | None) -> ReplicationResult:
        self.log_id = ancestry.replication_id(self.source.identity, self.target.identity)
        source_log = self._steady(lambda: self.source.get_local(self.log_id))
        target_log = self._steady(lambda: self.target.get_local(self.log_id))
        start = ancestry.common_ancestry(source_log, target_log) if since is None else since
        self.logs = source_log, target_log
        self.batch = Batch(self.limits.batch_docs, self.limits.batch_bytes)
        self.session = ancestry.Session(uuid.uuid4().hex, self._time(), start, start)
        self._follow(start)
        return ReplicationResult(
            start_seq=start,
            last_seq=self.session.recorded_seq,
            missing_checked=self.session.missing_checked,
            missing_found=self.session.missing_found,
            docs_read=self.session.docs_read,
            docs_written=self.session.docs_written,
            attachment_bytes=self.attachment_bytes,
            failures=tuple(self.failures),
        )

    def _follow(self, since: str) -> None:
        """Page by page until the source has no more."""
        while True:
            page = self._steady(lambda: self.source.changes(since, self.limits.page))  # noqa: B023
            if not page.results:
                return
            self.pending = page.pending
            wanted: dict[str, list[str]] = {}
            for change in page.results:
                wanted.setdefault(change.id, []).extend(change.revs)
            missing = self._steady(lambda: self.target.revs_diff(wanted))  # noqa: B023
            self._count(
                missing_checked=sum(len(revs) for revs in wanted.values()),
                missing_found=sum(len(one.revs) for one in missing.values()),
            )
            self._carry([(doc_id, rev, one) for doc_id, one in missing.items() for rev in one.revs])
            since = page.last_seq
            self._checkpoint(since)
            if not page.pending:
                return

    def _carry(self, missing: Sequence[tuple[str, str, Missing]]) -> None:
        """Fetch and store what is missing. When this returns, it is on the target's disk."""
        self.carried.clear()
        while missing:
            wanted = [(doc_id, rev) for doc_id, rev, _ in missing[: self.limits.fetch]]
            answers = self._steady(lambda: self.source.bulk_get(wanted))  # noqa: B023
            for (doc_id, rev, known), leaves in zip(missing, answers, strict=False):
                if not leaves:
                    # Purged since, or its body is lost: the leaves that are there are all that can be told.
                    self._fail(doc_id, rev, NotFound("The source no longer has this revision."))
                for doc in leaves:
                    self._leaf(doc, known)
            missing = missing[len(answers) :]
        self._flush()

    def _leaf(self, doc: Document, known: Missing) -> None:
        if (doc["_id"], doc["_rev"]) in self.carried:
            return
        self.carried.add((doc["_id"], doc["_rev"]))
        if doc.get("_attachments"):
            self._open(doc["_id"], doc["_rev"], shown_ancestors(known.ancestors, self.limits.ancestors))
        else:
            self._wait_in_batch(doc)

    def _open(self, doc_id: str, rev: str, atts_since: Sequence[str]) -> None:
        """Carry a revision that has attachments; those that the target has in an ancestor stay stubs."""

        def once() -> list[Document]:
            with self.source.open_rev(doc_id, rev, atts_since) as opened:
                return [doc for doc in map(self._take, opened) if doc is not None]

        try:
            small = self._steady(once)
        except DigestMismatch as error:
            if atts_since:  # the target has no such ancestor any more
                self._open(doc_id, rev, [])
            else:
                self._fail(doc_id, rev, error)
        except (NotFound, BytesMissing) as error:
            self._steady(self.target.info)  # a database that is gone ends it all
            self._steady(self.source.info)
            self._fail(doc_id, rev, error)
        except (Forbidden, Unauthorized, BadRequest, TooLarge) as error:
            self._fail(doc_id, rev, error)
        else:
            for doc in small:
                self._wait_in_batch(doc)

    def _take(self, opened: Opened) -> Document | None:
        """Store what was opened, or return it whole if it is small enough to travel with others."""
        specs = opened.doc.get("_attachments", {}).values()
        following = [spec for spec in specs if spec.get("follows")]
        size = sum(spec.get("encoded_length", spec["length"]) for spec in following)
        self.attachment_bytes += size
        # JSON can only say what the decoded bytes are, and the digest is that of the encoded ones. A stub may
        # be refused, and must then not take others with it.
        plain = len(following) == len(specs) and not any(spec.get("encoding") for spec in following)
        if plain and size <= self.limits.inline_bytes:
            return _inlined(opened)
        self.target.put(opened)
        self._count(docs_read=1, docs_written=1)
        self._tell()
        return None

    def _wait_in_batch(self, doc: Document) -> None:
        size = len(json.dumps(doc, ensure_ascii=False))
        if not self.batch.fits(size):
            self._flush()
        self.batch.add(doc, size)
        self._count(docs_read=1)

    def _flush(self) -> None:
        docs = self.batch.take()
        if docs:
            self._store(docs)
            self._tell()

    def _store(self, docs: Sequence[Document]) -> None:
        try:
            refused = self._steady(lambda: self._bulk_docs(docs))
        except TooLarge as error:
            if len(docs) == 1:
                self._fail(docs[0]["_id"], docs[0]["_rev"], error)
                return
            for half in halves(docs):
                self._store(half)
            return
        self._count(docs_written=len(docs) - len(refused))
        revs = {doc["_id"]: doc["_rev"] for doc in docs}
        for row in refused:
            self._fail(row.id, row.rev or revs.get(row.id, ""), _as_error(row))

    def _bulk_docs(self, docs: Sequence[Document]) -> list[BulkResult]:
        """Store; returns what is refused for good. Raises Transient for what may go well another time."""
        refused = self.target.bulk_docs(docs)
        for row in refused:
            if row.error not in _FINAL:
                raise Transient(f"{row.id}: {row.error}: {row.reason}")
        return refused

    def _checkpoint(self, seq: str) -> None:
        """Write down, the target first, that everything before `seq` is stored."""
        self.session = replace(self.session, recorded_seq=seq)
        for replica, previous in zip((self.target, self.source), reversed(self.logs), strict=True):
            log = ancestry.log_after(previous, self.session, self._time(), longest=self.limits.history)
            self._steady(lambda: replica.put_local(self.log_id, log))  # noqa: B023
        self._tell()

    def _fail(self, doc_id: str, rev: str, error: StoreError) -> None:
        _log.warning("replication.refused", doc=doc_id, rev=rev, error=error.error, reason=error.reason)
        self.failures.append(Failure(doc_id, rev, error.error, error.reason))
        self._count(doc_write_failures=1)

    def _count(self, **more: int) -> None:
        counts = {name: getattr(self.session, name) + number for name, number in more.items()}
        self.session = replace(self.session, **counts)

    def _tell(self) -> None:
        self.on_progress(
            Progress(
                self.session.missing_checked, self.session.docs_written, self.attachment_bytes, self.pending
            )
        )

    def _steady(self, step: Callable[[], T]) -> T:
        return steady(step, self.limits, self.pause)

    def _time(self) -> str:
        return self.now().isoformat(timespec="seconds")


def _as_error(row: BulkResult) -> StoreError:
    return StoreError(row.reason or "", error=row.error)


def _inlined(opened: Opened) -> Document:
    """The document with the attachments that follow inside. Raises DigestMismatch for other bytes."""
    specs = dict(opened.doc["_attachments"])
    for name, stream in opened.attachments:
        data = b"".join(_chunks(stream))
        spec = {key: value for key, value in specs[name].items() if key not in {"follows", "length"}}
        md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        if spec.get("digest", f"md5-{md5}") != f"md5-{md5}":
            raise DigestMismatch(f"The bytes of {name} are not those of its digest.")
        specs[name] = spec | {"data": base64.b64encode(data).decode()}
    return opened.doc | {"_attachments": specs}


def _chunks(stream: Stream) -> Iterable[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk
