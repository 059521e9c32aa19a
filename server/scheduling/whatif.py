"""What a month would be with some works instead of others, the rest of its plan held. Loads the solver."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace

import msgspec
from msgspec import Struct

from geo.network.model import Network
from server.outages.instance import Instance, Work
from server.outages.measure import costs_of
from server.outages.month import MINUTES, Month, make_month
from server.outages.options import Place, make_options
from server.outages.plan import Plan
from server.outages.rebalancing import MUST_HOURS, Change, calm, freed, held_but
from server.outages.search import search
from server.outages.solving import Limits
from server.outages.standing import taken_up
from server.scheduling.enquiries import Scope


class WhatIf(Struct, frozen=True):
    """What it comes to: `hours` by part of the objective in customer-hours, `total` their sum, the works that
    move, and those that were asked for and have no place."""

    total: float
    hours: dict[str, float]
    changes: tuple[Change, ...]
    left_out: tuple[str, ...]


def what_if(
    before: Instance,
    after: Instance,
    network: Network,
    plan: Plan,
    *,
    scope: Scope = "nothing",
    limits: Limits | None = None,
) -> WhatIf:
    """What a plan of `before` comes to if the month is `after` instead. Works that are new or asked otherwise
    are placed anew, with what `scope` lets move along; all others stay."""
    old = make_month(before, network)
    old_options = make_options(old)
    standing = taken_up(old, old_options, plan)
    month = make_month(after, network)
    options = make_options(month)
    known = {work.id: work for work in before.works}
    fresh = frozenset(number for number, work in enumerate(month.works) if known.get(work.id) != work)
    free = fresh.union(*(freed(month, one, scope) for one in fresh))
    start = taken_up(month, options, plan, free=fresh)
    question = held_but(month, options, start, free)
    asked = calm(_must(month, fresh))
    found = search(asked, options, limits or Limits(), question=question, start=start).choice
    costs, were = costs_of(month, options, found), costs_of(old, old_options, standing)
    hours: dict[str, float] = {
        part: (costs[part] - were[part]) / MINUTES for part in costs if costs[part] != were[part]
    }
    then = {work.id: _day(old, standing.get(number)) for number, work in enumerate(old.works)}
    now = {work.id: _day(month, found.get(number)) for number, work in enumerate(month.works)}
    return WhatIf(
        total=sum(hours.values()),
        hours=hours,
        changes=tuple(
            Change(work, then.get(work), now.get(work))
            for work in sorted(then.keys() | now.keys())
            if then.get(work) != now.get(work)
        ),
        left_out=tuple(sorted(month.works[one].id for one in fresh if found[one] is None)),
    )


def _day(month: Month, place: Place | None) -> dt.date | None:
    return None if place is None else month.days[place[1]]


def _must(month: Month, works: Iterable[int]) -> Month:
    """The month in which leaving these out costs more than anything else could."""
    asked: list[Work] = list(month.works)
    for work in works:
        asked[work] = msgspec.structs.replace(asked[work], unplaced_hours=MUST_HOURS)
    return replace(month, works=tuple(asked))
