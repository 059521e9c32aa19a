"""A case decided on in two places at once: nothing is lost, and nobody closes a breaker on half the truth."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest

from server.workflow import commands as c
from server.workflow.branches import Leaf
from server.workflow.cause import command_of
from server.workflow.rebase import moment_of, rebase
from server.workflow.refusal import Refusal
from tests.workflow.branches import Step, branch, held, lost, rebased, told
from tests.workflow.builders import (
    COLLEAGUE,
    DEPUTY,
    INSPECTOR,
    INTAKE,
    MANAGER,
    POLICY,
    Desk,
    accepted,
    authorized_desk,
    item,
    ready_desk,
)


def test_an_authorization_and_a_new_notice_leave_the_breaker_open() -> None:
    """Whichever of the two the store takes for the winner."""
    base = ready_desk()
    allowed = branch(base, lambda d: d.do(c.Authorize()))
    warned = branch(base, lambda d: d.hazard())
    for winner, loser in ((allowed, warned), (warned, allowed)):
        desk = rebased(winner, loser)
        assert desk.status == "none"
        assert [notice.hazard_id for notice in desk.case.notices.values()] == ["h-1"]
        assert "notices-closed" in desk.red()
        with pytest.raises(Refusal, match="gates_unmet"):
            desk.do(c.Authorize())
        events = [entry.event for entry in desk.case.log[len(winner.case.log) :]]
        assert (events[0], events[-2:]) == ("energization_held", ["conflict_rebased", "conflict_settled"])


def test_no_authorization_survives_a_conflict() -> None:
    """Both branches harmless: still nobody decided with both before their eyes."""
    base = authorized_desk()
    desk = rebased(
        branch(base, lambda d: d.do(c.AmendCase(title="a", reason="x"))),
        branch(base, lambda d: d.do(c.AmendCase(title="b", reason="x"))),
    )
    assert (desk.status, desk.case.title) == ("none", "b")


def test_a_closed_breaker_stays_closed_and_the_defect_becomes_operational() -> None:
    base = authorized_desk()
    closed = branch(base, lambda d: d.record())
    warned = branch(base, lambda d: d.hazard())
    for winner, loser in ((closed, warned), (warned, closed)):
        desk = held(winner, loser)
        assert desk.status == "energized"
        assert desk.case.stage == "energized"
        assert desk.case.energization.record == closed.case.energization.record
        assert desk.case.energization.authorized_by == MANAGER.name
        [notice] = desk.case.notices.values()
        assert (notice.operational, notice.open) == (True, True)


def test_a_breaker_closed_twice_is_told() -> None:
    base = authorized_desk()
    desk = held(branch(base, lambda d: d.record()), branch(base, lambda d: d.record(note="again"), minutes=1))
    assert lost(desk.case) == [("step_recorded", "already_energized"), ("energized", "already_energized")]
    assert desk.case.energization.record is not None
    assert desk.case.energization.record.note == ""


def test_failures_of_both_branches_are_followed_up() -> None:
    base = Desk()
    base.assign()
    one = branch(base, lambda d: d.submit("t-acc", accepted(item("A")), revs=("1-a",)))
    two = branch(base, lambda d: d.submit("t-acc", accepted(item("B")), revs=("1-b",)))
    desk = rebased(one, two)
    codes = {code.code for notice in desk.case.notices.values() for code in notice.items}
    assert codes == {"A", "B"}
    assert [sent.revs for sent in desk.task("t-acc").submissions] == [("1-a",), ("1-b",)]
    assert lost(desk.case) == []


def test_the_same_form_taken_in_twice_is_one_form() -> None:
    base = Desk()
    base.assign()

    def take_in(desk: Desk) -> None:
        desk.submit("t-acc", accepted(item("A"), item("B", "pass")), revs=("1-a",))

    desk = rebased(branch(base, take_in), branch(base, take_in, minutes=3))
    assert len(desk.task("t-acc").submissions) == 1
    assert len(desk.case.notices) == 1


def test_a_notice_keeps_its_history_under_another_number() -> None:
    """Both branches opened their notice 2; what was decided on the loser's goes to the loser's."""
    base = Desk()
    base.assign()
    base.hazard("h-0")

    def fail_and_answer(desk: Desk) -> None:
        desk.submit("t-acc", accepted(item("A")))
        desk.issue(2)
        desk.answer(2)

    desk = rebased(branch(base, lambda d: d.hazard("h-1")), branch(base, fail_and_answer))
    assert [(n, one.hazard_id, one.state) for n, one in desk.case.notices.items()] == [
        (1, "h-0", "draft"),
        (2, "h-1", "draft"),
        (3, None, "answered"),
    ]
    [summary] = told(desk.case, "conflict_rebased")
    assert list(summary.data["renumbered"].values()) == [{"2": 3}]


def test_a_withdrawal_is_not_repeated_on_items_that_nobody_saw() -> None:
    base = Desk()
    base.assign()
    base.submit("t-acc", accepted(item("A")), revs=("1-a",))

    def withdraw(desk: Desk) -> None:
        desk.do(c.ProposeWithdrawal(n=1, reason="wrong site"))
        desk.do(c.ConfirmWithdrawal(n=1), DEPUTY)

    worse = branch(base, lambda d: d.submit("t-acc", accepted(item("A"), item("B")), revs=("1-b",)))
    desk = rebased(worse, branch(base, withdraw))
    assert desk.notice(1).open
    assert ("notice_withdrawn", "decided_anew") in lost(desk.case)
    desk = rebased(branch(base, withdraw), worse)
    assert [notice.open for notice in desk.case.notices.values()] == [False, True]
    assert desk.notice(2).item("B") is not None


def test_a_form_of_a_reinspection_that_lost_its_place_is_heard() -> None:
    """Two re-inspections of one round: the loser's found the item bad, the winner's closed the notice."""
    base = Desk()
    base.inspect("t-acc", "acceptance", item("A"))
    base.issue()
    base.answer()

    def look(task: str, verdict: Any) -> Step:
        def step(desk: Desk) -> None:
            desk.reinspect(1, task_id=task)
            desk.submit(task, accepted(item("A", verdict)), by=COLLEAGUE.name, revs=(f"1-{task}",))

        return step

    good, bad = branch(base, look("r-good", "pass")), branch(base, look("r-bad", "fail"))
    desk = rebased(good, bad)
    assert desk.notice(1).state == "closed"
    assert (desk.task("r-bad").status, desk.task("r-bad").failed) == ("cancelled", ("A",))
    assert desk.notice(2).open
    assert ("reinspection_scheduled", "notice_not_answered") in lost(desk.case)
    assert rebased(bad, good).notice(1).open


def test_work_given_out_and_cancelled_at_once_is_heard() -> None:
    base = Desk()
    base.assign()
    cancelled = branch(base, lambda d: d.do(c.CancelTask(task_id="t-acc", reason="twice")))
    sent = branch(base, lambda d: d.submit("t-acc", accepted(item("A"))))
    assert rebased(cancelled, sent).notice(1).open
    desk = rebased(sent, cancelled)
    assert desk.notice(1).open
    assert lost(desk.case) == [("task_cancelled", "task_settled")]


def test_of_two_facts_neither_stands() -> None:
    """A fact that two settled differently opens no gate."""
    base = ready_desk()
    yes = branch(base, lambda d: d.do(c.SetFacts(facts={"gen": True})))
    other = branch(base, lambda d: d.do(c.SetFacts(facts={"gen": True, "dual": True})), minutes=1)
    back = branch(base, lambda d: d.do(c.SetFacts(facts={"gen": True})), minutes=2)
    back.do(c.SetFacts(facts={"gen": False}))
    for winner, loser in itertools.permutations((yes, back, other), 2):
        desk = rebased(winner, loser)
        agreed = back not in (winner, loser)
        assert desk.fact("gen").value is (True if agreed else None)


def test_unmet_stands_beside_met() -> None:
    base = ready_desk()
    no = branch(base, lambda d: d.do(c.RecordEntry(gate="fees-settled", status="unmet", note="not paid")))
    yes = branch(
        base, lambda d: d.do(c.RecordEntry(gate="E05", status="met", evidence="receipt 7")), minutes=5
    )
    desk = rebased(no, yes)
    assert "fees-settled" in desk.red()
    assert lost(desk.case) == [("entry_recorded", "contested")]
    assert "fees-settled" in rebased(yes, no).red()


def test_a_parcel_accepted_and_rejected_waits_again() -> None:
    base = Desk()
    base.do(
        c.QuarantineUnsent(
            unsent_id="u",
            database="outbox-x",
            doc_id="hazard:h",
            doc_rev="1-a",
            by="x",
            reason="not_assigned",
        ),
        INTAKE,
    )
    yes = branch(base, lambda d: d.do(c.SettleQuarantine(unsent_id="u", decision="accept", reason="x")))
    no = branch(base, lambda d: d.do(c.SettleQuarantine(unsent_id="u", decision="reject", reason="x")))
    for winner, loser in ((yes, no), (no, yes)):
        desk = rebased(winner, loser)
        assert desk.case.quarantine["u"].state == "waiting"
        assert "field-work-complete" in desk.red()


def test_a_persons_hold_outlives_the_conflict() -> None:
    base = authorized_desk()
    stopped = branch(base, lambda d: d.do(c.Hold(reason="smoke")))
    other = branch(base, lambda d: d.do(c.AmendCase(title="b", reason="x")))
    for winner, loser in ((stopped, other), (other, stopped)):
        desk = held(winner, loser)
        desk.do(c.SettleConflict(), INTAKE)
        assert desk.status == "on_hold"
        hold = desk.case.energization.hold
        assert hold is not None
        assert (hold.cause, hold.reason) == ("person", "smoke")


def test_entries_without_a_cause_keep_the_hold_for_a_person() -> None:
    """A log from before causes were kept cannot be repeated: it is named, and no machine ends the hold."""
    base = ready_desk()
    old = branch(base, lambda d: d.do(c.MoveStage(to="acceptance")))
    bare = msgspec.structs.replace(old.case.log[-1], cause=None)
    old.case = msgspec.structs.replace(old.case, log=(*old.case.log[:-1], bare))
    desk = held(branch(base, lambda d: d.hazard()), old)
    assert lost(desk.case) == [("stage_moved", "not_recorded")]
    desk.do(c.SettleConflict(), INTAKE)
    assert desk.status == "on_hold"
    desk.do(c.ReleaseHold(reason="compared by hand"))
    assert desk.status == "none"


def test_a_half_finished_rebase_is_finished_without_doing_anything_twice() -> None:
    """The merged document was written, the losing leaf is still there."""
    base = ready_desk()
    warned = branch(base, lambda d: d.hazard())
    desk = rebased(branch(base, lambda d: d.do(c.Authorize())), warned)
    leaves = [Leaf("9-a", desk.case), Leaf("5-b", warned.case)]
    again = rebase(leaves[0], leaves[1:], now=moment_of(leaves), actor=INTAKE, policy=POLICY)
    assert again.case is desk.case
    assert again.events == ()


def test_what_was_repeated_says_where_it_comes_from() -> None:
    base = Desk()
    loser = branch(base, lambda d: d.hazard(actor=INSPECTOR), minutes=-90)
    desk = rebased(branch(base, lambda d: d.do(c.AmendCase(title="b", reason="x"))), loser)
    [entry] = told(desk.case, "hazard_reported")
    [first] = told(loser.case, "hazard_reported")
    assert entry.cause is not None
    assert (entry.cause.origin, entry.cause.at, entry.actor) == (first.hash, first.at, INSPECTOR.name)
    assert entry.at > first.at
    command = command_of(entry.cause)
    assert isinstance(command, c.ReportHazard)
    assert command.hazard_id == "h-1"


def test_a_pause_of_a_losing_branch_keeps_its_date_and_its_end() -> None:
    base = ready_desk()
    ended = c.ResumeClock(pause_id="p-1", dated=base.now, evidence="receipt")
    pause = c.PauseClock(pause_id="p-1", reason="papers", evidence="letter", since=base.now)
    plain = branch(base, lambda d: d.do(c.AmendCase(title="a", reason="x")), minutes=60)
    paused = branch(base, lambda d: d.do(pause), lambda d: d.do(ended))
    unnamed = branch(base, lambda d: d.do(msgspec.structs.replace(pause, since=None)))
    desk = rebased(plain, paused)
    assert (desk.case.pauses["p-1"].since, desk.case.pauses["p-1"].until) == (base.now, base.now)
    lasting = rebased(plain, unnamed)
    assert lasting.case.pauses["p-1"].since == unnamed.case.pauses["p-1"].since
    with pytest.raises(Refusal, match="case_paused"):
        lasting.do(c.Authorize())


@pytest.mark.parametrize("turned", [False, True])
def test_a_fact_with_a_rule_that_branches_contest_is_unknown_and_the_rule_is_silent(turned: bool) -> None:
    base = ready_desk()
    wanted = branch(
        base,
        lambda d: d.do(c.SetFacts(facts={"mid_check_required": True}, reason="buried cable")),
    )
    unwanted = branch(
        base,
        lambda d: d.do(c.SetFacts(facts={"mid_check_required": None})),
        lambda d: d.do(c.SetFacts(facts={"mid_check_required": False}, reason="nothing is buried")),
    )
    desk = rebased(unwanted, wanted) if turned else rebased(wanted, unwanted)
    assert desk.fact("mid_check_required").value is None
    assert "mid-check-passed" in desk.red()
    desk.do(c.SetFacts(facts={"important": True}))
    assert desk.fact("mid_check_required").value is None
    desk.do(c.SetFacts(facts={"mid_check_required": False}, reason="looked again"))
    assert "mid-check-passed" not in desk.red()
