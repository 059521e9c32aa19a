"""Rectification notices: round by round until every item has passed, or withdrawn by two persons."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest

from server.workflow import commands as c
from server.workflow.model import Actor, ChecklistRef, ItemResult, PhotoRef, Verdict
from tests.workflow.builders import (
    ADMIN,
    COLLEAGUE,
    CUSTOMER,
    DEPUTY,
    INSPECTOR,
    INTAKE,
    MANAGER,
    POLICY,
    Desk,
    accepted,
    authorized_desk,
    energized_desk,
    item,
    refused,
)

THIRD = "zhou.inspector"


def failed_desk(*items: ItemResult) -> Desk:
    """An acceptance that found these items (default: one of each severity) failing; the draft waits."""
    desk = Desk()
    found = items or (item("A", severity="critical"), item("B"), item("C", severity="minor"))
    desk.inspect("t-1", "acceptance", *found)
    return desk


def test_the_whole_loop_second_round_and_closed() -> None:
    desk = failed_desk(item("A"), item("B"))
    desk.issue()
    desk.answer()
    task = desk.reinspect()
    assert (task.kind, task.items, task.notice) == ("reinspection", ("A", "B"), 1)
    desk.submit(task.id, accepted(item("A", "pass"), item("B", note="still open")))
    notice = desk.notice()
    assert (notice.state, notice.round) == ("issued", 2)
    assert [one.state for one in notice.items] == ["passed", "open"]
    desk.answer()
    second = desk.reinspect()
    assert second.items == ("B",)
    desk.submit(second.id, accepted(item("B", "pass")))
    notice = desk.notice()
    assert (notice.state, notice.closed_by) == ("closed", INSPECTOR.name)
    assert [(seen.round, seen.verdict, seen.note) for seen in notice.items[1].rounds] == [
        (1, "fail", "still open"),
        (2, "pass", ""),
    ]
    assert "notices-closed" not in desk.red()


def test_the_first_text_never_changes() -> None:
    desk = failed_desk(item("A", note="first"))
    first = desk.notice().items[0].result
    desk.round(1, item("A", note="second", severity="minor"), issue=True)
    desk.round(1, item("A", "pass", note="third"))
    assert desk.notice().items[0].result == first
    assert desk.notice().state == "closed"


def test_items_are_due_by_severity_counted_where_the_customer_lives() -> None:
    desk = failed_desk()
    # 20:00 UTC on the 10th is the 11th in Shanghai.
    desk.do(c.IssueNotice(n=1), at=datetime(2026, 3, 10, 20, 0, tzinfo=UTC))
    assert [one.due for one in desk.notice().items] == [
        date(2026, 3, 18),
        date(2026, 3, 26),
        date(2026, 4, 10),
    ]


def test_another_day_can_be_set_but_not_one_gone_by() -> None:
    desk = failed_desk()
    early = c.IssueNotice(n=1, due={"A": date(2026, 3, 1)})
    assert refused(desk, early).code == "due_in_past"
    assert refused(desk, c.IssueNotice(n=1, due={"Z": date(2026, 5, 1)})).code == "item_unknown"
    desk.do(c.IssueNotice(n=1, due={"A": date(2026, 3, 3)}))
    assert desk.notice().items[0].due == date(2026, 3, 3)


def test_a_new_round_counts_from_its_own_day() -> None:
    desk = failed_desk(item("A"))
    desk.issue()
    first = desk.notice().items[0].due
    desk.now = desk.now.replace(month=4)
    desk.round(1, item("A"))
    again = desk.notice().items[0].due
    assert first is not None
    assert again is not None
    assert again > first
    assert [issue.round for issue in desk.notice().issues] == [1, 2]


def test_a_notice_is_answered_once_every_open_item_has_an_answer() -> None:
    desk = failed_desk()
    desk.issue()
    desk.answer(1, "A", "B")
    assert desk.notice().state == "issued"
    refusal = refused(desk, c.ScheduleReinspection(n=1, task_id="r", assignees=(COLLEAGUE.name,)))
    assert refusal.code == "notice_not_answered"
    desk.answer(1, "C")
    assert desk.notice().state == "answered"


def test_answers_of_an_earlier_round_do_not_count_for_the_next() -> None:
    desk = failed_desk(item("A"), item("B"))
    desk.round(1, item("A"), item("B"), issue=True)
    desk.answer(1, "A")
    assert desk.notice().state == "issued"


def test_the_same_answer_twice_is_recorded_once() -> None:
    desk = failed_desk(item("A"))
    desk.issue()
    desk.answer()
    before = desk.case
    desk.answer(1, "A")
    assert desk.case is before


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ({"Z": c.AnsweredItem("done")}, "item_not_open"),
        ({"A": c.AnsweredItem("  ")}, "answer_empty"),
        ({}, "malformed"),
    ],
)
def test_an_answer_is_to_an_open_item_and_says_something(items: dict[str, c.AnsweredItem], code: str) -> None:
    desk = failed_desk(item("A"))
    desk.issue()
    command = c.AnswerNotice(n=1, items=items, answered_by="Red Maple")
    assert refused(desk, command, CUSTOMER).code == code


def test_nobody_is_sent_out_on_an_answer_whose_photos_are_not_verified() -> None:
    desk = failed_desk(item("A"))
    desk.issue()
    desk.answer(1, photos=[PhotoRef("p-1", "aa")])
    order = c.ScheduleReinspection(n=1, task_id="r", assignees=(COLLEAGUE.name,))
    assert refused(desk, order).facts == ("photo:p-1",)
    desk.do(c.RecordPhoto(photo_id="p-1", verified=False, reason="undecodable"), INTAKE)
    assert refused(desk, order).facts == ("photo:p-1",)
    desk.answer(1, photos=[PhotoRef("p-2", "bb", verified=True)])
    desk.do(order)
    assert "photos-verified" not in desk.red()


@pytest.mark.parametrize(
    ("verdict", "closes"), [("pass", True), ("warning", True), ("not_judged", False), ("fail", False)]
)
def test_what_closes_an_item(verdict: Verdict, closes: bool) -> None:
    desk = failed_desk(item("A"))
    desk.round(1, item("A", verdict), issue=True)
    assert desk.notice().state == ("closed" if closes else "issued")


def test_an_item_that_the_form_leaves_out_has_not_passed() -> None:
    desk = failed_desk(item("A"), item("B"))
    desk.round(1, item("A", "pass"), issue=True)
    assert (desk.notice().state, desk.notice().round) == ("issued", 2)
    assert desk.notice().items[1].rounds[0].verdict == "not_judged"


def test_new_failures_found_at_a_reinspection_come_on_a_supplement() -> None:
    desk = failed_desk(item("A"))
    desk.round(1, item("A", "pass"), item("N"), issue=True)
    assert desk.notice(1).state == "closed"
    assert (desk.notice(2).supplement_of, desk.notice(2).items[0].code) == (1, "N")
    assert desk.notice(2).stage == "acceptance"
    assert {"acceptance-passed", "notices-closed"} <= desk.red()


def test_a_late_branch_of_a_reinspection_brings_a_passed_item_back() -> None:
    desk = failed_desk(item("A"))
    desk.issue()
    desk.answer()
    task = desk.reinspect()
    desk.submit(task.id, accepted(item("A", "pass")), revs=("2-a",))
    desk.submit(task.id, accepted(item("A")), revs=("2-a", "2-b"))
    assert desk.notice(1).state == "closed"
    assert (desk.notice(2).supplement_of, desk.notice(2).items[0].code) == (1, "A")


def test_a_late_branch_of_a_reinspection_does_not_repeat_what_is_still_open() -> None:
    desk = failed_desk(item("A"))
    desk.issue()
    desk.answer()
    task = desk.reinspect()
    desk.submit(task.id, accepted(item("A")), revs=("2-a",))
    desk.submit(task.id, accepted(item("A", note="too")), revs=("2-a", "2-b"))
    assert len(desk.case.notices) == 1


def test_a_reinspection_uses_the_checklist_of_its_notice() -> None:
    desk = failed_desk(item("A"))
    desk.issue()
    desk.answer()
    newer = ChecklistRef("acceptance-10kv", 2)
    order = c.ScheduleReinspection(n=1, task_id="r", assignees=(COLLEAGUE.name,), checklist=newer)
    assert refused(desk, order).code == "checklist_differs"


def test_cancelling_a_reinspection_leaves_the_notice_open_for_another() -> None:
    desk = failed_desk(item("A"))
    desk.issue()
    desk.answer()
    task = desk.reinspect()
    desk.do(c.CancelTask(task_id=task.id, reason="typhoon"))
    assert desk.notice().state == "answered"
    assert "notices-closed" in desk.red()
    again = desk.reinspect()
    desk.submit(again.id, accepted(item("A", "pass")))
    assert desk.notice().state == "closed"


def test_scheduling_the_same_reinspection_again_changes_nothing() -> None:
    desk = failed_desk(item("A"))
    desk.issue()
    desk.answer()
    order = c.ScheduleReinspection(n=1, task_id="r", assignees=(COLLEAGUE.name,))
    desk.do(order)
    assert desk.do(order).events == ()
    other = msgspec.structs.replace(order, assignees=(THIRD,))
    assert refused(desk, other).code == "task_exists"


class TestCriticalItems:
    """Whoever raised a critical item alone cannot close it."""

    def critical(self, by: str = INSPECTOR.name) -> Desk:
        desk = failed_desk(item("A", severity="critical", by=by))
        desk.issue()
        desk.answer()
        return desk

    def test_the_raiser_is_not_sent_alone(self) -> None:
        desk = self.critical()
        order = c.ScheduleReinspection(n=1, task_id="r", assignees=(INSPECTOR.name,))
        refusal = refused(desk, order)
        assert (refusal.code, refusal.facts) == ("second_person_needed", ("person:another",))
        desk.reinspect(1, INSPECTOR.name, COLLEAGUE.name, task_id="r")
        alone = c.Reassign(task_id="r", assignees=(INSPECTOR.name,), reason="colleague ill")
        assert refused(desk, alone).code == "second_person_needed"

    def test_whoever_saw_it_and_whoever_signed_are_both_raisers(self) -> None:
        desk = self.critical(by=COLLEAGUE.name)
        order = c.ScheduleReinspection(n=1, task_id="r", assignees=(INSPECTOR.name, COLLEAGUE.name))
        assert refused(desk, order).code == "second_person_needed"

    def test_the_raisers_pass_waits_for_a_second_person_without_a_new_round(self) -> None:
        desk = self.critical()
        task = desk.reinspect()
        desk.submit(task.id, accepted(item("A", "pass")), by=INSPECTOR.name)
        notice = desk.notice()
        assert (notice.state, notice.round, notice.items[0].state) == ("answered", 1, "passed_once")
        assert "notices-closed" in desk.red()
        second = desk.reinspect(1, COLLEAGUE.name)
        desk.submit(second.id, accepted(item("A", "pass")), by=COLLEAGUE.name)
        assert desk.notice().state == "closed"

    def test_the_second_person_may_find_it_failing_after_all(self) -> None:
        desk = self.critical()
        desk.submit(desk.reinspect().id, accepted(item("A", "pass")), by=INSPECTOR.name)
        second = desk.reinspect(1, COLLEAGUE.name)
        desk.submit(second.id, accepted(item("A")), by=COLLEAGUE.name)
        assert (desk.notice().state, desk.notice().round) == ("issued", 2)
        assert desk.notice().items[0].state == "open"

    def test_an_organisation_may_do_without(self) -> None:
        policy = msgspec.structs.replace(POLICY, two_person_critical=False)
        desk = Desk(policy=policy)
        desk.inspect("t-1", "acceptance", item("A", severity="critical"))
        desk.issue()
        desk.answer()
        task = desk.reinspect(1, INSPECTOR.name)
        desk.submit(task.id, accepted(item("A", "pass")))
        assert desk.notice().state == "closed"

    def test_lesser_items_may_be_closed_by_their_raiser(self) -> None:
        desk = failed_desk(item("A"))
        desk.issue()
        desk.answer()
        task = desk.reinspect(1, INSPECTOR.name)
        desk.submit(task.id, accepted(item("A", "pass")))
        assert desk.notice().state == "closed"


class TestWithdrawal:
    def test_it_takes_two_persons(self) -> None:
        desk = failed_desk(item("A"))
        desk.do(c.ProposeWithdrawal(n=1, reason="wrong site"))
        assert desk.notice().state == "draft"
        assert "notices-closed" in desk.red()
        refusal = refused(desk, c.ConfirmWithdrawal(n=1))
        assert (refusal.code, refusal.kind) == ("second_person_withdraws", "forbidden")
        twice = Actor(MANAGER.name, ("admin", "manager"))
        assert refused(desk, c.ConfirmWithdrawal(n=1), twice).code == "second_person_withdraws"
        desk.do(c.ConfirmWithdrawal(n=1), DEPUTY)
        withdrawal = desk.notice().withdrawal
        assert withdrawal is not None
        assert (withdrawal.proposed_by, withdrawal.confirmed_by) == (MANAGER.name, DEPUTY.name)
        assert desk.notice().state == "withdrawn"
        assert "notices-closed" not in desk.red()

    def test_an_inspector_may_propose_and_not_confirm(self) -> None:
        desk = failed_desk(item("A"))
        desk.do(c.ProposeWithdrawal(n=1, reason="my error"), INSPECTOR)
        assert refused(desk, c.ConfirmWithdrawal(n=1), COLLEAGUE).code == "role_missing"
        desk.do(c.ConfirmWithdrawal(n=1), ADMIN)
        assert desk.notice().state == "withdrawn"

    def test_nothing_is_withdrawn_that_nobody_proposed(self) -> None:
        desk = failed_desk(item("A"))
        assert refused(desk, c.ConfirmWithdrawal(n=1), DEPUTY).code == "no_withdrawal_proposed"
        desk.do(c.ProposeWithdrawal(n=1, reason="wrong site"))
        desk.do(c.RejectWithdrawal(n=1, reason="right site"), DEPUTY)
        assert refused(desk, c.ConfirmWithdrawal(n=1), DEPUTY).code == "no_withdrawal_proposed"

    def test_a_failure_that_joins_after_the_proposal_voids_it(self) -> None:
        desk = failed_desk(item("A"))
        desk.do(c.ProposeWithdrawal(n=1, reason="wrong site"))
        desk.submit("t-1", accepted(item("B")), revs=("9-b",))
        assert desk.notice().withdrawal is None
        assert refused(desk, c.ConfirmWithdrawal(n=1), DEPUTY).code == "no_withdrawal_proposed"

    @pytest.mark.parametrize("step", ["issue", "schedule"])
    def test_a_proposal_does_not_outlive_the_notices_next_step(self, step: str) -> None:
        desk = failed_desk(item("A"))
        if step == "schedule":
            desk.issue()
            desk.answer()
        desk.do(c.ProposeWithdrawal(n=1, reason="wrong site"))
        if step == "issue":
            desk.issue()
        else:
            desk.reinspect()
        assert desk.notice().withdrawal is None

    def test_not_while_somebody_is_out_to_reinspect(self) -> None:
        desk = failed_desk(item("A"))
        desk.issue()
        desk.answer()
        desk.reinspect()
        refusal = refused(desk, c.ProposeWithdrawal(n=1, reason="wrong site"))
        assert refusal.code == "notice_not_withdrawable"

    def test_a_closed_or_withdrawn_notice_stays_so(self) -> None:
        desk = failed_desk(item("A"))
        desk.round(1, item("A", "pass"), issue=True)
        again: list[c.Command] = [
            c.ProposeWithdrawal(n=1, reason="x"),
            c.IssueNotice(n=1),
            c.ScheduleReinspection(n=1, task_id="r", assignees=(COLLEAGUE.name,)),
            c.AnswerNotice(n=1, items={"A": c.AnsweredItem("x")}, answered_by="x"),
        ]
        for command in again:
            refused(desk, command)
        gone = failed_desk(item("A"))
        gone.do(c.ProposeWithdrawal(n=1, reason="wrong site"))
        gone.do(c.ConfirmWithdrawal(n=1), DEPUTY)
        for command in again:
            refused(gone, command)

    def test_the_same_proposal_twice_changes_nothing_and_a_second_one_is_refused(self) -> None:
        desk = failed_desk(item("A"))
        desk.do(c.ProposeWithdrawal(n=1, reason="wrong site"))
        assert desk.do(c.ProposeWithdrawal(n=1, reason="wrong site")).events == ()
        other = c.ProposeWithdrawal(n=1, reason="other")
        assert refused(desk, other, DEPUTY).code == "withdrawal_proposed"


class TestHazards:
    def test_a_hazard_opens_a_notice_of_its_own_and_is_reported_once(self) -> None:
        desk = Desk()
        desk.hazard()
        notice = desk.notice()
        assert (notice.stage, notice.hazard_id, notice.state) == ("hazard", "h-1", "draft")
        assert (notice.items[0].code, notice.items[0].severity) == ("HZ-01", "critical")
        before = desk.case
        assert desk.hazard().events == ()
        assert desk.case is before
        assert desk.case.hazards["h-1"].notice == 1

    def test_another_report_under_the_same_id_is_refused_loudly(self) -> None:
        desk = Desk()
        desk.hazard()
        before = desk.case
        with pytest.raises(Exception, match="hazard_differs"):
            desk.hazard(by=COLLEAGUE.name)
        assert desk.case is before

    def test_it_voids_an_authorization_and_release_asks_for_a_new_one(self) -> None:
        desk = authorized_desk()
        desk.hazard()
        assert desk.status == "on_hold"
        assert refused(desk, c.Authorize()).facts == ("gate:notices-closed", "gate:no-hold")
        desk.round(1, item("HZ-01", "pass"), issue=True)
        assert refused(desk, c.Authorize()).facts == ("gate:no-hold",)
        desk.do(c.ReleaseHold(reason="pit covered"))
        assert desk.status == "none"
        desk.do(c.Authorize())
        assert desk.status == "authorized"

    def test_after_energization_it_is_operational_and_goes_the_same_rounds(self) -> None:
        desk = energized_desk()
        desk.hazard()
        assert desk.notice().operational
        assert desk.status == "energized"
        desk.round(1, item("HZ-01"), issue=True)
        desk.round(1, item("HZ-01", "pass"))
        assert desk.notice().state == "closed"
        assert not desk.red()

    def test_a_long_story_is_heard_too(self) -> None:
        desk = Desk()
        story = "The pit by the gate is open. " * 1000
        desk.do(
            c.ReportHazard(
                hazard_id="h-1",
                description=story,
                at=desk.now,
                by=INSPECTOR.name,
                checklist=ChecklistRef("hazard-recheck", 1),
                text=item().text,
            ),
            INTAKE,
        )
        assert desk.notice().items[0].result.note == story

    def test_it_is_heard_on_a_case_that_has_ended(self) -> None:
        desk = Desk()
        desk.to_stage("cancelled")
        desk.hazard()
        assert desk.notice().state == "draft"


class TestQuarantine:
    def quarantined(self, doc_rev: str = "2-x") -> Desk:
        """A form that came from somebody who is off the case."""
        desk = Desk()
        desk.assign("t-1", "acceptance", COLLEAGUE.name)
        desk.do(self.unsent(doc_rev), INTAKE)
        return desk

    def unsent(self, doc_rev: str = "2-x") -> c.QuarantineUnsent:
        return c.QuarantineUnsent(
            unsent_id="u-1",
            database="outbox-chen",
            doc_id="inspection:t-1",
            doc_rev=doc_rev,
            by=INSPECTOR.name,
            reason="not_assigned",
        )

    def test_it_keeps_field_work_open_until_it_is_decided_and_taken_in(self) -> None:
        desk = self.quarantined()
        desk.submit("t-1", accepted(item("A", "pass")), by=COLLEAGUE.name)
        assert "field-work-complete" in desk.red()
        assert desk.do(self.unsent(), INTAKE).events == ()
        desk.do(c.SettleQuarantine(unsent_id="u-1", decision="accept", reason="good work"))
        assert "field-work-complete" in desk.red()
        desk.submit("t-1", accepted(item("B")), by=INSPECTOR.name, revs=("9-x",), unsent_id="u-1")
        assert desk.case.quarantine["u-1"].state == "taken"
        assert "field-work-complete" not in desk.red()
        assert desk.notice().items[0].code == "B"

    def test_rejected_work_is_answered_and_kept(self) -> None:
        desk = self.quarantined()
        desk.submit("t-1", accepted(item("A", "pass")), by=COLLEAGUE.name)
        desk.do(c.SettleQuarantine(unsent_id="u-1", decision="reject", reason="not on site that day"))
        assert "field-work-complete" not in desk.red()
        assert desk.case.quarantine["u-1"].decision_reason == "not on site that day"
        late = c.SettleQuarantine(unsent_id="u-1", decision="accept", reason="after all")
        assert refused(desk, late).code == "quarantine_settled"

    def test_the_sender_does_not_decide(self) -> None:
        desk = self.quarantined()
        sender = Actor(INSPECTOR.name, ("manager",))
        command = c.SettleQuarantine(unsent_id="u-1", decision="accept", reason="mine")
        assert refused(desk, command, sender).code == "own_work"

    def test_work_is_taken_in_only_once_accepted(self) -> None:
        desk = self.quarantined()
        assert refused(desk, c.TakeQuarantined(unsent_id="u-1"), INTAKE).code == "quarantine_not_accepted"
        desk.do(c.SettleQuarantine(unsent_id="u-1", decision="accept", reason="a track"))
        desk.do(c.TakeQuarantined(unsent_id="u-1"), INTAKE)
        assert desk.do(c.TakeQuarantined(unsent_id="u-1"), INTAKE).events == ()
        assert refused(desk, c.TakeQuarantined(unsent_id="u-9"), INTAKE).kind == "not_found"

    def test_an_accepted_branch_may_be_judged_again_in_its_senders_name(self) -> None:
        desk = self.quarantined()
        desk.do(c.SettleQuarantine(unsent_id="u-1", decision="accept", reason="good work"))
        desk.submit("t-1", accepted(item("A")), by=INSPECTOR.name, revs=("2-x", "2-y"))
        assert desk.task("t-1").status == "accepted"

    def test_accepted_work_of_a_cancelled_task_brings_its_failures_and_accepts_nothing(self) -> None:
        desk = self.quarantined()
        desk.do(c.CancelTask(task_id="t-1", reason="wrong checklist"))
        desk.do(c.SettleQuarantine(unsent_id="u-1", decision="accept", reason="good work"))
        desk.submit("t-1", accepted(item("A")), by=INSPECTOR.name, unsent_id="u-1")
        assert desk.task("t-1").status == "cancelled"
        assert desk.notice().items[0].code == "A"
        assert "acceptance-passed" in desk.red()

    def test_it_takes_a_standing_authorization_away(self) -> None:
        desk = authorized_desk()
        desk.do(self.unsent(), INTAKE)
        assert desk.status == "on_hold"

    def test_other_work_under_its_id_is_refused(self) -> None:
        desk = self.quarantined()
        other = msgspec.structs.replace(self.unsent(), doc_id="inspection:t-2")
        assert refused(desk, other, INTAKE).code == "quarantine_differs"

    def test_a_hazard_out_of_quarantine_is_taken_in_by_its_report(self) -> None:
        desk = self.quarantined()
        desk.do(c.SettleQuarantine(unsent_id="u-1", decision="accept", reason="heard"))
        report = c.ReportHazard(
            hazard_id="h-1",
            description="An open pit.",
            at=desk.now,
            by=INSPECTOR.name,
            checklist=ChecklistRef("hazard-recheck", 1),
            text=item().text,
            unsent_id="u-1",
        )
        desk.do(report, INTAKE)
        assert desk.case.quarantine["u-1"].state == "taken"
        assert desk.do(report, INTAKE).events == ()
