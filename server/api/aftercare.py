# mypy: disable-error-code="untyped-decorator"
"""What follows energization: calls and visits, ratings and what was done about them, yearly inspections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import marshmallow as ma
from flask import g

from server.api.base import Schema, blueprint, roles
from server.api.casework import ReasonIn, act, command, etag, plain, visible
from server.api.keys import IDEMPOTENCY_HEADER, created_id, own_id
from server.api.tasks import ChecklistRefSchema, check_assignees, checklist_for
from server.workflow import commands
from server.workflow.aftercare import ContactKind

blp = blueprint("aftercare", "After energization 回访、满意度、用电检查.")

_LINE = ma.validate.Length(min=1, max=200)
_WORDS = ma.validate.Length(max=4000)
_TEXT = ma.validate.Length(min=1, max=4000)
_SCORE = ma.validate.Range(min=1, max=5)
_PEOPLE = ma.fields.List(
    ma.fields.String(validate=ma.validate.Length(min=1, max=40)),
    required=True,
    validate=ma.validate.Length(min=1, max=20),
)


class ContactIn(Schema):
    id = own_id()
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(get_args(ContactKind)))
    dated = ma.fields.AwareDateTime(required=True)
    by = ma.fields.String(validate=_LINE, metadata={"description": "Who called or went. Default: yourself."})
    reached = ma.fields.Boolean(required=True)
    words = ma.fields.String(validate=_WORDS)
    score = ma.fields.Integer(allow_none=True, validate=_SCORE, metadata={"description": "5 is best."})


class RatingIn(Schema):
    id = own_id()
    score = ma.fields.Integer(required=True, validate=_SCORE, metadata={"description": "5 is best."})
    words = ma.fields.String(validate=_WORDS)
    mode = ma.fields.String(load_default="paper", validate=ma.validate.OneOf(["call", "visit", "paper"]))
    dated = ma.fields.AwareDateTime(metadata={"description": "When it was given; now if it says nothing."})


class ActionIn(Schema):
    text = ma.fields.String(required=True, validate=_TEXT)


class InspectionIn(Schema):
    id = own_id()
    planned_on = ma.fields.Date(required=True)
    assignees = _PEOPLE
    note = ma.fields.String(validate=_WORDS)
    checklist = ma.fields.Nested(
        ChecklistRefSchema,
        metadata={"description": "With one it is a task of theirs, and what fails goes on a notice."},
    )


class InspectionDoneIn(Schema):
    dated = ma.fields.AwareDateTime(required=True)
    inspectors = ma.fields.List(
        ma.fields.String(validate=_LINE), required=True, validate=ma.validate.Length(min=1, max=50)
    )
    findings = ma.fields.String(validate=_WORDS)
    evidence = ma.fields.String(required=True, validate=_TEXT)


class ContactOut(ma.Schema):
    id = ma.fields.String()
    kind = ma.fields.String()
    dated = ma.fields.String()
    by = ma.fields.String()
    reached = ma.fields.Boolean()
    words = ma.fields.String()
    recorded_at = ma.fields.String()
    recorded_by = ma.fields.String()


class RatingOut(ma.Schema):
    """A rating; `low`: an action was asked for by the setting of its day."""

    id = ma.fields.String()
    score = ma.fields.Integer()
    mode = ma.fields.String()
    dated = ma.fields.String()
    low = ma.fields.Boolean()
    words = ma.fields.String()
    actions = ma.fields.List(ma.fields.Dict())
    recorded_at = ma.fields.String()
    recorded_by = ma.fields.String()


class CustomerInspectionOut(ma.Schema):
    id = ma.fields.String()
    planned_on = ma.fields.String()
    assignees = ma.fields.List(ma.fields.String())
    note = ma.fields.String()
    planned_at = ma.fields.String()
    planned_by = ma.fields.String()
    task = ma.fields.String(allow_none=True, metadata={"description": "The field work that it is."})
    done = ma.fields.Dict(allow_none=True)
    cancelled = ma.fields.String()


class ContactList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(ContactOut))


class RatingList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(RatingOut))


class CustomerInspectionList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(CustomerInspectionOut))


Answer = tuple[dict[str, Any], dict[str, str]]


def _list(case_id: str, records: str, by: str = "dated") -> Answer:
    known = visible(case_id)
    found: Mapping[str, Any] = getattr(known.case, records)
    items = sorted(found.values(), key=lambda one: (getattr(one, by), one.id))
    return {"items": plain(items)}, etag(known)


def _given(case_id: str, records: str, record_id: str, given: Any) -> Answer:
    known = act(case_id, given)
    return plain(getattr(known.case, records)[record_id]), etag(known)


@blp.route("/cases/<case_id>/contacts", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, ContactList)
def list_contacts(case_id: str) -> Answer:
    """Every call and visit."""
    return _list(case_id, "contacts")


@blp.route("/cases/<case_id>/contacts", methods=["POST"])
@roles("manager", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(ContactIn)
@blp.response(201, ContactOut)
def record_contact(body: dict[str, Any], case_id: str) -> Answer:
    """Record a call or a visit, and the rating that the customer gave then."""
    contact_id = created_id(body)
    given = command(commands.RecordContact, contact_id=contact_id, **{"by": g.actor.name, **body})
    return _given(case_id, "contacts", contact_id, given)


@blp.route("/cases/<case_id>/ratings", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, RatingList)
def list_ratings(case_id: str) -> Answer:
    """Every rating of the customer, and what was done about it."""
    return _list(case_id, "ratings")


@blp.route("/cases/<case_id>/ratings", methods=["POST"])
@roles("manager", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(RatingIn)
@blp.response(201, RatingOut)
def rate_service(body: dict[str, Any], case_id: str) -> Answer:
    """Record a rating that came on paper, in a call or a visit. On his page the customer rates himself."""
    rating_id = created_id(body)
    given = command(commands.RateService, rating_id=rating_id, **body)
    return _given(case_id, "ratings", rating_id, given)


@blp.route("/cases/<case_id>/ratings/<rating_id>/actions", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ActionIn)
@blp.response(201, RatingOut)
def record_action(body: dict[str, Any], case_id: str, rating_id: str) -> Answer:
    """Record what was done about a low rating."""
    given = command(commands.RecordRatingAction, rating_id=rating_id, **body)
    return _given(case_id, "ratings", rating_id, given)


@blp.route("/cases/<case_id>/customer-inspections", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, CustomerInspectionList)
def list_customer_inspections(case_id: str) -> Answer:
    """Every inspection of the customer after energization, planned or done."""
    return _list(case_id, "customer_inspections", "planned_on")


@blp.route("/cases/<case_id>/customer-inspections", methods=["POST"])
@roles("manager", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(InspectionIn)
@blp.response(201, CustomerInspectionOut)
def plan_customer_inspection(body: dict[str, Any], case_id: str) -> Answer:
    """Send inspectors to an energized customer on a day, with a checklist on their tablets."""
    check_assignees(body["assignees"], visible(case_id).case.organisation)
    if (reference := body.pop("checklist", None)) is not None:
        body["checklist"] = checklist_for("customer_inspection", reference)
    inspection_id = created_id(body)
    given = command(commands.PlanCustomerInspection, inspection_id=inspection_id, **body)
    return _given(case_id, "customer_inspections", inspection_id, given)


@blp.route("/cases/<case_id>/customer-inspections/<inspection_id>/done", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(InspectionDoneIn)
@blp.response(201, CustomerInspectionOut)
def record_customer_inspection(body: dict[str, Any], case_id: str, inspection_id: str) -> Answer:
    """Record what an inspection came to. What endangers anybody is reported as a hazard besides."""
    given = command(commands.RecordCustomerInspection, inspection_id=inspection_id, **body)
    return _given(case_id, "customer_inspections", inspection_id, given)


@blp.route("/cases/<case_id>/customer-inspections/<inspection_id>/cancel", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ReasonIn)
@blp.response(200, CustomerInspectionOut)
def cancel_customer_inspection(body: dict[str, Any], case_id: str, inspection_id: str) -> Answer:
    """Take a planned inspection back. It stays due."""
    given = command(commands.CancelCustomerInspection, inspection_id=inspection_id, **body)
    return _given(case_id, "customer_inspections", inspection_id, given)
