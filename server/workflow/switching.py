"""The day of energization: which steps are done in which order, what of them is recorded, and what is live.

A *run* is one going through the steps, on one authorization. It ends when energization is recorded, or when a
hold breaks it off; the next one begins with the first step. Nothing here decides; see handlers/switching.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
import yaml

from server.workflow.facts import known, workflow_facts
from server.workflow.model import Case, Run, Tick
from server.workflow.policy import Policy
from server.workflow.vocabulary import ProcessName


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: str
    processes: tuple[ProcessName, ...]
    unless: Mapping[str, bool] = {}


class _Step(_Row, frozen=True, forbid_unknown_fields=True, kw_only=True):
    closes: bool = False
    times: str | None = None
    spaced: str | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal[1]
    steps: tuple[_Step, ...]
    aborts: tuple[str, ...]
    on_load: tuple[_Row, ...]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step of this case: how often it is done, and the minutes from one to the next of several."""

    id: str
    closes: bool
    times: int
    minutes: int


def _impulse(case: Case, policy: Policy) -> int:
    """Fewer for a dry transformer that is known to have no differential protection."""
    kind = case.facts.get("transformer_type")
    dry = kind is not None and kind.value == "dry"
    if dry and known(case, "differential") is False:
        return policy.impulse_closings_dry
    return policy.impulse_closings


#: How often a step is done, where that depends.
TIMES: Mapping[str, Callable[[Case, Policy], int]] = {"impulse": _impulse}


@cache
def _table() -> _File:
    """The table. Raises ValueError for one that cannot be."""
    text = (resources.files(__package__) / "energization_day.yaml").read_text("utf-8")
    table = msgspec.convert(yaml.safe_load(text), _File)
    for step in table.steps:
        if step.times is not None and step.times not in TIMES:
            raise ValueError(f"{step.id}: no rule {step.times}")
        if step.spaced is not None and step.spaced not in Policy.__struct_fields__:
            raise ValueError(f"{step.id}: no setting {step.spaced}")
    for row in (*table.steps, *table.on_load):
        if unknown := set(row.unless) - set(workflow_facts()):
            raise ValueError(f"{row.id}: unknown facts {sorted(unknown)}")
    for name in {name for step in table.steps for name in step.processes}:
        if sum(step.closes for step in table.steps if name in step.processes) != 1:
            raise ValueError(f"{name}: one step closes the breaker")
    return table


def _asked(row: _Row, case: Case) -> bool:
    """Unknown is not no: a step falls away only by a settled fact."""
    return case.process in row.processes and not any(
        known(case, fact) is value for fact, value in row.unless.items()
    )


def steps_of(case: Case, policy: Policy) -> tuple[Step, ...]:
    """The steps of a case, in their order."""
    return tuple(
        Step(
            id=row.id,
            closes=row.closes,
            times=1 if row.times is None else TIMES[row.times](case, policy),
            minutes=0 if row.spaced is None else getattr(policy, row.spaced),
        )
        for row in _table().steps
        if _asked(row, case)
    )


def all_steps() -> tuple[str, ...]:
    """The ids of every step there is."""
    return tuple(row.id for row in _table().steps)


def abort_rules() -> tuple[str, ...]:
    """The rules by which switching is broken off."""
    return _table().aborts


def on_load_points(case: Case) -> tuple[str, ...]:
    """What is looked at under load."""
    return tuple(row.id for row in _table().on_load if _asked(row, case))


def all_points() -> tuple[str, ...]:
    """The ids of every point of the check under load."""
    return tuple(row.id for row in _table().on_load)


def current_run(case: Case) -> Run | None:
    """The run that goes on, or that energization was recorded on."""
    runs = case.energization.runs
    return runs[-1] if runs and runs[-1].ended_at is None else None


def closing(run: Run) -> Tick | None:
    """The step that made the installation live, however it came out; None while it is dead."""
    closes = {row.id for row in _table().steps if row.closes}
    return next((tick for tick in run.ticks if tick.step in closes), None)


def closed_at(case: Case) -> datetime | None:
    """When the breaker was closed: in the run that goes on, or by the record."""
    run, record = current_run(case), case.energization.record
    tick = None if run is None else closing(run)
    if tick is not None:
        return tick.at
    return None if record is None else record.at


def left_live(case: Case) -> bool:
    """True while an installation whose switching broke off was not seen dead again."""
    if case.energization.record is not None:
        return False
    broken = (run for run in case.energization.runs if run.ended_at is not None)
    return any(closing(run) is not None and run.isolated_at is None for run in broken)


def next_step(run: Run | None, steps: tuple[Step, ...]) -> Step | None:
    """The step that comes next; None if all were done."""
    ticks = () if run is None else run.ticks
    return next((step for step in steps if done(ticks, step.id) < step.times), None)


def done(ticks: tuple[Tick, ...], step: str) -> int:
    """How often a step was done well."""
    return sum(tick.step == step and tick.good for tick in ticks)
