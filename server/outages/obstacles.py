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
    """The options, and in them the set that a work needs by itself, even where no day is open to it."""
    own = month.interruptions.of(month.needs[work])
    if any(one.sections == own.sections for one in options.sets):
        return options
    return replace(options, sets=(*options.sets, own))


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
    """All that is in the way of a work at a place; nothing if it would fit."""
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
    if any(one.code in ("window", "no_crew") for one in found):
        return tuple(found)
    return (*found, *ledger.in_the_way(work, place))


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
