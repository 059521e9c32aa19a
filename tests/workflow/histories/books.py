"""What must hold of every step, said without the gates' own functions."""

from __future__ import annotations

import msgspec

from server.workflow import commands as c
from server.workflow.audit import traces
from server.workflow.cause import command_of, sparing_outcome
from server.workflow.decide import decide
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.gates import evaluate_gates
from server.workflow.log import digest
from server.workflow.model import Actor, Case, LogEntry, Notice, NoticeItem
from server.workflow.policy import Policy

_NEVER_WAIVED = {
    "acceptance-passed",
    "notices-closed",
    "metering-fitted",
    "field-work-complete",
    "photos-verified",
    "mid-check-passed",
    "no-hold",
}
_FACTS = {"dispatched", "terminal", "relay", "important"}


class Books:
    """What was heard of a case, kept apart from it."""

    def __init__(self) -> None:
        self.failures: set[tuple[str, str]] = set()

    def check(self, before: Case, after: Case, command: c.Command, actor: Actor, policy: Policy) -> None:
        """One step: nothing known is lost, nothing opens the way to the breaker that may not."""
        assert after.log[: len(before.log)] == before.log
        for known, now in ((before.tasks, after.tasks), (before.hazards, after.hazards)):
            assert set(known) <= set(now)
        assert set(before.quarantine) <= set(after.quarantine)
        for n, notice in before.notices.items():
            _check_notice(notice, after.notices[n], command, actor)
        _check_energization(before, after, command, actor)
        self._book(after, command)
        _check_customer_inspections(before, after, command)
        assert after.gates == evaluate_gates(after, policy, after.log[-1].at)
        _check_standing(after)

    def _book(self, after: Case, command: c.Command) -> None:
        """A failure heard of for the first time stands open on an open notice at once."""
        if not isinstance(command, c.RecordSubmission) or not isinstance(command.outcome, c.Accepted):
            return
        task = after.tasks[command.task_id]
        if task.submissions[-1].digest != digest(sparing_outcome(command.outcome)):
            return
        for result in command.outcome.items:
            if result.verdict == "fail" and (task.id, result.code) not in self.failures:
                self.failures.add((task.id, result.code))
                assert any(
                    notice.open and one.code == result.code and one.state == "open"
                    for notice in after.notices.values()
                    for one in notice.items
                )

    def close(self, ended: Case) -> None:
        """The whole: no failure is forgotten."""
        on_notices = {(one.task_id, one.code) for n in ended.notices.values() for one in n.items}
        noted = {code for _, code in on_notices}
        assert {code for _, code in self.failures} <= noted


def check_records(begun: Case, ended: Case, policy: Policy) -> None:
    """Log and document both account for the case, and lead to it again."""
    assert traces(ended) == ()
    assert case_from_document(msgspec.json.decode(msgspec.json.encode(case_to_document(ended)))) == ended
    assert replayed(begun, ended.log[len(begun.log) :], policy) == ended


def replayed(case: Case, entries: tuple[LogEntry, ...], policy: Policy) -> Case:
    """The case after the commands in its log were given once more."""
    for entry in entries:
        if entry.cause is None:
            continue
        actor = Actor(entry.actor, entry.cause.roles, entry.cause.device)
        case = decide(case, command_of(entry.cause), now=entry.at, actor=actor, policy=policy).case
    return case


def _check_notice(before: Notice, after: Notice, command: c.Command, actor: Actor) -> None:
    """A failure leaves by a pass in a re-inspection or by two persons' withdrawal, of itself or of the notice
    whole, and no other way."""
    kept = after.items[: len(before.items)]
    if before.state != "draft":
        assert [one.result for one in kept] == [one.result for one in before.items]
    else:
        assert [one.code for one in kept] == [one.code for one in before.items]
    for old, new in zip(before.items, kept, strict=True):
        assert new.rounds[: len(old.rounds)] == old.rounds
        if new.state == old.state:
            assert new.withdrawn == old.withdrawn
        elif new.state == "withdrawn":
            _check_withdrawn(old, new, before, command, actor)
        else:
            _check_item(old, new, before, command)
    if before.state != after.state and after.state == "closed":
        assert all(one.state in {"passed", "withdrawn"} for one in after.items)
        assert any(one.state == "passed" for one in after.items)
        assert isinstance(command, c.RecordSubmission)
    if before.state != after.state and after.state == "withdrawn":
        assert isinstance(command, c.ConfirmWithdrawal)
        assert before.withdrawal is not None
        assert before.withdrawal.proposed_by != actor.name
        assert {"manager", "admin"} & set(actor.roles)
        if before.withdrawal.items:
            assert all(one.state in {"passed", "withdrawn"} for one in after.items)
        else:
            assert after.items == before.items
    if before.state in {"closed", "withdrawn"}:
        assert (after.state, after.items) == (before.state, before.items)


