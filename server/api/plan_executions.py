# mypy: disable-error-code="untyped-decorator"
"""How outages went, and the figures of a month."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import marshmallow as ma
import msgspec
from flask import g

from server.api.base import Schema, blueprint, roles
from server.api.casework import plain
from server.api.listed import MONTH
from server.api.plans import found_plan, looking_back, publishing
from server.api.works import works
from server.casework.outage_figures import figures_of
from server.problems import Problem
from server.scheduling import executing
from server.scheduling import plans as stored
from server.scheduling.executing import Execution, ExecutionRefused, SectionTimes, WorkResult
from server.scheduling.executions import Executions
from server.scheduling.months import days_of
from server.scheduling.plans import PlanRecord
from server.services import services
from server.workflow.policy import Policy

blp = blueprint("plan_executions", "Outages as they went 停电执行.")

_WORDS = ma.validate.Length(max=4000)
_CODE = ma.validate.OneOf(get_args(stored.ReasonCode))


class SectionIn(Schema):
    section = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=200))
    off = ma.fields.AwareDateTime(required=True)
    on = ma.fields.AwareDateTime(required=True)


class WorkResultIn(Schema):
    work = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=64))
    done = ma.fields.Boolean(required=True)
    code = ma.fields.String(validate=_CODE, load_default=None, allow_none=True)
    remark = ma.fields.String(validate=_WORDS, load_default="")


class ExecutionIn(Schema):
    outage = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=200))
    off = ma.fields.AwareDateTime(
        load_default=None,
        allow_none=True,
        metadata={"description": "Null, with `on`: it did not take place."},
    )
    on = ma.fields.AwareDateTime(load_default=None, allow_none=True)
    sections = ma.fields.List(
        ma.fields.Nested(SectionIn),
        load_default=[],
        validate=ma.validate.Length(max=1000),
        metadata={"description": "Sections whose times were others than the outage's."},
    )
    works = ma.fields.List(
        ma.fields.Nested(WorkResultIn), required=True, validate=ma.validate.Length(min=1, max=1000)
    )
    code = ma.fields.String(validate=_CODE, load_default=None, allow_none=True)
    reason = ma.fields.String(
        validate=_WORDS, load_default="", metadata={"description": "Why otherwise than planned."}
    )


class ExecutionOut(ma.Schema):
    """How an outage went. `customer_hours`: as customers were really out."""

    outage = ma.fields.String()
    outcome = ma.fields.String(validate=ma.validate.OneOf(get_args(executing.Outcome)))
    off = ma.fields.String(allow_none=True)
    on = ma.fields.String(allow_none=True)
    sections = ma.fields.List(ma.fields.Dict())
    works = ma.fields.List(ma.fields.Dict())
    customer_hours = ma.fields.Float()
    code = ma.fields.String(allow_none=True)
    reason = ma.fields.String()
    by = ma.fields.String()
    at = ma.fields.String()


class ExecutionList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(ExecutionOut))


class FiguresQuery(Schema):
    month = ma.fields.String(required=True, validate=MONTH)
    network = ma.fields.String(validate=ma.validate.Length(min=1, max=64))


class FiguresOut(ma.Schema):
    """The figures of a month's published plans; hours are customer-hours, a rate is null where there is
    nothing that it could be of."""

    month = ma.fields.String()
    network = ma.fields.String(allow_none=True)
    plans = ma.fields.List(ma.fields.String())
    figures = ma.fields.Dict(metadata={"description": "docs/scheduling.md tells what each is."})


def executions() -> Executions:
    """The executions of this house."""
    made = services()
    return Executions(made.store, made.names.registry, works())


@blp.route("/plans/<plan_id>/executions", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, ExecutionList)
def list_executions(plan_id: str) -> dict[str, Any]:
    """How the outages of a plan went, as far as that was recorded under it."""
    return _listed(found_plan(plan_id))


@blp.route("/plans/<plan_id>/executions", methods=["POST"])
@roles("manager", "scheduler", "admin")
@blp.arguments(ExecutionIn)
@blp.response(201, ExecutionList)
@blp.alt_response(409, description="The plan is not published.")
def record_execution(body: dict[str, Any], plan_id: str) -> dict[str, Any]:
    """Record how an outage of a published plan went: off and on, by section where they differ, what was done,
    and why otherwise than planned. Said again it is corrected; every word is kept."""
    record, actor, made = found_plan(plan_id), g.actor, services()
    if record.state != "published":
        raise Problem(409, "plan_not_published")
    outage = next((one for one in publishing().plan(record)["outages"] if one["id"] == body["outage"]), None)
    if outage is None:
        raise Problem(422, "plan_outage_unknown", outage=body["outage"])
    policy = made.cases.policy(record.organisation)
    said = Execution(
        outage=body["outage"],
        outcome="as_planned",
        works=tuple(WorkResult(**one) for one in body["works"]),
        customer_hours=0.0,
        by=actor.name,
        at=made.clock(),
        off=body["off"],
        on=body["on"],
        sections=tuple(SectionTimes(**one) for one in body["sections"]),
        code=body["code"],
        reason=body["reason"],
    )
    tolerance = timedelta(minutes=policy.outage_deviation_minutes)
    try:
        kept = executing.checked(outage, said, planned=_planned(outage, policy), tolerance=tolerance)
    except ExecutionRefused as refusal:
        raise Problem(422, refusal.code, extra={"params": refusal.params}, **refusal.params) from None
    executions().add(record, msgspec.structs.replace(kept, customer_hours=_hours(record, outage, kept)))
    return _listed(record)


@blp.route("/outage-figures", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.arguments(FiguresQuery, location="query", unknown=ma.RAISE)
@blp.response(200, FiguresOut)
def show_figures(query: dict[str, Any]) -> dict[str, Any]:
    """What a month's published plans come to: customer-hours planned and real, what went as planned."""
    made, network = services(), query.get("network")
    first, last = days_of(query["month"])
    today = made.cases.policy(g.actor.organisation).day(made.clock())
    own, found = figures_of(looking_back(), g.actor.organisation, first, last, today=today, network=network)
    return {
        "month": query["month"],
        "network": network,
        "plans": [one.id for one in own],
        "figures": plain(found),
    }


def _planned(outage: Mapping[str, Any], policy: Policy) -> tuple[datetime, datetime]:
    zone = ZoneInfo(policy.timezone)
    off, on = (datetime.fromisoformat(outage[name]).replace(tzinfo=zone) for name in ("off", "on"))
    return off, on


def _hours(record: PlanRecord, outage: Mapping[str, Any], kept: Execution) -> float:
    from server.outages.grid import make_grid  # noqa: PLC0415  only where a network is read whole

    networks = services().networks
    head = networks.get(record.organisation, record.network, record.version)
    grid = make_grid(networks.index(head).topology.network)
    return executing.real_hours(outage, kept, counts=grid.counts, spread=grid.spread)


def _listed(record: PlanRecord) -> dict[str, Any]:
    return {"items": [plain(one) for _, one in sorted(executions().of(record).items())]}
