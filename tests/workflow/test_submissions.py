"""Tasks and judged forms: exactly once, in any order, and never losing a failure."""

from __future__ import annotations

import pytest

from server.workflow import commands as c
from server.workflow.model import Actor, ChecklistRef, PhotoRef
from tests.workflow.builders import (
    COLLEAGUE,
    INSPECTOR,
    INTAKE,
    MANAGER,
    Desk,
    accepted,
    authorized_desk,
    awaiting,
    energized_desk,
    item,
    refused,
    returned,
)


def test_assigning_the_same_task_again_changes_nothing_and_another_under_its_id_is_refused() -> None:
    desk = Desk()
    desk.assign("t-1")
    same = c.AssignTask(
        task_id="t-1",
        kind="acceptance",
        checklist=desk.task("t-1").checklist,
        assignees=(INSPECTOR.name, COLLEAGUE.name, INSPECTOR.name),
    )
    assert desk.do(same).events == ()
    other = c.AssignTask(
        task_id="t-1", kind="survey", checklist=ChecklistRef("s", 1), assignees=(INSPECTOR.name,)
    )
    assert refused(desk, other).code == "task_exists"


def test_an_assigned_task_shuts_the_gate_until_it_is_accepted_or_cancelled() -> None:
    desk = Desk()
    assert "field-work-complete" not in desk.red()
    desk.assign("t-1")
    assert "field-work-complete" in desk.red()
    for outcome in (awaiting(), returned()):
        desk.submit("t-1", outcome)
        assert "field-work-complete" in desk.red()
    desk.submit("t-1", accepted(item(verdict="pass")))
    assert "field-work-complete" not in desk.red()
    desk.assign("t-2")
    desk.do(c.CancelTask(task_id="t-2", reason="double"))
    assert "field-work-complete" not in desk.red()


def test_receipts_are_numbered_and_tell_what_happened() -> None:
    desk = Desk()
    desk.assign("t-1")
    desk.submit("t-1", awaiting("p-1", "p-2"))
    assert desk.task("t-1").status == "awaiting_photos"
    desk.submit("t-1", returned())
    assert desk.task("t-1").status == "returned"
    desk.submit("t-1", accepted(item(verdict="pass")))
    task = desk.task("t-1")
    assert [(one.n, one.outcome) for one in task.submissions] == [
        (1, "awaiting_photos"),
        (2, "returned"),
        (3, "accepted"),
    ]
    assert (task.status, task.accepted) == ("accepted", 3)
    assert task.submissions[0].missing == ("p-1", "p-2")
    assert task.submissions[1].reasons[0].item == "CT-01"


@pytest.mark.parametrize("outcome", [awaiting(), returned(), accepted(item())])
def test_the_same_judgement_twice_is_recorded_once(outcome: c.Outcome) -> None:
    desk = Desk()
    desk.assign("t-1")
    desk.submit("t-1", outcome, revs=("2-a", "1-b"))
    before = desk.case
    assert desk.submit("t-1", outcome, revs=("1-b", "2-a", "1-b")).events == ()
    assert desk.case is before


def test_photos_that_arrive_settle_the_same_revision() -> None:
    desk = Desk()
    desk.assign("t-1")
    desk.submit("t-1", awaiting("p-1", "p-2"), revs=("2-a",))
    desk.submit("t-1", awaiting("p-2"), revs=("2-a",))
    desk.submit("t-1", accepted(item(verdict="pass", photos=["p-1", "p-2"])), revs=("2-a",))
    assert desk.task("t-1").accepted == 3
    assert desk.task("t-1").open_branch is None


def test_second_thoughts_on_an_accepted_revision_reopen_nothing() -> None:
    desk = Desk()
    desk.assign("t-1")
    desk.submit("t-1", accepted(item(verdict="pass")), revs=("2-a",))
    assert desk.submit("t-1", awaiting(), revs=("2-a",)).events == ()
    assert desk.submit("t-1", returned(), revs=("2-a",)).events == ()


def test_a_judgement_of_fewer_branches_is_stale() -> None:
    desk = Desk()
    desk.assign("t-1")
    desk.submit("t-1", returned(), revs=("2-a", "2-b"))
    assert desk.submit("t-1", accepted(item(verdict="pass")), revs=("2-a",)).events == ()
    assert desk.task("t-1").status == "returned"


def test_only_assignees_hand_in() -> None:
    desk = Desk()
    desk.assign("t-1", "acceptance", INSPECTOR.name)
    command = c.RecordSubmission(
        task_id="t-1",
        revs=("1-a",),
        outcome=accepted(item()),
        submitted_by=COLLEAGUE.name,
        submitted_at=desk.now,
    )
    refusal = refused(desk, command, INTAKE)
    assert (refusal.code, refusal.kind) == ("not_assigned", "forbidden")
    desk.do(c.Reassign(task_id="t-1", assignees=(COLLEAGUE.name,), reason="ill"))
    desk.do(command, INTAKE)
    assert desk.task("t-1").status == "accepted"


