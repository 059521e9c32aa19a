"""Conditions, holds, and the breaker."""

from __future__ import annotations

from typing import Any

from server.workflow import commands as c
from server.workflow.gates import gate_table
from tests.workflow.builders import ADMIN, DEPUTY, INSPECTOR, MANAGER, record_command
from tests.workflow.histories.history import History
from tests.workflow.histories.moves.switching import switch_all

GATES = sorted(gate.id for gate in gate_table().values())


def enter(h: History) -> None:
    status: Any = h.pick(["met", "met", "unmet", "not_applicable"])
    h.give(c.RecordEntry(gate=h.pick(GATES), status=status, evidence="sheet"))


def hold(h: History) -> None:
    h.give(c.Hold(reason="stop"))


def release(h: History) -> None:
    h.give(c.ReleaseHold(reason="go on"))


def authorize(h: History) -> None:
    h.give(c.Authorize())


def record(h: History) -> None:
    changes: dict[str, Any] = {"at": h.moment()} if h.chance(0.2) else {}
    if h.chance(0.8):
        switch_all(h)
    by = (MANAGER, DEPUTY) if h.chance(0.9) else (ADMIN, INSPECTOR)
    h.give(record_command(h.desk, **changes), *by)


MOVES = [enter, enter, enter, hold, release, release, authorize, authorize, record]
