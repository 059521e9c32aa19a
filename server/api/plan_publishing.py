# mypy: disable-error-code="untyped-decorator"
"""A month's plan on its way out: agreed to, published, announced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, get_args

import marshmallow as ma
import msgspec
from flask import Response, g

from server.api.base import Schema, blueprint, roles
from server.api.casework import plain
from server.api.plan_shapes import MonthPlanOut, PlanRowOut
from server.api.plans import (
    found_plan,
    looking_back,
    plan_row,
    plan_view,
    plans,
    publishing,
)
from server.problems import Problem, language
from server.scheduling import announcing, approving
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
    kind = ma.fields.String(
        validate=ma.validate.OneOf(get_args(announcing.NoticeKind)),
        metadata={"description": "corrected: announced otherwise before; withdrawn: announced, and no more."},
    )
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


@contextmanager
def problems() -> Iterator[None]:
    """Says what cannot be done to a plan as a problem."""
    try:
        yield
    except PlanRefused as refusal:
        code, params = refusal.code, refusal.params
        raise Problem(409, code, extra={"params": params}, **params) from None
    except StaleWork:
        raise Problem(409, "conflict") from None


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

    with problems():
        return plan_row(plans().change(actor.organisation, plan_id, agree))


@blp.route("/plans/<plan_id>/publish", methods=["POST"])
@roles("scheduler", "admin")
@blp.response(200, PublishedOut)
def publish_plan(plan_id: str) -> dict[str, Any]:
    """Publish a plan to which all have agreed. Its works are planned, and the gate `outage-approved` of every
    case that waited for them is confirmed with the plan's number."""
    record = found_plan(plan_id)
    with problems():
        published, told = publishing().publish(record, by=g.actor.name, at=services().clock())
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
    if body["announced_at"] > now:
        raise Problem(422, "announced_ahead")
    announcement = Announcement(**body, recorded_by=actor.name, recorded_at=now)
    outages = {one.notice["outage"] for one in due_of(record)}
    with problems():
        changed = plans().change(
            actor.organisation, plan_id, lambda known: approving.announce(known, outages, announcement)
        )
    return _notices(changed)


@blp.route("/plans/<plan_id>/calendar.ics", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.alt_response(200, content_type=ICALENDAR)
@blp.alt_response(409, description="Not published.")
def export_calendar(plan_id: str) -> Response:
    """A published plan's outages as iCalendar, with the words of their notices."""
    record = found_plan(plan_id)
    if record.state != "published":
        raise Problem(409, "plan_not_published")
    words = {one["outage"]: one["text"][language()] for one in _notices(record)["items"]}
    plan, made = publishing().plan(record), services()
    calendar = calendar_of(
        plan,
        number=number_of(record),
        stamp=record.published_at or record.requested_at,
        timezone=made.cases.policy(record.organisation).timezone,
        summaries={one["id"]: words.get(one["id"], one["id"]) for one in plan["outages"]},
    )
    return Response(calendar, mimetype=ICALENDAR)


def due_of(record: PlanRecord) -> list[announcing.Notice]:
    """What is to be announced of a plan that was published. Raises Problem 409 for another."""
    if record.state == "amended":
        raise Problem(409, "plan_amended", other=record.amended_by)
    if record.published_at is None or record.state not in ("published", "withdrawn"):
        raise Problem(409, "plan_not_published")
    made = services()
    today = made.cases.policy(record.organisation).day(made.clock())
    return announcing.due_notices(publishing().versions(record), looking_back().terms(today))


def _notices(record: PlanRecord) -> dict[str, Any]:
    due = due_of(record)
    network = msgspec.json.decode(
        services().networks.body(services().networks.get(record.organisation, record.network, record.version))
    )
    names = {one["id"]: one["properties"].get("name") or one["id"] for one in network["features"]}
    return {"items": [notice_row(one, names) for one in due]}


#: The words of each kind of notice, in catalogue `scheduling`.
_TEXTS: Mapping[announcing.NoticeKind, str] = {
    "planned": "public_notice",
    "corrected": "public_notice_corrected",
    "withdrawn": "public_notice_withdrawn",
}


def notice_row(one: announcing.Notice, names: Mapping[str, str]) -> dict[str, Any]:
    """A notice as the API tells it, in words ready to be sent."""
    row = dict(one.notice)
    words = _words(row, names)
    if one.was is not None:
        words |= {f"was_{name}": said for name, said in _words(one.was, names).items()}
    start, end = row.pop("from"), row.pop("to")
    return {
        **row,
        "start": start,
        "end": end,
        "tell": [names.get(name, name) for name in row.get("tell", ())],
        "kind": one.kind,
        "state": one.state,
        "text": both(_TEXTS[one.kind], **words),
        "announcements": plain(one.announcements),
    }


def _words(notice: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "feeders": ", ".join(names.get(name, name) for name in notice["feeders"]),
        "area": ", ".join(notice["sections"]),
        "start": notice["from"].replace("T", " ")[:16],
        "end": notice["to"].replace("T", " ")[:16],
        "customers": notice["customers"],
    }
