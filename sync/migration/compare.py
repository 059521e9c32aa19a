"""Whether a database is the same in two places: counts, every leaf, every body, every attachment's digest.

The target is read first. What is found equal was therefore at the source when the target was read, and the
sequence at the target's end stands for nothing that the source does not have.
"""

from __future__ import annotations

import hashlib
import json
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from sync.multipart import Stream
from sync.replication.ancestry import BEGINNING
from sync.replication.protocol import Limits, steady
from sync.replication.replica import Pause, Replica, Site, Transient
from sync.store import Document, NotFound

T = TypeVar("T")

_CHUNK = 64 * 1024
#: What one side may say of an attachment and the other not, or how it is sent.
_TOLD_APART = frozenset({"stub", "follows", "data", "encoding", "encoded_length"})


What = Literal[
    "database", "doc_count", "doc_del_count", "leaves", "body", "attachment", "security", "revs_limit"
]


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same; `source` and `target` say what each has."""

    database: str
    what: What
    source: Any
    target: Any
    doc_id: str = ""
    rev: str = ""


@dataclass(frozen=True)
class Comparison:
    """What was compared, and what differs. `source_seq` and `target_seq` are the ends of what was read."""

    database: str
    documents: int
    deleted: int
    revisions: int
    attachments: int
    attachment_bytes: int
    source_seq: str
    target_seq: str
    differences: tuple[Difference, ...]


def compare(
    source: Site, target: Site, db: str, *, limits: Limits | None = None, pause: Pause = time.sleep
) -> Comparison:
    """Compare `db` in both places. Raises NotFound if either lacks it, and what the replicas raise."""
    return _Comparing(source, target, db, limits or Limits(), pause)()


def foreign(
    source: Replica, target: Replica, *, limits: Limits | None = None, pause: Pause = time.sleep
) -> Iterator[tuple[str, str]]:
    """The leaves of `target`, as (id, revision), of which `source` has never heard."""
    patience = limits or Limits()
    for page, _ in all_leaves(target, patience, pause):
        wanted = {doc_id: sorted(revs) for doc_id, revs in page.items()}
        unknown = steady(lambda: source.revs_diff(wanted), patience, pause)  # noqa: B023
        for doc_id, missing in unknown.items():
            yield from ((doc_id, rev) for rev in missing.revs)


def all_leaves(replica: Replica, limits: Limits, pause: Pause) -> Iterator[tuple[dict[str, set[str]], str]]:
    """Every document of a replica with its leaves, in pages, each with the sequence at its end."""
    since = BEGINNING
    while True:
        page = steady(lambda: replica.changes(since, limits.page), limits, pause)  # noqa: B023
        leaves: dict[str, set[str]] = {}
        for change in page.results:
            leaves.setdefault(change.id, set()).update(change.revs)
        yield leaves, page.last_seq
        since = page.last_seq
        if not page.results or not page.pending:
            return


@dataclass
class _Comparing:
    """One call of `compare`."""

    source: Site
    target: Site
    db: str
    limits: Limits
    pause: Pause
    found: list[Difference] = field(default_factory=list)
    attachments: int = 0
    attachment_bytes: int = 0

    def __call__(self) -> Comparison:
        self.ours, self.theirs = self.source.replica(self.db), self.target.replica(self.db)
        there, target_seq = self._leaves(self.theirs)
        here, source_seq = self._leaves(self.ours)
        self._trees(here, there)
        self._bodies(here, there)
        ours, theirs = self._both(lambda site: site.replica(self.db).info())
        self._same("doc_count", ours.doc_count, theirs.doc_count)
        self._same("doc_del_count", ours.doc_del_count, theirs.doc_del_count)
        self._same("security", *self._both(lambda site: site.security(self.db)))
        self._same("revs_limit", *self._both(lambda site: site.revs_limit(self.db)))
        return Comparison(
            database=self.db,
            documents=ours.doc_count,
            deleted=ours.doc_del_count,
            revisions=sum(map(len, here.values())),
            attachments=self.attachments,
            attachment_bytes=self.attachment_bytes,
            source_seq=source_seq,
            target_seq=target_seq,
            differences=tuple(self.found),
        )

    def _leaves(self, replica: Replica) -> tuple[dict[str, set[str]], str]:
        found: dict[str, set[str]] = {}
        seq = BEGINNING
        for page, seq in all_leaves(replica, self.limits, self.pause):  # noqa: B007
            found.update(page)
        return found, seq

    def _trees(self, here: dict[str, set[str]], there: dict[str, set[str]]) -> None:
        for doc_id in sorted(here.keys() | there.keys()):
            ours, theirs = here.get(doc_id, set()), there.get(doc_id, set())
            self._same("leaves", sorted(ours), sorted(theirs), doc_id=doc_id)

    def _bodies(self, here: dict[str, set[str]], there: dict[str, set[str]]) -> None:
        """Compare what each leaf that both have says."""
        common = [(doc_id, rev) for doc_id in here for rev in sorted(here[doc_id] & there.get(doc_id, set()))]
        for at in range(0, len(common), self.limits.fetch):
            wanted = common[at : at + self.limits.fetch]
            ours, theirs = self._get(self.ours, wanted), self._get(self.theirs, wanted)
            for doc_id, rev in wanted:
                self._body(doc_id, rev, ours.get((doc_id, rev)), theirs.get((doc_id, rev)))

    def _get(self, replica: Replica, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Document]:
        found = {}
        while wanted:
            answers = self._steady(lambda: replica.bulk_get(wanted))  # noqa: B023
            found.update({(doc["_id"], doc["_rev"]): doc for leaves in answers for doc in leaves})
            wanted = wanted[len(answers) :]
        return found

    def _body(self, doc_id: str, rev: str, ours: Document | None, theirs: Document | None) -> None:
        if ours is None or theirs is None:
            told = ["missing" if doc is None else "there" for doc in (ours, theirs)]
            self._same("body", *told, doc_id=doc_id, rev=rev)
            return
        self._same("body", _digest(ours), _digest(theirs), doc_id=doc_id, rev=rev)
        atts, others = ours.get("_attachments", {}), theirs.get("_attachments", {})
        for name in sorted(atts.keys() | others.keys()):
            self._attachment(doc_id, rev, name, atts.get(name), others.get(name))

    def _attachment(
        self, doc_id: str, rev: str, name: str, ours: dict[str, Any] | None, theirs: dict[str, Any] | None
    ) -> None:
        if ours is not None:
            self.attachments += 1
            self.attachment_bytes += ours["length"]
        if ours is None or theirs is None or not self._same_bytes(doc_id, rev, name, ours, theirs):
            self.found.append(
                Difference(self.db, "attachment", _shown(name, ours), _shown(name, theirs), doc_id, rev)
            )

    def _same_bytes(
        self, doc_id: str, rev: str, name: str, ours: dict[str, Any], theirs: dict[str, Any]
    ) -> bool:
        differ = {
            key for key in (ours.keys() | theirs.keys()) - _TOLD_APART if ours.get(key) != theirs.get(key)
        }
        if differ != {"digest"} or ours.get("encoding") == theirs.get("encoding"):
            return not differ
        # CouchDB compresses texts as it stores them and gives the digest of that: read what they really are.
        return self._decoded(self.ours, doc_id, rev, name) == self._decoded(self.theirs, doc_id, rev, name)

    def _decoded(self, replica: Replica, doc_id: str, rev: str, name: str) -> str | None:
        """The SHA-256 of an attachment's own bytes; None if they cannot be read."""

        def read() -> str | None:
            with replica.open_rev(doc_id, rev, []) as opened:
                for one in opened:
                    encoding = one.doc.get("_attachments", {}).get(name, {}).get("encoding")
                    for found, stream in one.attachments:
                        if (one.doc["_rev"], found) == (rev, name):
                            return _sha256(stream, gzipped=encoding == "gzip")
            return None

        try:
            return self._steady(read)
        except NotFound:
            return None

    def _same(self, what: What, ours: Any, theirs: Any, *, doc_id: str = "", rev: str = "") -> None:
        if ours != theirs:
            self.found.append(Difference(self.db, what, ours, theirs, doc_id, rev))

    def _both(self, ask: Callable[[Site], T]) -> tuple[T, T]:
        return self._steady(lambda: ask(self.source)), self._steady(lambda: ask(self.target))

    def _steady(self, step: Callable[[], T]) -> T:
        return steady(step, self.limits, self.pause)


def _digest(doc: Document) -> str:
    """The digest of what a document says for itself: its history may be stemmed otherwise on either side, and
    attachments are looked at apart."""
    said = {name: value for name, value in doc.items() if name not in {"_revisions", "_attachments"}}
    return "sha256-" + hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _shown(name: str, spec: dict[str, Any] | None) -> dict[str, Any] | None:
    if spec is None:
        return None
    return {"name": name} | {key: spec.get(key) for key in ("digest", "length", "content_type")}


def _sha256(stream: Stream, *, gzipped: bool) -> str:
    """Raises Transient if the stream is not the gzip that it is said to be."""
    digest = hashlib.sha256()
    engine = zlib.decompressobj(wbits=31) if gzipped else None
    try:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk if engine is None else engine.decompress(chunk))
    except zlib.error as error:
        raise Transient(f"An attachment is not the gzip it is said to be: {error}") from error
    return digest.hexdigest()