def test_work_on_what_is_not_there_is_refused() -> None:
    desk = Desk()
    command = c.RecordSubmission(
        task_id="t-9",
        revs=("1-a",),
        outcome=accepted(item()),
        submitted_by=INSPECTOR.name,
        submitted_at=desk.now,
    )
    assert (refused(desk, command, INTAKE).code, refused(desk, command, INTAKE).kind) == (
        "task_unknown",
        "not_found",
    )
    assert refused(desk, c.IssueNotice(n=9)).code == "notice_unknown"
    assert refused(desk, c.MoveStage(to="nowhere")).code == "stage_unknown"


def test_a_judgement_names_an_item_once() -> None:
    desk = Desk()
    desk.assign("t-1")
    command = c.RecordSubmission(
        task_id="t-1",
        revs=("1-a",),
        outcome=accepted(item("A"), item("A", "pass")),
        submitted_by=INSPECTOR.name,
        submitted_at=desk.now,
    )
    assert refused(desk, command, INTAKE).code == "item_twice"


def test_reassigning_ends_with_the_task() -> None:
    desk = Desk()
    desk.inspect("t-1", "acceptance", item(verdict="pass"))
    command = c.Reassign(task_id="t-1", assignees=(MANAGER.name,), reason="late")
    assert refused(desk, command).code == "task_settled"
    assert refused(desk, c.CancelTask(task_id="t-1", reason="late")).code == "task_settled"


def test_a_form_of_a_cancelled_task_is_refused_so_that_it_can_be_quarantined() -> None:
    desk = Desk()
    desk.assign("t-1")
    desk.do(c.CancelTask(task_id="t-1", reason="wrong checklist"))
    command = c.RecordSubmission(
        task_id="t-1",
        revs=("1-a",),
        outcome=accepted(item()),
        submitted_by=INSPECTOR.name,
        submitted_at=desk.now,
    )
    assert refused(desk, command, INTAKE).code == "task_cancelled"


def test_a_form_is_not_accepted_with_a_photo_nobody_verified() -> None:
    desk = Desk()
    desk.assign("t-1")
    named = item(verdict="pass", photos=["p-1"])
    for photos in ([], [PhotoRef("p-1")]):
        command = c.RecordSubmission(
            task_id="t-1",
            revs=("1-a",),
            outcome=accepted(named, photos=photos),
            submitted_by=INSPECTOR.name,
            submitted_at=desk.now,
        )
        assert refused(desk, command, INTAKE).facts == ("photo:p-1",)


def test_failures_become_one_draft_and_passes_and_warnings_none() -> None:
    desk = Desk()
    desk.assign("t-1")
    desk.submit(
        "t-1", accepted(item("A"), item("B", "pass"), item("C", "warning"), item("D", "fail", "minor"))
    )
    notice = desk.notice()
    assert (notice.state, notice.stage, notice.task_id) == ("draft", "acceptance", "t-1")
    assert [one.code for one in notice.items] == ["A", "D"]
    assert [one.code for one in desk.task("t-1").submissions[0].advice] == ["C"]
    assert {"notices-closed", "acceptance-passed"} <= desk.red()


def test_a_form_without_failures_opens_no_notice() -> None:
    desk = Desk()
    desk.inspect("t-1", "acceptance", item("A", "pass"), item("B", "not_judged"))
    assert not desk.case.notices


