"""Deadlines: each step is due on its day, told once, and only about what the customer has to deal with."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.clocks.standing import standing
from server.workflow.escalation import Step, due_steps, steps
from tests.workflow.builders import CUSTOMER, DEPUTY, INTAKE, MANAGER, Desk, energized_desk, item, refused
from tests.workflow.timing import RULES


def issued(*severities: Any, start: Desk | None = None) -> Desk:
    desk = start or Desk()
    found = [item(code, severity=one) for code, one in zip("ABC", severities or ("major",), strict=False)]
    desk.inspect("t-1", "acceptance", *found)
    desk.issue()
    return desk


def due(desk: Desk) -> date:
    day = desk.notice().items[0].due
    assert day is not None
    return day


def now(desk: Desk, day: date) -> tuple[str, ...]:
    return tuple(one.step for one in due_steps(desk.notice(), day, desk.policy))


def tell(desk: Desk, day: date) -> list[Step]:
    """Tell all that is due on a day, as the worker does."""
    desk.now = desk.now.replace(year=day.year, month=day.month, day=day.day)
    told = list(due_steps(desk.notice(), day, desk.policy))
    for one in told:
        desk.do(reminder(one, MANAGER.name), INTAKE)
    return told


def reminder(one: Step, *told: str) -> c.RecordReminder:
    return c.RecordReminder(n=1, round=one.round, step=one.step, due=one.due, told=told)


def test_the_steps_come_on_the_days_of_the_settings() -> None:
    desk = issued()
    day, policy = due(desk), desk.policy
    assert [(one.step, (one.on - day).days, one.to) for one in steps(desk.notice(), policy)] == [
        ("before", -3, ("customer", "contractor")),
        ("manager", 1, ("manager",)),
        ("head", 3, ("head",)),
        ("waiting", 7, ("customer", "manager")),
    ]
    other = replace(policy, reminder_manager_days=2)
    assert [one.on for one in steps(desk.notice(), other)][1] == day + timedelta(days=2)


def test_each_step_is_told_once() -> None:
    desk = issued()
    day = due(desk)
    assert now(desk, day - timedelta(days=4)) == ()
    assert [one.step for one in tell(desk, day - timedelta(days=3))] == ["before"]
    assert now(desk, day) == ()
    assert [one.step for one in tell(desk, day + timedelta(days=1))] == ["manager"]
    before = desk.case
    assert desk.do(reminder(steps(desk.notice(), desk.policy)[1], MANAGER.name), INTAKE).case is before
    entry = desk.case.log[-1]
    assert (entry.event, entry.data["notice"], entry.data["step"], entry.data["to"], entry.data["told"]) == (
        "notice_reminder_due",
        1,
        "manager",
        ["manager"],
        [MANAGER.name],
    )


def test_a_worker_that_was_down_tells_what_is_left_and_no_word_before_a_day_gone_by() -> None:
    desk = issued()
    assert [one.step for one in tell(desk, due(desk) + timedelta(days=5))] == ["manager", "head"]


def test_a_step_is_told_when_it_is_due_and_by_hezha() -> None:
    desk = issued()
    first = steps(desk.notice(), desk.policy)[0]
    assert refused(desk, reminder(first), INTAKE).code == "reminder_not_due"
    assert refused(desk, reminder(first), MANAGER).code == "role_missing"


def test_what_is_answered_or_disputed_is_not_the_customer_s_to_hear_about() -> None:
    desk = issued("major", "major")
    day = due(desk) + timedelta(days=1)
    desk.answer(1, "A")
    [step] = due_steps(desk.notice(), day, desk.policy)
    assert step.items == ("B",)
    desk.do(c.DisputeNotice(n=1, items=("B",), reason="as drawn", disputed_by="Mr Lu"), CUSTOMER)
    assert now(desk, day) == ()
    desk.do(c.SettleDispute(n=1, decision="uphold", reason="not as drawn"), DEPUTY)
    assert now(desk, day) == ("manager",)
    desk.answer(1, "B")
    assert now(desk, day) == ()


def test_items_of_different_days_are_told_of_on_their_own() -> None:
    desk = issued("critical", "minor")
    first, last = (one.due for one in desk.notice().items)
    assert first is not None
    assert last is not None
    assert [one.items for one in tell(desk, first + timedelta(days=1))] == [("A",)]
    assert [one.items for one in tell(desk, last - timedelta(days=3))] == [("A",), ("A",), ("B",)]


def test_more_time_begins_the_steps_anew() -> None:
    desk = issued()
    tell(desk, due(desk) + timedelta(days=1))
    later = due(desk) + timedelta(days=10)
    desk.do(c.ExtendDeadlines(n=1, due={"A": later}, reason="the maker is late"))
    assert now(desk, later - timedelta(days=4)) == ()
    assert now(desk, later - timedelta(days=3)) == ("before",)


def side(desk: Desk) -> str | None:
    stands = standing(desk.case, desk.now, RULES)
    return stands.side_state if stands is not None else None


def overdue() -> Desk:
    """The last step is told, and the case waits."""
    desk = Desk()
    desk.to_stage("survey")
    issued(start=desk)
    tell(desk, due(desk) + timedelta(days=7))
    return desk


def test_at_the_last_step_the_case_waits_on_the_customer_until_he_answers() -> None:
    desk = overdue()
    assert side(desk) == "WC"
    assert refused(desk, c.MoveStage(to="scheme")).code == "case_paused"
    desk.now += timedelta(days=2)
    desk.answer()
    assert side(desk) != "WC"
    [pause] = desk.case.pauses.values()
    assert (pause.id, pause.until) == ("notice-1-1", desk.now)


@pytest.mark.parametrize("how", ["disputed", "withdrawn", "on paper"])
def test_whatever_ends_the_matter_ends_the_wait(how: str) -> None:
    desk = overdue()
    if how == "disputed":
        desk.do(c.DisputeNotice(n=1, items=("A",), reason="as drawn", disputed_by="Mr Lu"), CUSTOMER)
    elif how == "withdrawn":
        desk.do(c.ProposeWithdrawal(n=1, reason="wrong site"))
        desk.do(c.ConfirmWithdrawal(n=1), DEPUTY)
    else:
        paper = c.AnswerNotice(
            n=1, items={"A": c.AnsweredItem("Mended.")}, answered_by="x", dated=desk.now - timedelta(days=2)
        )
        desk.do(paper)
    [pause] = desk.case.pauses.values()
    assert pause.until is not None
    assert pause.until >= pause.since
    assert side(desk) != "WC"


def test_once_the_breaker_is_closed_nothing_waits() -> None:
    desk = energized_desk()
    desk.hazard()
    desk.issue()
    tell(desk, due(desk) + timedelta(days=7))
    assert [one.step for one in desk.notice().reminders][-1] == "waiting"
    assert desk.case.pauses == {}


@given(days=st.lists(st.integers(-10, 40), max_size=12))
@settings(max_examples=40, deadline=None)
def test_whenever_the_worker_looks_each_step_is_told_at_most_once_and_none_too_early(days: list[int]) -> None:
    desk = issued("critical", "major", "minor")
    base = due(desk)
    for day in sorted(days):
        for one in tell(desk, base + timedelta(days=day)):
            assert one.on <= base + timedelta(days=day)
    keys = [(one.round, one.step, one.due) for one in desk.notice().reminders]
    assert len(keys) == len(set(keys))
    if days:
        assert now(desk, base + timedelta(days=max(days))) == ()
