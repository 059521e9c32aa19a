"""What a scheduler wants to know of a plan before he acts: documents in the registry, answered by a worker.

An enquiry changes no plan. It is of a moment, so it is kept for some days only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal

import msgspec
from msgspec import Struct

from server.names import is_id
from server.scheduling.plans import whose
from sync.changing import change_document
from sync.store import Conflict, Document, DocumentStore

PREFIX = "plan-enquiry:"
SCHEMA = 1

#: move: what a work on another day costs; explain: why a work is where it is, and what would change it;
#: works: what the month is with some works instead of others; slot: which works could use a day that is free.
EnquiryKind = Literal["move", "explain", "works", "slot"]
EnquiryState = Literal["queued", "running", "answered", "failed"]
#: How much of the plan may move for it, as `hezha balance price` has it.
Scope = Literal["nothing", "feeder", "all"]


class UnknownEnquiry(LookupError):
    """There is no such enquiry, or no more."""


class TakenEnquiry(Exception):
    """The id belongs to an enquiry after something else."""


class Moved(Struct, frozen=True, kw_only=True):
    """A work that stands elsewhere than before; None: left out."""

    work: str
    before: date | None
    after: date | None


class Answer(Struct, frozen=True, kw_only=True):
    """An answer about one work, or about the month where `work` is empty.

    `hours` is the difference of each part of the objective in customer-hours, `total` their sum; `text` says
    it in each language. `left_out` are works of the enquiry for which there is no place.
    """

    work: str
    possible: bool
    text: dict[str, tuple[str, ...]]
    date: date | None = None
    total: float = 0.0
    hours: dict[str, float] = {}
    moves: tuple[Moved, ...] = ()
    left_out: tuple[str, ...] = ()


class Enquiry(Struct, frozen=True, kw_only=True):
    """What is asked of a plan, and how far it is. `drop` are works that the month is to be without, `add`
    those that it is to have, as `outage-instance-1` has them; a work in both is changed."""

    id: str
    organisation: str
    plan: str
    kind: EnquiryKind
    state: EnquiryState
    asked_by: str
    asked_at: datetime
    work: str = ""
    date: date | None = None
    scope: Scope = "nothing"
    drop: tuple[str, ...] = ()
    add: tuple[dict[str, Any], ...] = ()
    begun: int = 0
    beat_at: datetime | None = None
    fault: str = ""
    answers: tuple[Answer, ...] = ()


class Enquiries:
    """Every enquiry that is still kept."""

    def __init__(self, store: DocumentStore, registry: str) -> None:
        self._store = store
        self._registry = registry

    def all(self) -> list[Enquiry]:
        """Those of every organisation, oldest first."""
        found = [_read(one) for one in self._store.all_docs(self._registry, prefix=PREFIX)]
        return sorted(found, key=lambda one: (one.asked_at, one.id))

    def get(self, organisation: str, plan: str, enquiry_id: str) -> Enquiry:
        """Raises UnknownEnquiry, for one of another plan too."""
        found = _read(self._document(organisation, enquiry_id))
        if found.plan != plan:
            raise UnknownEnquiry(enquiry_id)
        return found

    def add(self, enquiry: Enquiry) -> Enquiry:
        """Queue an enquiry. The same again finds it. Raises TakenEnquiry."""
        try:
            self._store.put(self._registry, _to_document(enquiry))
        except Conflict:
            known = _read(self._document(enquiry.organisation, enquiry.id))
            if _asked(known) != _asked(enquiry):
                raise TakenEnquiry(enquiry.id) from None
            return known
        return enquiry

    def change(self, enquiry: Enquiry, change: Callable[[Enquiry], Enquiry]) -> Enquiry:
        """Write what `change` makes of an enquiry, wherever it stands. Raises UnknownEnquiry."""
        changed, _ = change_document(
            self._store,
            self._registry,
            lambda: self._document(enquiry.organisation, enquiry.id),
            read=_read,
            write=_to_document,
            change=change,
        )
        return changed

    def forget(self, enquiry: Enquiry) -> None:
        """Drop an enquiry, unless somebody else has just changed it."""
        try:
            document = self._document(enquiry.organisation, enquiry.id)
            gone = {"_id": document["_id"], "_rev": document["_rev"], "_deleted": True}
            self._store.put(self._registry, gone)
        except (Conflict, UnknownEnquiry):
            return

    def _document(self, organisation: str, enquiry_id: str) -> Document:
        name = f"{PREFIX}{whose(organisation)}:{enquiry_id}"
        document = self._store.find(self._registry, name) if is_id(enquiry_id) else None
        if document is None:
            raise UnknownEnquiry(enquiry_id)
        return document


def is_stale(enquiry: Enquiry, now: datetime, days: float) -> bool:
    """Whether it was asked so long ago that it need not be kept."""
    return now - enquiry.asked_at > timedelta(days=days)


def merged_enquiry(leaves: Sequence[Document]) -> Document:
    """Of an enquiry written in two places at once, the one that is further."""
    order = ("queued", "running", "failed", "answered")
    return max(
        leaves,
        key=lambda leaf: (
            order.index(leaf["enquiry"]["state"]),
            leaf["enquiry"]["begun"],
            msgspec.json.encode(leaf["enquiry"], order="deterministic"),
        ),
    )


def _asked(enquiry: Enquiry) -> tuple[Any, ...]:
    names = ("plan", "kind", "work", "date", "scope", "drop", "add", "asked_by")
    return tuple(getattr(enquiry, name) for name in names)


def _to_document(enquiry: Enquiry) -> Document:
    return {
        "_id": f"{PREFIX}{whose(enquiry.organisation)}:{enquiry.id}",
        "type": "plan-enquiry",
        "schema": SCHEMA,
        "enquiry": msgspec.to_builtins(enquiry),
    }


def _read(document: Mapping[str, Any]) -> Enquiry:
    return msgspec.convert(document["enquiry"], Enquiry)
