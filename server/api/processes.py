# mypy: disable-error-code="untyped-decorator"
"""Processes and limits as data: what a console draws, and what holds for the organisation today."""

from __future__ import annotations

from typing import Any, get_args

import marshmallow as ma
from flask import g

from server.api.base import blueprint, roles
from server.problems import language
from server.services import services
from server.texts import text
from server.workflow.clocks.measure import KINDS
from server.workflow.clocks.tables import limits
from server.workflow.processes import Process, Stage, process
from server.workflow.vocabulary import ProcessName

blp = blueprint("processes", "Processes and limits 流程与时限.")


class TitledOut(ma.Schema):
    code = ma.fields.String()
    title = ma.fields.String()


class MoveOut(ma.Schema):
    to = ma.fields.String()
    needs = ma.fields.List(ma.fields.Nested(TitledOut))


class StageOut(ma.Schema):
    """One stage. `state`: its name in the trade's state machine; `rectification`: while a notice is out."""

    stage = ma.fields.String()
    title = ma.fields.String()
    state = ma.fields.String()
    rectification = ma.fields.String(allow_none=True)
    actors = ma.fields.List(ma.fields.String())
    held_by = ma.fields.String()
    waits_for = ma.fields.String(allow_none=True)
    dated = ma.fields.Boolean(metadata={"description": "Begun by an act that may have a date of its own."})
    reroutes = ma.fields.Boolean(metadata={"description": "The case may still change to another process."})
    final = ma.fields.Boolean()
    moves = ma.fields.List(ma.fields.Nested(MoveOut))


class ProcessOut(ma.Schema):
    process = ma.fields.String()
    title = ma.fields.String()
    start = ma.fields.String()
    ready = ma.fields.String()
    energized = ma.fields.String(metadata={"description": "Entered by the record of energization alone."})
    side_states = ma.fields.List(ma.fields.Nested(TitledOut))
    rules = ma.fields.Dict(metadata={"description": "Facts that a rule settles until somebody does."})
    stages = ma.fields.List(ma.fields.Nested(StageOut))


class ProcessList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(ProcessOut))


class TimeLimitOut(ma.Schema):
    id = ma.fields.String()
    clock = ma.fields.String()
    title = ma.fields.String()
    kind = ma.fields.String()
    days = ma.fields.Integer()
    unit = ma.fields.String()
    processes = ma.fields.List(ma.fields.String())
    size = ma.fields.String(allow_none=True)
    sources = ma.fields.String(allow_none=True)
    resident = ma.fields.Boolean(allow_none=True)
    source = ma.fields.String()


class TimeLimitList(ma.Schema):
    on = ma.fields.String()
    items = ma.fields.List(ma.fields.Nested(TimeLimitOut))


@blp.route("/processes", methods=["GET"])
@roles()
@blp.response(200, ProcessList)
def list_processes() -> dict[str, Any]:
    """Every process: its stages, who works in them, whose time they are, and where they may lead."""
    return {"items": [_process(process(name)) for name in get_args(ProcessName)]}


@blp.route("/time-limits", methods=["GET"])
@roles()
@blp.response(200, TimeLimitList)
def list_limits() -> dict[str, Any]:
    """The time limits in force for your organisation today, each with its source."""
    made = services()
    policy = made.cases.policy(g.actor.organisation)
    items = []
    for kind in KINDS:
        name = getattr(policy, f"{kind}_profile")
        profile = limits().profiles.get(name)
        for key, limit in profile.limits.items() if profile is not None else ():
            days = policy.limits.get(f"{name}.{key}", 0)
            if days:
                title = text(f"clock.{limit.clock}", language())
                shown = {"id": f"{name}.{key}", "kind": kind, "days": days, "title": title}
                row = {field: getattr(limit, field) for field in limit.__struct_fields__}
                items.append({**row, **shown})
    return {"on": policy.day(made.clock()).isoformat(), "items": items}


def _process(table: Process) -> dict[str, Any]:
    return {
        "process": table.process,
        "title": text(f"process.{table.process}", language()),
        "start": table.start,
        "ready": table.ready,
        "energized": table.energized,
        "side_states": [_titled("side_state", state) for state in table.side_states],
        "rules": table.rules,
        "stages": [_stage(name, row) for name, row in table.stages.items()],
    }


def _stage(name: str, row: Stage) -> dict[str, Any]:
    return {
        **{field: getattr(row, field) for field in row.__struct_fields__},
        "stage": name,
        "title": text(f"stage.{name}", language()),
        "moves": [
            {"to": to, "needs": [_titled("precondition", need) for need in needs]}
            for to, needs in row.moves.items()
        ],
    }


def _titled(prefix: str, code: str) -> dict[str, str]:
    return {"code": code, "title": text(f"{prefix}.{code}", language())}
