"""Lists say what the documents say: on any day without a write, by any filter, in any order, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from checklists.loader import fact_definitions
from server.bulletins.record import unpacked
from server.casework.projection import project
from server.readmodel import search
from server.readmodel.database import ReadModel
from server.readmodel.queries import SORTS, CaseFilter, Scope, list_cases, records_of
from server.readmodel.watching import LEVELS, AnomalyFilter, clock_level, list_anomalies, urgent_clocks
from server.workflow import commands as c
from server.workflow.clocks.measure import clocks
from server.workflow.clocks.timeline import latest
from server.workflow.inforce import InForce
from server.workflow.model import Case, Customer, Site
from server.workflow.monitors import anomalies
from server.workflow.policy import load_policy
from tests.workflow.builders import Desk, energized_desk, item, open_command

RULES = InForce(load_policy(fact_names=fact_definitions().keys()))
HOUSE = "xiangyang"
FIRST = date(2026, 3, 2)
NAMES = ("Mill One", "mill two", "甬江纺织", "石浦水产有限公司", "ＡＢＣ　电子", "100%_\\")


def histories() -> Iterator[Case]:
    """Cases at different places of their ways: late, paused, with a notice, over."""
    yield Desk().case
    desk = Desk()
    desk.to_stage("survey")
    yield desk.case
    desk.do(c.PauseClock(pause_id="p-1", reason="papers", evidence="letter"))
    yield desk.case
    desk = Desk("lv")
    desk.assign("t-survey", "survey", "chen.inspector")
    yield desk.case
    desk = Desk()
    desk.inspect("t-acc", "acceptance", item("CT-01"))
    desk.issue()
    yield desk.case
    yield energized_desk().case


class Town:
    """A read model and the cases in it."""

    def __init__(self, model: ReadModel, cases: list[Case]) -> None:
        self.model, self.cases = model, cases


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Every history for every customer, each in another house as well."""
    model = ReadModel(tmp_path_factory.mktemp("town") / "readmodel.sqlite3")
    found: list[Case] = []
    for n, case in enumerate(case for case in histories() for _ in NAMES):
        name = NAMES[n % len(NAMES)]
        made = replace(
            case,
            id=f"case-{n:03}",
            no=f"YK-{n:04}",
            customer=Customer(name, address=f"渔港路{n}号", account_no=f"33{n:06}"),
            site=Site(121.0 + n / 100, 29.0 + (n * 7 % 40) / 100),
            manager=f"manager{n % 3}",
        )
        found.append(made)
        project(model, made, "1-a", RULES)
        project(model, replace(made, id=f"far-{n:03}", organisation="elsewhere"), "1-a", RULES)
    yield Town(model, found)
    model.close()


def ids(model: ReadModel, sort: str = "no", **wanted: Any) -> list[str]:
    page = list_cases(model, Scope(HOUSE), CaseFilter(**wanted), sort=sort, limit=200)
    assert page.total == len(page.rows)
    return [row["id"] for row in page.rows]


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


days = st.integers(0, 500).map(lambda n: FIRST + timedelta(days=n))


@given(day=days, kind=st.sampled_from([None, "internal", "promise", "legal"]))
@settings(max_examples=30, deadline=None)
def test_clocks_are_filtered_as_the_documents_have_them(town: Town, day: date, kind: str | None) -> None:
    model, found = town.model, town.cases
    expected: dict[str, list[str]] = {"overdue": [], "at_risk": [], "paused": []}
    for case in found:
        now = max(noon(day), latest(case))
        timed = [
            one
            for one in clocks(case, now, RULES)
            if one.state != "ended" and (kind is None or one.kind == kind)
        ]
        if any(one.over for one in timed):
            expected["overdue"].append(case.id)
        if any(one.state == "paused" for one in timed):
            expected["paused"].append(case.id)
        unknown = [one.unknown_year is not None and day.year >= one.unknown_year for one in timed]
        if any(
            not one.over and (lost or (one.level is not None and one.level >= 80))
            for one, lost in zip(timed, unknown, strict=True)
        ):
            expected["at_risk"].append(case.id)
    for state, wanted in expected.items():
        assert ids(model, clock=state, clock_kind=kind, today=day.isoformat()) == wanted, state


@given(day=days)
@settings(max_examples=30, deadline=None)
def test_the_most_urgent_clock_has_the_level_of_the_documents(town: Town, day: date) -> None:
    model, found = town.model, town.cases
    told = urgent_clocks(model, [case.id for case in found], day.isoformat())
    for case in found:
        timed = [one for one in clocks(case, max(noon(day), latest(case)), RULES) if one.state != "ended"]
        assert (case.id in told) == bool(timed)
        if timed and told[case.id]["level"] != "unknown":
            over = any(one.over for one in timed)
            assert (told[case.id]["level"] == "over") == over
            assert told[case.id]["level"] == clock_level(told[case.id], day.isoformat())
            assert told[case.id]["level"] in LEVELS


@given(
    day=days,
    manager=st.sampled_from([None, "manager1"]),
    monitor=st.sampled_from([None, "over_limit", "one_person", "small_firm"]),
    watch=st.sampled_from([None, 1, 2, 3]),
)
@settings(max_examples=40, deadline=None)
def test_anomalies_are_those_of_the_documents(
    town: Town, day: date, manager: str | None, monitor: str | None, watch: int | None
) -> None:
    model, found = town.model, town.cases
    expected = sorted(
        (case.id, one.key)
        for case in found
        for one in anomalies(case, max(noon(day), latest(case)), RULES)
        if manager in {None, case.manager} and monitor in {None, one.monitor} and watch in {None, one.watch}
    )
    wanted = AnomalyFilter(today=day.isoformat(), manager=manager, monitor=monitor, watch=watch)
    rows, total = list_anomalies(model, HOUSE, wanted, offset=0, limit=1000)
    assert sorted((row["case_id"], row["anomaly"]) for row in rows) == expected
    assert total == len(expected)


