"""Duties: what is owed around a case, by which working day, and what ends it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.duties import Duty, duties
from server.workflow.inforce import InForce
from server.workflow.metering import Instrument, MeteringLine
from server.workflow.model import Supply
from server.workflow.policy import load_policy
from server.workflow.switching import on_load_points
from tests.workflow.builders import CUSTOMER, DEPUTY, INSPECTOR, Desk, energized_desk, item
from tests.workflow.test_aftercare import contact, inspection
from tests.workflow.test_approvals import at_scheme, scheme
from tests.workflow.test_handover import building, handbook
from tests.workflow.test_meetings import call

RULES = InForce(load_policy())


def open_duties(desk: Desk, kind: str, *, now: datetime | None = None, rules: InForce = RULES) -> list[Duty]:
    return [one for one in duties(desk.case, now or desk.now, rules) if one.kind == kind]


def test_an_energized_customer_is_called_within_two_working_days_until_somebody_answers() -> None:
    desk = energized_desk()
    [duty] = open_duties(desk, "follow_up")
    assert (duty.since, duty.due, duty.who) == (date(2026, 3, 2), date(2026, 3, 4), "wang.manager")
    desk.do(contact(desk, reached=False))
    [duty] = open_duties(desk, "follow_up")
    assert duty.params == {"tried": 1}
    desk.do(contact(desk, contact_id="c-2", kind="visit"))
    assert open_duties(desk, "follow_up") == []
    assert open_duties(Desk(), "follow_up") == []


def test_the_follow_up_counts_working_days_and_sooner_ones_where_nobody_knows_the_holidays() -> None:
    desk = energized_desk()
    for day, due in ((date(2026, 9, 30), date(2026, 10, 9)), (date(2031, 12, 30), date(2032, 1, 1))):
        at = datetime(day.year, day.month, day.day, 2, tzinfo=desk.now.tzinfo)
        record = desk.case.energization.record
        assert record is not None
        case = replace(desk.case, energization=replace(desk.case.energization, record=replace(record, at=at)))
        [found] = [one for one in duties(case, at, RULES) if one.kind == "follow_up"]
        assert found.due == due


def test_a_low_rating_is_owed_an_action() -> None:
    desk = energized_desk()
    desk.do(c.RateService(rating_id="r-1", score=2), CUSTOMER)
    desk.do(c.RateService(rating_id="r-2", score=3), CUSTOMER)
    [duty] = open_duties(desk, "rating_action")
    assert (duty.refs, duty.due) == (("rating:r-1",), date(2026, 3, 4))
    desk.do(c.RecordRatingAction(rating_id="r-1", text="visited"))
    assert open_duties(desk, "rating_action") == []


def large(desk: Desk, kva: float) -> Desk:
    desk.do(c.AmendCase(reason="as built", supply=Supply(10.0, kva)))
    return desk


@pytest.mark.parametrize(("kva", "owed"), [(1999.0, False), (2000.0, True)])
def test_a_large_customer_is_inspected_within_a_year_of_energization(kva: float, owed: bool) -> None:
    desk = large(energized_desk(), kva)
    found = open_duties(desk, "customer_inspection")
    assert bool(found) is owed
    if owed:
        assert (found[0].since, found[0].due) == (date(2027, 1, 31), date(2027, 3, 2))


def test_an_inspection_that_was_done_sets_the_next_one_and_a_planned_one_says_who() -> None:
    desk = large(energized_desk(), 2000.0)
    desk.do(inspection())
    [duty] = open_duties(desk, "customer_inspection")
    assert (duty.who, duty.params["planned_on"]) == (INSPECTOR.name, "2027-03-01")
    desk.now += timedelta(days=300)
    done: dict[str, Any] = {"dated": desk.now, "inspectors": (INSPECTOR.name,), "evidence": "report"}
    desk.do(c.RecordCustomerInspection(inspection_id="i-1", **done))
    [duty] = open_duties(desk, "customer_inspection")
    assert (duty.due, duty.params["planned_on"]) == (date(2027, 12, 27), None)
    desk.do(inspection(inspection_id="i-2"))
    desk.do(c.CancelCustomerInspection(inspection_id="i-2", reason="flood"))
    assert open_duties(desk, "customer_inspection")[0].refs == (), "it stays due"


def test_the_interval_and_the_size_are_settings() -> None:
    own = [
        {"key": "customer_inspection_kva", "from": "2026-01-01", "value": 500},
        {"key": "customer_inspection_months", "from": "2026-01-01", "value": 6},
    ]
    rules = InForce(load_policy().with_overrides(own))
    [duty] = open_duties(energized_desk(), "customer_inspection", rules=rules)
    assert duty.due == date(2026, 9, 2)


def test_a_waiting_proposal_is_somebodys_duty() -> None:
    desk = at_scheme()
    desk.do(c.ProposeScheme(approval_id="a-1", scheme=scheme(standard=False)))
    [duty] = open_duties(desk, "approval")
    assert (duty.who, duty.due) == ("role:manager", date(2026, 3, 3))
    assert duty.params["substitute_from"] == "2026-03-04"
    desk.do(c.NameApprover(approval_id="a-1", person=DEPUTY.name), DEPUTY)
    assert open_duties(desk, "approval")[0].who == DEPUTY.name
    desk.do(c.DecideApproval(approval_id="a-1", outcome="approved", reason="x"), DEPUTY)
    assert open_duties(desk, "approval") == []


def test_a_meeting_is_owed_its_minutes() -> None:
    desk = at_scheme()
    desk.hold_meeting("joint_survey")
    assert open_duties(desk, "meeting") == []
    desk.do(call(meeting_id="m-9"))
    [duty] = open_duties(desk, "meeting")
    assert (duty.refs, duty.params) == (("meeting:m-9",), {"meeting": "scheme_review"})
    desk.do(c.CancelMeeting(meeting_id="m-9", reason="flood"))
    assert open_duties(desk, "meeting") == []


def test_papers_are_owed_once_the_intermediate_inspection_has_passed() -> None:
    desk = building(mid_check=True)
    desk.do(c.SetFacts(facts={"relay": True}))
    assert open_duties(desk, "handover") == []
    desk.inspect("t-m", "intermediate", item("ME-01", "pass"))
    found = {one.params["paper"]: one.due for one in open_duties(desk, "handover")}
    assert found == dict.fromkeys(["acceptance_handbook", "setting_sheet"], date(2026, 3, 5))
    desk.do(handbook(desk))
    assert [one.params["paper"] for one in open_duties(desk, "handover")] == ["setting_sheet"]


def test_a_check_under_load_is_owed_until_everything_came_out_right() -> None:
    desk = energized_desk()
    [duty] = open_duties(desk, "on_load_check")
    assert (duty.since, duty.due, duty.who) == (date(2026, 3, 2), date(2026, 3, 9), "wang.manager")
    desk.on_load(**{point.replace("-", "_"): "fail" for point in on_load_points(desk.case)[:1]})
    [again] = open_duties(desk, "on_load_check")
    assert (again.params, again.about) == ({"tried": 1}, duty.about)
    desk.on_load()
    assert open_duties(desk, "on_load_check") == []
    assert open_duties(Desk(), "on_load_check") == []


def test_a_paper_is_owed_by_the_day_for_which_it_was_promised() -> None:
    desk = Desk()
    desk.do(c.RecordPaper(paper="p-1", state="owed", title="permit", due=date(2026, 4, 1)))
    desk.do(c.RecordPaper(paper="p-2", state="owed", title="without a day"))
    [duty] = open_duties(desk, "paper")
    assert (duty.since, duty.due, duty.about) == (date(2026, 3, 2), date(2026, 4, 1), "paper:p-1")
    desk.do(c.RecordPaper(paper="p-1", state="in", reference="HT-7"))
    assert open_duties(desk, "paper") == []


def test_instruments_are_wanted_some_days_before_the_case_connects() -> None:
    desk = Desk()
    line = MeteringLine(instrument=Instrument(kind="meter"), quantity=3)
    desk.do(c.PlanMetering(connect_on=date(2026, 9, 1), lines=(line,)))
    [duty] = open_duties(desk, "metering")
    assert (duty.since, duty.due, duty.params) == (date(2026, 8, 2), date(2026, 9, 1), {"instruments": 3})
    desk.now += timedelta(days=18)
    desk.do(c.PlanMetering(connect_on=date(2026, 3, 10), lines=(line,)))
    [late] = open_duties(desk, "metering")
    assert (late.since, late.due) == (date(2026, 3, 20), date(2026, 3, 20)), "planned late is due now"
    desk.do(c.RecordEntry(gate="metering-fitted", status="met", evidence="sheet"))
    assert open_duties(desk, "metering") == []


def test_what_tells_a_duty_from_others_stays_when_its_day_or_its_people_change() -> None:
    desk = large(energized_desk(), 2000.0)
    [before] = open_duties(desk, "customer_inspection")
    desk.do(inspection())
    [planned] = open_duties(desk, "customer_inspection")
    assert before.about == planned.about
    assert before.people != planned.people
