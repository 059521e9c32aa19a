"""The stock of metering instruments as an organisation last gave it: one document in the registry."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from server.workflow.metering import Instrument
from server.workflow.vocabulary import Moment, Name, Value
from sync.conflicts import find_settled
from sync.store import Conflict, Document, DocumentStore

PREFIX = "metering-stock:"
SCHEMA = 1


class StaleStock(Exception):
    """The stock is not at the revision that the caller read."""


class StockLine(Value, frozen=True, kw_only=True):
    """How many of an instrument there are."""

    instrument: Instrument
    on_hand: Annotated[int, Meta(ge=0, le=10_000_000)]


class Stock(Value, frozen=True, kw_only=True):
    """What is there, as counted by somebody at a moment."""

    organisation: str
    lines: tuple[StockLine, ...] = ()
    given_at: Moment | None = None
    given_by: Name | None = None

    def by_instrument(self) -> dict[tuple[str, str, str, str], int]:
        """How many of each instrument; lines of the same one are added."""
        found: dict[tuple[str, str, str, str], int] = {}
        for line in self.lines:
            found[line.instrument.plain] = found.get(line.instrument.plain, 0) + line.on_hand
        return found


class Stocks:
    """The stock of every organisation; the whole is given anew each time."""

    def __init__(self, store: DocumentStore, registry: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock

    def get(self, organisation: str) -> tuple[Stock, str | None]:
        """The stock and its revision; an empty one and None where nobody gave any."""
        document = find_settled(self._store, self._registry, _id(organisation), _latest)
        if document is None:
            return Stock(organisation=organisation), None
        return _stock(document), str(document["_rev"])

    def put(
        self, organisation: str, lines: Sequence[StockLine], *, by: str, if_rev: str | None = None
    ) -> tuple[Stock, str]:
        """Give the stock as it is now; with `if_rev`, only if it still stands there. Raises StaleStock."""
        stock = Stock(organisation=organisation, lines=tuple(lines), given_at=self._clock(), given_by=by)
        _, rev = self.get(organisation)
        if if_rev is not None and rev != if_rev:
            raise StaleStock
        document = {
            "_id": _id(organisation),
            "type": "metering-stock",
            "schema": SCHEMA,
            **msgspec.to_builtins(stock),
        }
        if rev is not None:
            document["_rev"] = rev
        try:
            return stock, self._store.put(self._registry, document)
        except Conflict:
            raise StaleStock from None


def _id(organisation: str) -> str:
    return PREFIX + hashlib.sha256(organisation.encode()).hexdigest()[:32]


def _latest(leaves: Sequence[Document]) -> Document:
    """Of two counts given at once, the later one."""
    return max(leaves, key=lambda leaf: (str(leaf["given_at"]), str(leaf["given_by"])))


def _stock(document: Document) -> Stock:
    body = {key: value for key, value in document.items() if key not in {"_id", "_rev", "type", "schema"}}
    return msgspec.convert(body, Stock)