@given(
    part=st.one_of(
        st.builds(
            lambda text, start, length: text[start : start + length],
            st.sampled_from([*NAMES, "YK-0012", "渔港路12号", "33000012"]),
            st.integers(0, 8),
            st.integers(1, 8),
        ),
        st.text(max_size=4),
    )
)
@settings(max_examples=150, deadline=None)
def test_any_part_of_a_name_is_found_and_nothing_else(town: Town, part: str) -> None:
    model, found = town.model, town.cases
    expected = [
        case.id
        for case in found
        if search.plain(part)
        and any(
            search.plain(part) in search.plain(text)
            for text in (case.no, case.customer.name, case.customer.address, case.customer.account_no)
        )
    ]
    assert ids(model, q=part) == (expected if part else [case.id for case in found])


@given(
    stage=st.sampled_from([None, "accepted", "survey"]),
    manager=st.sampled_from([None, "manager0"]),
    q=st.sampled_from([None, "渔", "mill"]),
    clock=st.sampled_from([None, "overdue"]),
    box=st.sampled_from([None, (121.05, 29.0, 121.2, 29.3)]),
    sort=st.sampled_from([*SORTS, *(f"-{key}" for key in SORTS)]),
    size=st.integers(1, 9),
)
@settings(max_examples=80, deadline=None)
def test_filters_together_leave_what_each_leaves_and_pages_add_up(
    town: Town,
    stage: str | None,
    manager: str | None,
    q: str | None,
    clock: Any,
    box: tuple[float, float, float, float] | None,
    sort: str,
    size: int,
) -> None:
    model = town.model
    today = "2026-03-20"
    each = [
        {"stage": stage},
        {"manager": manager},
        {"q": q},
        {"clock": clock, "today": today},
        {"bbox": box},
    ]
    together: dict[str, Any] = {name: value for one in each for name, value in one.items()}
    whole = ids(model, sort, **together)
    assert set(whole) == set.intersection(*(set(ids(model, **one)) for one in each))
    wanted, walked, place = CaseFilter(**together), [], None
    while True:
        page = list_cases(model, Scope(HOUSE), wanted, sort=sort, limit=size, after=place)
        walked += [row["id"] for row in page.rows]
        assert page.total == len(whole)
        if (place := page.next) is None:
            break
    assert walked == whole
    parts = [
        list_cases(model, Scope(HOUSE), wanted, sort=sort, limit=size, offset=at).rows
        for at in range(0, len(whole) + 1, size)
    ]
    assert [row["id"] for rows in parts for row in rows] == whole


def test_both_ways_to_a_page_lead_to_the_same(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    model = town.model
    wanted = CaseFilter(q="渔", manager="manager1", clock="overdue", today="2026-03-20")
    for sort in [*SORTS, *(f"-{key}" for key in SORTS)]:
        found = []
        for costs in (0, 10**9):
            monkeypatch.setattr("server.readmodel.queries._WALK_COSTS", costs)
            page = list_cases(model, Scope(HOUSE), wanted, sort=sort, limit=4)
            found.append(([row["id"] for row in page.rows], page.total))
        assert found[0] == found[1], sort


def test_a_place_stays_where_it_was_whatever_comes(tmp_path: Path) -> None:
    model = ReadModel(tmp_path / "readmodel.sqlite3")
    opened = Desk().case

    def put(n: int) -> None:
        project(model, replace(opened, id=f"case-{n:03}", no=f"N-{n:03}"), "1-a", RULES)

    for n in range(0, 20, 2):
        put(n)
    first = list_cases(model, Scope(HOUSE), CaseFilter(), sort="no", limit=5)
    put(1)  # before the place
    put(11)  # behind it
    rest = list_cases(model, Scope(HOUSE), CaseFilter(), sort="no", limit=50, after=first.next)
    assert [row["no"] for row in rest.rows] == ["N-010", "N-011", "N-012", "N-014", "N-016", "N-018"]
    model.close()


def test_a_changed_name_is_found_by_the_new_one_alone(tmp_path: Path) -> None:
    model = ReadModel(tmp_path / "readmodel.sqlite3")
    case = Desk().case
    project(model, case, "1-a", RULES)
    renamed = replace(case, customer=Customer("大徐机械"))
    project(model, renamed, "2-a", RULES)
    assert [len(ids(model, q=q)) for q in ("Red", "徐机", "徐", "大徐机械")] == [0, 1, 1, 1]
    project(model, replace(renamed, organisation="elsewhere"), "3-a", RULES)
    assert ids(model, q="徐") == []
    model.clear()
    project(model, case, "1-a", RULES)
    assert [len(ids(model, q=q)) for q in ("Red", "徐")] == [1, 0], "what was cleared is found no more"
    model.close()


def test_records_are_those_of_the_cases_open_in_a_period(town: Town) -> None:
    model, found = town.model, town.cases
    kept = [unpacked(one) for one in records_of(model, HOUSE, "2026-03-01", "2026-03-31")]
    assert {record.no for record in kept} == {case.no for case in found}
    assert not list(records_of(model, HOUSE, "2026-02-01", "2026-02-28"))
    assert open_command().organisation == HOUSE
