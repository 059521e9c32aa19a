# mypy: disable-error-code="untyped-decorator"
"""A month's plan on its way out: agreed to, published, announced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, get_args

import marshmallow as ma
import msgspec
from flask import Response, g

from server.api.base import Schema, blueprint, roles
from server.api.casework import plain
from server.api.plans import MonthPlanOut, PlanRowOut, found_plan, needed, plan_row, plan_view, plans
from server.api.works import works
from server.casework.outages import Publishing
from server.problems import Problem, language
from server.scheduling import approving
from server.scheduling import plans as stored
from server.scheduling.approving import PlanRefused
from server.scheduling.ical import calendar_of
from server.scheduling.plans import Announcement, PlanRecord, number_of
from server.scheduling.works import StaleWork
from server.services import services
from server.texts import both

blp = blueprint("plan_publishing", "Plans, published and announced 计划发布与公告.")

ICALENDAR = "text/calendar"
_WORDS = ma.validate.Length(max=4000)


class ApproveIn(Schema):
    function = ma.fields.String(required=True, validate=ma.validate.OneOf(get_args(stored.PlanFunction)))
    remark = ma.fields.String(validate=_WORDS, load_default="")


class AnnouncementIn(Schema):
    outage = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=200))
    channel = ma.fields.String(
        required=True,
        validate=ma.validate.Length(min=1, max=100),
        metadata={"description": "Where it was told."},
    )
    proof = ma.fields.String(
        required=True, validate=ma.validate.Length(min=1, max=400), metadata={"description": "What shows it."}
    )
    announced_at = ma.fields.AwareDateTime(required=True)


class PublishedOut(MonthPlanOut):
    told = ma.fields.List(
        ma.fields.Dict(),
        metadata={"description": "Cases that waited for its works; `refused`: why a gate stayed as it was."},
    )


class OutageNoticeOut(ma.Schema):
    """What is announced of an outage: area, line and time. `by`: the last day for it."""

    outage = ma.fields.String()
    state = ma.fields.String(validate=ma.validate.OneOf(["due", "overdue", "announced"]))
    by = ma.fields.String()
    start = ma.fields.String(data_key="from")
    end = ma.fields.String(data_key="to")
    feeders = ma.fields.List(ma.fields.String())
    sections = ma.fields.List(ma.fields.String())
    customers = ma.fields.Integer()
    tell = ma.fields.List(ma.fields.String(), metadata={"description": "Customers to be told directly."})
    text = ma.fields.Dict(metadata={"description": "Ready to be sent, in each language."})
    announcements = ma.fields.List(ma.fields.Dict())


class OutageNoticeList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(OutageNoticeOut))


def _publishing() -> Publishing:
    return Publishing(plans(), works(), services().cases)


@contextmanager
def _refused() -> Iterator[None]:
    """Says what cannot be done to a plan as a problem."""
    try:
        yield
    except PlanRefused as refusal:
        code, params = refusal.code, refusal.params
        raise Problem(409, code, extra={"params": params}, **params) from None
    except StaleWork:
        raise Problem(409, "conflict") from None


def _today() -> date:
    made = services()
    return made.cases.policy(g.actor.organisation).day(made.clock())


@blp.route("/plans/<plan_id>/approve", methods=["POST"])
@roles("manager", "scheduler", "admin")
@blp.arguments(ApproveIn)
@blp.response(200, PlanRowOut)
def approve_plan(body: dict[str, Any], plan_id: str) -> dict[str, Any]:
    """Agree to a plan for a function. Each function needs a person of its own, not who asked for it."""
    found_plan(plan_id)
    actor, now = g.actor, services().clock()

    def agree(known: PlanRecord) -> PlanRecord:
        return approving.approve(known, by=actor.name, roles=actor.roles, at=now, **body)

    with _refused():
        return plan_row(plans().change(actor.organisation, plan_id, agree))


@blp.route("/plans/<plan_id>/publish", methods=["POST"])
@roles("scheduler", "admin")
@blp.response(200, PublishedOut)
def publish_plan(plan_id: str) -> dict[str, Any]:
    """Publish a plan to which all have agreed. Its works are planned, and the gate `outage-approved` of every
    case that waited for them is confirmed with the plan's number."""
    actor, record, publishing = g.actor, found_plan(plan_id), _publishing()
    plan = publishing.plan(record) if record.state in ("made", "published") else {}
    said = {"by": actor.name, "at": services().clock(), "today": _today(), "needed": needed()}

    def publish(known: PlanRecord) -> PlanRecord:
        return approving.publish(known, plan, **said)

    with _refused():
        published, told = publishing.publish(record, publish)
    return {**plan_view(published), "told": plain(told)}


