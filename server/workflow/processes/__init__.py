"""Stages and the moves between them: one table for each process, and the preconditions they name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
import yaml

from server.workflow import gates
from server.workflow.facts import known
from server.workflow.model import Case, GateReason, ProcessName, Role


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stage: who works in it, where it may lead, and under which preconditions."""

    actors: tuple[Role, ...]
    moves: dict[str, tuple[str, ...]]
    final: bool = False


class Process(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One process. `phase_check`: energization is recorded only with consistent phases."""

    schema: Literal[1]
    process: ProcessName
    start: str
    ready: str
    energized: str
    phase_check: bool
    stages: dict[str, Stage]


@cache
def process(name: ProcessName) -> Process:
    """The table of a process. Raises ValueError for one that cannot be."""
    text = (resources.files(__package__) / f"{name}.yaml").read_text("utf-8")
    table = msgspec.convert(yaml.safe_load(text), Process)
    named = {table.start, table.ready, table.energized}
    for stage in table.stages.values():
        named |= set(stage.moves)
        if unknown := {one for needs in stage.moves.values() for one in needs} - set(PRECONDITIONS):
            raise ValueError(f"{name}: unknown preconditions {sorted(unknown)}")
        if table.energized in stage.moves:
            raise ValueError(f"{name}: {table.energized} is entered by the record of energization alone")
    if unknown := named - set(table.stages):
        raise ValueError(f"{name}: unknown stages {sorted(unknown)}")
    return table


def _survey_accepted(case: Case) -> list[GateReason]:
    if any(task.kind == "survey" and task.status == "accepted" for task in case.tasks.values()):
        return []
    return [GateReason("none_accepted", {"kind": "survey"})]


def _design_review_not_required(case: Case) -> list[GateReason]:
    required = known(case, "design_review_required")
    if required is False:
        return []
    code = "fact_unknown" if required is None else "fact_true"
    return [GateReason(code, {"fact": "design_review_required"}, ("fact:design_review_required",))]


def _mid_check_passed(case: Case) -> list[GateReason]:
    return gates.mid_check_passed(case) or []


#: The preconditions a move may name: reasons why it is refused, none if it is not.
PRECONDITIONS: Mapping[str, Callable[[Case], list[GateReason]]] = {
    "survey_accepted": _survey_accepted,
    "design_review_not_required": _design_review_not_required,
    "mid_check_passed": _mid_check_passed,
    "acceptance_passed": gates.acceptance_passed,
    "notices_closed": gates.notices_closed,
    "field_work_complete": gates.field_work_complete,
}
