"""A plan taken up again: where its works stand in a month, which may have changed since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from server.outages.greedy import place_best
from server.outages.instance import HALVES, Half
from server.outages.ledger import Choice, Ledger, repaired
from server.outages.month import Month
from server.outages.options import LIVE, Options, Place
from server.outages.plan import Outage, Plan


def days_of(month: Month, plan: Plan) -> dict[int, int | None]:
    """The day of each work of the plan that the month still has; None for those that were left out."""
    found: dict[int, int | None] = {
        month.number[one.work]: None for one in plan.unplaced if one.work in month.number
    }
    for name, date, _ in _mentions(plan):
        if name in month.number:
            day = (date - month.days[0]).days
            found[month.number[name]] = day if 0 <= day < len(month.days) else None
    return found


def halves_of(month: Month, plan: Plan) -> dict[int, tuple[Half, ...]]:
    """The halves for which the plan binds the crew of each work."""
    return {
        month.number[name]: HALVES if half is None else (half,)
        for name, _, half in _mentions(plan)
        if name in month.number
    }


def _mentions(plan: Plan) -> Iterable[tuple[str, dt.date, Half | None]]:
    for outage in plan.outages:
        for riding in outage.works:
            yield riding.work, outage.date, riding.half
    for live in plan.live:
        yield live.work, live.date, live.half


def taken_up(month: Month, options: Options, plan: Plan, *, free: frozenset[int] = frozenset()) -> Choice:
    """Every work where the plan has it, as far as the month's rules still allow that; the others left out.
    The works in `free` are not placed."""
    ledger = Ledger(month, options)
    days = days_of(month, plan)
    waiting: list[int] = []
    for outage in plan.outages:
        works = [month.number[one.work] for one in outage.works if one.work in month.number]
        waiting += _together(ledger, outage, [one for one in works if one not in free], days)
    for live in plan.live:
        if live.work in month.number and month.number[live.work] not in free:
            waiting.append(month.number[live.work])
    rest: list[int] = []
    for attempt in (sorted(waiting), rest):
        for work in attempt:
            day = days.get(work)
            places = [place for place in options.places[work] if place[1] == day]
            lives = [place for place in places if place[0] == LIVE]
            if any(one.work == month.works[work].id for one in plan.live) and lives:
                places = lives
            # What waits for another that is not placed yet is tried once more.
            if not place_best(ledger, work, places) and attempt is not rest:
                rest.append(work)
    return repaired(month, ledger.places)


def _together(ledger: Ledger, outage: Outage, works: Sequence[int], days: dict[int, int | None]) -> list[int]:
    """Put the works of an outage on it, or on one that does for them; returns those that do not fit."""
    if not works or (day := days.get(works[0])) is None:
        return list(works)
    options = ledger.options
    numbers = [
        number
        for number in range(len(options.sets))
        if all((number, day) in options.places[work] for work in works)
    ]
    numbers.sort(
        key=lambda number: (
            options.sets[number].sections != outage.sections,
            options.sets[number].points_dead,
            number,
        )
    )
    for number in numbers:
        if _all_fit(ledger, works, (number, day)):
            return []
    return list(works)


def _all_fit(ledger: Ledger, works: Sequence[int], place: Place) -> bool:
    put: list[int] = []
    for work in works:
        if not ledger.fits(work, place):
            break
        ledger.put(work, place)
        put.append(work)
    else:
        return True
    for work in put:
        ledger.take(work)
    return False