class TestLateBranch:
    """A branch of a form that arrives after the form was accepted can add failures, never remove them."""

    def settled(self) -> Desk:
        desk = Desk()
        desk.assign("t-1")
        desk.submit("t-1", accepted(item("A"), item("B", "pass")), revs=("2-a",))
        return desk

    def test_new_failures_join_the_draft(self) -> None:
        desk = self.settled()
        desk.submit("t-1", accepted(item("A", "pass"), item("B")), revs=("2-a", "2-b"))
        assert [one.code for one in desk.notice().items] == ["A", "B"]
        assert desk.task("t-1").submissions[1].late
        assert desk.task("t-1").accepted == 1

    def test_new_failures_after_the_notice_went_out_come_on_a_supplement(self) -> None:
        desk = self.settled()
        desk.issue(1)
        desk.submit("t-1", accepted(item("A"), item("B")), revs=("2-a", "2-b"))
        assert [one.code for one in desk.notice(1).items] == ["A"]
        supplement = desk.notice(2)
        assert (supplement.supplement_of, supplement.state, supplement.task_id) == (1, "draft", "t-1")
        assert [one.code for one in supplement.items] == ["B"]
        desk.submit("t-1", accepted(item("C")), revs=("2-a", "2-b", "2-c"))
        assert [one.code for one in desk.notice(2).items] == ["B", "C"]

    def test_a_known_failure_is_not_told_twice_but_a_graver_one_is(self) -> None:
        desk = self.settled()
        desk.submit("t-1", accepted(item("A")), revs=("2-a", "2-b"))
        assert len(desk.case.notices) == 1
        desk.submit("t-1", accepted(item("A", severity="critical")), revs=("2-a", "2-b", "2-c"))
        assert [one.severity for one in desk.notice(1).items] == ["major"]
        assert [one.severity for one in desk.notice(2).items] == ["critical"]

    @pytest.mark.parametrize("outcome", [awaiting(), returned()])
    def test_an_unsettled_one_keeps_field_work_open_and_the_acceptance_standing(
        self, outcome: c.Outcome
    ) -> None:
        desk = self.settled()
        desk.submit("t-1", outcome, revs=("2-a", "2-b"))
        task = desk.task("t-1")
        assert (task.status, task.accepted) == ("accepted", 1)
        assert "field-work-complete" in desk.red()
        desk.submit("t-1", accepted(item("B")), revs=("2-a", "4-b"))
        assert desk.task("t-1").open_branch is None
        assert "field-work-complete" not in desk.red()
        assert [one.code for one in desk.notice().items] == ["A", "B"]

    def test_another_branch_does_not_settle_it(self) -> None:
        desk = self.settled()
        desk.submit("t-1", returned(), revs=("2-a", "3-b"))
        desk.submit("t-1", accepted(item("C")), revs=("2-a", "3-c"))
        branch = desk.task("t-1").open_branch
        assert branch is not None
        assert "3-b" in branch.revs
        assert "field-work-complete" in desk.red()

    def test_a_lost_tablet_is_given_up_by_somebody_else_only(self) -> None:
        desk = self.settled()
        desk.submit("t-1", returned(), revs=("2-a", "3-b"), by=COLLEAGUE.name)
        command = c.SettleLateBranch(task_id="t-1", reason="tablet in the river")
        own = refused(desk, command, Actor(COLLEAGUE.name, ("manager",)))
        assert (own.code, own.facts) == ("own_work", ("person:another",))
        desk.do(command)
        assert "field-work-complete" not in desk.red()
        assert refused(desk, command).code == "no_late_branch"

    def test_it_takes_a_standing_authorization_away_at_once(self) -> None:
        for outcome in (accepted(item("B")), awaiting(), returned()):
            desk = authorized_desk()
            desk.submit("t-acc", outcome, revs=("99-z",))
            assert desk.status == "on_hold"
            hold = desk.case.energization.hold
            assert hold is not None
            assert hold.cause == "gates_shut"

    def test_without_a_failure_it_leaves_the_authorization_alone(self) -> None:
        desk = authorized_desk()
        desk.submit("t-acc", accepted(item("B", "pass")), revs=("99-z",))
        assert desk.status == "authorized"

    def test_after_energization_its_failures_are_operational_and_the_record_stands(self) -> None:
        desk = energized_desk()
        desk.submit("t-acc", accepted(item("B", severity="critical")), revs=("99-z",))
        assert desk.notice().operational
        assert (desk.status, desk.case.stage) == ("energized", "energized")


def test_what_lost_against_a_safer_answer_is_kept_for_the_manager() -> None:
    desk = Desk()
    desk.assign("t-1")
    lost = {"A": ({"value": "pass", "by": COLLEAGUE.name},)}
    desk.submit("t-1", accepted(item("A"), superseded=lost))
    assert desk.task("t-1").submissions[0].superseded["A"][0]["by"] == COLLEAGUE.name


class TestPhotos:
    def test_a_verdict_on_a_photo_the_case_does_not_rely_on_changes_nothing(self) -> None:
        desk = Desk()
        assert desk.do(c.RecordPhoto(photo_id="p-1", verified=True), INTAKE).events == ()

    def test_verified_bytes_stay_verified_and_one_id_is_one_picture(self) -> None:
        desk = Desk()
        desk.assign("t-1")
        photo = PhotoRef("p-1", "aa", verified=True)
        desk.submit("t-1", accepted(item(verdict="pass", photos=["p-1"]), photos=[photo]))
        assert desk.do(c.RecordPhoto(photo_id="p-1", verified=True), INTAKE).events == ()
        no = c.RecordPhoto(photo_id="p-1", verified=False, sha256="aa", reason="undecodable")
        assert refused(desk, no, INTAKE).code == "photo_already_verified"
        other = c.RecordPhoto(photo_id="p-1", verified=True, sha256="bb")
        assert refused(desk, other, INTAKE).code == "photo_differs"

    def test_a_photo_refused_by_mistake_can_still_be_verified(self) -> None:
        desk = Desk()
        desk.inspect("t-1", "acceptance", item("A"))
        desk.issue()
        desk.answer(1, photos=[PhotoRef("p-1", "aa")])
        assert "photos-verified" in desk.red()
        desk.do(c.RecordPhoto(photo_id="p-1", verified=False, reason="worker_died"), INTAKE)
        assert "photos-verified" in desk.red()
        desk.do(c.RecordPhoto(photo_id="p-1", verified=True, sha256="aa"), INTAKE)
        assert "photos-verified" not in desk.red()
