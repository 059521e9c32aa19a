"""Plans by simple rules: the start of every search, and what balancing is measured against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from server.outages.ledger import Choice, Ledger, repaired
from server.outages.measure import live_minutes
from server.outages.month import Month
from server.outages.options import LIVE, Options, Place
from server.outages.works import order_of_works


def merged(month: Month, options: Options, kept: Choice | None = None) -> Choice:
    """Each work in turn where it adds least: alone, on an outage that is there, or by widening one. `kept`
    stays as it is."""
    ledger = Ledger(month, options, kept)
    for work in in_turn(month, options):
        if ledger.places[work] is None:
            place_best(ledger, work)
    return repaired(month, ledger.places)


def place_best(ledger: Ledger, work: int, places: Sequence[Place] | None = None) -> bool:
    """Put a work where it adds least, if anywhere. With `places`, only there."""
    given = ledger.options.places[work] if places is None else places
    ways: list[tuple[int, Place, int]] = []
    for place in given:
        rival = _rival(ledger, work, place)
        if rival is None:
            ways.append((added(ledger, work, place), place, LIVE))
        else:
            ways.append((_widening(ledger, work, place, rival), place, rival))
    for _, place, rival in sorted(ways):
        if rival == LIVE and ledger.fits(work, place):
            ledger.put(work, place)
            return True
        if rival != LIVE and _widened(ledger, work, place, rival):
            return True
    return False


def added(ledger: Ledger, work: int, place: Place) -> int:
    """The weighted customer-minutes that a work adds at a place, for outage, lateness and live work."""
    month = ledger.month
    late = month.late_cost(work, place[1])
    if place[0] == LIVE:
        return late + live_minutes(month, work)
    outcome, before = ledger.outcome(place[0]), ledger.lasts(place)
    after = outcome.weighted_minutes(max(before, month.works[work].minutes))
    return late + after - (outcome.weighted_minutes(before) if before else 0)


def _rival(ledger: Ledger, work: int, place: Place) -> int | None:
    """The one outage in the way of a wider one that could take its works along, if there is such a one."""
    number, day = place
    if number == LIVE or place in ledger.riders:
        return None
    sets = ledger.options.sets
    blocked = sets[number].blocked
    rivals = [one for one in ledger.by_day.get(day, ()) if not blocked.isdisjoint(sets[one].blocked)]
    if len(rivals) != 1:
        return None
    riders = ledger.riders[rivals[0], day]
    return rivals[0] if all(place in ledger.options.places[one] for one in riders) else None


def _widening(ledger: Ledger, work: int, place: Place, rival: int) -> int:
    """What a work adds where the outage in the way is replaced by this wider one."""
    before = ledger.lasts((rival, place[1]))
    after = ledger.outcome(place[0]).weighted_minutes(max(before, ledger.month.works[work].minutes))
    late = ledger.month.late_cost(work, place[1])
    return late + after - ledger.outcome(rival).weighted_minutes(before)


def _widened(ledger: Ledger, work: int, place: Place, rival: int) -> bool:
    """Replace an outage by a wider one, its works along; nothing is changed where that does not fit."""
    riders = list(ledger.riders[rival, place[1]])
    for one in riders:
        ledger.take(one)
    moved: list[int] = []
    for one in (*riders, work):
        if not ledger.fits(one, place):
            break
        ledger.put(one, place)
        moved.append(one)
    else:
        return True
    for one in moved:
        ledger.take(one)
    for one in riders:
        ledger.put(one, (rival, place[1]))
    return False


def alone(month: Month, options: Options) -> Choice:
    """Each work by itself on its wanted day, or the nearest one that has room: nothing is merged."""
    ledger = Ledger(month, options)
    first = month.days[0]
    for work in _in_order(month):
        own = _own_set(month, options, work)
        wanted = month.works[work].wanted
        target = 0 if wanted is None else (wanted - first).days
        for _, place in sorted(
            (abs(place[1] - target), place) for place in options.places[work] if place[0] in own
        ):
            if place not in ledger.riders and ledger.fits(work, place):
                ledger.put(work, place)
                break
    return repaired(month, ledger.places)


def _own_set(month: Month, options: Options, work: int) -> tuple[int, ...]:
    """The set that leaves fewest dead for one work by itself, and doing it live where it must be."""
    numbers = {number for number, _ in options.places[work] if number != LIVE}
    if not numbers:
        return (LIVE,)
    best = min(numbers, key=lambda number: (options.sets[number].points_dead, number))
    return (best,)


def _in_order(month: Month) -> Iterator[int]:
    """Works so that each comes after those that it waits for."""
    return (month.number[name] for name in order_of_works(month.works).works)


def in_turn(month: Month, options: Options) -> list[int]:
    """In that order; among equals the pinned first, then those with fewest places, then the costliest."""
    depth: dict[int, int] = {}
    for work in _in_order(month):
        depth[work] = 1 + max((depth[month.number[one]] for one in month.works[work].after), default=-1)

    def turn(work: int) -> tuple[int, bool, int, int]:
        days = len({day for _, day in options.places[work]})
        return depth[work], month.works[work].pin is None, days, work

    return sorted(depth, key=turn)


def mended(month: Month, options: Options, choice: Choice, open_: Mapping[int, Sequence[Place]]) -> Choice:
    """A choice whose days do not all split into halves, made one whose days do: works are taken off such a
    day, the cheapest first, and put where they fit, among the places open to them."""
    ledger = Ledger(month, options, choice)
    taken: list[int] = []
    for day in sorted(ledger.by_day.keys() | ledger.live.keys()):
        while ledger.halves(day) is None:
            own = [work for number in ledger.by_day.get(day, ()) for work in ledger.riders[number, day]]
            own += ledger.live.get(day, [])
            movable = [work for work in own if len(open_.get(work, ())) > 1] or own
            loose = min(movable, key=lambda work: (month.works[work].minutes, work))
            ledger.take(loose)
            taken.append(loose)
    for work in taken:
        place_best(ledger, work, open_.get(work, ()))
    return repaired(month, ledger.places)
