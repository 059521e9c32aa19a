"""Published versions as documents: those that come with Hezha, and those that the office wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from checklists.loader import definition_to_document
from checklists.model import Definition
from checklists.versions import Draft, Event
from server.people.model import ROLES
from sync.store import Conflict, DatabaseExists, Document, DocumentStore, Security

log = structlog.get_logger()


class PublishedChecklistChanged(Exception):
    """A definition that comes with Hezha differs from what was published under its id and version before."""

    def __init__(self, document_id: str) -> None:
        name = document_id.removeprefix("checklist:")
        super().__init__(
            f"{name} was published before with other words, and a published version never changes. Give the "
            "changed definition the next version, and put back what was published"
        )
        self.document_id = document_id


def publish_shipped(store: DocumentStore, database: str, shipped: Iterable[Definition]) -> list[Definition]:
    """Write every definition that comes with Hezha into `library`, where tablets find it; return those that
    stand there now.

    A number that the office gave to a version of its own is the office's: ours is passed over, and told.
    Raises PublishedChecklistChanged.
    """
    security = Security(member_roles=ROLES, kind="library")
    try:
        store.create_database(database, security)
    except DatabaseExists:
        store.set_security(database, security)
    standing = []
    for definition in shipped:
        document = definition_to_document(definition)
        known = _put_once(store, database, document)
        if known["digest"] == document["digest"]:
            standing.append(definition)
        elif is_of_office(known):
            log.warning("library.number_taken", document=document["_id"])
        else:
            raise PublishedChecklistChanged(document["_id"])
    return standing


def passed_over(store: DocumentStore, database: str, shipped: Iterable[Definition]) -> list[Definition]:
    """The definitions that come with Hezha and whose number the office has given to a version of its own."""
    found = []
    for definition in shipped:
        document = definition_to_document(definition)
        known = store.find(database, document["_id"])
        if known is not None and known["digest"] != document["digest"]:
            found.append(definition)
    return found


def publish_draft(store: DocumentStore, database: str, draft: Draft) -> bool:
    """Write the definition of a published draft with its history; false if the number was given to another
    definition meanwhile. The same again changes nothing."""
    document = definition_to_document(draft.definition)
    known = _put_once(store, database, {**document, "history": msgspec.to_builtins(draft.history)})
    return bool(known["digest"] == document["digest"])


def history_of(document: Mapping[str, Any]) -> tuple[Event, ...]:
    """Who wrote, reviewed and published a version; empty for one that came with Hezha."""
    return msgspec.convert(document.get("history", []), tuple[Event, ...])


def is_of_office(document: Mapping[str, Any]) -> bool:
    return bool(document.get("history"))


def first_published(leaves: Sequence[Document]) -> Document:
    """Of a number that was given twice at once, on a cluster and against its leases: the first one stands.

    The other's draft still has its definition, and is published as the next version.
    """

    def order(leaf: Document) -> tuple[bool, str, str]:
        history = history_of(leaf)
        return bool(history), history[-1].at.isoformat() if history else "", str(leaf["digest"])

    return min(leaves, key=order)


def _put_once(store: DocumentStore, database: str, document: Document) -> Document:
    """The document as it stands: this one, unless another was there already."""
    known = store.find(database, document["_id"])
    if known is not None:
        return known
    try:
        store.put(database, document)
    except Conflict:
        return store.get(database, document["_id"])
    return document
