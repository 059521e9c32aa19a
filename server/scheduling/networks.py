"""The networks of an organisation: one document a version in the registry, its GeoJSON attached.

A version is named by when it was imported and what it holds, so two imports at once, on whatever servers,
are two versions and never one document. None is ever changed; a plan says of which version it is.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from server.names import is_id
from sync.store import Conflict, Document, DocumentStore

if TYPE_CHECKING:
    from geo.network.locate import Locator
    from server.scheduling.surveying import Survey

PREFIX = "network:"
SCHEMA = 1
_BODY = "network.json.gz"
#: Indexes kept in memory, each of a whole network.
_KEPT = 2


class UnknownNetwork(LookupError):
    """There is no such network, or no such version of it."""


class NetworkHead(Struct, frozen=True, kw_only=True):
    """What is known of a version without reading it. `bytes` is the length of its GeoJSON, `digest` its
    SHA-256, `odd` how many findings it was imported with."""

    id: str
    version: str
    organisation: str
    name: str
    digest: str
    bytes: int
    counts: dict[str, int]
    odd: int
    imported_at: datetime
    imported_by: str


class Networks:
    """Every network of the store. Safe for many threads."""

    def __init__(self, store: DocumentStore, registry: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock
        self._lock = threading.Lock()
        self._indexes: dict[str, Locator] = {}

    def all(self, organisation: str) -> list[NetworkHead]:
        """The newest version of each of an organisation's networks, by id."""
        newest = {head.id: head for head in self._heads(_prefix(organisation))}
        return [newest[name] for name in sorted(newest)]

    def versions(self, organisation: str, network_id: str) -> list[NetworkHead]:
        """Every version, oldest first. Raises UnknownNetwork."""
        found = self._heads(_prefix(organisation, network_id)) if is_id(network_id) else []
        if not found:
            raise UnknownNetwork(network_id)
        return found

    def get(self, organisation: str, network_id: str, version: str | None = None) -> NetworkHead:
        """One version, by default the newest. Raises UnknownNetwork."""
        found = self.versions(organisation, network_id)
        if version is None:
            return found[-1]
        for head in found:
            if head.version == version:
                return head
        raise UnknownNetwork(version)

    def body(self, head: NetworkHead) -> bytes:
        """The GeoJSON of a version."""
        with self._store.open_attachment(self._registry, _id(head), _BODY) as attached:
            return gzip.decompress(attached.stream.read())

    def index(self, head: NetworkHead) -> Locator:
        """What lies where in a version; made once and kept for a while."""
        from server.scheduling.surveying import index  # noqa: PLC0415  loads what geometry needs

        with self._lock:
            known = self._indexes.pop(_id(head), None)
            made = index(self.body(head)) if known is None else known
            self._indexes[_id(head)] = made
            for name in list(self._indexes)[:-_KEPT]:
                del self._indexes[name]
        return made

    def add(self, organisation: str, surveyed: Survey, *, by: str) -> NetworkHead:
        """Keep a usable survey as the newest version; what the newest already holds makes no other.

        Raises ValueError for a survey that is not usable.
        """
        network, body = surveyed.network, surveyed.body
        if network is None or body is None:
            raise ValueError("a network with grave findings is not kept")
        digest = hashlib.sha256(body).hexdigest()
        now = self._clock().astimezone(UTC)
        head = NetworkHead(
            id=network.id,
            version=f"{now:%Y%m%dt%H%M%S%f}-{digest[:12]}",
            organisation=organisation,
            name=network.name,
            digest=digest,
            bytes=len(body),
            counts=surveyed.counts,
            odd=len(surveyed.findings),
            imported_at=now,
            imported_by=by,
        )
        known = self._heads(_prefix(organisation, network.id))
        if known and known[-1].digest == digest:
            return known[-1]
        try:
            self._store.put(self._registry, _to_document(head, body))
        except Conflict:
            return self.get(organisation, head.id, head.version)  # the same bytes in the same microsecond
        return head

    def _heads(self, prefix: str) -> list[NetworkHead]:
        return [_head(one) for one in self._store.all_docs(self._registry, prefix=prefix)]


def _prefix(organisation: str, network_id: str = "") -> str:
    whose = hashlib.sha256(organisation.encode()).hexdigest()[:32]
    return f"{PREFIX}{whose}:{network_id}@" if network_id else f"{PREFIX}{whose}:"


def _id(head: NetworkHead) -> str:
    return _prefix(head.organisation, head.id) + head.version


def _to_document(head: NetworkHead, body: bytes) -> Document:
    packed = gzip.compress(body, mtime=0)
    attached = {"content_type": "application/gzip", "data": base64.b64encode(packed).decode()}
    about = msgspec.to_builtins(head)
    return {
        "_id": _id(head),
        "type": "network",
        "schema": SCHEMA,
        "head": about,
        "_attachments": {_BODY: attached},
    }


def _head(document: Document) -> NetworkHead:
    return msgspec.convert(document["head"], NetworkHead)
