"""Why a work is left out or late is told by facts, all of them true, and what is said to help does."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import msgspec
import pytest

from server.outage_words import explanation_words, price_words
from server.outages.balancing import balance
from server.outages.instance import CustomerFacts, Freeze, Instance, Pin
from server.outages.ledger import Ledger
from server.outages.month import Obstacle, make_month
from server.outages.obstacles import obstacles, places_of, with_own_set
from server.outages.options import make_options
from server.outages.plan import Plan
from server.outages.reasons import Explanation, explain, fact_of, known
from server.outages.rebalancing import Price, price
from server.outages.standing import taken_up
from server.texts import LANGUAGES
from tests.outages.demo import LIMITS, demo, demo_plan, with_work
from tests.outages.months import tiny


def test_what_no_day_allows_is_told_by_the_three_facts_that_leave_none() -> None:
    explained = explain(*demo(), demo_plan(), "T-13")
    assert explained.date is None
    assert {one.code for one in explained.core} == {"before_earliest", "guaranteed", "after_latest"}
    assert {one.change.code for one in explained.reliefs} == {"guaranteed", "later"}
    barred = [day for day in explained.days if {one.code for one in day.obstacles} == {"guaranteed"}]
    assert [str(day.date) for day in barred] == ["2026-06-22", "2026-06-23", "2026-06-24"]


def test_works_explained_of_one_month_are_told_the_same_as_each_by_itself() -> None:
    of = known(*demo())
    for work in ("T-13", "T-09", "T-06"):
        assert explain(*demo(), demo_plan(), work, of=of) == explain(*demo(), demo_plan(), work)


@pytest.mark.parametrize("change", ["guaranteed", "later"])
def test_what_is_said_to_help_helps_at_the_price_that_is_told(change: str) -> None:
    instance, network = demo()
    relief = next(
        one for one in explain(instance, network, demo_plan(), "T-13").reliefs if one.change.code == change
    )
    if change == "later":
        helped = with_work(instance, "T-13", latest=dt.date(2026, 7, 1))
    else:
        facts = tuple(
            msgspec.structs.replace(one, guaranteed=()) if one.id == "SCHOOL" else one
            for one in instance.customers
        )
        helped = msgspec.structs.replace(instance, customers=facts)
    priced = price(helped, network, demo_plan(), "T-13", relief.date)
    assert priced.possible
    without = sum(value for part, value in priced.hours.items() if part != "unplaced")
    assert without == pytest.approx(relief.hours)


def test_a_frozen_week_is_told_as_such_with_who_may_still_move_works() -> None:
    """The same pin and the same days, of the scheduler's own hand and of a week that is frozen."""
    instance, network = demo()
    held = with_work(instance, "T-11", pin=Pin(date=dt.date(2026, 6, 2)))
    held = with_work(held, "T-08", forbid=(dt.date(2026, 6, 3), dt.date(2026, 6, 30)))
    frozen = msgspec.structs.replace(held, freeze=Freeze(until=dt.date(2026, 6, 5), roles=("admin",)))
    plan = balance(held, network, limits=LIMITS)
    assert plan.outages == balance(frozen, network, limits=LIMITS).outages

    def codes(of: Instance, work: str, date: str) -> set[str]:
        day = next(one for one in explain(of, network, plan, work).days if str(one.date) == date)
        return {one.code for one in day.obstacles}

    for own, there, day in ((held, "pinned", "forbidden"), (frozen, "frozen_there", "frozen_day")):
        assert there in codes(own, "T-11", "2026-06-15")
        assert day in codes(own, "T-08", "2026-06-03")
        assert "forbidden" in codes(own, "T-08", "2026-06-30")
    for lang in LANGUAGES:
        said = "".join(explanation_words(explain(frozen, network, plan, "T-11"), lang))
        assert "admin" in said
        assert "2026-06-05" in said


def test_of_works_tied_to_one_day_each_tells_what_keeps_the_other() -> None:
    """T-02 has one day of its own; T-06, which must go with it, no longer claims that other days would do."""
    instance, network = demo()
    tied = with_work(instance, "T-02", together=("T-06",))
    plan = balance(tied, network, limits=LIMITS)
    for work, other in (("T-02", "T-06"), ("T-06", "T-02")):
        explained = explain(tied, network, plan, work)
        fits = [day for day in explained.days if not day.obstacles]
        assert [(day.date, day.hours) for day in fits] == [(explained.date, 0.0)]
        assert all(one.params.get("tied") in (None, other) for day in explained.days for one in day.obstacles)
        for lang in LANGUAGES:
            assert (other in "".join(explanation_words(explained, lang))) == (work == "T-06")
    busy = {one.code for one in explained.core if "tied" in one.params}
    assert busy == {"too_often"}


def test_what_is_tied_to_a_work_moves_along_at_the_price_that_is_told() -> None:
    instance, network = demo()
    tied = with_work(instance, "T-08", together=("T-14",))
    plan = balance(tied, network, limits=LIMITS)
    explained = explain(tied, network, plan, "T-14")
    others = [day for day in explained.days if not day.obstacles and day.date != explained.date]
    assert others
    for day in others[:3]:
        priced = price(tied, network, plan, "T-14", day.date)
        assert priced.possible
        assert {one.work: one.after for one in priced.changes} == {"T-08": day.date, "T-14": day.date}
        assert day.hours is not None
        assert priced.total - priced.hours.get("repeats", 0.0) <= day.hours + 1e-6


def hashable(found: Obstacle) -> tuple[str, tuple[tuple[str, Any], ...]]:
    return found.code, tuple(sorted(found.params.items()))


