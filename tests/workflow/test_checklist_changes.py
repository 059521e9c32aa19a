"""A task that nobody has begun may move to a newer version of its checklist; any other keeps its own."""

from __future__ import annotations

from datetime import date

import pytest

from server.workflow import commands as c
from server.workflow.cause import command_of
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.model import ChecklistRef, LimitsInForce
from tests.workflow.branches import branch, rebased
from tests.workflow.builders import (
    CHECKLIST,
    INSPECTOR,
    INTAKE,
    Desk,
    accepted,
    item,
    refused,
    returned,
)

NEWER = ChecklistRef(CHECKLIST.id, 2)
LIMITS = LimitsInForce(date(2026, 3, 2), ("l-1",), "d" * 64)


def moving(task: str = "t-acc", to: ChecklistRef = NEWER, answers: int = 0) -> c.ChangeChecklist:
    return c.ChangeChecklist(task_id=task, checklist=to, answers=answers, reason="new rules")


def sent(desk: Desk, *, by: ChecklistRef | None, revs: str = "1-a", **more: object) -> c.RecordSubmission:
    return c.RecordSubmission(
        task_id="t-acc",
        revs=(revs,),
        outcome=accepted(item("CT-01", "pass")),
        submitted_by=INSPECTOR.name,
        submitted_at=desk.now,
        checklist=by,
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.assign("t-acc")
    return desk


def test_an_unstarted_task_moves_and_says_from_where(desk: Desk) -> None:
    decision = desk.do(moving())
    assert desk.task("t-acc").checklist == NEWER
    [event] = decision.events
    assert (event.event, event.data["before"], event.data["after"]) == (
        "task_checklist_changed",
        "acceptance-10kv@1",
        "acceptance-10kv@2",
    )
    assert event.cause is not None
    assert command_of(event.cause) == moving()


def test_moving_to_where_it_is_changes_nothing(desk: Desk) -> None:
    assert desk.do(moving(to=CHECKLIST)).events == ()


def test_a_form_with_answers_keeps_its_checklist(desk: Desk) -> None:
    assert refused(desk, moving(answers=1)).code == "task_begun"


@pytest.mark.parametrize("outcome", [returned(), accepted(item("CT-01", "pass"))])
def test_a_form_that_was_handed_in_keeps_its_checklist(desk: Desk, outcome: c.Outcome) -> None:
    desk.submit("t-acc", outcome)
    assert refused(desk, moving()).code in {"task_begun", "task_settled"}


def test_a_cancelled_task_does_not_move(desk: Desk) -> None:
    desk.do(c.CancelTask(task_id="t-acc", reason="twice"))
    assert refused(desk, moving()).code == "task_settled"


@pytest.mark.parametrize("to", [("acceptance-10kv", 0), ("acceptance-lv", 2), ("acceptance-10kv", "two")])
def test_only_a_newer_version_of_the_same_checklist_will_do(desk: Desk, to: tuple[str, int | str]) -> None:
    refusal = refused(desk, moving(to=ChecklistRef(*to)))
    assert (refusal.code, refusal.facts) == ("checklist_not_newer", ("field:checklist",))


def test_a_reinspection_keeps_the_rules_that_its_items_failed_by(desk: Desk) -> None:
    desk.submit("t-acc", accepted(item("CT-01")))
    desk.issue()
    desk.answer()
    task = desk.reinspect()
    assert refused(desk, moving(task.id)).code == "checklist_differs"


def test_only_the_office_moves_a_task(desk: Desk) -> None:
    assert refused(desk, moving(), INSPECTOR).code == "role_missing"


def test_what_was_judged_by_the_old_version_does_not_settle_a_task_that_moved(desk: Desk) -> None:
    """Intake read the task, and the office moved it before the judgement was recorded."""
    desk.do(moving())
    refusal = refused(desk, sent(desk, by=CHECKLIST), INTAKE)
    assert (refusal.code, refusal.facts) == ("checklist_moved", ("task:t-acc",))
    desk.do(sent(desk, by=NEWER), INTAKE)
    assert desk.task("t-acc").status == "accepted"


def test_work_done_on_another_branch_stands_against_the_move(desk: Desk) -> None:
    moved = branch(desk, lambda d: d.do(moving()))
    done = branch(desk, lambda d: d.do(sent(d, by=CHECKLIST), INTAKE))
    for winner, loser in ((moved, done), (done, moved)):
        task = rebased(winner, loser).task("t-acc")
        assert (task.status, task.checklist) == ("accepted", CHECKLIST)


def test_a_submission_keeps_the_limits_it_was_judged_with(desk: Desk) -> None:
    desk.do(sent(desk, by=CHECKLIST, limits=LIMITS), INTAKE)
    assert desk.task("t-acc").submissions[0].limits == LIMITS
    assert case_from_document(case_to_document(desk.case)) == desk.case


def test_a_case_from_before_limits_is_read_as_having_none(desk: Desk) -> None:
    desk.do(sent(desk, by=None), INTAKE)
    document = case_to_document(desk.case)
    [submission] = document["tasks"]["t-acc"]["submissions"]
    del submission["limits"]
    assert case_from_document(document).tasks["t-acc"].submissions[0].limits is None
