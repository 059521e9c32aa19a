"""Branches of a case for tests: the same case in several places, and what every rebase of them must keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from server.workflow import commands as c
from server.workflow.branches import Leaf
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.gates import evaluate_gates
from server.workflow.log import verify_log
from server.workflow.model import Case, LogEntry, Notice
from server.workflow.rebase import in_conflict, moment_of, rebase
from tests.workflow.builders import (
    INTAKE,
    POLICY,
    Desk,
)

Step = Callable[[Desk], object]


def branch(base: Desk, *steps: Step, minutes: float = 0) -> Desk:
    """The same case somewhere else, where other things were decided; its clock may be off."""
    desk = Desk()
    desk.case, desk.now = base.case, base.now + timedelta(minutes=minutes)
    for step in steps:
        step(desk)
    return desk


def rebased(winner: Desk, *losers: Desk) -> Desk:
    """The winner after the conflict: checked, and then released as the shell does it."""
    desk = held(winner, *losers)
    assert in_conflict(desk.case)
    desk.do(c.SettleConflict(), INTAKE)
    assert not in_conflict(desk.case)
    return desk


def held(winner: Desk, *losers: Desk) -> Desk:
    leaves = [Leaf(f"{len(one.case.log)}-{n}", one.case) for n, one in enumerate((winner, *losers))]
    now = moment_of(leaves)
    decision = rebase(leaves[0], leaves[1:], now=now, actor=INTAKE, policy=POLICY)
    desk = branch(winner)
    desk.case, desk.now = decision.case, now
    check(leaves, decision.case)
    return desk


def lost(case: Case) -> list[tuple[str, str]]:
    return [(entry.data["lost"], entry.data["code"]) for entry in told(case, "conflict_lost")]


def told(case: Case, event: str) -> list[LogEntry]:
    return [entry for entry in case.log if entry.event == event]


def check(leaves: Sequence[Leaf], case: Case) -> None:
    """What no rebase may break, said without its own functions."""
    winner = leaves[0].case
    assert case.log[: len(winner.log)] == winner.log
    assert verify_log(case)
    assert case_from_document(case_to_document(case)) == case
    assert case.gates == evaluate_gates(case, POLICY, case.log[-1].at)
    assert case.energization.status in {"on_hold", "energized"}
    for leaf in leaves:
        check_kept(leaf.case, case)
    if any(leaf.case.energization.record for leaf in leaves):
        assert case.energization.status == "energized"
        assert all(notice.operational for notice in case.notices.values() if notice.open)
    for leaf in leaves[1:]:
        check_told(leaves[0].case, leaf.case, case)


def check_kept(branch: Case, case: Case) -> None:
    """Hazards, field work, judged forms, parcels and failures of a branch are in the case."""
    assert branch.hazards.keys() <= case.hazards.keys()
    assert branch.quarantine.keys() <= case.quarantine.keys()
    for task in branch.tasks.values():
        if task.submissions:
            here = {sent.revs for sent in case.tasks[task.id].submissions}
            assert {sent.revs for sent in task.submissions} <= here
            assert set(task.failed) <= set(case.tasks[task.id].failed)
    if case.energization.record is None:
        assert switched(branch) <= switched(case), "what was done on site was done"
    for notice in branch.notices.values():
        for one in notice.items:
            assert any(followed(notice, one.code, other) for other in case.notices.values()), one.code


def switched(case: Case) -> set[tuple[str, datetime]]:
    return {(tick.step, tick.at) for run in case.energization.runs for tick in run.ticks}


def followed(notice: Notice, code: str, other: Notice) -> bool:
    same = other.hazard_id == notice.hazard_id if notice.hazard_id else True
    return same and other.item(code) is not None


def check_told(winner: Case, loser: Case, case: Case) -> None:
    """Every decision of a losing branch was repeated, or is named as lost, or stood there already."""
    known = {key for summary in told(case, "conflict_rebased") for key in summary.data["covered"]}
    known |= {entry.cause.origin for entry in winner.log if entry.cause is not None and entry.cause.origin}
    mine = {entry.hash for entry in winner.log}
    own = {"Rebase", "SettleConflict"}
    for entry in loser.log:
        if entry.hash not in mine and entry.cause is not None and entry.cause.command["command"] not in own:
            # Of what is known whole, a part that was lost elsewhere is no news.
            whole = (entry.cause.origin or "").partition("#")[0]
            assert {entry.hash, entry.cause.origin, whole} & (known | mine)
