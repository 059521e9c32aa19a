"""How a list of cases is asked for: filters, order and place in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import marshmallow as ma
from flask import g

from server.api.base import Schema
from server.api.boxes import read_box
from server.api.listed import after_place
from server.readmodel.queries import SORTS, CaseFilter, ClockFilter
from server.services import services
from server.workflow.clocks.measure import KINDS

MAX_PAGE = 200


class CaseQuery(Schema):
    stage = ma.fields.String()
    manager = ma.fields.String()
    inspector = ma.fields.String()
    energization = ma.fields.String(
        validate=ma.validate.OneOf(["none", "authorized", "on_hold", "energized"])
    )
    overdue = ma.fields.Boolean(load_default=False)
    clock = ma.fields.String(
        validate=ma.validate.OneOf(get_args(ClockFilter)),
        metadata={"description": "Cases with a clock beyond its limit, past its second mark, or paused."},
    )
    clock_kind = ma.fields.String(validate=ma.validate.OneOf(KINDS))
    q = ma.fields.String(validate=ma.validate.Length(max=100))
    bbox = ma.fields.String(metadata={"description": "west,south,east,north in degrees, WGS-84"})
    sort = ma.fields.String(
        load_default="-updated", validate=ma.validate.OneOf([*SORTS, *(f"-{key}" for key in SORTS)])
    )
    offset = ma.fields.Integer(load_default=0, validate=ma.validate.Range(min=0, max=10_000_000))
    after = after_place()
    limit = ma.fields.Integer(load_default=50, validate=ma.validate.Range(min=1, max=MAX_PAGE))


def case_filter(query: Mapping[str, Any]) -> CaseFilter:
    """What a list of cases is narrowed to by a CaseQuery. Raises Problem 422."""
    policy = services().cases.policy(g.actor.organisation)
    today = policy.day(services().clock()).isoformat()
    return CaseFilter(
        stage=query.get("stage"),
        manager=query.get("manager"),
        inspector=query.get("inspector"),
        energization=query.get("energization"),
        overdue_on=today if query["overdue"] else None,
        today=today,
        clock=query.get("clock"),
        clock_kind=query.get("clock_kind"),
        q=query.get("q"),
        bbox=None if query.get("bbox") is None else read_box(query["bbox"]),
    )
