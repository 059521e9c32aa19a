"""How a list of cases is asked for: filters, order and place in it."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, get_args

import marshmallow as ma
import msgspec
from flask import g

from server.api.base import Schema
from server.api.boxes import read_box
from server.problems import Problem
from server.readmodel.paging import Place
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
    after = ma.fields.String(
        validate=ma.validate.Length(max=1000),
        metadata={"description": "`next` of the page before: goes on where that ended, whatever came since."},
    )
    limit = ma.fields.Integer(load_default=50, validate=ma.validate.Range(min=1, max=MAX_PAGE))


def place_token(place: Place, sort: str) -> str:
    """A place in a list as one word for `after`. It holds for the order that it was given in."""
    return urlsafe_b64encode(msgspec.json.encode([sort, place.value, place.id])).decode().rstrip("=")


def place_of(token: str | None, sort: str) -> Place | None:
    """The place that a token names. Raises Problem 422."""
    if token is None:
        return None
    try:
        plain = urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
        known, value, case_id = msgspec.json.decode(plain, type=tuple[str, str | float | None, str])
    except (ValueError, msgspec.DecodeError):
        raise Problem(422, "after_invalid") from None
    if known != sort:
        raise Problem(422, "after_invalid")
    return Place(value, case_id)


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
