"""Monitors: each finds what it is for, says whom it concerns, and is silent about a plain case."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.inforce import InForce, with_own
from server.workflow.model import Case, CodedReason
from server.workflow.monitors import MONITORS, Anomaly, anomalies, watched
from server.workflow.policy import load_policy
from server.workflow.sheet import on_load_due
from tests.workflow.builders import (
    COLLEAGUE,
    INSPECTOR,
    INTAKE,
    MANAGER,
    Desk,
    accepted,
    energized_desk,
    item,
    ready_desk,
    returned,
)
from tests.workflow.timing import MINUTE, RULES, Walk, china, to_construction


def found(case: Case, now: datetime, rules: InForce = RULES) -> dict[str, Anomaly]:
    """What is to be looked at, but for limits, by its code."""
    return {one.code: one for one in anomalies(case, now, rules) if one.monitor != "over_limit"}


def hand_in(desk: Desk, task_id: str, at: datetime, *, by: str = INSPECTOR.name, **more: Any) -> None:
    """A form that passes, submitted at a moment of its own."""
    command = c.RecordSubmission(
        task_id=task_id,
        revs=(f"{len(desk.case.log)}-a",),
        outcome=accepted(item("SH-01", "pass"), **more),
        submitted_by=by,
        submitted_at=at,
    )
    desk.do(command, INTAKE)


def plain(days: int = 1) -> Walk:
    """A case that two surveyed, that was replied a day later, and that is at construction."""
    walk = Walk(china(2026, 3, 2)).on(china(2026, 3, 2), "survey").surveyed(china(2026, 3, 3))
    return walk.on(china(2026, 3, 3 + days), "scheme", "review", "reply", "design_review", "construction")


def test_a_plain_case_is_left_alone() -> None:
    walk = plain()
    assert anomalies(walk.case, china(2026, 3, 5), RULES) == ()


def test_a_load_that_nobody_checked_is_told_of_from_the_day_after_it_was_due() -> None:
    def overdue(desk: Desk, days: int) -> list[date]:
        at = desk.now + timedelta(days=days)
        return [one.since for one in anomalies(desk.case, at, RULES) if one.code == "on_load_overdue"]

    desk = energized_desk()
    due = on_load_due(desk.case, desk.policy)
    assert due is not None
    assert overdue(desk, 7) == []
    assert overdue(desk, 8) == [due + timedelta(days=1)]
    late = energized_desk()
    late.now += timedelta(days=8)
    late.on_load()
    assert overdue(late, 0) == [due + timedelta(days=1)], "it was late, and is not forgotten"
    desk.on_load()
    assert overdue(desk, 8) == []
    assert overdue(energized_desk("lv"), 8) == []


def test_a_limit_is_told_of_before_and_after_it_is_passed_to_those_it_concerns() -> None:
    walk = Walk(china(2026, 3, 2)).on(china(2026, 3, 2), "survey")

    def told(day: int) -> set[tuple[str, int, str]]:
        return {
            (one.code, one.watch, one.params["clock"])
            for one in anomalies(walk.case, china(2026, 3, day), RULES)
            if one.params["kind"] == "internal" and one.params["clock"] in {"survey", "reply"}
        }

    assert told(3) == set()
    assert told(4) == told(5) == {("due_soon", 1, "survey")}
    assert told(6) == {("over_limit", 2, "survey")}
    assert told(10) == {("over_limit", 2, "survey"), ("due_soon", 1, "reply")}
    law = [one for one in anomalies(walk.case, china(2026, 4, 2), RULES) if one.params["kind"] == "legal"]
    assert [(one.code, one.watch, one.params["clock"]) for one in law] == [("over_limit", 3, "reply")]


def test_what_will_come_about_is_known_with_its_day() -> None:
    walk = Walk(china(2026, 3, 2)).on(china(2026, 3, 2), "survey")
    coming = {
        (one.code, one.params["clock"]): one for one in watched(walk.case, china(2026, 3, 2, 12), RULES)
    }
    assert coming["due_soon", "survey"].since == date(2026, 3, 4)
    assert coming["due_soon", "survey"].until == coming["over_limit", "survey"].since == date(2026, 3, 6)
    for day in range(3, 28):
        today = date(2026, 3, day)
        holding = {
            (one.code, one.refs)
            for one in coming.values()
            if one.since <= today and (one.until is None or today < one.until)
        }
        now = {(one.code, one.refs) for one in anomalies(walk.case, china(2026, 3, day), RULES)}
        assert holding <= now


def test_a_limit_that_was_passed_is_not_forgotten_when_the_stage_is_left() -> None:
    walk = Walk(china(2026, 3, 2)).on(china(2026, 3, 2), "survey").surveyed(china(2026, 3, 12))
    walk.on(china(2026, 3, 12), "scheme")
    passed = [
        one for one in anomalies(walk.case, china(2026, 6, 1), RULES) if one.params.get("clock") == "survey"
    ]
    assert [(one.code, one.since) for one in passed] == [("over_limit", date(2026, 3, 6))]


def test_a_year_without_known_holidays_is_told_of() -> None:
    walk = Walk(china(2026, 12, 21)).on(china(2026, 12, 21), "survey")
    codes = {one.code for one in anomalies(walk.case, china(2027, 1, 5), RULES)}
    assert codes == {"limit_unknown", "over_limit"}, "the survey's own limit ran out in December"


@pytest.mark.parametrize(("minutes", "told"), [(119, True), (120, False)])
def test_a_reply_within_two_hours_of_the_survey_is_too_quick(minutes: int, told: bool) -> None:
    walk = Walk(china(2026, 3, 2)).on(china(2026, 3, 2), "survey").surveyed(china(2026, 3, 2))
    replied = walk.case.history[-1].at + minutes * MINUTE
    walk.on(replied - 2 * MINUTE, "scheme", "review", "reply")
    assert ("reply_too_quick" in found(walk.case, china(2026, 3, 3))) is told


def test_the_floor_is_a_setting_of_the_organisation() -> None:
    own = "{schema: 1, settings: [{key: floor_reply_minutes, from: 2026-01-01, value: 5000}]}"
    assert "reply_too_quick" in found(plain().case, china(2026, 3, 5), with_own(load_policy(), own))


def test_a_completion_report_right_after_arrival_and_a_case_of_minutes_are_too_quick() -> None:
    walk = plain().on(china(2026, 3, 9), "intermediate")
    walk.inspect("t-m", "intermediate", item("ME-01", "pass"))
    walk.on(china(2026, 3, 10), "completion_applied", "acceptance")
    walk.assign("t-a", "acceptance")
    hand_in(walk, "t-a", walk.now)
    short = found(walk.case, china(2026, 3, 11))["inspection_too_quick"]
    assert (short.refs, short.params["floor"]) == (("task:t-a",), 30)
    low = Walk(china(2026, 3, 2), process="lv", kva=80.0)
    ended = replace(low.case.history[0], stage="archived", at=low.case.history[0].at + 9 * MINUTE)
    case = replace(low.case, history=(*low.case.history, ended), stage="archived")
    assert "case_too_quick" in found(case, china(2026, 3, 3))


def test_forms_dated_out_of_their_order_are_told_of() -> None:
    walk = Walk(china(2026, 3, 2)).on(china(2026, 3, 2), "survey")
    walk.assign("t-s", "survey")
    hand_in(walk, "t-s", china(2026, 3, 1))
    assert found(walk.case, china(2026, 3, 3))["survey_before_application"].watch == 2
    walk = plain()
    walk.assign("t-s2", "survey")
    hand_in(walk, "t-s2", china(2026, 3, 6))
    assert found(walk.case, china(2026, 3, 9))["reply_before_survey"].refs == ("task:t-s2",)
    walk.assign("t-m", "intermediate")
    hand_in(walk, "t-m", china(2026, 3, 3))
    assert found(walk.case, china(2026, 3, 9))["mid_check_before_reply"].refs == ("task:t-m",)


def test_photos_of_another_time_and_wrong_tablet_clocks_are_told_of() -> None:
    walk = plain()
    walk.assign("t-m", "intermediate")
    hand_in(walk, "t-m", walk.now, findings=(CodedReason("ME-01", "photo_exif_time_differs"),))
    walk.assign("t-n", "intermediate")
    walk.submit("t-n", returned("clock_ahead", None))
    told = found(walk.case, china(2026, 3, 9))
    assert (told["photo_time"].refs, told["device_clock"].refs) == (("task:t-m",), ("task:t-n",))


def test_stages_dated_before_those_they_follow_and_late_records_are_told_of() -> None:
    walk = to_construction(china(2026, 3, 2)).on(china(2026, 3, 20), "intermediate")
    walk.now = china(2026, 3, 23)
    entry = len(walk.case.history)
    walk.do(c.DateStage(stage="intermediate", dated=china(2026, 3, 13), evidence="application 12"))
    late = found(walk.case, china(2026, 3, 24))["recorded_late"]
    assert (late.refs, late.params) == ((f"stage:{entry}",), {"days": 10})
    walk.do(c.DateStage(stage="intermediate", dated=walk.case.history[0].at, evidence="application 11"))
    told = found(walk.case, china(2026, 3, 24))["stage_before_previous"]
    assert told.params == {"stage": "intermediate", "before": "construction"}


def test_a_contract_confirmed_after_the_energization_is_told_of() -> None:
    case = energized_desk().case
    [entry] = case.entries["contract-signed"]
    late = replace(entry, at=china(2026, 6, 1))
    case = replace(case, entries={**case.entries, "contract-signed": (late,), "metering-fitted": (late,)})
    told = set(found(case, china(2026, 6, 2)))
    assert {"contract_after_energization", "metering_after_energization"} <= told


def test_one_person_where_two_are_asked_for_is_told_of_to_the_specialist() -> None:
    walk = to_construction(china(2026, 3, 2)).on(china(2026, 3, 9), "intermediate")
    walk.assign("t-m", "intermediate", INSPECTOR.name)
    walk.submit("t-m", accepted(item("ME-01", by=INSPECTOR.name)))
    walk.issue(1)
    walk.answer(1)
    task = walk.reinspect(1, INSPECTOR.name, COLLEAGUE.name)
    walk.submit(task.id, accepted(item("ME-01", "pass")), by=INSPECTOR.name)
    told = found(walk.case, china(2026, 3, 10))
    assert (told["visit_alone"].refs, told["visit_alone"].watch) == (("task:t-m",), 3)
    assert told["raised_and_closed"].params == {"n": 1, "by": INSPECTOR.name}


def test_whoever_looked_does_not_decide_on_it_unnoticed() -> None:
    desk = ready_desk()
    desk.do(c.Authorize())
    case = desk.case
    survey, acceptance = case.tasks["t-survey"], case.tasks["t-acc"]
    tasks = {
        one.id: replace(
            one, submissions=tuple(replace(form, submitted_by=MANAGER.name) for form in one.submissions)
        )
        for one in (survey, acceptance)
    }
    told = found(replace(case, tasks=tasks), desk.now)
    assert told["surveyed_and_replied"].params == {"by": MANAGER.name}
    assert told["inspected_and_authorized"].params == {"by": MANAGER.name}
    assert not {"surveyed_and_replied", "inspected_and_authorized"} & set(found(case, desk.now))


@pytest.mark.parametrize(
    ("kva", "facts", "told"),
    [
        (160.0, {}, True),
        (160.1, {}, False),
        (315.0, {"small_firm": True}, True),
        (160.0, {"hv_by_wish": True}, False),
    ],
)
def test_a_small_firm_at_high_voltage_needs_the_customers_written_wish(
    kva: float, facts: dict[str, bool], told: bool
) -> None:
    walk = Walk(china(2026, 3, 2), kva=kva, facts=facts)
    assert ("small_firm_on_hv" in found(walk.case, china(2026, 3, 2, 12))) is told
    low = Walk(china(2026, 3, 2), process="lv", kva=kva, facts=facts)
    assert "small_firm_on_hv" not in found(low.case, china(2026, 3, 2, 12))


def test_every_monitor_of_the_papers_is_there_and_the_gravest_comes_first() -> None:
    assert set(MONITORS) == {"over_limit", "too_short", "time_order", "one_person", "small_firm", "use"}
    walk = Walk(china(2026, 3, 2), kva=100.0).on(china(2026, 3, 2), "survey")
    told = anomalies(walk.case, china(2026, 6, 1), RULES)
    assert [one.watch for one in told] == sorted((one.watch for one in told), reverse=True)
    assert {one.watch for one in told} == {2, 3}
