"""What is sent of a plan, and what is answered."""

from __future__ import annotations

from typing import get_args

import marshmallow as ma

from server.api.base import Schema
from server.api.keys import own_id
from server.api.listed import MONTH, after_place, page_size, sorted_by
from server.outages.instance import Kind
from server.readmodel.scheduling import PLAN_SORTS
from server.scheduling import plans as stored

_MANY = ma.validate.Length(max=2000)
_OF_INSTANCE = {"description": "As docs/schemas/outage-instance-1.json has it."}


class NearIn(Schema):
    plan = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=64))
    first = ma.fields.String(
        load_default="changes",
        validate=ma.validate.OneOf(["changes", "works", "weights"]),
        metadata={
            "description": "What comes first: few moves, few works left out, or the instance's weights."
        },
    )
    frozen_until = ma.fields.Date(
        load_default=None, allow_none=True, metadata={"description": "Up to this day nothing moves."}
    )


class HandIn(Schema):
    pin = ma.fields.Dict(metadata={"description": "`{date, window?}`: then, and at no other time."})
    forbid = ma.fields.List(
        ma.fields.Date(), validate=ma.validate.Length(max=366), metadata={"description": "Not on these days."}
    )
    together = ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(min=1, max=64)),
        data_key="with",
        attribute="with",
        validate=ma.validate.Length(max=100),
        metadata={"description": "On the same day as these: works merged by hand."},
    )


class PlanRequestIn(Schema):
    id = own_id()
    month = ma.fields.String(
        required=True,
        validate=MONTH,
        metadata={"description": "`2026-12`."},
    )
    network = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=64))
    version = ma.fields.String(
        validate=ma.validate.Length(min=1, max=64),
        metadata={"description": "The network's newest by default."},
    )
    works = ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(min=1, max=64)),
        validate=ma.validate.Length(min=1, max=10_000),
        metadata={"description": "Every approved work of the network by default."},
    )
    near = ma.fields.Nested(NearIn, metadata={"description": "A plan of the same network to stay near."})
    hand = ma.fields.Dict(
        keys=ma.fields.String(validate=ma.validate.Length(min=1, max=64)),
        values=ma.fields.Nested(HandIn),
        metadata={"description": "By work, what the scheduler says of it in this plan: pinned, forbidden."},
    )
    seed = ma.fields.Integer(load_default=0, validate=ma.validate.Range(min=0, max=2**31 - 1))
    seconds = ma.fields.Float(
        validate=ma.validate.Range(min=0.1),
        metadata={"description": "For the search; HEZHA_PLAN_SECONDS by default, and at most."},
    )
    calendar = ma.fields.Dict(
        metadata={
            "description": "As docs/schemas/outage-instance-1.json has it, without first and last. By "
            "default published now, with the days off of the organisation's calendar."
        }
    )
    crews = ma.fields.List(ma.fields.Dict(), required=True, validate=_MANY, metadata=_OF_INSTANCE)
    customers = ma.fields.List(ma.fields.Dict(), validate=_MANY, metadata=_OF_INSTANCE)
    past = ma.fields.List(ma.fields.Dict(), validate=ma.validate.Length(max=100_000), metadata=_OF_INSTANCE)
    rules = ma.fields.Dict(metadata=_OF_INSTANCE)
    weights = ma.fields.Dict(metadata=_OF_INSTANCE)
    objective = ma.fields.Dict(metadata=_OF_INSTANCE)


class PlanRowOut(ma.Schema):
    """A plan and how far it is. `summary`: once it is made; `fault`: why nothing came of it."""

    id = ma.fields.String()
    month = ma.fields.String()
    network = ma.fields.String()
    version = ma.fields.String()
    works = ma.fields.List(ma.fields.String())
    state = ma.fields.String(validate=ma.validate.OneOf(get_args(stored.PlanState)))
    effort = ma.fields.Dict()
    requested_by = ma.fields.String()
    requested_at = ma.fields.String()
    approvals = ma.fields.List(ma.fields.Dict())
    awaits = ma.fields.List(ma.fields.String(), metadata={"description": "Functions that have not agreed."})
    publishing = ma.fields.Dict(
        allow_none=True,
        metadata={"description": "It has been begun, and is not over: cut off, a worker goes on."},
    )
    unpublished = ma.fields.Dict(
        allow_none=True, metadata={"description": "Why the last publishing that was begun came to nothing."}
    )
    published_by = ma.fields.String()
    published_at = ma.fields.String(allow_none=True)
    cancel = ma.fields.Boolean(metadata={"description": "Somebody has asked to end the search."})
    progress = ma.fields.Dict(allow_none=True)
    summary = ma.fields.Dict(allow_none=True)
    fault = ma.fields.Dict(allow_none=True)
    near = ma.fields.Dict(allow_none=True)
    hand = ma.fields.Dict(metadata={"description": "By work, what the scheduler says of it."})
    amends = ma.fields.String(metadata={"description": "The published plan in whose place it is to be."})
    amended_by = ma.fields.String(metadata={"description": "The plan that is in place of this one."})
    reason = ma.fields.String(metadata={"description": "Why it amends that plan."})
    drop = ma.fields.List(ma.fields.Dict(), metadata={"description": "Works it leaves out, with the reason."})
    thawed = ma.fields.List(
        ma.fields.String(), metadata={"description": "Works that it moves within days that are frozen."}
    )
    thawed_by = ma.fields.String()
    given_up = ma.fields.String(metadata={"description": "Why it was withdrawn."})
    given_up_by = ma.fields.String()
    given_up_at = ma.fields.String(allow_none=True)


class MonthPlanOut(PlanRowOut):
    plan = ma.fields.Dict(
        allow_none=True, metadata={"description": "As docs/schemas/outage-plan-1.json has it."}
    )
    reasons = ma.fields.List(
        ma.fields.Dict(), metadata={"description": "Why a work is out, or late, in each language."}
    )
    moves = ma.fields.List(
        ma.fields.Dict(),
        metadata={"description": "Works that stand elsewhere than in the plan it is near to."},
    )
    unexplained = ma.fields.List(ma.fields.String(), metadata={"description": "No time was left for these."})
    findings = ma.fields.List(
        ma.fields.Dict(),
        metadata={"description": "What the independent check finds wrong: nothing, in a good plan."},
    )


class MonthPlanList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(PlanRowOut))
    total = ma.fields.Integer()
    next = ma.fields.String(allow_none=True, metadata={"description": "`after` of the page that follows."})


class PlanQuery(Schema):
    month = ma.fields.String(validate=MONTH)
    network = ma.fields.String(validate=ma.validate.Length(min=1, max=64))
    state = ma.fields.String(validate=ma.validate.OneOf(get_args(stored.PlanState)))
    work = ma.fields.String(
        validate=ma.validate.Length(min=1, max=64),
        metadata={"description": "Plans that were asked for with it, placed or not."},
    )
    case = ma.fields.String(
        validate=ma.validate.Length(min=1, max=64), metadata={"description": "With a work for it."}
    )
    feeder = ma.fields.String(
        validate=ma.validate.Length(min=1, max=200), metadata={"description": "With a work on it."}
    )
    kind = ma.fields.String(
        validate=ma.validate.OneOf(get_args(Kind)), metadata={"description": "With a work of it."}
    )
    sort = sorted_by(PLAN_SORTS, "requested")
    after = after_place()
    limit = page_size()
