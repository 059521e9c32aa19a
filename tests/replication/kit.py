"""Replicas to be tested with, edited and looked at in one way whatever engine they are."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sync.replication import Limits, Opened, Replica
from sync.replication.http import HttpSite
from sync.replication.local import LocalSite
from sync.store import Document

COUCHDB_URL = os.environ.get("HEZHA_TEST_COUCHDB_URL", "")
needs_couchdb = pytest.mark.skipif(not COUCHDB_URL, reason="HEZHA_TEST_COUCHDB_URL names no CouchDB")

#: Small enough that little data makes several pages, fetches and batches; no time is lost in pauses.
SMALL = Limits(page=3, fetch=2, batch_docs=2, inline_bytes=16, tries=2, first_pause=0.0, longest_pause=0.0)


@contextmanager
def local_site(folder: Path) -> Iterator[LocalSite]:
    site = LocalSite.open(folder)
    try:
        yield site
    finally:
        site.close()


@dataclass
class Borrowed:
    """A CouchDB that others use too: what is made here has a prefix of its own, and goes in the end."""

    site: HttpSite
    prefix: str = field(default_factory=lambda: f"hz-e-{uuid.uuid4().hex[:10]}-")

    def database(self) -> str:
        name = self.prefix + uuid.uuid4().hex[:6]
        self.site.create(name)
        return name

    def ours(self, name: str) -> bool:
        return name.startswith(self.prefix)

    def drop_all(self) -> None:
        for name in filter(self.ours, self.site.names()):
            self.site.json("DELETE", f"/{name}")


@contextmanager
def borrowed_couchdb() -> Iterator[Borrowed]:
    borrowed = Borrowed(HttpSite(COUCHDB_URL))
    try:
        yield borrowed
    finally:
        borrowed.drop_all()
        borrowed.site.close()


def leaf(replica: Replica, doc_id: str, rev: str) -> Document:
    """One leaf with its history, attachments as stubs."""
    [[doc]] = replica.bulk_get([(doc_id, rev)])
    assert doc["_rev"] == rev
    return doc


def edit(
    replica: Replica,
    doc_id: str,
    parent: Document | None = None,
    *,
    deleted: bool = False,
    attachments: dict[str, tuple[str, bytes]] | None = None,
    drop: Sequence[str] = (),
    **members: Any,
) -> str:
    """Somebody's edit of `parent` (a leaf, as `leaf` gives it), or a new document; returns its revision.

    `attachments` (content type and bytes by name) are added to the parent's, which stay unless in `drop`.
    """
    history = [] if parent is None else list(parent["_revisions"]["ids"])
    generation = len(history) + 1 if parent is None else parent["_revisions"]["start"] + 1
    name = uuid.uuid4().hex
    kept = {} if parent is None or deleted else parent.get("_attachments", {})
    specs: dict[str, Any] = {
        key: {"stub": True, "revpos": spec["revpos"], "content_type": spec["content_type"]}
        for key, spec in kept.items()
        if key not in drop
    }
    bodies = attachments or {}
    for key, (kind, data) in bodies.items():
        specs[key] = {"follows": True, "content_type": kind, "length": len(data), "revpos": generation}
    doc: Document = {
        "_id": doc_id,
        "_rev": f"{generation}-{name}",
        "_revisions": {"start": generation, "ids": [name, *history]},
        **members,
    }
    if deleted:
        doc["_deleted"] = True
    if specs:
        doc["_attachments"] = specs
    if bodies:
        replica.put(Opened(doc, iter([(key, Bytes(bodies[key][1])) for key in specs if key in bodies])))
    else:
        assert replica.bulk_docs([doc]) == []
    return str(doc["_rev"])


class Bytes:
    """Bytes as a stream that gives little at a time."""

    def __init__(self, data: bytes, step: int = 1000) -> None:
        self._data = memoryview(data)
        self._step = step

    def read(self, size: int, /) -> bytes:
        taken, self._data = self._data[: min(size, self._step)], self._data[min(size, self._step) :]
        return bytes(taken)


def leaves(replica: Replica) -> dict[str, tuple[str, ...]]:
    """Every document's leaves, the winner first."""
    return {change.id: change.revs for change in replica.changes("0", 100_000).results}


def state(replica: Replica) -> dict[str, list[Document]]:
    """Every leaf of every document, the winner first: what it says and the digests of its attachments."""
    found = {}
    for doc_id, revs in leaves(replica).items():
        docs = [leaf(replica, doc_id, rev) for rev in revs]
        # Beyond the winner the order of leaves says nothing.
        found[doc_id] = [docs[0], *sorted(docs[1:], key=lambda doc: str(doc["_rev"]))]
        for doc in docs:
            for spec in doc.get("_attachments", {}).values():
                spec.pop("encoding", None)
                spec.pop("encoded_length", None)
    return found


def read_attachment(replica: Replica, doc_id: str, rev: str, name: str) -> bytes:
    """An attachment's bytes as they are stored."""
    with replica.open_rev(doc_id, rev, []) as opened:
        for one in opened:
            for found, stream in one.attachments:
                data = b""
                while chunk := stream.read(50_000):
                    data += chunk
                if found == name:
                    return data
    raise KeyError(name)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
