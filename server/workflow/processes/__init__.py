"""Stages and the moves between them: one table for each process, read from data and checked.

What a table says is what the workflow does: `move_stage` asks it for every move, the clocks for whose time a
stage is, the drawing in `docs/` is made from it. A table that cannot be is refused when it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any, Literal

import msgspec
import yaml

from server.workflow.clocks.tables import pause_reasons
from server.workflow.facts import workflow_facts
from server.workflow.policy import Policy
from server.workflow.processes.preconditions import PRECONDITIONS
from server.workflow.processes.rules import RULES
from server.workflow.vocabulary import Holder, ProcessName, Role

SideState = Literal["WC", "WG", "SU", "SX", "CX"]
CANCELLED = "cancelled"


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A stage: who works in it, whose time it is, where it may lead, and under which preconditions.

    `actors` give no permission and take none: who may give a command is said in `decide`, for every stage.
    """

    state: str
    actors: tuple[Role, ...]
    held_by: Holder
    moves: dict[str, tuple[str, ...]]
    waits_for: str | None = None
    rectification: str | None = None
    dated: bool = False
    reroutes: bool = False
    final: bool = False


class Voltage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Between which voltages a process is the right one; each bound is the name of a setting in kV."""

    over: str | None = None
    up_to: str | None = None
    under: str | None = None

    def admits(self, kv: float, policy: Policy) -> bool:
        """True if `kv` lies within the bounds that hold."""
        return (
            (self.over is None or kv > getattr(policy, self.over))
            and (self.up_to is None or kv <= getattr(policy, self.up_to))
            and (self.under is None or kv < getattr(policy, self.under))
        )


class Process(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One process. `phase_check`: energization is recorded only with consistent phases."""

    schema: Literal[1]
    process: ProcessName
    voltage: Voltage
    scheme_valid_months: str
    scheme_replied: str
    start: str
    ready: str
    energized: str
    phase_check: bool
    cancel: tuple[str, ...]
    side_states: tuple[SideState, ...]
    rules: dict[str, str]
    stages: dict[str, Stage]


@cache
def process(name: ProcessName) -> Process:
    """The table of a process. Raises ValueError for one that cannot be, saying everything that is wrong."""
    table = _with_cancelling(msgspec.convert(_read(name), Process))
    if complaints := list(lint(table)):
        raise ValueError(f"{name}: " + "; ".join(complaints))
    return table


def _read(name: str) -> dict[str, Any]:
    """The raw table; one that extends another says only what differs, stage by stage and key by key."""
    raw: dict[str, Any] = yaml.safe_load((resources.files(__package__) / f"{name}.yaml").read_text("utf-8"))
    base = raw.pop("extends", None)
    if base is None:
        return raw
    below = _read(base)
    own = raw.pop("stages", {})
    stages = {stage: {**row, **own.pop(stage, {})} for stage, row in below["stages"].items()}
    return {**below, **raw, "stages": {**stages, **own}}


def _with_cancelling(table: Process) -> Process:
    """The table with the way to `cancelled` from every stage that comes before the breaker is closed."""
    after = _reachable(table, table.energized)
    stages = {
        name: row
        if row.final or name in after
        else msgspec.structs.replace(row, moves={**row.moves, CANCELLED: table.cancel})
        for name, row in table.stages.items()
    }
    return msgspec.structs.replace(table, stages=stages)


def lint(table: Process) -> Iterator[str]:
    """What is wrong with a table, in words."""
    named = {table.start, table.ready, table.energized, table.scheme_replied, CANCELLED}
    named |= {target for row in table.stages.values() for target in row.moves}
    if unknown := named - set(table.stages):
        yield f"unknown stages {sorted(unknown)}"
        return
    needs = {need for row in table.stages.values() for needs in row.moves.values() for need in needs}
    if unknown := needs - set(PRECONDITIONS):
        yield f"unknown preconditions {sorted(unknown)}"
    if unknown := set(table.rules) - set(workflow_facts()):
        yield f"rules for unknown facts {sorted(unknown)}"
    if unknown := set(table.rules.values()) - set(RULES):
        yield f"unknown rules {sorted(unknown)}"
    voltage = table.voltage
    settings: set[str | None] = {voltage.over, voltage.up_to, voltage.under, table.scheme_valid_months}
    if strange := settings - {None, *Policy.__struct_fields__}:
        yield f"unknown settings {sorted(map(str, strange))}"
    yield from _lint_ways(table)
    yield from _lint_states(table)


def _lint_ways(table: Process) -> Iterator[str]:
    if lost := set(table.stages) - _reachable(table, table.start):
        yield f"stages that nothing leads to {sorted(lost)}"
    for name, row in table.stages.items():
        if row.final == bool(row.moves):
            yield f"{name}: a stage is final or leads on"
        if table.energized in row.moves:
            yield f"{name}: {table.energized} is entered by the record of energization alone"
        if not row.final and not row.actors:
            yield f"{name}: nobody works in it"
        if not any(table.stages[end].final for end in _reachable(table, name)):
            yield f"{name}: no end can be reached"


def _lint_states(table: Process) -> Iterator[str]:
    states = [row.state for row in table.stages.values()]
    states += [row.rectification for row in table.stages.values() if row.rectification]
    if twice := {state for state in states if states.count(state) > 1}:
        yield f"states that two stages claim {sorted(twice)}"
    for name, row in table.stages.items():
        if (row.held_by == "customer") != (row.waits_for is not None):
            yield f"{name}: what a customer is at is said where the time is the customer's"
        if row.waits_for is not None and row.waits_for not in pause_reasons():
            yield f"{name}: nobody waits for {row.waits_for}"


def _reachable(table: Process, start: str) -> set[str]:
    reached: set[str] = set()
    todo = {start}
    while todo:
        stage = todo.pop()
        reached.add(stage)
        todo |= set(table.stages[stage].moves) - reached
        if stage == table.ready:
            todo |= {table.energized} - reached
    return reached


__all__ = ["CANCELLED", "PRECONDITIONS", "RULES", "Process", "SideState", "Stage", "lint", "process"]
