"""Everything that keeps a work from a place, rules and the rest of the plan alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from server.outages.greedy import added
from server.outages.interruption import Outcome
from server.outages.ledger import Ledger
from server.outages.month import Month, Obstacle
from server.outages.options import LIVE, Options, Place


def with_own_set(month: Month, options: Options, work: int) -> Options:
    """The options, and in them the sets that a work needs by itself, and each that must be on its day, even
    where no day is open to it."""
    for one in (work, *partners_of(month, work)):
        own = month.interruptions.of(month.needs[one])
        if not any(known.sections == own.sections for known in options.sets):
            options = replace(options, sets=(*options.sets, own))
    return options


def places_of(month: Month, options: Options, work: int) -> Iterator[Place]:
    """Every set that makes a work's sections dead, and doing it live, on every day, whatever rules say."""
    own = month.works[work]
    only_live = own.live is not None and own.live.only
    for day in range(len(month.days)):
        if own.live is not None:
            yield LIVE, day
        if not only_live:
            yield from (
                (number, day) for number, one in enumerate(options.sets) if month.needs[work] <= one.dead
            )


def obstacles(ledger: Ledger, work: int, place: Place) -> tuple[Obstacle, ...]:
    """All that is in the way of a work at a place; nothing if it would fit. What must be on the same day and
    is nowhere yet has to fit as well."""
    return _alone(ledger, work, place) or _with_partners(ledger, work, place)[0]


def cost_at(ledger: Ledger, work: int, place: Place) -> int:
    """The weighted customer-minutes that a work adds at a place where it fits, and what has to come along."""
    return added(ledger, work, place) + _with_partners(ledger, work, place)[1]


def _alone(ledger: Ledger, work: int, place: Place) -> tuple[Obstacle, ...]:
    """All that is in the way of a work at a place, but for works that are nowhere yet."""
    month, (number, day) = ledger.month, place
    live = number == LIVE
    found = list(month.why_not_day(work, day, live=live))
    if live:
        if not month.live_halves(work, day):
            found.append(Obstacle("window", {"minutes": month.works[work].minutes}))
    else:
        outcome = ledger.outcome(number)
        found += month.why_not_outage(outcome, day)
        if not month.allowed(work, outcome, day):
            found.append(_window(month, work, outcome))
    if not any(one.code in ("window", "no_crew") for one in found):
        found += ledger.in_the_way(work, place)
    return tuple(found)


#: What is in the way, and what it costs where nothing is.
_Fit = tuple[tuple[Obstacle, ...], int]


def _with_partners(ledger: Ledger, work: int, place: Place) -> _Fit:
    """Works that must be on the same day and have no day yet, placed beside a work; what is in the way of the
    first that does not fit has its name under `tied`."""
    partners = [one for one in partners_of(ledger.month, work) if ledger.places[one] is None]
    if not partners:
        return (), 0
    ledger.put(work, place)
    try:
        return _along(ledger, partners, place[1])
    finally:
        ledger.take(work)


def _along(ledger: Ledger, works: list[int], day: int) -> _Fit:
    """These works on a day together, where that costs least, or where least is in the way."""
    if not works:
        return (), 0
    first, month = works[0], ledger.month
    name = month.works[first].id
    found: list[_Fit] = []
    for place in (one for one in places_of(month, ledger.options, first) if one[1] == day):
        alone = tuple(
            Obstacle(one.code, {**one.params, "tied": name}) for one in _alone(ledger, first, place)
        )
        if alone:
            found.append((alone, 0))
            continue
        cost = added(ledger, first, place)
        ledger.put(first, place)
        others, more = _along(ledger, works[1:], day)
        ledger.take(first)
        found.append((others, cost + more))
    return min(found, key=lambda one: (len(one[0]), one[1]))


def partners_of(month: Month, work: int) -> list[int]:
    """The works that must be on the same day as one, whichever names the other."""
    found, edge = {work}, [work]
    for here in edge:
        own = month.works[here]
        for one in month.tied[here]:
            if one not in found and (
                month.works[one].id in own.together or own.id in month.works[one].together
            ):
                found.add(one)
                edge.append(one)
    return sorted(found - {work})


def _window(month: Month, work: int, outcome: Outcome) -> Obstacle:
    minutes = month.works[work].minutes + 2 * outcome.minutes
    return Obstacle("window", {"minutes": minutes})


def by_day(ledger: Ledger, work: int) -> dict[int, tuple[Place, tuple[Obstacle, ...]]]:
    """For each day the place with the fewest obstacles, the cheapest among equals, and those."""
    best: dict[int, tuple[int, int, Place, tuple[Obstacle, ...]]] = {}
    for place in places_of(ledger.month, ledger.options, work):
        found = obstacles(ledger, work, place)
        rank = (len(found), added(ledger, work, place), place, found)
        if place[1] not in best or rank[:3] < best[place[1]][:3]:
            best[place[1]] = rank
    return {day: (place, found) for day, (_, _, place, found) in sorted(best.items())}


def least_in_the_way(ledger: Ledger, work: int, day: int) -> tuple[Obstacle, ...]:
    """The obstacles of the place of a day that has fewest."""
    widened = Ledger(ledger.month, with_own_set(ledger.month, ledger.options, work), ledger.places)
    return by_day(widened, work)[day][1]