@pytest.mark.parametrize("seed", range(40))
def test_every_core_leaves_no_place_and_none_of_it_can_be_spared(seed: int) -> None:
    instance, network = tiny(seed)
    plan = balance(instance, network, limits=LIMITS)
    month = make_month(instance, network)
    for left in plan.unplaced:
        explained = explain(instance, network, plan, left.work)
        number = month.number[left.work]
        options = with_own_set(month, make_options(month), number)
        ledger = Ledger(month, options, taken_up(month, options, plan))
        every = [
            [fact_of(one) for one in obstacles(ledger, number, place)]
            for place in places_of(month, options, number)
        ]
        core = set(map(hashable, explained.core))
        facts = [set(map(hashable, one)) for one in every]
        assert all(found & core for found in facts) == bool(core)
        assert all(any(not found & (core - {one}) for found in facts) for one in core)


def test_a_late_work_is_told_what_keeps_it_from_its_day() -> None:
    instance, network = demo()
    wanted = dt.date(2026, 6, 3)
    away = {dt.date(2026, 6, day): 0 for day in (1, 2, 3, 4)}
    crews = tuple(
        msgspec.structs.replace(one, count_on={**one.count_on, **away}) if one.skill == "cable" else one
        for one in instance.crews
    )
    late = msgspec.structs.replace(with_work(instance, "T-14", wanted=wanted), crews=crews)
    plan = balance(late, network, limits=LIMITS)
    explained = explain(late, network, plan, "T-14")
    assert explained.date is not None
    assert explained.late_days == (explained.date - wanted).days > 0
    assert "no_crew" in {one.code for one in explained.core}
    crew = next(one for one in explained.reliefs if one.change.code == "crew")
    assert crew.date <= wanted
    worded(late, plan, explained)


def test_the_price_of_a_move_is_that_of_the_plan_that_has_it() -> None:
    instance, network = demo()
    date = dt.date(2026, 6, 12)
    priced = price(instance, network, demo_plan(), "T-04", dt.date(2026, 6, 25), scope="all", limits=LIMITS)
    assert priced.possible
    assert [one.work for one in priced.changes] == ["T-04"]
    again = balance(with_work(instance, "T-04", pin=pin(dt.date(2026, 6, 25))), network, limits=LIMITS)
    assert again.parts.hours + again.parts.lateness == pytest.approx(
        demo_plan().parts.hours + demo_plan().parts.lateness + priced.total
    )
    barred = price(instance, network, demo_plan(), "T-04", date)
    assert not barred.possible
    assert barred.obstacles[0].code == "before_earliest"
    with pytest.raises(ValueError, match="not in the month"):
        price(instance, network, demo_plan(), "T-04", dt.date(2026, 7, 2))


def pin(date: dt.date) -> Pin:
    return Pin(date=date)


#: A change of the demo month that leaves a work out, and the obstacle that must be told.
BARRED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("T-10", {"pin": pin(dt.date(2026, 6, 6))}, {}, "rest_day"),
    ("T-10", {"latest": dt.date(2026, 6, 10), "earliest": dt.date(2026, 6, 5)}, {}, "blackout"),
    (
        "T-14",
        {"pin": pin(dt.date(2026, 6, 11)), "forbid": ()},
        {"published": dt.datetime.fromisoformat("2026-06-11T09:00:00")},
        "notice",
    ),
    ("T-04", {}, {"customers": (CustomerFacts(id="SCHOOL"),)}, "important"),
    ("T-11", {"minutes": 539}, {}, "window"),
    ("T-12", {"after": ("T-13",)}, {}, "after"),
    ("T-12", {"together": ("T-13",)}, {}, "with"),
    ("T-04", {}, {"operations": 5}, "too_many_operations"),
]


@pytest.mark.parametrize(("work", "own", "month", "code"), BARRED, ids=[one[3] for one in BARRED])
def test_what_bars_a_work_is_told_in_both_languages(
    work: str, own: dict[str, Any], month: dict[str, Any], code: str
) -> None:
    instance, network = demo()
    instance = with_work(instance, work, **own)
    calendar = {name: value for name, value in month.items() if name != "customers"}
    instance = msgspec.structs.replace(
        instance,
        calendar=msgspec.structs.replace(instance.calendar, **calendar),
        customers=month.get("customers", instance.customers),
    )
    plan = balance(instance, network, limits=LIMITS)
    assert work in {one.work for one in plan.unplaced}
    explained = explain(instance, network, plan, work)
    told = {one.code for day in explained.days for one in day.obstacles}
    assert code in told or code == "with", told
    worded(instance, plan, explained)


def worded(instance: Instance, plan: Plan, explained: Explanation) -> None:
    for language in LANGUAGES:
        lines = list(explanation_words(explained, language))
        assert len(lines) > 2
        assert not any("outage_" in line or re.search(r"\{\w+\}", line) for line in lines), lines


def test_a_price_is_told_in_both_languages() -> None:
    for date in (dt.date(2026, 6, 12), dt.date(2026, 6, 25)):
        priced = price(*demo(), demo_plan(), "T-04", date)
        for language in LANGUAGES:
            words = price_words(priced, language)
            assert "T-04" in words
            assert "outage_" not in words


def test_a_price_below_nothing_is_told_as_less() -> None:
    def told(total: float, lang: str) -> str:
        priced = Price("t-1", dt.date(2026, 6, 2), True, total, {}, (), ())
        return price_words(priced, lang)

    assert told(1234.4, "en") == "t-1 on 2026-06-02: 1,234 customer-hours more."
    assert told(-19_874.0, "en") == "t-1 on 2026-06-02: 19,874 customer-hours less."
    assert told(-0.3, "en") == "t-1 on 2026-06-02: 0 customer-hours more."
    assert "少 19,874 时户数" in told(-19_874.0, "zh-CN")