@blp.route("/plans/<plan_id>/public-notices", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, OutageNoticeList)
@blp.alt_response(409, description="Not published.")
def list_public_notices(plan_id: str) -> dict[str, Any]:
    """What is to be announced of a published plan, by when, in words ready to be sent, and what has been."""
    return _notices(found_plan(plan_id))


@blp.route("/plans/<plan_id>/public-notices", methods=["POST"])
@roles("manager", "scheduler", "admin")
@blp.arguments(AnnouncementIn)
@blp.response(201, OutageNoticeList)
def record_announcement(body: dict[str, Any], plan_id: str) -> dict[str, Any]:
    """Record that an outage was announced, and what shows it."""
    record, actor, now = found_plan(plan_id), g.actor, services().clock()
    plan = _publishing().plan(record) if record.state == "published" else {}
    if body["announced_at"] > now:
        raise Problem(422, "announced_ahead")
    announcement = Announcement(**body, recorded_by=actor.name, recorded_at=now)
    with _refused():
        changed = plans().change(
            actor.organisation, plan_id, lambda known: approving.announce(known, plan, announcement)
        )
    return _notices(changed)


@blp.route("/plans/<plan_id>/calendar.ics", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.alt_response(200, content_type=ICALENDAR)
@blp.alt_response(409, description="Not published.")
def export_calendar(plan_id: str) -> Response:
    """A published plan's outages as iCalendar, with the words of their notices."""
    record = found_plan(plan_id)
    words = {one["outage"]: one["text"][language()] for one in _notices(record)["items"]}
    plan, made = _publishing().plan(record), services()
    calendar = calendar_of(
        plan,
        number=number_of(record),
        stamp=record.published_at or record.requested_at,
        timezone=made.cases.policy(record.organisation).timezone,
        summaries={one["id"]: words.get(one["id"], one["id"]) for one in plan["outages"]},
    )
    return Response(calendar, mimetype=ICALENDAR)


def _notices(record: PlanRecord) -> dict[str, Any]:
    if record.state != "published":
        raise Problem(409, "plan_not_published")
    network = msgspec.json.decode(
        services().networks.body(services().networks.get(record.organisation, record.network, record.version))
    )
    names = {one["id"]: one["properties"].get("name") or one["id"] for one in network["features"]}
    found = approving.due_notices(record, _publishing().plan(record), _today())
    return {"items": [_notice(one, names) for one in found]}


def _notice(one: approving.Notice, names: dict[str, str]) -> dict[str, Any]:
    row = dict(one.notice)
    words = {
        "feeders": ", ".join(names.get(name, name) for name in row["feeders"]),
        "area": ", ".join(row["sections"]),
        "start": row["from"].replace("T", " ")[:16],
        "end": row["to"].replace("T", " ")[:16],
        "customers": row["customers"],
    }
    start, end = row.pop("from"), row.pop("to")
    return {
        **row,
        "start": start,
        "end": end,
        "tell": [names.get(name, name) for name in row.get("tell", ())],
        "state": one.state,
        "text": both("public_notice", **words),
        "announcements": plain(one.announcements),
    }
