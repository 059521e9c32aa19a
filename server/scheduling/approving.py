"""Who agrees to a month's plan, when it may be published or amended, and what ends it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from msgspec.structs import replace

from server.scheduling.announcing import uncovered
from server.scheduling.freezing import broken
from server.scheduling.months import standing_days
from server.scheduling.plans import Announcement, Begun, PlanApproval, PlanFunction, PlanRecord, Refused

__all__ = [
    "FUNCTIONS",
    "PlanRefused",
    "announce",
    "approve",
    "begin",
    "claim",
    "give_back",
    "give_up",
    "given_back",
    "publish",
    "require_begun",
]

#: Who speaks for a function: the roles of which he must have one.
FUNCTIONS: Mapping[PlanFunction, frozenset[str]] = {
    "safety_maintenance": frozenset({"scheduler", "admin"}),
    "dispatch": frozenset({"scheduler", "admin"}),
    "customer_centre": frozenset({"manager", "admin"}),
}


class PlanRefused(Exception):
    """What is asked for cannot be done to a plan; `code` is of catalogue `scheduling`."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


def approve(
    known: PlanRecord,
    function: PlanFunction,
    *,
    by: str,
    roles: Collection[str],
    at: datetime,
    remark: str = "",
) -> PlanRecord:
    """Agree to a plan that was made. Who asked for it agrees for no function, and nobody for two."""
    _require_good(known)
    if not FUNCTIONS[function] & set(roles):
        raise PlanRefused("plan_function_of_others", function=function)
    given = {one.function: one for one in known.approvals}
    if function in given:
        if given[function].by == by:
            return known
        raise PlanRefused("plan_approved_already", function=function, name=given[function].by)
    if by == known.requested_by or any(one.by == by for one in known.approvals):
        raise PlanRefused("plan_another_person", function=function)
    approval = PlanApproval(function=function, by=by, at=at, remark=remark)
    return replace(known, approvals=(*known.approvals, approval))


def publish(
    known: PlanRecord,
    plan: Mapping[str, Any],
    *,
    by: str,
    at: datetime,
    needed: Collection[str],
    today: date,
    frozen: date,
    base: Mapping[str, Any] | None = None,
) -> PlanRecord:
    """Publish a plan to which all have agreed whose word is `needed`, while every outage can still be
    announced in time. The same again changes nothing.

    `base` is the plan that it amends: what that has announced need not be announced again, and up to the day
    `frozen` nothing moves in it but what was let go.
    """
    if known.state == "published":
        return known
    _require_good(known)
    missing = sorted(set(needed) - {one.function for one in known.approvals})
    if missing:
        raise PlanRefused("plan_not_approved", functions=", ".join(missing))
    late = uncovered(base, plan, today)
    if late is not None:
        raise PlanRefused("plan_notice_late", outage=late["outage"], by=late["by"])
    if base is not None:
        days = standing_days(base), standing_days(plan)
        moved = broken(*days, until=frozen, today=today, may=known.thawed)
        if moved:
            raise PlanRefused("plan_frozen", works=", ".join(moved), until=str(frozen))
    return replace(
        known, state="published", published_by=by, published_at=at, publishing=None, unpublished=None
    )


def begin(known: PlanRecord, *, by: str, at: datetime) -> PlanRecord:
    """Say that a plan is being published, before the first of its works is taken."""
    if known.state == "published" or known.publishing is not None:
        return known
    _require_good(known)
    return replace(known, publishing=Begun(by=by, at=at), unpublished=None)


def require_begun(known: PlanRecord) -> None:
    """Raises PlanRefused where a publishing is not to go on: its works are given back, by whoever."""
    if known.state != "published" and (known.publishing is None or known.publishing.refused is not None):
        raise PlanRefused("plan_publishing_ended")


def give_back(known: PlanRecord, refused: Refused) -> PlanRecord:
    """Say that a publishing ends without a published plan: nobody goes on with it, its works are freed."""
    if known.state != "made" or known.publishing is None or known.publishing.refused is not None:
        return known
    return replace(known, publishing=replace(known.publishing, refused=refused))


def given_back(known: PlanRecord) -> PlanRecord:
    """Say that this has been done."""
    if known.publishing is None or known.publishing.refused is None:
        return known
    return replace(known, publishing=None, unpublished=known.publishing.refused)


def claim(base: PlanRecord, amendment: str) -> PlanRecord:
    """The published plan in whose place another comes. Only one can."""
    if base.state != "published" or base.amended_by not in ("", amendment):
        raise PlanRefused("plan_amended_otherwise", plan=base.id, state=base.state, other=base.amended_by)
    return replace(base, amended_by=amendment)


def give_up(known: PlanRecord, *, by: str, at: datetime, reason: str) -> PlanRecord:
    """Withdraw a plan that was made or published. One that another was claimed for is withdrawn there."""
    if known.state == "withdrawn":
        return known
    if known.state not in ("made", "published"):
        raise PlanRefused("plan_not_given_up", state=known.state)
    if known.amended_by:
        raise PlanRefused("plan_amended_otherwise", plan=known.id, state=known.state, other=known.amended_by)
    return replace(known, state="withdrawn", given_up=reason, given_up_by=by, given_up_at=at)


def announce(known: PlanRecord, outages: Collection[str], announcement: Announcement) -> PlanRecord:
    """Record that one of the `outages` of a plan was announced. The same again changes nothing."""
    if known.state not in ("published", "withdrawn") or known.published_at is None:
        raise PlanRefused("plan_not_published")
    if announcement.outage not in outages:
        raise PlanRefused("plan_outage_unknown", outage=announcement.outage)
    same = (announcement.outage, announcement.channel, announcement.proof)
    if any((one.outage, one.channel, one.proof) == same for one in known.announcements):
        return known
    return replace(known, announcements=(*known.announcements, announcement))


def _require_good(known: PlanRecord) -> None:
    if known.state != "made" or known.summary is None:
        raise PlanRefused("plan_not_made", state=known.state)
    if known.summary.wrong:
        raise PlanRefused("plan_wrong", findings=known.summary.wrong)
