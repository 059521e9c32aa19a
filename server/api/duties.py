# mypy: disable-error-code="untyped-decorator"
"""Duties: what the office still owes around its cases, and by which day."""

from __future__ import annotations

from typing import Any, get_args

import marshmallow as ma
from flask import g

from server.api.base import Schema, blueprint, roles
from server.casework.duty_boxes import PREFIX
from server.problems import language
from server.readmodel.surroundings import DutyFilter, list_duties
from server.services import services
from server.texts import text
from server.workflow.duties import DutyKind

blp = blueprint("duties", "Duties 待办:回访、审批、会议、移交、用电检查.")

MAX_PAGE = 200
#: What a document of an inbox tells of a duty, as it stands there.
_TOLD = ("kind", "since", "due", "who", "in_place_of", "params", "refs", "no", "customer", "address")


class DutyQuery(Schema):
    kind = ma.fields.String(validate=ma.validate.OneOf(get_args(DutyKind)))
    who = ma.fields.String(
        validate=ma.validate.Length(max=200), metadata={"description": "A person, or `role:<role>`."}
    )
    until = ma.fields.Date(metadata={"description": "Due on this day or before."})
    overdue = ma.fields.Boolean(load_default=False)
    offset = ma.fields.Integer(load_default=0, validate=ma.validate.Range(min=0, max=10_000_000))
    limit = ma.fields.Integer(load_default=50, validate=ma.validate.Range(min=1, max=MAX_PAGE))


class OneDuty(ma.Schema):
    kind = ma.fields.String()
    title = ma.fields.String()
    since = ma.fields.String()
    due = ma.fields.String()
    overdue = ma.fields.Boolean()
    who = ma.fields.String()
    params = ma.fields.Dict()
    refs = ma.fields.List(ma.fields.String())
    case_id = ma.fields.String()
    no = ma.fields.String()
    customer = ma.fields.String()


class DutyRow(OneDuty):
    manager = ma.fields.String()
    stage = ma.fields.String()


class DutyPage(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(DutyRow))
    total = ma.fields.Integer()
    offset = ma.fields.Integer()
    limit = ma.fields.Integer()


@blp.route("/duties", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.arguments(DutyQuery, location="query", unknown=ma.RAISE)
@blp.response(200, DutyPage)
def find_duties(query: dict[str, Any]) -> dict[str, Any]:
    """Follow-up calls, ratings to act on, customers to inspect, approvals, meetings and papers that wait."""
    made, organisation = services(), g.actor.organisation
    today = made.cases.policy(organisation).day(made.clock()).isoformat()
    until = query.get("until")
    wanted = DutyFilter(
        today=today,
        kind=query.get("kind"),
        who=query.get("who"),
        until=until.isoformat() if until else None,
        overdue=query["overdue"],
    )
    offset, limit = query["offset"], query["limit"]
    rows, total = list_duties(made.readmodel, organisation, wanted, offset=offset, limit=limit)
    items = [
        {**row, "title": text(f"duty.{row['kind']}", language()), "overdue": row["due"] < today}
        for row in rows
    ]
    return {"items": items, "total": total, "offset": offset, "limit": limit}


class MyDuty(OneDuty):
    in_place_of = ma.fields.String(metadata={"description": "Whose it is, if one only stands in for him."})
    address = ma.fields.String()


class MyDuties(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(MyDuty))


@blp.route("/me/duties", methods=["GET"])
@roles()
@blp.response(200, MyDuties)
def my_duties() -> dict[str, Any]:
    """What one owes, oneself or in the place of who is away, the earliest due first: what the inbox says."""
    made = services()
    today = made.cases.policy(g.actor.organisation).day(made.clock()).isoformat()
    held = made.store.all_docs(made.names.inbox(g.actor.name), prefix=PREFIX)
    items = [
        {
            **{name: one[name] for name in _TOLD},
            "title": text(f"duty.{one['kind']}", language()),
            "overdue": one["due"] < today,
            "case_id": one["case"],
        }
        for one in held
    ]
    return {"items": sorted(items, key=lambda one: (one["due"], one["no"], one["kind"]))}
