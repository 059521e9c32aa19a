"""A month's figures over all versions of its plans: what was moved or dropped was not done as planned."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from server.bulletins.outages import OutageFigures
from server.scheduling.executing import Execution, WorkResult
from server.scheduling.figures import MonthOf, figures
from server.scheduling.looking_back import Version, interruptions, outages_of
from tests.scheduling.test_announcing import record

JSON = dict[str, Any]
TODAY = date(2026, 7, 1)


def plan(**outages: tuple[int, str, float]) -> JSON:
    """Outages by name: the day of June, the works, the customer-hours; each of a section of its own."""
    return {
        "outages": [
            {
                "id": name,
                "date": f"2026-06-{day:02}",
                "works": [{"work": work} for work in works],
                "dead": [f"s-{works}"],
                "customer_hours": hours,
            }
            for name, (day, works, hours) in outages.items()
        ],
        "live": [{"work": "z", "date": "2026-06-05"}],
    }


def went(outage: str, hours: float, **done: bool) -> Execution:
    took_place = any(done.values())
    moment = datetime(2026, 6, 30, tzinfo=UTC) if took_place else None
    return Execution(
        outage=outage,
        outcome="as_planned" if all(done.values()) else "deviated" if took_place else "cancelled",
        works=tuple(WorkResult(work=work, done=one) for work, one in done.items()),
        customer_hours=hours,
        by="ben",
        at=datetime(2026, 6, 30, tzinfo=UTC),
        off=moment,
        on=moment,
    )


def version(name: str, made: JSON, *executions: Execution, amends: str = "") -> Version:
    return Version(record=record(name, amends), plan=made, executions={one.outage: one for one in executions})


#: b moves from the 11th to the 20th, c is dropped; ab went well, the second b not at all.
FIRST = plan(o1=(10, "a", 30.0), o2=(11, "b", 50.0), o3=(15, "c", 70.0))
SECOND = plan(p1=(10, "a", 30.0), p2=(20, "bd", 60.0))
VERSIONS = (
    version("p", FIRST, went("o1", 24.0, a=True)),
    version("q", SECOND, went("p2", 0.0, b=False, d=False), amends="p"),
)
WORKS = {
    "a": {"kind": "connection"},
    "b": {"kind": "maintenance"},
    "d": {"kind": "connection", "notice": "short"},
    "z": {"kind": "maintenance"},
}


def told(**changes: Any) -> OutageFigures:
    outages = outages_of(VERSIONS)
    month = MonthOf(versions=VERSIONS, outages=outages, notices=(), works=WORKS)
    terms = {"look_back_days": 60, "budget": None, "today": TODAY, **changes}
    return figures([month], interrupted("2026-06-10 s-a", "2026-06-20 s-bd"), **terms)


def interrupted(*told: str) -> dict[tuple[str, str], list[date]]:
    """Days and sections of one network."""
    found: dict[tuple[str, str], list[date]] = {}
    for day, section in (one.split() for one in told):
        found.setdefault(("net", section), []).append(date.fromisoformat(day))
    return found


def test_an_outage_went_as_recorded_under_whatever_version() -> None:
    found = {min(one.works): one for one in outages_of(VERSIONS)}
    assert sorted(found) == ["a", "b"]
    assert found["a"].execution is not None
    assert found["a"].execution.customer_hours == 24.0
    assert found["a"].outage["id"] == "p1"


def test_what_was_recorded_of_an_outage_that_no_later_version_has_is_kept() -> None:
    lost = (
        version("p", FIRST, went("o3", 0.0, c=False)),
        version("q", SECOND, amends="p"),
        version("r", SECOND, amends="q"),
    )
    assert [(one.day.day, sorted(one.works)) for one in outages_of(lost)] == [
        (10, ["a"]),
        (15, ["c"]),
        (20, ["b", "d"]),
    ]


def test_hours_are_those_planned_and_those_real() -> None:
    one = told()
    assert (one.outages, one.recorded, one.cancelled) == (2, 2, 1)
    assert (one.hours_planned, one.hours_planned_of_recorded, one.hours_real) == (90.0, 90.0, 24.0)
    assert (one.connections, one.hours_per_connection) == (2, 12.0)


def test_what_was_moved_or_dropped_was_not_done_as_planned() -> None:
    # a was; b, c and d were not on the day that they were first published for.
    assert told().execution_rate == 0.25
    # On the 11th only the 10th is over.
    assert told(today=date(2026, 6, 11)).execution_rate == 1.0
    assert told().on_time_rate == 0.5


def test_rates_of_works_and_outages() -> None:
    one = told()
    assert (one.short_notice_rate, one.live_rate, one.combined_rate) == (0.25, 0.25, 0.5)


def test_an_outage_that_did_not_take_place_interrupts_nobody() -> None:
    assert interruptions(outages_of(VERSIONS), date(2026, 6, 1), date(2026, 6, 30)) == [
        {"section": "s-a", "date": "2026-06-10"}
    ]
    planned = outages_of((version("q", SECOND),))
    assert len(interruptions(planned, date(2026, 6, 1), date(2026, 6, 30))) == 2
    assert interruptions(planned, date(2026, 6, 11), date(2026, 6, 19)) == []


def repeats(*told: str) -> OutageFigures:
    return figures([], interrupted(*told), look_back_days=60, budget=None, today=TODAY)


def test_a_section_interrupted_again_within_the_look_back_is_a_repeat() -> None:
    found = repeats("2026-04-10 s-1", "2026-06-08 s-1", "2026-06-08 s-2")
    assert (found.repeat_rate, found.of["repeat_rate"]) == (0.5, 2)
    # A quarter is longer than the look-back: 60 days apart is again within 61 only.
    assert repeats("2026-04-10 s-1", "2026-06-09 s-1", "2026-06-08 s-2").repeat_rate == 0.0


def test_a_section_of_the_same_name_in_another_network_is_another() -> None:
    days = {("north", "s-1"): [date(2026, 6, 8)], ("south", "s-1"): [date(2026, 6, 9)]}
    assert figures([], days, look_back_days=60, budget=None, today=TODAY).repeat_rate == 0.0


def test_a_rate_says_of_how_many_it_is() -> None:
    assert told().of == {
        "execution_rate": 4,
        "short_notice_rate": 4,
        "live_rate": 4,
        "combined_rate": 2,
        "on_time_rate": 2,
        "notice_on_time_rate": 0,
        "repeat_rate": 2,
        "hours_per_connection": 2,
    }


def test_of_nothing_there_is_no_rate() -> None:
    empty = figures([], {}, look_back_days=60, budget=7.0, today=TODAY)
    assert (empty.hours_planned, empty.hours_budget, empty.execution_rate, empty.repeat_rate) == (
        0.0,
        7.0,
        None,
        None,
    )
