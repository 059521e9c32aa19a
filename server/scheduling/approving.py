"""Who agrees to a month's plan, when it may be published, and what is announced of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from server.scheduling.plans import Announcement, PlanApproval, PlanFunction, PlanRecord

__all__ = ["FUNCTIONS", "Notice", "PlanRefused", "announce", "approve", "due_notices", "publish"]

#: Who speaks for a function: the roles of which he must have one.
FUNCTIONS: Mapping[PlanFunction, frozenset[str]] = {
    "safety_maintenance": frozenset({"scheduler", "admin"}),
    "dispatch": frozenset({"scheduler", "admin"}),
    "customer_centre": frozenset({"manager", "admin"}),
}

NoticeState = Literal["due", "overdue", "announced"]
Channel = Annotated[str, Meta(min_length=1, max_length=100)]


class PlanRefused(Exception):
    """What is asked for cannot be done to a plan; `code` is of catalogue `scheduling`."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class Notice(Struct, frozen=True, kw_only=True):
    """What is announced of an outage, by when, and what has been; besides the plan's own words."""

    notice: Mapping[str, Any]
    state: NoticeState
    announcements: tuple[Announcement, ...]


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
    today: date,
    needed: Collection[str],
) -> PlanRecord:
    """Publish a plan to which all have agreed whose word is `needed`, while every outage can still be
    announced in time. The same again changes nothing."""
    if known.state == "published":
        return known
    _require_good(known)
    missing = sorted(set(needed) - {one.function for one in known.approvals})
    if missing:
        raise PlanRefused("plan_not_approved", functions=", ".join(missing))
    for notice in plan.get("notices", ()):
        if date.fromisoformat(notice["by"]) < today:
            raise PlanRefused("plan_notice_late", outage=notice["outage"], by=notice["by"])
    return replace(known, state="published", published_by=by, published_at=at)


def announce(known: PlanRecord, plan: Mapping[str, Any], announcement: Announcement) -> PlanRecord:
    """Record that an outage was announced. The same again changes nothing."""
    if known.state != "published":
        raise PlanRefused("plan_not_published")
    if announcement.outage not in {one["outage"] for one in plan.get("notices", ())}:
        raise PlanRefused("plan_outage_unknown", outage=announcement.outage)
    same = (announcement.outage, announcement.channel, announcement.proof)
    if any((one.outage, one.channel, one.proof) == same for one in known.announcements):
        return known
    return replace(known, announcements=(*known.announcements, announcement))


def due_notices(known: PlanRecord, plan: Mapping[str, Any], today: date) -> Sequence[Notice]:
    """The notices of a plan, what is due first first."""
    rows = []
    for notice in plan.get("notices", ()):
        own = tuple(one for one in known.announcements if one.outage == notice["outage"])
        late: NoticeState = "overdue" if date.fromisoformat(notice["by"]) < today else "due"
        rows.append(Notice(notice=notice, state="announced" if own else late, announcements=own))
    return sorted(rows, key=lambda one: (one.notice["by"], one.notice["from"], one.notice["outage"]))


def _require_good(known: PlanRecord) -> None:
    if known.state != "made" or known.summary is None:
        raise PlanRefused("plan_not_made", state=known.state)
    if known.summary.wrong:
        raise PlanRefused("plan_wrong", findings=known.summary.wrong)
