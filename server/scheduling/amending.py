"""The instance of a plan's next version: the works as they are now, the scheduler's hand, and, of a published
plan, what is frozen and what can still be announced. Pure.

Lead times and the freeze become pins and forbidden days, so that whoever balances need not know of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from server.scheduling.approving import PlanRefused
from server.scheduling.months import changed_instance, days_of, handed, standing_days
from server.scheduling.plans import Hand, Pinned


class Standing(Struct, frozen=True, kw_only=True):
    """A published plan as its next version has to take it: the day of each work, and of each day the sections
    that are announced to be dead, outage by outage."""

    days: Mapping[str, date]
    announced: Mapping[date, tuple[frozenset[str], ...]]


class Terms(Struct, frozen=True, kw_only=True):
    """What holds today: the last frozen day, the lead times in days by the kind of notice, and the roles that
    may move works on frozen days."""

    today: date
    frozen: date
    lead_days: Mapping[str, int]
    roles: tuple[str, ...] = ()


def standing_of(plan: Mapping[str, Any]) -> Standing:
    """What of a published plan (`outage-plan-1`) its next version has to go by."""
    announced: dict[date, tuple[frozenset[str], ...]] = {}
    for outage in plan["outages"]:
        day = date.fromisoformat(outage["date"])
        announced[day] = (*announced.get(day, ()), frozenset(outage["dead"]))
    return Standing(days=standing_days(plan), announced=announced)


def with_hand(works: Iterable[Mapping[str, Any]], hand: Mapping[str, Hand]) -> list[dict[str, Any]]:
    """Works of an instance with what the scheduler says of them, instead of what he said before."""
    return [handed(_bare(one), msgspec.to_builtins(hand.get(one["id"], Hand()))) for one in works]


def merged_hand(before: Mapping[str, Hand], said: Mapping[str, Hand]) -> dict[str, Hand]:
    """What is said of a work now goes before what was; nothing said of it takes that back."""
    return {work: one for work, one in {**before, **said}.items() if one != Hand()}


def next_instance(
    instance: Mapping[str, Any], *, works: Iterable[Mapping[str, Any]], hand: Mapping[str, Hand]
) -> dict[str, Any]:
    """The instance with these works and this hand, for a plan that nobody has published."""
    dropped = {one["id"] for one in instance["works"]}
    # What was frozen for the version before need not be any more.
    instance = {name: value for name, value in instance.items() if name != "freeze"}
    return changed_instance(instance, drop=dropped, add=with_hand(works, hand))


def amended_instance(
    instance: Mapping[str, Any],
    *,
    works: Iterable[Mapping[str, Any]],
    hand: Mapping[str, Hand],
    standing: Standing,
    needs: Mapping[str, frozenset[str]],
    thawed: Collection[str],
    terms: Terms,
) -> dict[str, Any]:
    """The instance for a version of a published plan. `needs`: the sections that each work needs dead.

    What stands on a day that is over or frozen is pinned there. Anything else may only go where it can be
    announced in time, or is announced already. Raises PlanRefused for a pin that this rules out.
    """
    first, last = days_of(instance["id"])
    month = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    bound = {}
    for work in works:
        name = work["id"]
        own, stands = hand.get(name, Hand()), standing.days.get(name)
        if stands is not None and stands <= terms.frozen and name not in thawed:
            bound[name] = Hand(pin=Pinned(date=stands), together=own.together)
            continue
        open_ = set(_open(work, month, standing, needs[name], name in thawed, terms))
        if own.pin is not None and own.pin.date not in open_:
            since = terms.today + timedelta(days=terms.lead_days[_notice(work)])
            raise PlanRefused("plan_day_unannounced", work=name, date=str(own.pin.date), first=str(since))
        barred = tuple(day for day in month if day not in open_)
        forbid = tuple(sorted({*own.forbid, *barred}))
        bound[name] = Hand(pin=own.pin, forbid=forbid, together=own.together)
    made = next_instance(instance, works=works, hand=bound)
    if terms.frozen > terms.today:
        made["freeze"] = {"until": str(terms.frozen), "roles": list(terms.roles)}
    return made


def _open(
    work: Mapping[str, Any],
    month: Iterable[date],
    standing: Standing,
    needs: frozenset[str],
    thawed: bool,
    terms: Terms,
) -> Iterator[date]:
    """The days on which a work may be: its own, those far enough ahead, and those on which what it needs dead
    is announced to be."""
    since = terms.today + timedelta(days=terms.lead_days[_notice(work)])
    for day in month:
        told = any(needs <= dead for dead in standing.announced.get(day, ()))
        ahead = day > (terms.today if thawed else terms.frozen)
        if day == standing.days.get(work["id"]) or (ahead and (day >= since or told)):
            yield day


def _notice(work: Mapping[str, Any]) -> str:
    return str(work.get("notice", "planned"))


def _bare(work: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in work.items() if name not in ("pin", "forbid")}
