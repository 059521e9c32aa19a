"""Any sequence of commands by anybody: what must never happen does not.

The machine throws commands at a case: late forms, hazards at any time, the wrong people, steps out of order.
After each it checks the step against its own book-keeping, which shares no code with the gates.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from server.workflow import commands as c
from server.workflow.cause import sparing_outcome
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.gates import evaluate_gates, gate_table
from server.workflow.log import digest, verify_log
from server.workflow.model import Actor, Case, Notice, NoticeItem, PhotoRef, Severity, Task, Verdict
from server.workflow.refusal import Refusal
from tests.workflow.builders import (
    ADMIN,
    AUDITOR,
    COLLEAGUE,
    CUSTOMER,
    DEPUTY,
    HAZARD_CHECKLIST,
    INSPECTOR,
    INTAKE,
    MANAGER,
    PLAIN_FACTS,
    SCHEDULER,
    START,
    Desk,
    accepted,
    authorized_desk,
    awaiting,
    check_words,
    energized_desk,
    item,
    ready_desk,
    returned,
    text,
)

OFFICE = st.sampled_from([MANAGER, DEPUTY, ADMIN, INSPECTOR])
ANYBODY = st.sampled_from(
    [MANAGER, DEPUTY, ADMIN, SCHEDULER, INSPECTOR, COLLEAGUE, CUSTOMER, AUDITOR, INTAKE]
)
CHIEFS = st.sampled_from([MANAGER, DEPUTY])
FIELD = st.sampled_from([INSPECTOR.name, COLLEAGUE.name, "zhou.inspector"])
PEOPLE = st.lists(FIELD, min_size=1, max_size=3).map(tuple)
CODES = st.sampled_from(["A", "B", "HZ-01"])
VERDICTS: st.SearchStrategy[Verdict] = st.sampled_from(["pass", "pass", "fail", "warning", "not_judged"])
SEVERITIES: st.SearchStrategy[Severity] = st.sampled_from(["critical", "major", "minor"])
TASKS = st.sampled_from(["t-acc", "t-1", "t-2"])
KINDS = st.sampled_from(["survey", "intermediate", "acceptance"])
HAZARDS = st.integers(1, 4)
STAGES = st.sampled_from(["acceptance", "ready", "construction", "completion_applied", "archived"])
GATES = st.sampled_from([gate.id for gate in gate_table().values() if gate.entry is not None])


@st.composite
def results(draw: st.DrawFn) -> c.Accepted:
    codes = draw(st.lists(CODES, unique=True, max_size=3))
    by = draw(FIELD)
    return accepted(*(item(code, draw(VERDICTS), draw(SEVERITIES), by=by) for code in codes))


OUTCOMES = st.one_of(results(), results(), st.just(awaiting()), st.just(returned()))


class Commands(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.failures: set[tuple[str, str]] = set()
        self.generation = 100

    @initialize(start=st.sampled_from([Desk, ready_desk, authorized_desk, authorized_desk, energized_desk]))
    def begin(self, start: Any) -> None:
        self.desk = start()

    def give(self, command: c.Command, actor: Actor) -> bool:
        """Give a command; True if it changed the case. Every step is checked against the book-keeping."""
        before = self.desk.case
        try:
            decision = self.desk.do(command, actor)
        except Refusal as refusal:
            assert self.desk.case is before, "a refusal changes nothing"
            check_words(refusal)
            return False
        assert "auditor" not in actor.roles
        if not decision.events:
            assert self.desk.case is before, "no event, no change"
            return False
        self.check_step(before, self.desk.case, command, actor)
        return True

    # Commands

    @rule(actor=OFFICE, task=TASKS, kind=KINDS, people=PEOPLE)
    def assign(self, actor: Actor, task: str, kind: Any, people: tuple[str, ...]) -> None:
        self.give(c.AssignTask(task_id=task, kind=kind, checklist=HAZARD_CHECKLIST, assignees=people), actor)

    @rule(actor=OFFICE, task=st.data(), people=PEOPLE, cancel=st.booleans())
    def change_task(self, actor: Actor, task: st.DataObject, people: tuple[str, ...], cancel: bool) -> None:
        task_id = self.some_task(task)
        if cancel:
            self.give(c.CancelTask(task_id=task_id, reason="x"), actor)
        else:
            self.give(c.Reassign(task_id=task_id, assignees=people, reason="x"), actor)

    @rule(task=st.data(), outcome=OUTCOMES, by=FIELD, old=st.booleans(), unsent=st.booleans())
    def submit(self, task: st.DataObject, outcome: c.Outcome, by: str, old: bool, unsent: bool) -> None:
        task_id = self.some_task(task)
        if not old:
            self.generation += 1
        command = c.RecordSubmission(
            task_id=task_id,
            revs=(f"{self.generation}-a", "1-b"),
            outcome=outcome,
            submitted_by=by,
            submitted_at=self.desk.now,
            unsent_id="u-1" if unsent else None,
        )
        if self.give(command, INTAKE) and isinstance(outcome, c.Accepted):
            self.book_failures(task_id, outcome)

    @rule(data=st.data(), by=FIELD, verdict=VERDICTS)
    def finish_reinspection(self, data: st.DataObject, by: str, verdict: Verdict) -> None:
        """A re-inspection, or a late branch of one, that answers exactly what was asked."""
        notice = self.desk.case.notices.get(self.some_notice(data))
        if notice is not None and notice.reinspections:
            task = self.desk.case.tasks[notice.reinspections[-1]]
            results = [item(code, verdict, by=by) for code in task.items or ()]
            self.hand_in(task, accepted(*results), by)

    def hand_in(self, task: Task, outcome: c.Outcome, by: str) -> None:
        """Submit in the name of `by`, or of an assignee if that is none."""
        self.generation += 1
        command = c.RecordSubmission(
            task_id=task.id,
            revs=(f"{self.generation}-a",),
            outcome=outcome,
            submitted_by=by if by in task.assignees else task.assignees[0],
            submitted_at=self.desk.now,
        )
        if self.give(command, INTAKE) and isinstance(outcome, c.Accepted):
            self.book_failures(task.id, outcome)

    @rule(actor=OFFICE, task=st.data())
    def give_up(self, actor: Actor, task: st.DataObject) -> None:
        self.give(c.SettleLateBranch(task_id=self.some_task(task), reason="lost"), actor)

    @rule(actor=OFFICE, data=st.data())
    def issue(self, actor: Actor, data: st.DataObject) -> None:
        n = self.some_notice(data)
        self.give(c.IssueNotice(n=n), actor)

    @rule(actor=st.sampled_from([CUSTOMER, MANAGER, INSPECTOR]), data=st.data(), verified=st.booleans())
    def answer(self, actor: Actor, data: st.DataObject, verified: bool) -> None:
        n = self.some_notice(data)
        notice = self.desk.case.notices.get(n)
        codes = [one.code for one in notice.items if one.state == "open"] if notice else ["A"]
        photo = PhotoRef(f"p-{n}-{verified}", None, verified)
        items = {code: c.AnsweredItem("done", (photo,)) for code in codes}
        self.give(c.AnswerNotice(n=n, items=items, answered_by="customer"), actor)

    @rule(data=st.data(), verified=st.booleans())
    def judge_photo(self, data: st.DataObject, verified: bool) -> None:
        n = self.some_notice(data)
        self.give(c.RecordPhoto(photo_id=f"p-{n}-False", verified=verified), INTAKE)

    @rule(actor=OFFICE, data=st.data(), people=PEOPLE)
    def reinspect(self, actor: Actor, data: st.DataObject, people: tuple[str, ...]) -> None:
        n = self.some_notice(data)
        task_id = f"r-{n}-{len(self.desk.case.tasks)}"
        self.give(c.ScheduleReinspection(n=n, task_id=task_id, assignees=people), actor)

    @rule(actors=st.lists(OFFICE, min_size=2, max_size=2), data=st.data(), then=st.booleans())
    def withdraw(self, actors: list[Actor], data: st.DataObject, then: bool) -> None:
        n = self.some_notice(data)
        self.give(c.ProposeWithdrawal(n=n, reason="error"), actors[0])
        if then:
            self.give(c.ConfirmWithdrawal(n=n), actors[1])

    @rule(actor=OFFICE, data=st.data())
    def confirm_withdrawal(self, actor: Actor, data: st.DataObject) -> None:
        self.give(c.ConfirmWithdrawal(n=self.some_notice(data)), actor)

    @rule(actor=OFFICE, data=st.data())
    def reject_withdrawal(self, actor: Actor, data: st.DataObject) -> None:
        self.give(c.RejectWithdrawal(n=self.some_notice(data), reason="no error"), actor)

    @rule(number=HAZARDS, by=FIELD, actor=ANYBODY)
    def hazard(self, number: int, by: str, actor: Actor) -> None:
        known = set(self.desk.case.hazards)
        hazard_id = f"h-{number}"
        command = c.ReportHazard(
            hazard_id=hazard_id,
            description="pit",
            at=START,
            by=by,
            checklist=HAZARD_CHECKLIST,
            text=text("hazard removed"),
        )
        if self.give(command, actor):
            assert hazard_id not in known
            notice = self.desk.notice(self.desk.case.hazards[hazard_id].notice)
            assert notice.state == "draft"

    @rule(by=FIELD)
    def quarantine(self, by: str) -> None:
        command = c.QuarantineUnsent(
            unsent_id="u-1", database="outbox", doc_id="inspection:t-1", doc_rev="1-q", by=by, reason="lost"
        )
        self.give(command, INTAKE)

    @rule(actor=ANYBODY, decision=st.sampled_from(["accept", "reject"]), take=st.booleans())
    def settle_quarantine(self, actor: Actor, decision: Any, take: bool) -> None:
        self.give(c.SettleQuarantine(unsent_id="u-1", decision=decision, reason="x"), actor)
        if take:
            self.give(c.TakeQuarantined(unsent_id="u-1"), INTAKE)

    @rule(actor=ANYBODY, gate=GATES, status=st.sampled_from(["met", "unmet", "not_applicable"]))
    def enter(self, actor: Actor, gate: str, status: Any) -> None:
        self.give(c.RecordEntry(gate=gate, status=status, evidence="sheet"), actor)

    @rule(actor=ANYBODY, number=HAZARDS, reason=st.sampled_from(["papers", "permit", "grid_works"]))
    def pause(self, actor: Actor, number: int, reason: str) -> None:
        command = c.PauseClock(pause_id=f"p-{number}", reason=reason, evidence="letter")
        if self.give(command, actor):
            assert self.desk.case.energization.status != "authorized"

    @rule(actor=ANYBODY, number=HAZARDS, minutes=st.integers(-10, 10))
    def resume(self, actor: Actor, number: int, minutes: int) -> None:
        dated = self.desk.now + timedelta(minutes=minutes)
        self.give(c.ResumeClock(pause_id=f"p-{number}", dated=dated, evidence="receipt"), actor)

    # Left to chance alone, a case would hardly ever come to an authorization. These rules do what is next
    # everywhere, with whomever they are given, so that there is one to be lost. Several, because a run leaves
    # some rules out.

    @rule(people=PEOPLE, by=FIELD, actor=CHIEFS)
    def drive(self, people: tuple[str, ...], by: str, actor: Actor) -> None:
        self.drive_home(people, by, actor)

    @rule(people=PEOPLE, by=FIELD, actor=CHIEFS)
    def drive_after_a_hazard(self, people: tuple[str, ...], by: str, actor: Actor) -> None:
        self.hazard(1, by, INTAKE)
        self.drive_home(people, by, actor)

    @rule(people=PEOPLE, by=FIELD, actor=CHIEFS, outcome=OUTCOMES)
    def drive_then_late_branch(
        self, people: tuple[str, ...], by: str, actor: Actor, outcome: c.Outcome
    ) -> None:
        self.drive_home(people, by, actor)
        for task in list(self.desk.case.tasks.values())[-2:]:
            self.hand_in(task, outcome, by)
        self.give(c.Authorize(), actor)

    @rule(people=PEOPLE, by=FIELD, actor=CHIEFS, answers=st.lists(OUTCOMES, max_size=3))
    def drive_through_rounds(
        self, people: tuple[str, ...], by: str, actor: Actor, answers: list[c.Outcome]
    ) -> None:
        self.drive_home(people, by, actor, answers)

    def drive_home(
        self, people: tuple[str, ...], by: str, actor: Actor, answers: list[c.Outcome] | None = None
    ) -> None:
        """Settle facts, confirm conditions, close loops, and try for an authorization."""
        self.give(c.SetFacts(facts=PLAIN_FACTS, reason="as surveyed"), actor)
        for unsent in self.desk.case.quarantine:
            self.give(c.SettleQuarantine(unsent_id=unsent, decision="accept", reason="x"), actor)
            self.give(c.TakeQuarantined(unsent_id=unsent), INTAKE)
        for pause in self.desk.case.pauses.values():
            self.give(c.ResumeClock(pause_id=pause.id, dated=pause.since, evidence="receipt"), actor)
        for outcome in [*(answers or []), None, None]:
            for notice in self.desk.case.notices.values():
                self.drive_notice(notice, people, actor)
            for task in self.desk.case.tasks.values():
                if task.status not in {"accepted", "cancelled"} or task.open_branch is not None:
                    good = accepted(*(item(code, "pass", by=by) for code in task.items or ()))
                    self.hand_in(task, outcome or good, by)
        for gate in sorted(self.desk.red() & {gate.id for gate in gate_table().values() if gate.entry}):
            for person in (MANAGER, INSPECTOR):
                self.give(c.RecordEntry(gate=gate, status="met", evidence="sheet"), person)
        for stage in ("completion_applied", "acceptance", "ready"):
            self.give(c.MoveStage(to=stage), actor)
        self.give(c.ReleaseHold(reason="x"), actor)
        self.give(c.Authorize(), actor)

    def drive_notice(self, notice: Notice, people: tuple[str, ...], actor: Actor) -> None:
        if notice.state == "draft":
            self.give(c.IssueNotice(n=notice.n), actor)
        items = {one.code: c.AnsweredItem("done") for one in notice.items if one.state == "open"}
        if items:
            self.give(c.AnswerNotice(n=notice.n, items=items, answered_by="customer"), CUSTOMER)
        task_id = f"r-{notice.n}-{len(self.desk.case.tasks)}"
        self.give(c.ScheduleReinspection(n=notice.n, task_id=task_id, assignees=people), actor)

    @rule(actor=OFFICE, fact=st.sampled_from(sorted(PLAIN_FACTS)), value=st.sampled_from([True, False, None]))
    def settle_fact(self, actor: Actor, fact: str, value: bool | None) -> None:
        self.give(c.SetFacts(facts={fact: value}, reason="x"), actor)

    @rule(actor=OFFICE, stage=STAGES)
    def move(self, actor: Actor, stage: str) -> None:
        self.give(c.MoveStage(to=stage), actor)

    @rule(actor=ANYBODY)
    def hold(self, actor: Actor) -> None:
        self.give(c.Hold(reason="stop"), actor)

    @rule(actor=ANYBODY)
    def release(self, actor: Actor) -> None:
        self.give(c.ReleaseHold(reason="go on"), actor)

    @rule(actor=ANYBODY)
    def authorize(self, actor: Actor) -> None:
        self.give(c.Authorize(), actor)

    @rule(actor=OFFICE)
    def record(self, actor: Actor) -> None:
        command = c.RecordEnergization(
            at=self.desk.now, phase_check="consistent", participants=(INSPECTOR.name, MANAGER.name)
        )
        self.give(command, actor)

    # What must hold

    def some_task(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.desk.case.tasks) or ["t-none"]))

    def some_notice(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(self.desk.case.notices) or [1]))

    def book_failures(self, task_id: str, outcome: c.Accepted) -> None:
        """A failure heard of for the first time stands open on an open notice at once."""
        task = self.desk.case.tasks[task_id]
        if task.submissions[-1].digest != digest(sparing_outcome(outcome)):
            return
        for result in outcome.items:
            if result.verdict == "fail" and (task_id, result.code) not in self.failures:
                self.failures.add((task_id, result.code))
                assert any(
                    notice.open and one.code == result.code and one.state == "open"
                    for notice in self.desk.case.notices.values()
                    for one in notice.items
                )

    def check_step(self, before: Case, after: Case, command: c.Command, actor: Actor) -> None:
        assert after.log[: len(before.log)] == before.log
        for known, now in ((before.tasks, after.tasks), (before.hazards, after.hazards)):
            assert set(known) <= set(now)
        assert set(before.quarantine) <= set(after.quarantine)
        for n, notice in before.notices.items():
            self.check_notice(notice, after.notices[n], command, actor)
        self.check_energization(before, after, command, actor)

    def check_notice(self, before: Notice, after: Notice, command: c.Command, actor: Actor) -> None:
        """A failure leaves by a pass in a re-inspection or by two persons' withdrawal, and no other way."""
        kept = after.items[: len(before.items)]
        assert [one.result for one in kept] == [one.result for one in before.items]
        for old, new in zip(before.items, kept, strict=True):
            assert new.rounds[: len(old.rounds)] == old.rounds
            if new.state != old.state:
                self.check_item(old, new, before, command)
        if before.state != after.state and after.state == "closed":
            assert all(one.state == "passed" for one in after.items)
            assert isinstance(command, c.RecordSubmission)
        if before.state != after.state and after.state == "withdrawn":
            assert isinstance(command, c.ConfirmWithdrawal)
            assert before.withdrawal is not None
            assert before.withdrawal.proposed_by != actor.name
            assert {"manager", "admin"} & set(actor.roles)
            assert after.items == before.items
        if before.state in {"closed", "withdrawn"}:
            assert after == before

    def check_item(self, old: NoticeItem, new: NoticeItem, notice: Notice, command: c.Command) -> None:
        assert isinstance(command, c.RecordSubmission)
        assert isinstance(command.outcome, c.Accepted)
        assert notice.state == "reinspecting"
        assert command.task_id == notice.reinspections[-1]
        assert old.state != "passed"
        # What a re-inspection leaves out was not seen good: a pass that waited for a second person is void.
        verdict = next((one.verdict for one in command.outcome.items if one.code == new.code), "not_judged")
        if new.state != "open":
            assert verdict in {"pass", "warning"}
        if new.state == "passed" and new.severity == "critical":
            assert command.submitted_by not in new.raisers

    def check_energization(self, before: Case, after: Case, command: c.Command, actor: Actor) -> None:
        old, new = before.energization.status, after.energization.status
        if old == "energized":
            assert after.energization == before.energization
            assert all(notice.operational for n, notice in after.notices.items() if n not in before.notices)
        elif new == "energized":
            assert old == "authorized"
            assert isinstance(command, c.RecordEnergization)
            assert_closed_loops(after)
        if new == "authorized" and old != "authorized":
            assert isinstance(command, c.Authorize)
            assert "manager" in actor.roles
            assert old == "none"

    @invariant()
    def an_authorization_rests_on_closed_loops(self) -> None:
        case = self.desk.case
        assert case.gates == evaluate_gates(case, self.desk.policy, case.log[-1].at)
        if case.energization.status == "authorized":
            assert_closed_loops(case)
            assert all(pause.acts for pause in case.pauses.values())
            assert case.stage == "ready"
        if case.energization.status == "energized":
            assert all(notice.operational for notice in case.notices.values() if notice.open)
        assert (case.energization.record is not None) == (case.energization.status == "energized")

    @invariant()
    def the_log_verifies_and_the_document_holds_the_case(self) -> None:
        assert verify_log(self.desk.case)
        assert case_from_document(case_to_document(self.desk.case)) == self.desk.case


def assert_closed_loops(case: Case) -> None:
    """No open notice, no open field work, no red gate: said without the gates' own functions."""
    assert not [notice for notice in case.notices.values() if notice.state not in {"closed", "withdrawn"}]
    assert not [task for task in case.tasks.values() if task.status not in {"accepted", "cancelled"}]
    assert not [task for task in case.tasks.values() if task.open_branch is not None]
    assert not [u for u in case.quarantine.values() if u.state not in {"taken", "rejected"}]
    assert any(t.kind == "acceptance" and t.status == "accepted" for t in case.tasks.values())
    assert not [status for status in case.gates if status.status == "unmet"]
    settled = {name for name, fact in case.facts.items() if fact.value is not None}
    assert {"dispatched", "terminal", "relay", "important"} <= settled
    assert "gen" in settled or case.facts["dual"].value
    assert "dual" in settled or case.facts["dispatched"].value
    assert "mid_check_required" in settled or any(
        t.kind == "intermediate" and t.status == "accepted" for t in case.tasks.values()
    )


TestAnySequence = Commands.TestCase
TestAnySequence.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
