"""Metering instruments 计量器具: what a case needs and by when, and a month's demand against the stock."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from server.workflow.vocabulary import Count, Moment, Name, Value, Words

__all__ = [
    "Balance",
    "Instrument",
    "InstrumentKind",
    "MeteringLine",
    "MeteringPlan",
    "Need",
    "balances",
]

#: Meters; current and voltage transformers; terminals that collect the readings.
InstrumentKind = Literal["meter", "ct", "pt", "terminal"]


class Instrument(Value, frozen=True, kw_only=True):
    """What an instrument is told by. `ratio`: as on the plate, `100/5`; `accuracy`: its class, `0.5S`."""

    kind: InstrumentKind
    type: Words = ""
    ratio: Words = ""
    accuracy: Words = ""

    @property
    def plain(self) -> tuple[str, str, str, str]:
        """The same for the same instrument, however it was typed."""
        return (self.kind, _plain(self.type), _plain(self.ratio), _plain(self.accuracy))


class MeteringLine(Value, frozen=True, kw_only=True):
    """So many of an instrument."""

    instrument: Instrument
    quantity: Annotated[int, Meta(ge=1, le=10_000)]


class MeteringPlan(Value, frozen=True, kw_only=True):
    """What a case needs, and the day on which it is to connect."""

    connect_on: date
    lines: tuple[MeteringLine, ...]
    planned_at: Moment
    planned_by: Name
    note: Words = ""


class Need(Struct, frozen=True):
    """So many of an instrument for one case, by the month it is to connect in, `2026-12`."""

    month: str
    instrument: Instrument
    quantity: Count
    case: str


class Balance(Struct, frozen=True, kw_only=True):
    """An instrument's month. `backlog`: needed before it, not fitted; `short`: what the stock lacks."""

    instrument: Instrument
    needed: int
    backlog: int
    on_hand: int
    short: int
    cases: tuple[str, ...]


def balances(
    month: str, needs: Iterable[Need], stock: Mapping[tuple[str, str, str, str], int]
) -> tuple[Balance, ...]:
    """Each instrument that is needed in a month or was before it, those that are short first.

    `stock` by `Instrument.plain`. What is needed in later months takes nothing away.
    """
    found: dict[tuple[str, str, str, str], list[Need]] = {}
    for need in needs:
        if need.month <= month:
            found.setdefault(need.instrument.plain, []).append(need)
    rows = []
    for plain, theirs in found.items():
        needed = sum(need.quantity for need in theirs if need.month == month)
        backlog = sum(need.quantity for need in theirs if need.month < month)
        on_hand = stock.get(plain, 0)
        row = Balance(
            instrument=min(
                (need.instrument for need in theirs), key=lambda one: (one.type, one.ratio, one.accuracy)
            ),
            needed=needed,
            backlog=backlog,
            on_hand=on_hand,
            short=max(0, needed + backlog - on_hand),
            cases=tuple(sorted({need.case for need in theirs})),
        )
        rows.append((plain, row))
    return tuple(row for _, row in sorted(rows, key=lambda one: (-one[1].short, one[0])))


def _plain(words: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", words).split()).casefold()
