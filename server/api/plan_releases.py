# mypy: disable-error-code="untyped-decorator"
"""Days of a published plan that works will not need, and which others could use them."""

from __future__ import annotations

from typing import Any, get_args

import marshmallow as ma
from flask import g

from server.api.base import Schema, blueprint, roles
from server.api.casework import ReasonIn, plain
from server.api.plan_enquiries import enquiries
from server.api.plan_publishing import problems
from server.api.plans import found_plan, plans, publishing
from server.api.works import works
from server.casework.releases import Releases
from server.scheduling import plans as stored
from server.scheduling import releasing
from server.scheduling.plans import PlanRecord
from server.services import services

blp = blueprint("plan_releases", "Days that came free 计划空档.")

_WORDS = ma.validate.Length(max=4000)


class ReleaseIn(Schema):
    work = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=64))
    code = ma.fields.String(required=True, validate=ma.validate.OneOf(get_args(stored.ReasonCode)))
    remark = ma.fields.String(validate=_WORDS, load_default="")


class ReleaseOut(ma.Schema):
    """A work that will not need its day. `enquiry`: who could use it, under the plan's enquiries."""

    work = ma.fields.String()
    date = ma.fields.String()
    code = ma.fields.String(validate=ma.validate.OneOf(get_args(stored.ReasonCode)))
    remark = ma.fields.String()
    by = ma.fields.String()
    at = ma.fields.String()
    case = ma.fields.String(metadata={"description": "The case that it follows from."})
    cause = ma.fields.String(metadata={"description": "What in that case: a notice, or a gate."})
    enquiry = ma.fields.String()
    kept = ma.fields.String(metadata={"description": "Why it keeps its day all the same."})
    kept_by = ma.fields.String()
    kept_at = ma.fields.String(allow_none=True)


class ReleaseList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(ReleaseOut))


def _releases() -> Releases:
    made = services()
    return Releases(
        publishing(),
        works(),
        made.networks,
        enquiries(),
        made.cases.policy,
        made.clock,
        made.settings.enquiry_works,
    )


def _view(record: PlanRecord) -> dict[str, Any]:
    return {"items": [plain(one) for one in record.releases]}


@blp.route("/plans/<plan_id>/releases", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, ReleaseList)
def list_releases(plan_id: str) -> dict[str, Any]:
    """The works of a plan that will not need their day, as far as somebody or their case has said so."""
    return _view(found_plan(plan_id))


@blp.route("/plans/<plan_id>/releases", methods=["POST"])
@roles("manager", "scheduler", "admin")
@blp.arguments(ReleaseIn)
@blp.response(201, ReleaseList)
@blp.alt_response(409, description="The plan is not in force, or the work has no day ahead in it.")
def release_day(body: dict[str, Any], plan_id: str) -> dict[str, Any]:
    """Say that a work will not need its day, and why. Nothing moves; which works could use the day, and what
    that would cost, is asked at once (`enquiry`). Who takes it is decided by the next version (`again`)."""
    record = found_plan(plan_id)
    with problems():
        _releases().release(record, body["work"], body["code"], by=g.actor.name, remark=body["remark"])
    return _view(found_plan(plan_id))


@blp.route("/plans/<plan_id>/releases/<work_id>/keep", methods=["POST"])
@roles("scheduler", "admin")
@blp.arguments(ReasonIn)
@blp.response(200, ReleaseList)
@blp.alt_response(409, description="Its day is not free.")
def keep_day(body: dict[str, Any], plan_id: str, work_id: str) -> dict[str, Any]:
    """Have a work keep its day after all. The same cause does not free it again."""
    found_plan(plan_id)
    actor, now = g.actor, services().clock()

    def keep(known: PlanRecord) -> PlanRecord:
        return releasing.keep(known, work_id, by=actor.name, at=now, reason=body["reason"])

    with problems():
        return _view(plans().change(actor.organisation, plan_id, keep))