def _check_withdrawn(
    old: NoticeItem, new: NoticeItem, notice: Notice, command: c.Command, actor: Actor
) -> None:
    """As a notice whole: by two persons, with a reason, never while somebody is on his way to look at it."""
    assert isinstance(command, c.ConfirmWithdrawal)
    assert notice.state in {"draft", "issued", "answered"}
    assert notice.withdrawal is not None
    assert old.code in notice.withdrawal.items
    assert notice.withdrawal.proposed_by != actor.name
    assert {"manager", "admin"} & set(actor.roles)
    assert old.state in {"open", "passed_once"}
    assert new.withdrawn is not None
    assert new.withdrawn.reason
    assert {new.withdrawn.proposed_by, new.withdrawn.confirmed_by} == {
        notice.withdrawal.proposed_by,
        actor.name,
    }


def _check_item(old: NoticeItem, new: NoticeItem, notice: Notice, command: c.Command) -> None:
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


def _check_customer_inspections(before: Case, after: Case, command: c.Command) -> None:
    """One that has a form is done by it alone, and no condition for the breaker ever was."""
    for name, one in after.customer_inspections.items():
        known = before.customer_inspections.get(name)
        if one.task is not None and one.done is not None and (known is None or known.done is None):
            assert isinstance(command, c.RecordSubmission)
            assert after.tasks[one.task].status == "accepted"
    if any(task.kind == "customer_inspection" for task in after.tasks.values()):
        assert after.energization.status == "energized"


def _check_energization(before: Case, after: Case, command: c.Command, actor: Actor) -> None:
    old, new = before.energization.status, after.energization.status
    if old == "energized":
        assert new == "energized"
        assert after.energization.record == before.energization.record
        assert all(notice.operational for n, notice in after.notices.items() if n not in before.notices)
    elif new == "energized":
        assert old == "authorized"
        assert isinstance(command, c.RecordEnergization)
        assert_closed_loops(after)
    if new == "authorized" and old != "authorized":
        assert isinstance(command, c.Authorize)
        assert "manager" in actor.roles
        assert old == "none"


def _check_standing(case: Case) -> None:
    """An authorization rests on closed loops for as long as it stands."""
    if case.energization.status == "authorized":
        assert_closed_loops(case)
        assert all(pause.acts for pause in case.pauses.values())
        assert case.stage == "ready"
    if case.energization.status == "energized":
        assert all(notice.operational for notice in case.notices.values() if notice.open)
    assert (case.energization.record is not None) == (case.energization.status == "energized")


def assert_closed_loops(case: Case) -> None:
    """No open notice, no open field work, no red gate: said without the gates' own functions."""
    assert not [notice for notice in case.notices.values() if notice.state not in {"closed", "withdrawn"}]
    assert not [task for task in case.tasks.values() if task.status not in {"accepted", "cancelled"}]
    assert not [task for task in case.tasks.values() if task.open_branch is not None]
    assert not [u for u in case.quarantine.values() if u.state not in {"taken", "rejected"}]
    assert any(t.kind == "acceptance" and t.status == "accepted" for t in case.tasks.values())
    assert not [status for status in case.gates if status.status == "unmet"]
    waived = {status.id for status in case.gates if status.status == "waived"}
    assert not waived & _NEVER_WAIVED
    for gate in waived:
        waiver = case.waivers[gate][-1]
        behind = {waiver.proposed_by, waiver.approved_by}
        assert len(behind - {None}) == 2
        assert case.energization.authorized_by not in behind
    settled = {name for name, fact in case.facts.items() if fact.value is not None}
    assert settled >= _FACTS
    assert "gen" in settled or case.facts["dual"].value
    assert "dual" in settled or case.facts["dispatched"].value
    assert (
        case.process == "lv"
        or "mid_check_required" in settled
        or any(t.kind == "intermediate" and t.status == "accepted" for t in case.tasks.values())
    )
