"""How an outage went: what cannot be is refused, what was otherwise has a reason, hours are as they were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from server.scheduling.executing import (
    Execution,
    ExecutionRefused,
    SectionTimes,
    WorkResult,
    checked,
    merged_execution,
    real_hours,
)

OFF, ON = datetime(2026, 6, 11, 8, tzinfo=UTC), datetime(2026, 6, 11, 11, tzinfo=UTC)
NOW = datetime(2026, 6, 11, 18, tzinfo=UTC)
#: Two dead sections with 10 and 20 customers for three hours, five more for six minutes of switching.
OUTAGE: dict[str, Any] = {
    "id": "o1",
    "off": "2026-06-11T08:00:00",
    "on": "2026-06-11T11:00:00",
    "dead": ["s-1", "s-2"],
    "moved": ["s-3"],
    "works": [{"work": "a"}, {"work": "b"}],
    "customers_dead": 31,
    "customer_hours": 93.5,
}
COUNTS = {"s-1": 10, "s-2": 20, "s-3": 5}
SPREAD = {"mill": frozenset({"s-1", "s-2"}), "school": frozenset({"s-2", "s-9"}), "one": frozenset({"s-1"})}
WENT = Execution(
    outage="o1",
    outcome="as_planned",
    works=(WorkResult(work="a", done=True), WorkResult(work="b", done=True)),
    customer_hours=0.0,
    by="ben",
    at=NOW,
    off=OFF,
    on=ON,
)
WHY = {"code": "weather", "reason": "rain"}


def judged(**changes: Any) -> Execution:
    said = replace(WENT, **changes)
    return checked(OUTAGE, said, planned=(OFF, ON), tolerance=timedelta(minutes=15))


def test_what_went_as_planned_needs_no_reason() -> None:
    assert judged().outcome == "as_planned"
    assert judged(off=OFF + timedelta(minutes=15), on=ON + timedelta(minutes=15)).outcome == "as_planned"
    assert judged(on=ON - timedelta(hours=1)).outcome == "as_planned", "supply came back early"


def test_what_went_otherwise_has_a_reason() -> None:
    undone = (WorkResult(work="a", done=True), WorkResult(work="b", done=False, code="material_late"))
    for changes, outcome in (
        ({"on": ON + timedelta(minutes=16)}, "deviated"),
        ({"off": OFF - timedelta(minutes=16)}, "deviated"),
        ({"works": undone}, "deviated"),
        ({"off": None, "on": None, "works": tuple(replace(one, done=False) for one in undone)}, "cancelled"),
    ):
        with pytest.raises(ExecutionRefused) as refusal:
            judged(**changes)
        assert refusal.value.code == "execution_reason_missing"
        assert judged(**changes, **WHY).outcome == outcome


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"on": None}, "execution_times_half"),
        ({"off": ON, "on": OFF}, "execution_times_order"),
        ({"on": NOW + timedelta(minutes=1)}, "execution_times_order"),
        ({"sections": (SectionTimes(section="s-9", off=OFF, on=ON),)}, "execution_section_unknown"),
        ({"works": (WorkResult(work="a", done=True),)}, "execution_works"),
        ({"works": (*WENT.works, WENT.works[0])}, "execution_works"),
        ({"off": None, "on": None}, "execution_done_without"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(ExecutionRefused) as refusal:
        judged(**changes, **WHY)
    assert refusal.value.code == code


def hours(**changes: Any) -> float:
    return real_hours(OUTAGE, replace(WENT, **changes), counts=COUNTS, spread=SPREAD)


def test_as_planned_the_hours_are_the_planned_ones() -> None:
    assert hours() == pytest.approx(OUTAGE["customer_hours"])
    assert hours(off=None, on=None) == 0


def test_a_section_that_was_out_for_less_counts_for_less() -> None:
    early = SectionTimes(section="s-1", off=OFF, on=OFF + timedelta(hours=1))
    # 10 customers and the mill, which was out while both were, two hours less.
    assert hours(sections=(early,)) == pytest.approx(93.5 - 2 * 11)
    never_both = SectionTimes(section="s-1", off=ON, on=ON + timedelta(hours=3))
    assert hours(sections=(never_both,)) == pytest.approx(93.5 - 3)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 600), st.integers(1, 600))
def test_hours_grow_with_the_time_without_supply(shorter: int, more: int) -> None:
    first = hours(on=OFF + timedelta(minutes=shorter))
    assert hours(on=OFF + timedelta(minutes=shorter + more)) - first == pytest.approx(31 * more / 60)


def test_of_records_written_in_two_places_all_are_kept_and_the_latest_is_last() -> None:
    first, later = WENT, replace(WENT, at=NOW + timedelta(hours=1), by="cleo")
    leaves = [{"records": [msgspec.to_builtins(one)]} for one in (first, later)]
    for order in permutations(leaves):
        assert [one["by"] for one in merged_execution(order)["records"]] == ["ben", "cleo"]
