# mypy: disable-error-code="untyped-decorator"
"""A month's plan: asked for, made by a worker, shown with its proof and its reasons."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import marshmallow as ma
import msgspec
from flask import g
from msgspec.structs import replace

from server.api.base import blueprint, roles
from server.api.casework import plain
from server.api.keys import IDEMPOTENCY_HEADER, created_id
from server.api.listed import page_of
from server.api.networks import finding_rows
from server.api.plan_shapes import MonthPlanList, MonthPlanOut, PlanQuery, PlanRequestIn, PlanRowOut
from server.api.works import works
from server.casework.looking_back import LookingBack
from server.casework.outages import Publishing
from server.people.model import Identity
from server.problems import Problem
from server.readmodel import scheduling as lists
from server.scheduling import plans as stored
from server.scheduling.executions import Executions
from server.scheduling.months import GIVEN, days_of, instance_of, moves
from server.scheduling.networks import NetworkHead, UnknownNetwork
from server.scheduling.plans import Effort, Hand, NearPlan, PlanRecord, Plans, TakenPlan, UnknownPlan
from server.scheduling.requests import Request
from server.scheduling.works import UnknownWork
from server.services import services
from server.texts import both
from server.workflow.policy import listed
from server.workflow.workdays import UnknownYear

blp = blueprint("plans", "A month's plan 月度停电计划.")


def plans() -> Plans:
    """The plans of this house."""
    return services().plans


def publishing() -> Publishing:
    """What publishes plans."""
    return Publishing(plans(), works(), services().cases)


def looking_back() -> LookingBack:
    """What tells what became of plans."""
    made = services()
    kept = Executions(made.store, made.names.registry, works())
    return LookingBack(publishing(), kept, made.cases.policy(g.actor.organisation))


def found_plan(plan_id: str) -> PlanRecord:
    """A plan of the present person's organisation. Raises Problem 404."""
    try:
        return plans().get(g.actor.organisation, plan_id)
    except UnknownPlan:
        raise Problem(404, "not_found") from None


def plan_row(record: PlanRecord) -> dict[str, Any]:
    row: dict[str, Any] = plain(record)
    for name in ("organisation", "digest", "asked", "begun", "beat_at", "announcements", "releases"):
        del row[name]
    fault = {"code": record.fault, "text": both(f"plan_fault.{record.fault}")} if record.fault else None
    ended = record.unpublished
    if ended is not None:
        row["unpublished"] = {**row["unpublished"], "text": both(f"problem.{ended.code}", **ended.params)}
    agreed = {one.function for one in record.approvals}
    awaits = [one for one in needed() if one not in agreed]
    return {**row, "fault": fault, "awaits": awaits}


def needed() -> tuple[str, ...]:
    return listed(services().cases.policy(g.actor.organisation).plan_approvals)


def plan_view(record: PlanRecord) -> dict[str, Any]:
    result: dict[str, Any] = {"plan": None, "reasons": [], "moves": [], "unexplained": [], "findings": []}
    if record.summary is not None:
        result |= msgspec.json.decode(plans().result(record))
        if record.near is not None:
            near = plans().get(record.organisation, record.near.plan)
            result["moves"] = moves(msgspec.json.decode(plans().result(near))["plan"], result["plan"])
    return {**plan_row(record), **result}


