"""What the office says of a case: facts, stages, clocks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from server.workflow import commands as c
from server.workflow.model import Supply
from server.workflow.processes import process
from tests.workflow.builders import ADMIN, DEPUTY, INSPECTOR, MANAGER, PLAIN_FACTS, open_command
from tests.workflow.histories.history import History

OFFICE = (MANAGER, DEPUTY, ADMIN, INSPECTOR)
_PAUSES = ("p-1", "p-2", "p-3")


def open_again(h: History) -> None:
    h.give(open_command())


def amend(h: History) -> None:
    changes: list[dict[str, Any]] = [
        {"title": f"title {h.number()}"},
        {"manager": h.pick([MANAGER.name, DEPUTY.name])},
        {"supply": Supply(10.0, h.pick([400.0, 630.0, 1250.0]))},
        {"process": h.pick(["hv", "hv_complex", "lv"])},
    ]
    h.give(c.AmendCase(reason="as surveyed", **h.pick(changes)), *OFFICE)


def settle_fact(h: History) -> None:
    fact = h.pick(sorted(PLAIN_FACTS))
    h.give(c.SetFacts(facts={fact: h.pick([True, False, None])}, reason="x"), *OFFICE)


def move(h: History) -> None:
    stages = process(h.case.process).stages
    nearby = sorted(stages[h.case.stage].moves)
    h.give(c.MoveStage(to=h.pick(nearby) if nearby and h.chance(0.7) else h.pick(sorted(stages))), *OFFICE)


def pause(h: History) -> None:
    reason = h.pick(["papers", "permit", "grid_works"])
    since = h.moment() if h.chance(0.3) else None
    h.give(c.PauseClock(pause_id=h.pick(_PAUSES), reason=reason, evidence="letter", since=since))


def resume(h: History) -> None:
    h.give(c.ResumeClock(pause_id=h.pick(_PAUSES), dated=h.moment(), evidence="receipt"))


def date_stage(h: History) -> None:
    stage = h.pick([entry.stage for entry in h.case.history])
    h.give(c.DateStage(stage=stage, dated=h.moment(), evidence="application", visit=h.pick([1, 1, 2])))


def extend_scheme(h: History) -> None:
    until = (h.desk.now + timedelta(days=h.pick([-10, 100, 400, 500]))).date()
    h.give(c.ExtendScheme(until=until, dated=h.moment(), evidence="letter"))


def time_passes(h: History) -> None:
    """Late truth is later than a minute."""
    h.desk.now += timedelta(minutes=h.pick([90, 60 * 20, 60 * 24 * 9]))


MOVES = [open_again, amend, settle_fact, settle_fact, move, move, pause, resume, resume, date_stage]
MOVES += [extend_scheme, time_passes]
