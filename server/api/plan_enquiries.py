# mypy: disable-error-code="untyped-decorator"
"""What a move, another set of works, or a reason comes to, asked of a plan before anybody acts."""

from __future__ import annotations

from typing import Any, get_args

import marshmallow as ma
import msgspec
from flask import g

from server.api.base import Schema, blueprint, roles
from server.api.casework import plain
from server.api.keys import IDEMPOTENCY_HEADER, created_id, own_id
from server.api.plans import found_plan, plans, require_balanceable
from server.problems import Problem
from server.scheduling import enquiries as stored
from server.scheduling.enquiries import Enquiries, Enquiry, TakenEnquiry, UnknownEnquiry
from server.scheduling.months import changed_instance, days_of
from server.scheduling.plans import PlanRecord
from server.services import services
from server.texts import both

blp = blueprint("plan_enquiries", "What if, asked of a plan 计划测算.")

_ID = ma.validate.Length(min=1, max=64)


class EnquiryIn(Schema):
    id = own_id()
    kind = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["move", "explain", "works"]),
        metadata={
            "description": "move: what `work` on `date` costs; explain: why `work` is where it is, and what "
            "would change it; works: what the month is without `drop` and with `add`."
        },
    )
    work = ma.fields.String(load_default="", validate=ma.validate.Length(max=64))
    date = ma.fields.Date(load_default=None, allow_none=True)
    scope = ma.fields.String(
        load_default="nothing",
        validate=ma.validate.OneOf(get_args(stored.Scope)),
        metadata={"description": "How much else may move: nothing, the works of the same feeders, all."},
    )
    drop = ma.fields.List(
        ma.fields.String(validate=_ID), load_default=[], validate=ma.validate.Length(max=100)
    )
    add = ma.fields.List(
        ma.fields.Dict(),
        load_default=[],
        validate=ma.validate.Length(max=100),
        metadata={"description": "As docs/schemas/outage-instance-1.json has works."},
    )


class EnquiryOut(ma.Schema):
    """An enquiry and how far it is. `fault`: why nothing came of it."""

    id = ma.fields.String()
    plan = ma.fields.String()
    kind = ma.fields.String(validate=ma.validate.OneOf(get_args(stored.EnquiryKind)))
    state = ma.fields.String(validate=ma.validate.OneOf(get_args(stored.EnquiryState)))
    work = ma.fields.String()
    date = ma.fields.String(allow_none=True)
    scope = ma.fields.String()
    drop = ma.fields.List(ma.fields.String())
    add = ma.fields.List(ma.fields.Dict())
    asked_by = ma.fields.String()
    asked_at = ma.fields.String()
    fault = ma.fields.Dict(allow_none=True)
    answers = ma.fields.List(
        ma.fields.Dict(),
        metadata={
            "description": "`possible`, `hours` by part of the objective (customer-hours), `total` their "
            "sum, `moves`, `left_out`, and `text` in each language."
        },
    )


Answer = tuple[dict[str, Any], dict[str, str]]


def enquiries() -> Enquiries:
    """The enquiries of this house."""
    made = services()
    return Enquiries(made.store, made.names.registry)


def view(enquiry: Enquiry) -> dict[str, Any]:
    row: dict[str, Any] = plain(enquiry)
    for name in ("organisation", "begun", "beat_at"):
        del row[name]
    fault = {"code": enquiry.fault, "text": both(f"plan_fault.{enquiry.fault}")} if enquiry.fault else None
    return {**row, "fault": fault}


def queued(enquiry: Enquiry) -> Answer:
    """Queue an enquiry; where its answer will be. Raises Problem 409 if its id is another's."""
    try:
        known = enquiries().add(enquiry)
    except TakenEnquiry:
        raise Problem(409, "enquiry_exists", id=enquiry.id) from None
    return view(known), {"Location": f"/api/v1/plans/{enquiry.plan}/enquiries/{enquiry.id}"}


@blp.route("/plans/<plan_id>/enquiries", methods=["POST"])
@roles("scheduler", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(EnquiryIn)
@blp.response(202, EnquiryOut)
@blp.alt_response(409, description="The plan is not made, or the id belongs to another enquiry.")
def enquire(body: dict[str, Any], plan_id: str) -> Answer:
    """Ask what something comes to, without doing it. A worker answers; `Location` tells where.

    What keeps it from being answered is told at once (422 `enquiry_unusable`).
    """
    record, enquiry_id = found_plan(plan_id), created_id(body)
    if record.summary is None:
        raise Problem(409, "plan_not_made", state=record.state)
    instance = msgspec.json.decode(plans().instance(record))
    _require_askable(record, instance, body)
    enquiry = Enquiry(
        id=enquiry_id,
        organisation=record.organisation,
        plan=record.id,
        kind=body["kind"],
        state="queued",
        asked_by=g.actor.name,
        asked_at=services().clock(),
        work=body["work"],
        date=body["date"],
        scope=body["scope"],
        drop=tuple(sorted(set(body["drop"]))),
        add=tuple(body["add"]),
    )
    return queued(enquiry)


@blp.route("/plans/<plan_id>/enquiries/<enquiry_id>", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, EnquiryOut)
def show_enquiry(plan_id: str, enquiry_id: str) -> dict[str, Any]:
    """An enquiry, with its answers once it is `answered`. It is kept for some days."""
    record = found_plan(plan_id)
    try:
        return view(enquiries().get(record.organisation, record.id, enquiry_id))
    except UnknownEnquiry:
        raise Problem(404, "not_found") from None


def _require_askable(record: PlanRecord, instance: dict[str, Any], body: dict[str, Any]) -> None:
    """Raises Problem 422 for what no worker could answer."""
    known = {one["id"] for one in instance["works"]}
    if body["kind"] == "works":
        if not body["drop"] and not body["add"]:
            raise Problem(422, "enquiry_nothing")
        for work in body["drop"]:
            if work not in known:
                raise Problem(422, "plan_work_unknown", work=work)
        require_balanceable(record, changed_instance(instance, drop=body["drop"], add=body["add"]))
        return
    if not body["work"]:
        raise Problem(422, "enquiry_work_missing")
    if body["work"] not in known:
        raise Problem(422, "plan_work_unknown", work=body["work"])
    if body["kind"] == "move":
        first, last = days_of(record.month)
        if body["date"] is None or not first <= body["date"] <= last:
            raise Problem(422, "enquiry_day_outside", first=str(first), last=str(last))
