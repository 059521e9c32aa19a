"""Any histories of one case in several places: whatever was decided apart, nothing is lost."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.branches import Leaf
from server.workflow.decide import decide
from server.workflow.gate_rows import waivable_gates
from server.workflow.gates import gate_table
from server.workflow.log import verify_log
from server.workflow.model import ChecklistRef
from server.workflow.rebase import in_conflict, moment_of, rebase
from server.workflow.refusal import Refusal
from tests.workflow.branches import branch, check, check_kept
from tests.workflow.builders import (
    ADMIN,
    CHECKLIST,
    COLLEAGUE,
    DEPUTY,
    INSPECTOR,
    INTAKE,
    MANAGER,
    PLAIN_FACTS,
    POLICY,
    Desk,
    accepted,
    authorized_desk,
    awaiting,
    energized_desk,
    item,
    ready_desk,
    returned,
)

CODES = ["A", "B"]
WAIVING = replace(POLICY, waivers=waivable_gates())
_NEWER = ChecklistRef(CHECKLIST.id, 2)
_fresh = itertools.count(1)


def _try(desk: Desk, command: c.Command, actor: Any = MANAGER) -> None:
    try:
        desk.do(command, actor)
    except Refusal:
        return


def _some(desk: Desk, of: Any, pick: int) -> Any:
    names = sorted(of)
    return names[pick % len(names)] if names else None


def _assign(desk: Desk, pick: int) -> None:
    kind: Any = ("acceptance", "survey", "intermediate")[pick % 3]
    task = f"t-{next(_fresh)}"
    _try(desk, c.AssignTask(task_id=task, kind=kind, checklist=CHECKLIST, assignees=(INSPECTOR.name,)))


def _submit(desk: Desk, pick: int) -> None:
    task = _some(desk, desk.case.tasks, pick)
    if task is None:
        return
    results: list[c.Outcome] = [
        accepted(*(item(code, "fail" if pick >> n & 1 else "pass") for n, code in enumerate(CODES))),
        accepted(item("A", "fail", "critical", by=COLLEAGUE.name)),
        accepted(*(item(code, "pass") for code in desk.task(task).items or ())),
        awaiting("p-1"),
        returned(),
    ]
    _try(
        desk,
        c.RecordSubmission(
            task_id=task,
            revs=(f"{next(_fresh)}-x",),
            outcome=results[pick % len(results)],
            submitted_by=desk.task(task).assignees[-1],
            submitted_at=desk.now,
        ),
        INTAKE,
    )


def _hazard(desk: Desk, pick: int) -> None:
    desk.hazard(f"h-{next(_fresh)}")


def _notice(desk: Desk, pick: int) -> None:
    n = _some(desk, desk.case.notices, pick)
    if n is None:
        return
    notice = desk.notice(n)
    done = {one.code: c.AnsweredItem("done") for one in notice.items}
    steps: list[tuple[c.Command, Any]] = [
        (c.IssueNotice(n=n), MANAGER),
        (c.AnswerNotice(n=n, items=done, answered_by="customer"), MANAGER),
        (c.ScheduleReinspection(n=n, task_id=f"r-{next(_fresh)}", assignees=(COLLEAGUE.name,)), MANAGER),
        (c.ProposeWithdrawal(n=n, reason="x"), MANAGER),
        (c.ConfirmWithdrawal(n=n), DEPUTY),
    ]
    _try(desk, *steps[pick // 3 % len(steps)])


def _drive(desk: Desk, pick: int) -> None:
    """Close what can be closed, and authorize if that is enough."""
    for n in list(desk.case.notices):
        for step in (0, 1, 2):
            _notice(desk, n - 1 + step * 3 * max(1, len(desk.case.notices)))
    for task in list(desk.case.tasks.values()):
        if task.status not in {"accepted", "cancelled"} or task.open_branch is not None:
            good = accepted(*(item(code, "pass", by=COLLEAGUE.name) for code in task.items or ()))
            _try(desk, c.RecordSubmission(
                task_id=task.id, revs=(f"{next(_fresh)}-x",), outcome=good,
                submitted_by=task.assignees[-1], submitted_at=desk.now), INTAKE)  # fmt: skip
    _try(desk, c.ReleaseHold(reason="x"))
    _try(desk, c.MoveStage(to="ready"))
    _try(desk, c.Authorize())


def _office(desk: Desk, pick: int) -> None:
    task = _some(desk, desk.case.tasks, pick)
    gate = _some(desk, [gate.id for gate in gate_table().values() if gate.entry], pick)
    fact = _some(desk, PLAIN_FACTS, pick)
    steps: list[tuple[c.Command, Any]] = [
        (c.SetFacts(facts={fact: (True, False, None)[pick % 3]}), MANAGER),
        (c.RecordEntry(gate=gate, status="unmet"), INSPECTOR),
        (c.RecordEntry(gate=gate, status="met", evidence="x"), MANAGER),
        (c.MoveStage(to=("acceptance", "ready", "cancelled")[pick % 3]), MANAGER),
        (c.Hold(reason="x"), ADMIN),
        (c.ReleaseHold(reason="x"), MANAGER),
        (c.CancelTask(task_id=task or "-", reason="x"), MANAGER),
        (c.Reassign(task_id=task or "-", assignees=(COLLEAGUE.name,), reason="x"), MANAGER),
        (c.SettleLateBranch(task_id=task or "-", reason="x"), DEPUTY),
        (c.RecordPhoto(photo_id="p-1", verified=bool(pick % 2)), INTAKE),
        (c.AmendCase(title=f"title {pick}", reason="x"), MANAGER),
        (c.ChangeChecklist(task_id=task or "-", checklist=_NEWER, answers=0), MANAGER),
        (c.PauseClock(pause_id=f"p-{pick % 2}", reason="papers", evidence="x"), MANAGER),
        (c.ResumeClock(pause_id=f"p-{pick % 2}", dated=desk.now, evidence="x"), MANAGER),
        (c.DateStage(stage="accepted", dated=desk.case.history[0].at, evidence="x"), MANAGER),
    ]
    _try(desk, *steps[pick % len(steps)])


def _parcel(desk: Desk, pick: int) -> None:
    unsent = f"u-{pick % 3}"
    steps: list[tuple[c.Command, Any]] = [
        (c.QuarantineUnsent(unsent_id=unsent, database="o", doc_id=f"hazard:{unsent}", doc_rev="1-a", by="x",
                            reason="not_assigned"), INTAKE),
        (c.SettleQuarantine(unsent_id=unsent, decision="accept", reason="x"), MANAGER),
        (c.SettleQuarantine(unsent_id=unsent, decision="reject", reason="x"), MANAGER),
        (c.TakeQuarantined(unsent_id=unsent), INTAKE),
    ]  # fmt: skip
    for step in steps if pick % 2 else steps[:1]:
        _try(desk, *step)


def _energize(desk: Desk, pick: int) -> None:
    _drive(desk, pick)
    try:
        desk.record()
    except Refusal:
        return


def _switch(desk: Desk, pick: int) -> None:
    """Some steps of the day, or what breaks them off and what must come then."""
    _drive(desk, pick)
    done = desk.steps()[: pick % 13]
    if done:
        desk.now = max(desk.now, done[-1].at)
        _try(desk, c.RecordSteps(steps=done), INSPECTOR)
    bad = (
        c.StepDone(step=desk.steps()[0].step, at=desk.now, good=False, note="arcing")
        if desk.steps()
        else None
    )
    steps: list[tuple[c.Command, Any]] = [
        (c.AbortSwitching(rule="weather", reason="x"), INSPECTOR),
        (c.RecordSteps(steps=(bad,)) if bad else c.Hold(reason="x"), INSPECTOR),
        (c.RecordIsolation(at=desk.now, evidence="x"), INSPECTOR),
    ]
    if pick % 3:
        _try(desk, *steps[pick // 3 % len(steps)])


def _waive(desk: Desk, pick: int) -> None:
    """A waiver, where the organisation allows all of them."""
    desk.policy = WAIVING
    gate = sorted(waivable_gates())[pick % len(waivable_gates())]
    until = desk.policy.day(desk.now) + timedelta(days=3)
    steps: list[tuple[c.Command, Any]] = [
        (c.RecordEntry(gate=gate, status="unmet"), INSPECTOR),
        (c.ProposeWaiver(gate=gate, reason="x", until=until), ADMIN),
        (c.ApproveWaiver(gate=gate), DEPUTY),
        (c.Authorize(), MANAGER),
        (c.WithdrawWaiver(gate=gate, reason="x"), MANAGER),
    ]
    for step in steps[: 2 + pick % 4]:
        _try(desk, *step)


def _afterwards(desk: Desk, pick: int) -> None:
    wrong: dict[str, Any] = {"meter_wiring": "fail"} if pick % 2 else {}
    with suppress(Refusal):
        desk.on_load(**wrong)
    # What both branches say in the same words parts nobody.
    paper = c.RecordPaper(paper="supply-contract", state="in", reference=f"box {next(_fresh)}", original=True)
    _try(desk, paper)


def _items(desk: Desk, pick: int) -> None:
    """Some item of a notice is withdrawn, or something is said of all of them at once."""
    n = _some(desk, desk.case.notices, pick)
    left = [one.code for one in desk.notice(n).items if not one.settled] if n is not None else []
    if n is None or not left:
        return
    _try(desk, c.IssueNotice(n=n))
    far = desk.policy.day(desk.now) + timedelta(days=20)
    words: list[c.Command] = [
        c.AnswerNotice(n=n, items={code: c.AnsweredItem("done") for code in left}, answered_by="customer"),
        c.DisputeNotice(n=n, items=tuple(left), reason="x", disputed_by="customer"),
        c.ExtendDeadlines(n=n, due=dict.fromkeys(left, far), reason="x"),
    ]
    if pick % 2:
        _try(desk, c.ProposeWithdrawal(n=n, reason="x", items=(left[pick // 2 % len(left)],)))
        _try(desk, c.ConfirmWithdrawal(n=n), DEPUTY)
    else:
        _try(desk, words[pick // 2 % len(words)])


MOVES = [_assign, _submit, _submit, _hazard, _notice, _notice, _drive, _office, _office, _parcel, _energize]
MOVES += [_switch, _switch, _waive, _afterwards, _items, _items]
HISTORY = st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 10_000)), max_size=8)
STARTS = st.sampled_from([Desk, ready_desk, ready_desk, authorized_desk, authorized_desk, energized_desk])
SKEW = st.floats(-90, 90)


def play(base: Desk, history: Sequence[tuple[Any, int]], minutes: float = 0) -> Desk:
    return branch(base, *(lambda d, m=move, p=pick: m(d, p) for move, pick in history), minutes=minutes)


@settings(max_examples=120, deadline=None)
@given(STARTS, HISTORY, st.lists(st.tuples(HISTORY, SKEW), min_size=2, max_size=3), st.randoms())
def test_whatever_was_decided_apart_nothing_is_lost(
    start: Any, common: Any, apart: list[Any], random: Any
) -> None:
    base = play(start(), common)
    desks = [play(base, history, skew) for history, skew in apart]
    leaves = [Leaf(f"{len(desk.case.log)}-{n}", desk.case) for n, desk in enumerate(desks)]
    now = moment_of(leaves)
    decision = rebase(leaves[0], leaves[1:], now=now, actor=INTAKE, policy=POLICY)
    others = leaves[1:]
    random.shuffle(others)
    assert rebase(leaves[0], others, now=now, actor=INTAKE, policy=POLICY).case == decision.case
    if decision.events:
        check(leaves, decision.case)
    else:
        assert all(leaf.case.log == leaves[0].case.log[: len(leaf.case.log)] for leaf in others)
    merged = Leaf("99-m", decision.case)
    again = rebase(merged, others, now=moment_of([merged, *others]), actor=INTAKE, policy=POLICY)
    assert again.case is decision.case, "a retry brings nothing"


@settings(max_examples=80, deadline=None)
@given(STARTS, HISTORY, st.lists(st.tuples(HISTORY, SKEW), min_size=3, max_size=3))
def test_rebases_made_apart_are_rebased_again(start: Any, common: Any, apart: list[Any]) -> None:
    """Two servers that saw different leaves: what comes of both has everything, each thing once."""
    base = play(start(), common)
    leaves = [Leaf(f"{n}-l", play(base, history, skew).case) for n, (history, skew) in enumerate(apart)]

    def merge(*some: Leaf) -> Leaf:
        decision = rebase(some[0], some[1:], now=moment_of(some), actor=INTAKE, policy=POLICY)
        case = decision.case
        if in_conflict(case) and decision.events:
            case = decide(case, c.SettleConflict(), now=moment_of(some), actor=INTAKE, policy=POLICY).case
        return Leaf(f"{some[0].rev}m{len(some)}", case)

    one, two = merge(leaves[0], leaves[1]), merge(leaves[0], leaves[2])
    last = merge(one, two).case
    for leaf in leaves:
        check_kept(leaf.case, last)
    assert verify_log(last)
    if last.energization.status == "authorized":
        assert all(leaf.case.log == last.log[: len(leaf.case.log)] for leaf in leaves), "nobody parted"
    hazards = [entry.data["hazard"] for entry in last.log if entry.event == "hazard_reported"]
    assert len(hazards) == len(set(hazards))
    closed = any(leaf.case.energization.record for leaf in leaves)
    assert (last.energization.record is not None) == closed


PICKS = st.lists(st.integers(0, 11), max_size=4)


@settings(max_examples=60, deadline=None)
@given(PICKS, PICKS)
def test_an_answer_stands_for_every_item_that_was_not_withdrawn_elsewhere(one: Any, other: Any) -> None:
    base = Desk()
    base.inspect("t-1", "acceptance", *(item(code) for code in "ABC"))
    base.issue()
    winner, loser = (
        branch(base, *(lambda d, p=pick: _items(d, p) for pick in some)) for some in (one, other)
    )
    leaves = [Leaf("9-w", branch(winner, lambda d: d.hazard()).case), Leaf("8-l", loser.case)]
    case = rebase(leaves[0], leaves[1:], now=moment_of(leaves), actor=INTAKE, policy=POLICY).case
    notice = case.notices[1]
    if not notice.open:
        return
    answered = {code for answer in notice.answers for code in answer.items}
    open_items = {one.code for one in notice.items if one.state == "open"}
    assert {code for answer in loser.notice(1).answers for code in answer.items} & open_items <= answered
    told = {entry.data["params"]["item"] for entry in case.log if entry.data.get("code") == "item_withdrawn"}
    assert not told & open_items
