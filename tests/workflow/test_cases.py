"""Opening, correcting and moving a case."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.decide import ROLES, decide
from server.workflow.meetings import Participant
from server.workflow.metering import Instrument, MeteringLine
from server.workflow.model import Actor, Customer, Site, Supply
from server.workflow.policy import load_policy
from server.workflow.power_use import GrowthStep
from server.workflow.processes import process
from server.workflow.refusal import Refusal
from tests.workflow.builders import (
    ADMIN,
    AUDITOR,
    CHECKLIST,
    INSPECTOR,
    INTAKE,
    MANAGER,
    POLICY,
    START,
    Desk,
    energized_desk,
    item,
    open_command,
    ready_desk,
    refused,
)


def test_a_new_case_starts_at_the_first_stage_with_its_gates_and_log() -> None:
    desk = Desk()
    assert desk.case.stage == "accepted"
    assert [entry.stage for entry in desk.case.history] == ["accepted"]
    assert [entry.event for entry in desk.case.log] == ["case_opened", "facts_set", "facts_ruled"]
    assert desk.case.gates
    assert "contract-signed" in desk.red()


def test_only_opening_works_on_no_case_and_opening_only_on_none() -> None:
    with pytest.raises(Refusal) as caught:
        decide(None, c.MoveStage(to="survey"), now=START, actor=MANAGER, policy=POLICY)
    assert (caught.value.code, caught.value.kind) == ("case_unknown", "not_found")
    assert refused(Desk(), open_command()).code == "case_exists"


def test_a_moment_without_a_zone_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="aware"):
        decide(None, open_command(), now=datetime(2026, 3, 2), actor=MANAGER, policy=POLICY)  # noqa: DTZ001


def test_the_log_keeps_utc_whatever_zone_the_clock_has() -> None:
    local = START.astimezone(timezone(timedelta(hours=8)))
    case = decide(None, open_command(), now=local, actor=MANAGER, policy=POLICY).case
    assert case.log[0].at == START
    assert case.log[0].at.tzinfo is UTC


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("site", Site(181.0, 29.0)),
        ("site", Site(float("nan"), 29.0)),
        ("supply", Supply(10.0, 0.0)),
        ("customer", Customer("")),
        ("id", ""),
        ("no", "x" * 500),
        ("process", "mv"),
        ("facts", {"dual": float("inf")}),
        ("title", "\ud800"),
    ],
)
def test_what_cannot_be_is_refused_though_constructors_do_not_check(field: str, value: Any) -> None:
    with pytest.raises(Refusal) as caught:
        decide(None, open_command(**{field: value}), now=START, actor=MANAGER, policy=POLICY)
    assert (caught.value.code, caught.value.kind) == ("malformed", "invalid")


def test_amending_keeps_what_stood_before_in_the_log() -> None:
    desk = Desk()
    desk.do(c.AmendCase(reason="wrong name", customer=Customer("Red Maple Dyeing")))
    assert desk.case.customer.name == "Red Maple Dyeing"
    assert desk.case.log[-1].data["before"]["customer"]["name"] == "Red Maple Textiles"


def test_amending_to_the_same_changes_nothing() -> None:
    desk = Desk()
    assert desk.do(c.AmendCase(reason="again", manager=desk.case.manager)).events == ()


def test_settling_a_fact_again_keeps_who_settled_it_first() -> None:
    desk = Desk()
    desk.do(c.SetFacts(facts={"dual": False}, reason="asked again"), ADMIN)
    assert desk.fact("dual").by == MANAGER.name
    desk.do(c.SetFacts(facts={"dual": True}, reason="second line found"), ADMIN)
    assert (desk.fact("dual").value, desk.fact("dual").by) == (True, ADMIN.name)
    assert desk.case.log[-1].data["before"] == {"dual": False}


def test_a_number_is_not_taken_for_yes() -> None:
    assert refused(Desk(), c.SetFacts(facts={"dual": 1})).code == "fact_not_boolean"


def test_facts_are_those_that_gates_and_checklists_know() -> None:
    assert refused(Desk(), c.SetFacts(facts={"direct_buried": True})).code == "fact_not_known"
    policy = load_policy(fact_names=["direct_buried"]).at(START.date())
    desk = Desk(policy=policy)
    desk.do(c.SetFacts(facts={"direct_buried": True}))
    assert desk.fact("direct_buried").value is True


def test_a_fact_can_be_taken_back_and_is_unknown_again() -> None:
    desk = Desk()
    assert "dispatch-agreement" not in desk.red()
    desk.do(c.SetFacts(facts={"dispatched": None}, reason="dispatch has not answered"))
    assert "dispatch-agreement" in desk.red()


@pytest.mark.parametrize("name", ["hv", "hv_complex", "lv"])
def test_energized_is_reached_by_no_move(name: Any) -> None:
    assert all("energized" not in row.moves for row in process(name).stages.values())
    desk = ready_desk(name)
    assert refused(desk, c.MoveStage(to="energized")).code == "energized_by_record_only"


def test_a_way_that_is_not_in_the_table_is_refused_with_those_that_are() -> None:
    refusal = refused(Desk(), c.MoveStage(to="acceptance"))
    assert refusal.code == "move_not_allowed"
    assert refusal.facts == ("stage:survey", "stage:cancelled")


def test_leaving_the_survey_needs_an_accepted_survey() -> None:
    desk = Desk()
    desk.to_stage("survey")
    refusal = refused(desk, c.MoveStage(to="scheme"))
    assert (refusal.code, refusal.params["names"]) == ("precondition_unmet", "survey_accepted")
    desk.inspect("t-s", "survey", item("SH-01", "pass"))
    desk.to_stage("scheme")
    assert desk.case.stage == "scheme"


def test_construction_needs_the_drawing_review_settled_or_made() -> None:
    desk = Desk()
    desk.do(c.SetFacts(facts={"design_review_required": None}))
    desk.to_stage("survey")
    desk.inspect("t-s", "survey", item("SH-01", "pass"))
    desk.to_stage("scheme", "review", "reply")
    refusal = refused(desk, c.MoveStage(to="construction"))
    assert refusal.facts == ("fact:design_review_required",)
    assert refusal.params["reasons"][0]["code"] == "fact_true", "the rule asks for it"
    desk.to_stage("design_review", "construction")
    assert desk.case.stage == "construction"


def test_completion_is_not_applied_for_before_the_mid_check_has_passed() -> None:
    desk = Desk()
    desk.do(c.SetFacts(facts={"mid_check_required": True}))
    desk.to_stage("survey")
    desk.inspect("t-s", "survey", item("SH-01", "pass"))
    desk.to_stage("scheme", "review", "reply", "construction", "intermediate")
    desk.inspect("t-m", "intermediate", item("ME-01"))
    desk.check_self()
    assert refused(desk, c.MoveStage(to="completion_applied")).facts == ("notice:1",)
    desk.round(1, item("ME-01", "pass"), issue=True)
    desk.to_stage("completion_applied")
    assert desk.case.stage == "completion_applied"


def test_a_case_with_open_field_work_is_neither_cancelled_nor_archived() -> None:
    desk = Desk()
    desk.assign("t-1", "survey")
    assert refused(desk, c.MoveStage(to="cancelled")).params["names"] == "field_work_complete"
    desk.do(c.CancelTask(task_id="t-1", reason="customer gave up"))
    desk.to_stage("cancelled")
    assert refused(desk, c.SetFacts(facts={"dual": True})).code == "case_ended"
    assert refused(desk, c.Authorize()).code == "gates_unmet"
    after = energized_desk()
    after.to_stage("on_load_check")
    after.on_load()
    after.file_papers()
    after.hazard()
    assert refused(after, c.MoveStage(to="archived")).params["names"] == "notices_closed"


def test_moving_to_where_the_case_stands_changes_nothing() -> None:
    assert Desk().do(c.MoveStage(to="accepted")).events == ()


def test_every_command_admits_some_roles_and_never_the_auditor() -> None:
    assert set(ROLES) == set(c.Command.__args__)
    for admitted in ROLES.values():
        assert admitted
        assert "auditor" not in admitted


@pytest.mark.parametrize("actor", [AUDITOR, INSPECTOR, INTAKE, Actor("nobody", ())])
def test_the_office_works_in_the_office(actor: Actor) -> None:
    refusal = refused(Desk(), c.MoveStage(to="survey"), actor)
    assert (refusal.code, refusal.kind) == ("role_missing", "forbidden")
    assert refusal.facts == ("role:admin", "role:manager")


def test_work_is_not_due_before_what_it_follows_from() -> None:
    """A date before the application, an issue or the energization is a slip of the pen."""
    desk = Desk()
    order = c.AssignTask(
        task_id="t-9", kind="survey", checklist=CHECKLIST, assignees=("x",), due=date(2010, 1, 1)
    )
    assert (refused(desk, order).code, refused(desk, order).facts) == ("time_order", ("field:due",))
    desk.do(replace(order, due=desk.policy.day(desk.now)))
    desk.inspect("t-1", "acceptance", item("A"))
    desk.issue()
    desk.answer()
    again = c.ScheduleReinspection(n=1, task_id="r-1", assignees=("y",), due=date(2026, 3, 1))
    assert refused(desk, again).code == "time_order"
    meters = (MeteringLine(instrument=Instrument(kind="meter"), quantity=1),)
    early = date(2010, 1, 1)
    people = (Participant(name="a", organisation="o", department="marketing"),)
    for command, field in (
        (c.PlanMetering(connect_on=early, lines=meters), "connect_on"),
        (c.DeclareGrowth(steps=(GrowthStep(by=early, kva=100.0),), evidence="letter"), "steps"),
        (
            c.CallMeeting(
                meeting_id="m-1",
                kind="joint_survey",
                at=START - timedelta(days=400),
                place="room 2",
                invited=people,
            ),
            "at",
        ),
    ):
        assert refused(desk, command).facts == (f"field:{field}",)
    energized = energized_desk()
    plan = c.PlanCustomerInspection(inspection_id="i-1", planned_on=date(2026, 3, 1), assignees=("x",))
    assert refused(energized, plan).facts == ("field:planned_on",)
