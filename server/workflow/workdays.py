"""Working days of the Chinese calendar: public holidays, make-up workdays, and what an organisation adds.

The State Council announces a year's holidays late in the year before, so no year beyond the last announced
can be computed. Nothing is guessed then: such a year raises UnknownYear until the table or the library names
it, because a guess that forgets Spring Festival moves deadlines by a week and nobody sees it.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

import chinese_calendar
import msgspec
from msgspec import Struct

_FRIDAY = 4
#: The last year whose announcement the library carries.
LAST_ANNOUNCED = max(day.year for day in chinese_calendar.holidays)


class UnknownYear(LookupError):
    """A year whose holidays nobody has announced, or nobody has entered. `year` says which."""

    def __init__(self, year: int) -> None:
        super().__init__(f"the holidays of {year} are not known: enter them in the calendar table")
        self.year = year


class CalendarError(ValueError):
    """A row of the calendar table that cannot be."""


#: How many pairs of days are kept counted.
_KEPT = 65_536
#: How many moments are kept with their days: those of a case, and a few of its neighbours'.
_MOMENTS = 1024


class YearRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A year as it was announced: Monday to Friday are worked but for `holidays`, and `workdays` make up for
    them. Days of the neighbouring years may be listed too: New Year moves days of December."""

    year: int
    holidays: tuple[date, ...]
    workdays: tuple[date, ...]
    source: str
    organisation: str | None = None


class DayRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One day that is worked, or not, whatever else says so: a local holiday, a correction."""

    day: date
    working: bool
    source: str
    organisation: str | None = None


class Calendar:
    """The working days of one organisation. Days are calendar dates where its customers live.

    Raises UnknownYear wherever a day of such a year would have to be counted.
    """

    def __init__(self, years: Mapping[int, YearRow], days: Mapping[date, bool]) -> None:
        self._years = dict(years)
        self._days = dict(days)
        self._counts: dict[int, list[int]] = {}
        # The clocks of a county's cases ask for the same days again and again.
        self._counted = lru_cache(_KEPT)(self._count)
        self._added = lru_cache(_KEPT)(self._add)

    def works(self, day: date) -> bool:
        """Whether `day` is a working day."""
        counts = self._year(day.year)
        n = day.timetuple().tm_yday
        return counts[n] > counts[n - 1]

    def count(self, after: date, until: date) -> int:
        """Working days after `after`, up to and with `until`: the first that counts is the next one.

        Zero if `until` is not later.
        """
        return self._counted(after, until)

    def _count(self, after: date, until: date) -> int:
        if until <= after:
            return 0
        whole = sum(self._year(year)[-1] for year in range(after.year, until.year))
        return whole + self._upto(until) - self._upto(after)

    def add(self, day: date, n: int) -> date:
        """The n-th working day after `day`; `day` itself for n = 0. Raises ValueError for less."""
        return self._added(day, n)

    def _add(self, day: date, n: int) -> date:
        if n < 0:
            raise ValueError("working days are counted forward")
        left, year, counts = n + self._upto(day), day.year, self._year(day.year)
        if n == 0:
            return day
        while left > counts[-1]:
            left -= counts[-1]
            year += 1
            counts = self._year(year)
        return date(year, 1, 1) + timedelta(days=counts.index(left) - 1)

    def _upto(self, day: date) -> int:
        """Working days of its year up to and with `day`."""
        return self._year(day.year)[day.timetuple().tm_yday]

    def _year(self, year: int) -> list[int]:
        """How many working days the first n days of a year have, for each n from 0."""
        known = self._counts.get(year)
        if known is None:
            first = date(year, 1, 1)
            days = (first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days))
            known = list(accumulate((self._is_worked(day) for day in days), initial=0))
            self._counts[year] = known
        return known

    def _is_worked(self, day: date) -> bool:
        if day in self._days:
            return self._days[day]
        if day.year in self._years:
            return day.weekday() <= _FRIDAY
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            raise UnknownYear(day.year) from None


class Workdays:
    """The calendar of every organisation: what all share, and what each has entered over it."""

    def __init__(self, rows: Iterable[YearRow | DayRow] = ()) -> None:
        self.rows = tuple(rows)
        self._calendars: dict[str | None, Calendar] = {}

    def of(self, organisation: str | None) -> Calendar:
        """The organisation's calendar. The last row on a day holds, its own before those of all."""
        known = self._calendars.get(organisation)
        if known is None:
            years: dict[int, YearRow] = {}
            days: dict[date, bool] = {}
            for owner in (None, organisation) if organisation is not None else (None,):
                for row in self.rows:
                    if row.organisation != owner:
                        continue
                    if isinstance(row, YearRow):
                        years[row.year] = row
                        days |= dict.fromkeys(row.holidays, False) | dict.fromkeys(row.workdays, True)
                    else:
                        days[row.day] = row.working
            known = self._calendars.setdefault(organisation, Calendar(years, days))
        return known


def calendar_rows(given: Iterable[Mapping[str, Any]]) -> tuple[YearRow | DayRow, ...]:
    """Rows of the calendar table from plain values. Raises CalendarError."""
    return tuple(_row(n, one) for n, one in enumerate(given, start=1))


def _row(n: int, given: Mapping[str, Any]) -> YearRow | DayRow:
    kind: type[YearRow | DayRow] = YearRow if "year" in given else DayRow
    try:
        row = msgspec.convert(dict(given), kind)
    except msgspec.ValidationError as error:
        raise CalendarError(f"calendar row {n}: {error}") from error
    if not row.source.strip():
        raise CalendarError(f"calendar row {n}: name the announcement it is from")
    if isinstance(row, YearRow):
        if both := set(row.holidays) & set(row.workdays):
            raise CalendarError(f"calendar row {n}: both holiday and workday: {min(both)}")
        far = [day for day in (*row.holidays, *row.workdays) if abs(day.year - row.year) > 1]
        if far or not row.holidays:
            raise CalendarError(f"calendar row {n}: list the holidays of {row.year}")
    return row


@lru_cache(_MOMENTS)
def day_in(timezone: str, moment: datetime) -> date:
    """The calendar day of an aware moment in a time zone by its IANA name."""
    # Clocks and monitors ask a case's few moments for their days again and again.
    return moment.astimezone(ZoneInfo(timezone)).date()


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
