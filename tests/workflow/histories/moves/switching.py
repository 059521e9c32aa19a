"""The day of energization, waivers, and what follows the breaker."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from server.workflow import commands as c
from server.workflow.gate_rows import waivable_gates
from server.workflow.gates import gate_table
from server.workflow.papers import paper_rules
from server.workflow.switching import abort_rules, all_steps, on_load_points
from tests.workflow.builders import ADMIN, DEPUTY, HAZARD_CHECKLIST, INSPECTOR, MANAGER, SCHEDULER, text
from tests.workflow.histories.history import FIELD, History

GATES = sorted(gate.id for gate in gate_table().values())


def some_step(h: History) -> None:
    """The next one, or any; now, or at another time; well or badly."""
    left = h.desk.steps()
    step = left[0].step if left and h.chance(0.8) else h.pick(all_steps())
    at = h.moment() if h.chance(0.3) else h.desk.now
    good = h.chance(0.8)
    h.give(c.RecordSteps(steps=(c.StepDone(step=step, at=at, good=good, note="" if good else "arcing"),)))


def some_steps(h: History) -> None:
    left = h.desk.steps()
    _switch(h, left[: h.random.randint(0, len(left))])


def switch_all(h: History) -> None:
    """Do all steps that are left."""
    _switch(h, h.desk.steps())


def _switch(h: History, steps: tuple[c.StepDone, ...]) -> None:
    if steps:
        h.desk.now = steps[-1].at
        h.give(c.RecordSteps(steps=steps), INSPECTOR, MANAGER, SCHEDULER)


def abort(h: History) -> None:
    h.give(c.AbortSwitching(rule=h.pick(abort_rules()), reason="somebody at the gate"))


def isolate(h: History) -> None:
    h.give(c.RecordIsolation(at=h.moment() if h.chance(0.3) else h.desk.now, evidence="earthed"))


def propose_waiver(h: History) -> None:
    shut = sorted(h.desk.red() & waivable_gates())
    if not shut and h.chance():
        shut = [h.pick(sorted(waivable_gates()))]
        h.give(c.RecordEntry(gate=shut[0], status="unmet"), MANAGER)
    gate = h.pick(shut) if shut and h.chance(0.8) else h.pick(GATES)
    until = h.desk.policy.day(h.desk.now) + timedelta(days=h.pick([-1, 0, 1, 20, 20, 20, 400]))
    h.give(c.ProposeWaiver(gate=gate, reason="paper follows", until=until))


def approve_waiver(h: History) -> None:
    known = sorted(h.case.waivers)
    h.give(c.ApproveWaiver(gate=h.pick(known) if known and h.chance(0.8) else h.pick(GATES)))


def waive_and_authorize(h: History) -> None:
    """Let one condition go by two, and try to authorize by a third, or by one of them."""
    gate = h.pick(sorted(waivable_gates()))
    h.give(c.RecordEntry(gate=gate, status="unmet"), MANAGER)
    h.give(c.ReleaseHold(reason="x"), MANAGER)
    until = h.desk.policy.day(h.desk.now) + timedelta(days=3)
    h.give(c.ProposeWaiver(gate=gate, reason="paper follows", until=until), MANAGER, ADMIN)
    h.give(c.ApproveWaiver(gate=gate), DEPUTY, ADMIN)
    h.give(c.Authorize(), MANAGER, DEPUTY)


def withdraw_waiver(h: History) -> None:
    h.give(c.WithdrawWaiver(gate=h.pick([*h.case.waivers, h.pick(GATES)]), reason="it came"))


def check_on_load(h: History) -> None:
    points: dict[str, Any] = {point: h.pick(["pass", "pass", "fail"]) for point in on_load_points(h.case)}
    h.give(
        c.RecordOnLoadCheck(
            check_id=f"lc-{h.random.randint(1, 3)}",
            at=h.moment() if h.chance(0.3) else h.desk.now,
            by=h.pick(FIELD),
            points=points or {"meter-wiring": "pass"},
            evidence="sheet",
            recheck=HAZARD_CHECKLIST,
            text=text("right under load"),
        )
    )


def file_paper(h: History) -> None:
    state: Any = h.pick(["owed", "in", "in"])
    paper = h.pick([*paper_rules(), "map-of-the-site"])
    h.give(c.RecordPaper(paper=paper, state=state, title="map", reference="box", original=h.chance(0.8)))


MOVES = [some_step, some_step, some_steps, some_steps, abort, isolate, isolate]
MOVES += [propose_waiver, propose_waiver, approve_waiver, approve_waiver, withdraw_waiver]
MOVES += [waive_and_authorize, waive_and_authorize, check_on_load, file_paper]
