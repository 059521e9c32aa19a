"""Working days: the calendar of the country, what an organisation enters, and years that nobody knows."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.workflow.workdays import CalendarError, UnknownYear, Workdays, calendar_rows

COUNTRY = Workdays().of(None)
KNOWN = st.dates(date(2005, 1, 1), date(2025, 12, 31))
#: A year entered by hand, as it would be announced; none of these days is from an announcement.
ENTERED = {
    "year": 2031,
    "holidays": [date(2031, 1, 1), date(2031, 1, 2), date(2031, 1, 3), date(2031, 10, 1)],
    "workdays": [date(2030, 12, 29), date(2031, 1, 11)],
    "source": "made up",
}


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2012, 6, 22), False),  # a Friday, moved for the Dragon Boat Festival
        (date(2012, 6, 21), True),
        (date(2012, 9, 29), True),  # a Saturday, made up for the National Day
        (date(2026, 2, 17), False),  # Spring Festival
        (date(2026, 2, 28), True),  # a Saturday, made up for it
        (date(2026, 11, 22), False),  # a Sunday
        (date(2020, 1, 31), False),  # the Spring Festival that was prolonged
    ],
)
def test_holidays_are_not_worked_and_made_up_for_on_weekends(day: date, works: bool) -> None:
    assert COUNTRY.works(day) is works


def test_the_first_day_that_counts_is_the_next_working_day() -> None:
    friday = date(2026, 11, 20)
    assert COUNTRY.count(friday, friday) == 0
    assert COUNTRY.count(friday, date(2026, 11, 22)) == 0
    assert COUNTRY.count(friday, date(2026, 11, 23)) == 1
    assert COUNTRY.add(friday, 1) == date(2026, 11, 23)
    assert COUNTRY.count(date(2026, 11, 21), date(2026, 11, 23)) == 1, "from a Saturday on as well"


@settings(deadline=None)
@given(first=KNOWN, days=st.lists(st.integers(0, 365), min_size=2, max_size=2))
def test_counting_adds_up_and_agrees_with_looking_at_each_day(first: date, days: list[int]) -> None:
    middle, last = (first + timedelta(days=n) for n in sorted(days))
    each = sum(COUNTRY.works(first + timedelta(days=n)) for n in range(1, (last - first).days + 1))
    assert COUNTRY.count(first, last) == each
    assert COUNTRY.count(first, middle) + COUNTRY.count(middle, last) == each


@settings(deadline=None)
@given(day=KNOWN, n=st.integers(1, 300))
def test_the_nth_working_day_is_worked_and_is_the_nth(day: date, n: int) -> None:
    if day + timedelta(days=2 * n + 30) > date(2026, 12, 31):
        return
    nth = COUNTRY.add(day, n)
    assert COUNTRY.works(nth)
    assert COUNTRY.count(day, nth) == n


@pytest.mark.parametrize("year", [2003, 2031])
def test_a_year_that_nobody_knows_is_not_guessed(year: int) -> None:
    with pytest.raises(UnknownYear) as caught:
        COUNTRY.works(date(year, 5, 6))
    assert caught.value.year == year


def test_a_deadline_that_would_fall_into_an_unknown_year_is_not_given() -> None:
    with pytest.raises(UnknownYear, match="2031"):
        Workdays(calendar_rows([{**ENTERED, "year": 2030}])).of(None).add(date(2030, 12, 20), 30)


def test_an_unknown_year_is_known_once_it_is_entered() -> None:
    calendar = Workdays(calendar_rows([ENTERED, {**ENTERED, "year": 2030}])).of("xiangyang")
    assert not calendar.works(date(2031, 1, 2))
    assert calendar.works(date(2031, 1, 11)), "a Saturday that makes up"
    assert calendar.works(date(2030, 12, 29)), "and a Sunday of the year before"
    assert calendar.works(date(2031, 5, 6))
    assert not calendar.works(date(2031, 5, 10))
    assert calendar.add(date(2030, 12, 29), 3) == date(2031, 1, 6)


def test_a_day_entered_by_an_organisation_is_its_own() -> None:
    rows = calendar_rows(
        [
            {"day": date(2026, 8, 19), "working": False, "source": "flood", "organisation": "xiangyang"},
            {"day": date(2026, 8, 19), "working": True, "source": "no flood"},
        ]
    )
    workdays = Workdays(rows)
    assert not workdays.of("xiangyang").works(date(2026, 8, 19))
    assert workdays.of("north").works(date(2026, 8, 19))


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"day": date(2026, 8, 19), "working": "no", "source": "x"}, "calendar row 1: Expected `bool`"),
        ({"day": date(2026, 8, 19), "working": True, "source": " "}, "name the announcement"),
        ({**ENTERED, "holidays": []}, "list the holidays of 2031"),
        ({**ENTERED, "holidays": [date(2035, 1, 1)]}, "list the holidays of 2031"),
        ({**ENTERED, "workdays": [date(2031, 1, 1)]}, "both holiday and workday: 2031-01-01"),
    ],
)
def test_a_row_that_cannot_be_is_refused(row: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CalendarError, match=complaint):
        calendar_rows([row])
