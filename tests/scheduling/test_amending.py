"""A version of a published plan: what is over or frozen stays, the rest goes where it can be announced."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.scheduling.amending import Standing, Terms, amended_instance, merged_hand, next_instance
from server.scheduling.approving import PlanRefused
from server.scheduling.plans import Hand, Pinned

JSON = dict[str, Any]
DAYS = [date(2026, 6, 1) + timedelta(days=number) for number in range(30)]
TERMS = Terms(today=date(2026, 6, 10), frozen=date(2026, 6, 14), lead_days={"planned": 10, "short": 1})
#: Announced on the 17th, before any other outage could be any more.
STANDING = Standing(
    days={"over": date(2026, 6, 3), "held": date(2026, 6, 12), "open": date(2026, 6, 17)},
    announced={date(2026, 6, 17): (frozenset({"s-1", "s-2"}),), date(2026, 6, 12): (frozenset({"s-1"}),)},
)
NEEDS = {"over": "s-9", "held": "s-1", "open": "s-1", "rider": "s-2", "else": "s-3", "short": "s-3"}


def work(name: str, **more: Any) -> JSON:
    return {"id": name, "section": NEEDS[name], **more}


def amended(*names: str, hand: Mapping[str, Hand] = {}, thawed: tuple[str, ...] = ()) -> dict[str, JSON]:
    """By work, how the version binds it."""
    works = [work(name, **({"notice": "short"} if name == "short" else {})) for name in names]
    made = amended_instance(
        {"id": "2026-06", "works": []},
        works=works,
        hand=hand,
        standing=STANDING,
        needs={name: frozenset({NEEDS[name]}) for name in names},
        thawed=thawed,
        terms=TERMS,
    )
    return {one["id"]: one for one in made["works"]}


def test_what_is_over_or_frozen_is_pinned_where_it_stands() -> None:
    bound = amended("over", "held")
    assert bound["over"]["pin"] == {"date": "2026-06-03"}
    assert bound["held"]["pin"] == {"date": "2026-06-12"}


def test_the_instance_tells_what_is_frozen_and_who_may_move_it_and_the_next_does_not() -> None:
    terms = msgspec.structs.replace(TERMS, roles=("admin",))
    asked: dict[str, Any] = {"works": [], "hand": {}}
    more: dict[str, Any] = {"standing": STANDING, "needs": {}, "thawed": (), "terms": terms}
    made = amended_instance({"id": "2026-06", "works": []}, **asked, **more)
    assert made["freeze"] == {"until": "2026-06-14", "roles": ["admin"]}
    assert "freeze" not in next_instance(made, **asked)
    more["terms"] = msgspec.structs.replace(terms, frozen=terms.today)
    assert "freeze" not in amended_instance(made, **asked, **more)


def days_of(bound: JSON) -> list[str]:
    barred = {str(day) for day in bound.get("forbid", ())}
    return [str(day) for day in DAYS if str(day) not in barred]


def test_a_work_stays_or_goes_where_it_can_still_be_announced() -> None:
    bound = amended("open", "else", "short")
    assert days_of(bound["open"]) == ["2026-06-17", *(str(day) for day in DAYS if day >= date(2026, 6, 20))]
    assert days_of(bound["else"]) == [str(day) for day in DAYS if day >= date(2026, 6, 20)]
    assert days_of(bound["short"]) == [str(day) for day in DAYS if day > TERMS.frozen]


def test_what_an_announced_outage_covers_may_join_it() -> None:
    assert "2026-06-17" in days_of(amended("rider")["rider"])
    assert "2026-06-17" not in days_of(amended("else")["else"])


def test_a_work_that_was_let_go_may_use_frozen_days_that_are_announced() -> None:
    assert "2026-06-12" in days_of(amended("open", thawed=("open",))["open"])
    assert "2026-06-12" not in days_of(amended("open")["open"])


def test_a_pin_that_can_no_longer_be_announced_is_refused_with_the_first_day() -> None:
    with pytest.raises(PlanRefused) as refusal:
        amended("else", hand={"else": Hand(pin=Pinned(date=date(2026, 6, 18)))})
    assert (refusal.value.code, refusal.value.params["first"]) == ("plan_day_unannounced", "2026-06-20")


@settings(deadline=None, max_examples=50)
@given(
    st.sampled_from(["open", "rider", "else", "short"]),
    st.sets(st.sampled_from(DAYS), max_size=5),
    st.booleans(),
)
def test_nothing_may_go_to_a_day_that_is_over(name: str, forbid: set[date], let: bool) -> None:
    said = {name: Hand(forbid=tuple(sorted(forbid)))}
    bound = amended(name, hand=said, thawed=(name,) if let else ())[name]
    left = days_of(bound)
    assert all(day > str(TERMS.today) for day in left)
    assert not {str(day) for day in forbid} & set(left)


def test_what_is_said_now_goes_before_what_was_and_nothing_takes_it_back() -> None:
    pinned, barred = Hand(pin=Pinned(date=DAYS[3])), Hand(forbid=(DAYS[4],))
    assert merged_hand({"a": pinned, "b": pinned}, {"a": barred, "b": Hand()}) == {"a": barred}


def test_a_version_of_a_plan_that_nobody_has_published_is_bound_by_the_hand_alone() -> None:
    before = {"id": "2026-06", "works": [work("else", pin={"date": "2026-06-05"}), work("rider")]}
    said = {"rider": Hand(forbid=(DAYS[4],))}
    made = next_instance(before, works=[work("else", pin={"date": "2026-06-05"}), work("rider")], hand=said)
    assert made["works"] == [work("else"), work("rider", forbid=("2026-06-05",))]
