"""Requests for works as documents in the registry, one each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec

from server.names import is_id
from server.scheduling.merging import merged_request
from server.scheduling.requests import Request
from sync.changing import change_document
from sync.conflicts import find_settled
from sync.store import Conflict, Document, DocumentStore

PREFIX = "work:"
SCHEMA = 1


class UnknownWork(LookupError):
    """There is no such work."""


class StaleWork(Exception):
    """The work is not at the revision that the caller read."""


class Works:
    """Every request of the store. None is ever deleted. `written` is told of each with its revision."""

    def __init__(
        self,
        store: DocumentStore,
        registry: str,
        written: Callable[[Request, str], None] = lambda _request, _rev: None,
    ) -> None:
        self._store = store
        self._registry = registry
        self._written = written

    def all(self, organisation: str) -> list[tuple[Request, str]]:
        """An organisation's requests by id, each with its revision."""
        documents = self._store.all_docs(self._registry, prefix=_prefix(organisation))
        return [(request_of(one), str(one["_rev"])) for one in documents]

    def get(self, organisation: str, work_id: str) -> tuple[Request, str]:
        """A request and its revision. Raises UnknownWork."""
        document = self._document(organisation, work_id)
        return request_of(document), str(document["_rev"])

    def _document(self, organisation: str, work_id: str) -> Document:
        document = None
        if is_id(work_id):
            name = _prefix(organisation) + work_id
            document = find_settled(self._store, self._registry, name, merged_request)
        if document is None:
            raise UnknownWork(work_id)
        return document

    def add(self, request: Request) -> tuple[Request, str]:
        """Keep a new request; the same by the same person again finds it. Raises Conflict for another."""
        try:
            rev = self._store.put(self._registry, document_of(request))
        except Conflict:
            known, rev = self.get(request.organisation, request.id)
            if known.asked != request.asked or known.requested_by != request.requested_by:
                raise
            request = known
        self._written(request, rev)
        return request, rev

    def change(
        self, organisation: str, work_id: str, change: Callable[[Request], Request], *, if_rev: str | None
    ) -> tuple[Request, str]:
        """Write what `change` makes of a request, if it stands at `if_rev` (None: wherever it stands).

        Raises UnknownWork, StaleWork, and what `change` raises.
        """

        def find() -> Document:
            document = self._document(organisation, work_id)
            if if_rev is not None and document["_rev"] != if_rev:
                raise StaleWork(work_id)
            return document

        try:
            changed, rev = change_document(
                self._store, self._registry, find, read=request_of, write=document_of, change=change
            )
        except Conflict:
            raise StaleWork(work_id) from None
        self._written(changed, rev)
        return changed, rev


def _prefix(organisation: str) -> str:
    return f"{PREFIX}{hashlib.sha256(organisation.encode()).hexdigest()[:32]}:"


def document_of(request: Request) -> Document:
    """A request as a document of the registry."""
    return {
        "_id": _prefix(request.organisation) + request.id,
        "type": "work",
        "schema": SCHEMA,
        "request": msgspec.to_builtins(request),
    }


def request_of(document: Document) -> Request:
    """The request that a document of the registry holds."""
    return msgspec.convert(document["request"], Request)