@blp.route("/plans", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.arguments(PlanQuery, location="query", unknown=ma.RAISE)
@blp.response(200, MonthPlanList)
def list_plans(query: dict[str, Any]) -> dict[str, Any]:
    """The plans of your organisation, filtered, sorted and paged, without their outages."""
    return page_of(
        query,
        lists.list_plans,
        lists.PlanFilter,
        lambda one: plan_row(msgspec.json.decode(one, type=PlanRecord)),
    )


@blp.route("/plans", methods=["POST"])
@roles("scheduler", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(PlanRequestIn)
@blp.response(201, MonthPlanOut)
def request_plan(body: dict[str, Any]) -> dict[str, Any]:
    """Have a month balanced. The plan is `queued`; a worker makes it, and `GET` tells how far it is.

    What keeps the month from being balanced is told at once, field by field (422 `plan_unusable`).
    """
    made, actor = services(), g.actor
    plan_id = created_id(body)
    head = _network(actor, body)
    chosen = _chosen(actor, body)
    for work in body.get("hand", {}).keys() - {one.id for one in chosen}:
        raise Problem(422, "plan_work_unknown", work=work)
    near = _near(actor, body)
    instance = msgspec.json.encode(_instance(actor, body, head, chosen), order="sorted")
    _require_usable(instance, head)
    longest = made.settings.plan_seconds
    # What the caller said, and not what follows from it: the same request later finds this plan.
    said = msgspec.json.encode(plain(body), order="sorted")
    effort = Effort(
        seconds=min(body.get("seconds", longest), longest),
        workers=made.settings.plan_workers,
        seed=body["seed"],
    )
    record = PlanRecord(
        id=plan_id,
        organisation=actor.organisation,
        month=body["month"],
        network=head.id,
        version=head.version,
        works=tuple(one.id for one in chosen),
        digest=stored.digest_of(said),
        asked=stored.digest_of(instance),
        effort=effort,
        state="queued",
        requested_by=actor.name,
        requested_at=made.clock(),
        near=near,
        hand={work: msgspec.convert(plain(said), Hand) for work, said in body.get("hand", {}).items()},
    )
    try:
        return plan_view(plans().add(record, instance))
    except TakenPlan:
        raise Problem(409, "plan_exists", id=plan_id) from None


@blp.route("/plans/<plan_id>", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, MonthPlanOut)
def show_plan(plan_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """A plan with its outages, its proof, and the reasons for what is out or late."""
    try:
        record, rev = plans().found(g.actor.organisation, plan_id)
    except UnknownPlan:
        raise Problem(404, "not_found") from None
    return plan_view(record), {"ETag": f'"{rev}"'}


@blp.route("/plans/<plan_id>/cancel", methods=["POST"])
@roles("scheduler", "admin")
@blp.response(200, PlanRowOut)
def cancel_plan(plan_id: str) -> dict[str, Any]:
    """End the search. One that waits is given up; one under way ends soon, with the best plan it has."""
    found_plan(plan_id)

    def cancel(known: PlanRecord) -> PlanRecord:
        if known.state == "queued":
            return replace(known, state="cancelled", cancel=True)
        if known.state == "running":
            return replace(known, cancel=True)
        if known.cancel:
            return known
        raise Problem(409, "plan_over", state=known.state)

    return plan_row(plans().change(g.actor.organisation, plan_id, cancel))


def first_said(plan_id: str, said: bytes) -> PlanRecord | None:
    """The plan that the present person has asked for by the same words before. Raises Problem 409 where the
    id is another's."""
    try:
        known = plans().get(g.actor.organisation, plan_id)
    except UnknownPlan:
        return None
    if (known.digest, known.requested_by) != (stored.digest_of(said), g.actor.name):
        raise Problem(409, "plan_exists", id=plan_id)
    return known


def _network(actor: Identity, body: dict[str, Any]) -> NetworkHead:
    try:
        return services().networks.get(actor.organisation, body["network"], body.get("version"))
    except UnknownNetwork:
        raise Problem(422, "plan_network_unknown", network=body["network"]) from None


def _near(actor: Identity, body: dict[str, Any]) -> NearPlan | None:
    """The plan to stay near. Raises Problem 422 for one that was not made, or of another network or month."""
    if "near" not in body:
        return None
    near = NearPlan(**body["near"])
    try:
        known = plans().get(actor.organisation, near.plan)
    except UnknownPlan:
        known = None
    same = known is not None and (known.network, known.month) == (body["network"], body["month"])
    if known is None or known.summary is None or not same:
        raise Problem(422, "plan_near_unusable", plan=near.plan)
    return near


def _chosen(actor: Identity, body: dict[str, Any]) -> list[Request]:
    """The works to plan, by id. Raises Problem 422 for one that cannot be, and for none."""
    kept = works()
    if "works" not in body:
        every = (known for known, _ in kept.all(actor.organisation))
        chosen = [one for one in every if one.state == "approved" and one.asked.network == body["network"]]
        if not chosen:
            raise Problem(422, "plan_no_works")
        return chosen
    chosen = []
    for work in sorted(set(body["works"])):
        try:
            known, _ = kept.get(actor.organisation, work)
        except UnknownWork:
            raise Problem(422, "plan_work_unknown", work=work) from None
        if known.state != "approved" or known.asked.network != body["network"]:
            raise Problem(422, "plan_work_unknown", work=work)
        chosen.append(known)
    return chosen


def _instance(
    actor: Identity, body: dict[str, Any], head: NetworkHead, chosen: list[Request]
) -> dict[str, Any]:
    made = services()
    policy = made.cases.policy(actor.organisation)
    rules = {
        "planned_notice_days": policy.outage_notice_days,
        "short_notice_hours": policy.outage_short_notice_hours,
        "look_back_days": policy.outage_look_back_days,
        "interruptions": policy.outage_interruptions,
    }
    given = {name: body[name] for name in GIVEN if name in body}
    if "past" not in given:
        given["past"] = _past(actor, body, head)
    days_off = (
        [] if "rest_days" in given.get("calendar", {}) else _days_off(actor.organisation, body["month"])
    )
    published = made.clock().astimezone(ZoneInfo(policy.timezone)).replace(tzinfo=None)
    return instance_of(
        body["month"],
        chosen,
        given,
        rules=rules,
        rest_days=days_off,
        published=published,
        network=f"{head.id}@{head.version}",
        hand=plain(body.get("hand", {})),
    )


def _past(actor: Identity, body: dict[str, Any], head: NetworkHead) -> list[dict[str, str]]:
    """The interruptions to look back on, of sections that this version of the network has."""
    near = body.get("near", {}).get("plan", "")
    found = looking_back().before(actor.organisation, head.id, body["month"], but=near)
    if not found:
        return []
    known = services().networks.index(head).topology.sections
    return [one for one in found if one["section"] in known]


def _days_off(organisation: str, month: str) -> list[date]:
    """The month's days on which nobody works. Raises Problem 422 for a year that was not announced."""
    calendar = services().cases.rules.calendar(organisation)
    first, last = days_of(month)
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    try:
        return [day for day in days if not calendar.works(day)]
    except UnknownYear:
        raise Problem(422, "plan_calendar_unknown", year=first.year) from None


def require_balanceable(record: PlanRecord, instance: dict[str, Any]) -> None:
    """Raises Problem 422 with everything that keeps an instance on a plan's network from being balanced."""
    head = services().networks.get(record.organisation, record.network, record.version)
    _require_usable(msgspec.json.encode(instance), head)


def _require_usable(instance: bytes, head: NetworkHead) -> None:
    """Raises Problem 422 with everything that keeps a month from being balanced."""
    from server.outages.reading import read_instance  # noqa: PLC0415  loads what geometry needs

    collection = msgspec.json.decode(services().networks.body(head))
    reading = read_instance(msgspec.json.decode(instance), network=collection)
    if not reading.usable:
        graves = tuple(one for one in reading.findings if one.grave)
        raise Problem(422, "plan_unusable", extra=finding_rows(graves))
