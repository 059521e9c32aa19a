"""A day that a work will not need: a person says so, or it follows from its case; who could use it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from server.outages.instance import Work
from server.scheduling.amending import Standing
from server.scheduling.amending import Terms as LeadTerms
from server.scheduling.approving import PlanRefused
from server.scheduling.plans import PlanRecord, Release

__all__ = ["candidates", "keep", "open_release", "release"]


def open_release(known: PlanRecord, work: str) -> Release | None:
    """The word that a work will not need its day, where that holds."""
    return next((one for one in known.releases if one.work == work and one.open), None)


def release(known: PlanRecord, said: Release, *, today: date) -> PlanRecord:
    """Free the day of a work of a published plan. Said of a work whose day is free already, or for a cause
    that was weighed before, it changes nothing."""
    if known.state != "published":
        raise PlanRefused("plan_not_in_force", state=known.state)
    weighed = said.cause and any((one.work, one.cause) == (said.work, said.cause) for one in known.releases)
    if weighed or open_release(known, said.work) is not None:
        return known
    if said.date < today:
        raise PlanRefused("plan_day_over", work=said.work, date=str(said.date))
    return replace(known, releases=(*known.releases, said))


def keep(known: PlanRecord, work: str, *, by: str, at: datetime, reason: str) -> PlanRecord:
    """Have a work keep its day after all."""
    held = open_release(known, work)
    if held is None:
        raise PlanRefused("plan_not_released", work=work)
    kept = replace(held, kept=reason, kept_by=by, kept_at=at)
    return replace(known, releases=tuple(kept if one == held else one for one in known.releases))


def candidates(
    waiting: Iterable[Work],
    day: date,
    *,
    freed: Collection[str],
    standing: Standing,
    needs: Mapping[str, frozenset[str]],
    terms: LeadTerms,
    limit: int,
) -> tuple[Work, ...]:
    """The works that could use a day, as far as can be told without balancing: those that can be announced in
    time for it, or need nothing dead but what is announced to be. First those that need what is `freed`, then
    those that wait longest; `limit` at most."""
    found = [
        work
        for work in waiting
        if not any(_barred(work, day))
        and (
            day >= terms.today + timedelta(days=terms.lead_days[work.notice])
            or any(needs[work.id] <= dead for dead in standing.announced.get(day, ()))
        )
    ]
    found.sort(key=lambda one: (not needs[one.id] <= set(freed), one.wanted or date.max, one.id))
    return tuple(found[:limit])


def _barred(work: Work, day: date) -> Iterator[bool]:
    """What of its own keeps a work from a day."""
    yield work.earliest is not None and day < work.earliest
    yield work.latest is not None and day > work.latest
    yield day in work.forbid


def outage_on(plan: Mapping[str, Any], work: str) -> Mapping[str, Any] | None:
    """The outage of a plan (`outage-plan-1`) that a work rides on."""
    for outage in plan["outages"]:
        if any(one["work"] == work for one in outage["works"]):
            found: Mapping[str, Any] = outage
            return found
    return None
