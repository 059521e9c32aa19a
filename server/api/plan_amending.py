# mypy: disable-error-code="untyped-decorator"
"""The next version of a plan: works moved, taken out or added by hand, the rest left alone; and its end."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, get_args

import marshmallow as ma
import msgspec
from flask import g

from server.api.base import Schema, blueprint, roles
from server.api.casework import REQUIRED_MATCH, ReasonIn, command, if_match, plain, required_match
from server.api.keys import IDEMPOTENCY_HEADER, created_id, own_id
from server.api.plan_publishing import PublishedOut, problems
from server.api.plan_shapes import HandIn, MonthPlanOut
from server.api.plans import (
    first_said,
    found_plan,
    plan_view,
    plans,
    publishing,
    require_balanceable,
)
from server.api.works import works
from server.casework.outages import frozen_days
from server.outages.instance import Work
from server.outages.works import needs_of
from server.problems import Problem
from server.scheduling import amending, approving
from server.scheduling import plans as stored
from server.scheduling.approving import PlanRefused
from server.scheduling.freezing import touched
from server.scheduling.plans import Dropped, Effort, Hand, NearPlan, PlanRecord, TakenPlan, UnknownPlan
from server.scheduling.requests import Request
from server.scheduling.works import UnknownWork
from server.services import services
from server.workflow.policy import listed

blp = blueprint("plan_amending", "Plans, changed by hand 计划调整.")

_ID = ma.validate.Length(min=1, max=64)
_WORDS = ma.validate.Length(max=4000)


class DroppedIn(Schema):
    code = ma.fields.String(required=True, validate=ma.validate.OneOf(get_args(stored.ReasonCode)))
    remark = ma.fields.String(validate=_WORDS, load_default="")


class AgainIn(Schema):
    id = own_id()
    hand = ma.fields.Dict(
        keys=ma.fields.String(validate=_ID),
        values=ma.fields.Nested(HandIn),
        load_default={},
        metadata={
            "description": "By work: pinned to a day (a move), forbidden on days. It goes before what was "
            "said of the work in this plan; `{}` takes that back."
        },
    )
    drop = ma.fields.Dict(
        keys=ma.fields.String(validate=_ID),
        values=ma.fields.Nested(DroppedIn),
        load_default={},
        metadata={"description": "Works to be left out, each with its reason."},
    )
    add = ma.fields.List(
        ma.fields.String(validate=_ID),
        load_default=[],
        validate=ma.validate.Length(max=1000),
        metadata={"description": "Approved works of the network to be taken in."},
    )
    first = ma.fields.String(
        load_default="changes", validate=ma.validate.OneOf(["changes", "works", "weights"])
    )
    crews = ma.fields.List(
        ma.fields.Dict(),
        validate=ma.validate.Length(max=2000),
        metadata={"description": "As before, unless given."},
    )
    reason = ma.fields.String(
        validate=_WORDS,
        load_default="",
        metadata={"description": "Why a published plan is amended: needed for that."},
    )
    seed = ma.fields.Integer(load_default=0, validate=ma.validate.Range(min=0, max=2**31 - 1))
    seconds = ma.fields.Float(validate=ma.validate.Range(min=0.1))


Answer = tuple[dict[str, Any], dict[str, str]]


@blp.route("/plans/<plan_id>/again", methods=["POST"])
@roles("scheduler", "admin")
@blp.doc(parameters=[REQUIRED_MATCH, IDEMPOTENCY_HEADER])
@blp.arguments(AgainIn)
@blp.response(201, MonthPlanOut)
@blp.alt_response(409, description="The plan has no next version, or a work may not be moved so.")
def balance_again(body: dict[str, Any], plan_id: str) -> dict[str, Any]:
    """Have the next version of the plan made as you read it, changed by hand, with few other changes.

    The version is a plan of its own, `queued`; `moves` then tells what stands elsewhere. Of a published
    plan it is an amendment: to be agreed to and published in its place. What is over or frozen stays;
    anything else goes where it can be announced in time, or is announced already.
    """
    said = msgspec.json.encode(plain({**body, "again": plan_id}), order="sorted")
    version_id = created_id(body)
    rev = required_match()
    try:
        base, found = plans().found(g.actor.organisation, plan_id)
    except UnknownPlan:
        raise Problem(404, "not_found") from None
    known = first_said(version_id, said)
    if known is not None:
        return plan_view(known)
    if rev != found:
        raise Problem(412, "precondition_failed")
    with problems():
        record, instance = _version(base, version_id, body)
    require_balanceable(base, instance)
    encoded = msgspec.json.encode(instance, order="sorted")
    record = msgspec.structs.replace(record, digest=stored.digest_of(said), asked=stored.digest_of(encoded))
    try:
        return plan_view(plans().add(record, encoded))
    except TakenPlan:
        raise Problem(409, "plan_exists", id=version_id) from None


@blp.route("/plans/<plan_id>/withdraw", methods=["POST"])
@roles("scheduler", "admin")
@blp.arguments(ReasonIn)
@blp.response(200, PublishedOut)
@blp.alt_response(409, description="It is neither made nor published.")
def withdraw_plan(body: dict[str, Any], plan_id: str) -> dict[str, Any]:
    """Give up a plan that was made or published. Its works can be planned anew; cases that were told of it
    are told, and what was announced of it has to be withdrawn (`public-notices`)."""
    record, actor, now = found_plan(plan_id), g.actor, services().clock()
    if (rev := if_match()) is not None and rev != plans().found(actor.organisation, plan_id)[1]:
        raise Problem(412, "precondition_failed")

    def give_up(known: PlanRecord) -> PlanRecord:
        return approving.give_up(known, by=actor.name, at=now, reason=body["reason"])

    with problems():
        told = publishing().give_up(record, give_up)
    return {**plan_view(found_plan(plan_id)), "told": plain(told)}


def _version(base: PlanRecord, version_id: str, body: dict[str, Any]) -> tuple[PlanRecord, dict[str, Any]]:
    """The next version and its instance. Raises Problem and PlanRefused."""
    if base.summary is None or base.state not in ("made", "published"):
        raise PlanRefused("plan_no_next", state=base.state)
    made, actor = services(), g.actor
    hand = {work: command(Hand, **plain(said)) for work, said in body["hand"].items()}
    drop = tuple(Dropped(work=work, **why) for work, why in sorted(body["drop"].items()))
    asked = _works(base, {one.work for one in drop}, body["add"])
    for work in [*hand, *(one.work for one in drop)]:
        if work not in {*base.works, *body["add"]}:
            raise Problem(422, "plan_work_unknown", work=work)
    longest = made.settings.plan_seconds
    record = PlanRecord(
        id=version_id,
        organisation=base.organisation,
        month=base.month,
        network=base.network,
        version=base.version,
        works=tuple(one["id"] for one in asked),
        digest="",
        asked="",
        effort=Effort(
            seconds=min(body.get("seconds", longest), longest),
            workers=made.settings.plan_workers,
            seed=body["seed"],
        ),
        state="queued",
        requested_by=actor.name,
        requested_at=made.clock(),
        near=NearPlan(plan=base.id, first=body["first"]),
        hand=amending.merged_hand(base.hand, hand),
        drop=drop,
        reason=body["reason"],
    )
    instance = msgspec.json.decode(plans().instance(base))
    if "crews" in body:
        instance = {**instance, "crews": body["crews"]}
    if base.state == "made":
        # A version of an amendment amends the same plan.
        if not base.amends:
            return record, amending.next_instance(instance, works=asked, hand=record.hand)
        published = found_plan(base.amends)
        record = msgspec.structs.replace(
            record, drop=(*base.drop, *drop), reason=record.reason or base.reason
        )
        return _amendment(published, record, instance, asked, hand, base.thawed)
    return _amendment(base, record, instance, asked, hand, ())


def _amendment(
    published: PlanRecord,
    record: PlanRecord,
    instance: dict[str, Any],
    asked: list[dict[str, Any]],
    hand: dict[str, Hand],
    thawed: Collection[str],
) -> tuple[PlanRecord, dict[str, Any]]:
    """The version as an amendment of a published plan. Raises Problem and PlanRefused."""
    if not record.reason.strip():
        raise Problem(422, "plan_reason_missing")
    standing = amending.standing_of(publishing().plan(published))
    made, actor = services(), g.actor
    policy = made.cases.policy(actor.organisation)
    today, until = frozen_days(policy, made.clock())
    dropped = {one.work for one in record.drop}
    moved = touched(standing.days, hand, dropped, today=today, until=until)
    days = {one.date for one in published.releases if one.open}
    exempt = {one.work for one in published.releases if one.open and one.work in dropped}
    exempt |= {work for work, said in hand.items() if said.pin is not None and said.pin.date in days}
    fresh = set(moved) - set(thawed) - exempt
    if fresh and not set(listed(policy.plan_freeze_roles)) & set(actor.roles):
        raise PlanRefused("plan_frozen", works=", ".join(sorted(fresh)), until=str(until))
    index = services().networks.index(
        services().networks.get(published.organisation, published.network, published.version)
    )
    decoded = {one["id"]: msgspec.convert(one, Work) for one in asked}
    bound = amending.amended_instance(
        instance,
        works=asked,
        hand=record.hand,
        standing=standing,
        needs={name: needs_of(work, index.topology) for name, work in decoded.items()},
        thawed={*moved, *thawed},
        terms=amending.Terms(
            today=today,
            frozen=until,
            lead_days={
                "planned": policy.outage_notice_days,
                "short": -(-policy.outage_short_notice_hours // 24),
            },
            roles=listed(policy.plan_freeze_roles),
        ),
    )
    return (
        msgspec.structs.replace(
            record,
            amends=published.id,
            thawed=tuple(sorted({*moved, *thawed})),
            thawed_by=actor.name if fresh else "",
            releases=tuple(one for one in published.releases if one.work not in dropped),
        ),
        bound,
    )


def _works(base: PlanRecord, drop: Collection[str], add: Collection[str]) -> list[dict[str, Any]]:
    """The works of the next version as they are asked for now, by id; without those that cannot be planned
    any more. Raises Problem 422 for one that is to be added and cannot be."""
    found = []
    for work in sorted({*base.works, *add} - set(drop)):
        known = _request(base.organisation, work)
        held = {base.id, base.amends or base.id}
        ours = known is not None and (known.state == "approved" or known.plan in held)
        if known is not None and ours and known.asked.network == base.network:
            found.append(plain(known.asked.work))
        elif work in add:
            raise Problem(422, "plan_work_unknown", work=work)
    return found


def _request(organisation: str, work: str) -> Request | None:
    try:
        return works().get(organisation, work)[0]
    except UnknownWork:
        return None
