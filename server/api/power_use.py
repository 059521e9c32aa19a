# mypy: disable-error-code="untyped-decorator"
"""Whether an energized customer uses what was connected, what he means to add, and what follows from it."""

from __future__ import annotations

from typing import Any, get_args

import marshmallow as ma

from server.api.base import Schema, blueprint, roles
from server.api.casework import act, command, etag, plain, visible
from server.api.keys import IDEMPOTENCY_HEADER, created_id, own_id
from server.services import services
from server.workflow import commands
from server.workflow.model import Case
from server.workflow.power_use import UseState
from server.workflow.use_rules import line_terms, planned_kva, unused

blp = blueprint("power_use", "Use of the connection 用电情况与负荷发展.")

_TEXT = ma.validate.Length(min=1, max=4000)
_KVA = ma.validate.Range(min=0, max=1_000_000)


class UseIn(Schema):
    id = own_id()
    dated = ma.fields.AwareDateTime(required=True)
    state = ma.fields.String(required=True, validate=ma.validate.OneOf(get_args(UseState)))
    evidence = ma.fields.String(required=True, validate=_TEXT)
    connected_kva = ma.fields.Float(
        allow_none=True, validate=_KVA, metadata={"description": "What is connected by then."}
    )
    used_kva = ma.fields.Float(
        allow_none=True, validate=_KVA, metadata={"description": "What of it is in use."}
    )
    words = ma.fields.String(validate=ma.validate.Length(max=4000))


class StepSchema(Schema):
    by = ma.fields.Date(required=True)
    kva = ma.fields.Float(required=True, validate=_KVA)


class GrowthIn(Schema):
    steps = ma.fields.List(ma.fields.Nested(StepSchema), required=True, validate=ma.validate.Length(max=50))
    evidence = ma.fields.String(required=True, validate=_TEXT)


class UseReportOut(ma.Schema):
    id = ma.fields.String()
    dated = ma.fields.String()
    state = ma.fields.String()
    evidence = ma.fields.String()
    connected_kva = ma.fields.Float(allow_none=True)
    used_kva = ma.fields.Float(allow_none=True)
    words = ma.fields.String()
    recorded_at = ma.fields.String()
    recorded_by = ma.fields.String()


class TermOut(ma.Schema):
    """`kva` by a day, or the line may be taken back."""

    id = ma.fields.String(metadata={"enum": ["first", "full", "in_use"]})
    kva = ma.fields.Float()
    by = ma.fields.String()
    reached_on = ma.fields.String(allow_none=True)
    kept = ma.fields.Boolean()
    broken = ma.fields.Boolean(metadata={"description": "Its day has passed without it."})


class UseOut(ma.Schema):
    reports = ma.fields.List(ma.fields.Nested(UseReportOut))
    growth = ma.fields.Dict(allow_none=True, metadata={"description": "What the customer said last."})
    planned_kva = ma.fields.Float(
        metadata={"description": "In all, with what is added within `growth_years` of the application."}
    )
    may_ask_for_line = ma.fields.Boolean()
    unused_since = ma.fields.String(allow_none=True)
    closable_on = ma.fields.String(
        allow_none=True, metadata={"description": "From this day on the account may be closed."}
    )
    may_be_closed = ma.fields.Boolean()
    line_terms = ma.fields.List(ma.fields.Nested(TermOut))


Answer = tuple[dict[str, Any], dict[str, str]]


def _view(case: Case) -> dict[str, Any]:
    """What follows from the records today; nothing of it is written."""
    made = services()
    policy = made.cases.policy(case.organisation)
    today = policy.day(made.clock())
    idle, planned = unused(case, policy), planned_kva(case, policy)
    reports = sorted(case.use_reports.values(), key=lambda one: (one.dated, one.id))
    return {
        "reports": plain(reports),
        "growth": plain(case.growth),
        "planned_kva": planned,
        "may_ask_for_line": case.process != "lv" and planned >= policy.dedicated_line_kva,
        "unused_since": None if idle is None else idle.since.isoformat(),
        "closable_on": None if idle is None else idle.closable_on.isoformat(),
        "may_be_closed": idle is not None and idle.closable_on <= today,
        "line_terms": [
            {**plain(term), "kept": term.kept, "broken": not term.kept and term.by < today}
            for term in line_terms(case, policy)
        ],
    }


@blp.route("/cases/<case_id>/use", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, UseOut)
def show_use(case_id: str) -> Answer:
    """What is known of the use of a connection, and what may follow from it on which day."""
    known = visible(case_id)
    return _view(known.case), etag(known)


@blp.route("/cases/<case_id>/use", methods=["POST"])
@roles("manager", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(UseIn)
@blp.response(201, UseReportOut)
def record_use(body: dict[str, Any], case_id: str) -> Answer:
    """Record whether an energized customer uses power, suspended it, or how much is connected and in use."""
    report_id = created_id(body)
    known = act(case_id, command(commands.RecordUse, report_id=report_id, **body))
    return plain(known.case.use_reports[report_id]), etag(known)


@blp.route("/cases/<case_id>/growth", methods=["PUT"])
@roles("manager", "admin")
@blp.arguments(GrowthIn)
@blp.response(200, UseOut)
def declare_growth(body: dict[str, Any], case_id: str) -> Answer:
    """Say what the customer means to add and by when, in the place of what was said before."""
    known = act(case_id, command(commands.DeclareGrowth, **body))
    return _view(known.case), etag(known)
