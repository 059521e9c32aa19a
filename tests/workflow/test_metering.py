"""Metering: what is needed by when, and what the stock does not cover."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from server.workflow import commands as c
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.metering import Instrument, MeteringLine, Need, balances
from tests.workflow.builders import Desk, energized_desk, refused

METER = Instrument(kind="meter", type="DTZ341", accuracy="0.5S")
CT = Instrument(kind="ct", ratio="100/5", accuracy="0.5S")


def plan(**changes: Any) -> c.PlanMetering:
    fields: dict[str, Any] = {
        "connect_on": date(2026, 12, 10),
        "lines": (MeteringLine(instrument=METER, quantity=1), MeteringLine(instrument=CT, quantity=3)),
    }
    return c.PlanMetering(**{**fields, **changes})


def test_a_plan_stands_in_the_place_of_the_one_before_and_the_log_keeps_both() -> None:
    desk = Desk()
    desk.do(plan())
    assert desk.do(plan()).events == ()
    desk.do(plan(connect_on=date(2027, 1, 5)))
    assert desk.case.metering is not None
    assert desk.case.metering.connect_on == date(2027, 1, 5)
    told = [entry.data["connect_on"] for entry in desk.case.log if entry.event == "metering_planned"]
    assert told == ["2026-12-10", "2027-01-05"]
    assert case_from_document(case_to_document(desk.case)) == desk.case
    assert refused(energized_desk(), plan()).code == "already_energized"
    document = case_to_document(desk.case)
    del document["metering"]
    assert case_from_document(document).metering is None


def test_a_months_demand_is_held_against_the_stock_with_what_was_left_before() -> None:
    needs = [
        Need("2026-11", CT, 3, "YK-1"),
        Need("2026-12", CT, 3, "YK-2"),
        Need("2026-12", METER, 1, "YK-2"),
        Need("2027-01", METER, 9, "YK-3"),
    ]
    rows = balances("2026-12", needs, {CT.plain: 4, METER.plain: 5})
    assert [(row.instrument, row.needed, row.backlog, row.on_hand, row.short) for row in rows] == [
        (CT, 3, 3, 4, 2),
        (METER, 1, 0, 5, 0),
    ]
    assert rows[0].cases == ("YK-1", "YK-2")


def test_an_instrument_is_the_same_however_it_was_typed() -> None:
    wide = Instrument(kind="ct", ratio=" １００／５ ", accuracy="0.5s")
    [row] = balances("2026-12", [Need("2026-12", wide, 1, "a"), Need("2026-12", CT, 2, "b")], {CT.plain: 3})
    assert (row.needed, row.short) == (3, 0)
    assert Instrument(kind="pt", ratio="100/5", accuracy="0.5S").plain != CT.plain


MONTHS = st.sampled_from(["2026-10", "2026-11", "2026-12", "2027-01"])
INSTRUMENTS = st.sampled_from([METER, CT, Instrument(kind="pt", ratio="10/0.1")])
NEEDS = st.lists(st.builds(Need, MONTHS, INSTRUMENTS, st.integers(1, 9), st.sampled_from("abc")), max_size=12)


@settings(max_examples=100, deadline=None)
@given(NEEDS, st.dictionaries(INSTRUMENTS, st.integers(0, 20)), MONTHS, st.randoms())
def test_nothing_that_is_needed_is_forgotten_and_the_order_never_matters(
    needs: list[Need], stock: dict[Instrument, int], month: str, random: Any
) -> None:
    there = {instrument.plain: n for instrument, n in stock.items()}
    rows = balances(month, needs, there)
    wanted = sum(need.quantity for need in needs if need.month <= month)
    assert sum(row.needed + row.backlog for row in rows) == wanted
    for row in rows:
        assert row.short == max(0, row.needed + row.backlog - there.get(row.instrument.plain, 0))
    shuffled = list(needs)
    random.shuffle(shuffled)
    assert balances(month, shuffled, there) == rows
