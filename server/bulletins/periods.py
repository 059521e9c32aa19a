"""Weeks, months and quarters by their names: `2026-W47`, `2026-11`, `2026-Q4`."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Literal

from msgspec import Struct

PeriodKind = Literal["weekly", "monthly", "quarterly"]
_SHAPES: dict[PeriodKind, re.Pattern[str]] = {
    "weekly": re.compile(r"(\d{4})-W(\d{2})"),
    "monthly": re.compile(r"(\d{4})-(\d{2})"),
    "quarterly": re.compile(r"(\d{4})-Q([1-4])"),
}
_MONTHS: dict[PeriodKind, int] = {"monthly": 1, "quarterly": 3}


class PeriodError(ValueError):
    """A name that names no period."""


class Period(Struct, frozen=True):
    """From the day `first` to the day `last`. A week begins on Monday, and is that of ISO 8601."""

    kind: PeriodKind
    name: str
    first: date
    last: date

    @property
    def before(self) -> Period:
        """The period of the same kind that came before. Raises PeriodError before the year 1."""
        if self.first == date.min:
            raise PeriodError(self.name)
        return period_of(self.kind, self.first - timedelta(days=1))


def named(kind: PeriodKind, name: str) -> Period:
    """The period of this name. Raises PeriodError."""
    found = _SHAPES[kind].fullmatch(name)
    if found is None:
        raise PeriodError(name)
    year, number = int(found[1]), int(found[2])
    try:
        if kind == "weekly":
            return period_of(kind, date.fromisocalendar(year, number, 1))
        return period_of(kind, date(year, (number - 1) * _MONTHS[kind] + 1, 1))
    except (ValueError, OverflowError):
        raise PeriodError(name) from None


def period_of(kind: PeriodKind, day: date) -> Period:
    """The period in which a day lies. Raises PeriodError for one that would end beyond the calendar."""
    try:
        if kind == "weekly":
            year, week, weekday = day.isocalendar()
            first = day - timedelta(days=weekday - 1)
            return Period(kind, f"{year:04}-W{week:02}", first, first + timedelta(days=6))
        months = _MONTHS[kind]
        first = date(day.year, (day.month - 1) // months * months + 1, 1)
        year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
        last = date(year, month + 1, 1) - timedelta(days=1)
    except (ValueError, OverflowError):
        raise PeriodError(day.isoformat()) from None
    number = f"{day.month:02}" if kind == "monthly" else f"Q{(day.month + 2) // 3}"
    return Period(kind, f"{day.year:04}-{number}", first, last)
