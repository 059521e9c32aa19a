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
