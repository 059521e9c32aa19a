"""What is unsafe as it is goes its own way: specialists meet before anybody re-inspects it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from server.workflow import commands as c
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.unsafe import specialists_wanted
from tests.workflow.builders import COLLEAGUE, INSPECTOR, MANAGER, Desk, accepted, item, refused

EXPERTS = ("Zhao", "Qian", "Sun")


def found(code: str = "ME-01", severity: Any = "major") -> Desk:
    desk = Desk()
    desk.inspect("t-m", "intermediate", item(code, severity=severity), item("ME-02"))
    return desk


def met(desk: Desk, **changes: Any) -> c.RecordSpecialists:
    fields = {
        "n": 1,
        "held": desk.now,
        "participants": EXPERTS,
        "decision": "open_up",
        "minutes": "Opened up along 12 m.",
    }
    return c.RecordSpecialists(**{**fields, **changes})


def order(desk: Desk) -> c.ScheduleReinspection:
    return c.ScheduleReinspection(n=1, task_id=f"r-{len(desk.case.tasks)}", assignees=(COLLEAGUE.name,))


COVERED = c.MarkCovered(n=1, item="ME-01", reason="backfilled over night")


def test_what_was_covered_unseen_is_critical_and_is_opened_up_before_it_is_looked_at() -> None:
    desk = found()
    desk.issue()
    desk.do(COVERED, INSPECTOR)
    one = desk.notice().items[0]
    assert one.severity == "critical"
    assert one.due == desk.now.date() + timedelta(days=desk.policy.notice_days_critical)
    desk.answer()
    refusal = refused(desk, order(desk))
    assert (refusal.code, refusal.facts) == ("specialists_first", ("notice:1",))
    desk.do(met(desk))
    assert desk.notice().specialist_meetings[0].items == ("ME-01",)
    desk.do(order(desk))


def test_the_item_that_asks_for_open_works_says_it_by_itself() -> None:
    desk = found("MG-03", "critical")
    assert specialists_wanted(desk.notice(), desk.policy) == {"covered_unseen": ("MG-03",)}
    assert [entry.event for entry in desk.case.log[-2:]] == ["notice_drafted", "specialists_wanted"]
    late = Desk()
    late.inspect("t-m", "intermediate", item("ME-01"))
    late.submit("t-m", accepted(item("MG-03", severity="critical")), revs=("9-b",))
    assert late.notice().items[1].covered is not None
    assert late.case.log[-1].event == "specialists_wanted"


def test_covered_works_are_not_answered_by_building_anew_over_them() -> None:
    desk = found()
    desk.do(COVERED)
    assert refused(desk, met(desk, decision="rework")).code == "covered_stays"
    desk.do(met(desk, decision="stop_cover"))


def test_the_third_failed_round_takes_specialists_and_each_one_after() -> None:
    desk = found()
    desk.issue()
    for round_ in (1, 2, 3):
        assert specialists_wanted(desk.notice(), desk.policy) == {}
        desk.round(1, item("ME-01"), item("ME-02", "pass" if round_ == 3 else "fail"))
    assert desk.notice().round == 4
    assert specialists_wanted(desk.notice(), desk.policy) == {"rounds_failed": ("ME-01",)}
    assert desk.case.log[-1].event == "specialists_wanted"
    desk.answer()
    assert refused(desk, order(desk)).code == "specialists_first"
    desk.do(met(desk, decision="rework"))
    task = desk.reinspect(1, COLLEAGUE.name)
    desk.submit(task.id, accepted(item("ME-01")), by=COLLEAGUE.name)
    assert specialists_wanted(desk.notice(), desk.policy) == {"rounds_failed": ("ME-01",)}


def test_a_meeting_takes_several_people_and_a_reason_to_meet() -> None:
    desk = found()
    assert refused(desk, met(desk)).code == "specialists_not_wanted"
    desk.do(COVERED)
    assert refused(desk, met(desk, participants=("Zhao", "Zhao", "Qian"))).code == "participants_missing"
    assert refused(desk, met(desk, held=desk.now + timedelta(days=1))).code == "in_future"
    assert refused(desk, met(desk, held=desk.now - timedelta(days=1))).code == "time_order"
    command = met(desk)
    desk.do(command)
    assert desk.do(command).events == ()


@pytest.mark.parametrize(("code", "expected"), [("Z", "item_unknown"), ("ME-02", None)])
def test_covered_is_said_of_an_open_item_once(code: str, expected: str | None) -> None:
    desk = found()
    command = c.MarkCovered(n=1, item=code, reason="x")
    if expected:
        assert refused(desk, command).code == expected
    else:
        desk.do(command)
        assert desk.do(command, MANAGER).events == ()


def test_nobody_is_overtaken_while_he_re_inspects() -> None:
    desk = found()
    desk.issue()
    desk.answer()
    desk.reinspect()
    assert refused(desk, COVERED).code == "notice_not_at_rest"


def test_what_is_found_covered_again_takes_another_meeting() -> None:
    desk = found()
    desk.do(COVERED)
    desk.do(met(desk))
    desk.do(c.MarkCovered(n=1, item="ME-02", reason="that too"))
    assert specialists_wanted(desk.notice(), desk.policy) == {"covered_unseen": ("ME-02",)}


def test_a_closed_notice_asks_for_nobody() -> None:
    desk = found()
    desk.do(COVERED)
    desk.issue()
    desk.do(met(desk))
    desk.round(1, item("ME-01", "pass"), item("ME-02", "pass"))
    assert desk.notice().state == "closed"
    assert specialists_wanted(desk.notice(), desk.policy) == {}


def test_notices_from_before_these_states_are_read() -> None:
    desk = found()
    document = case_to_document(desk.case)
    notice = document["notices"]["1"]
    for name in ("specialist_meetings", "reminders"):
        del notice[name]
    for one in notice["items"]:
        for name in ("covered", "regrades"):
            del one[name]
    assert case_from_document(document) == desk.case
