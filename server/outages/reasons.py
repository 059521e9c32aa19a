"""Why a work is not in a plan, or late, and what would change it. Values; words are the catalogue's.

Day by day what is in the way; the smallest set of facts that together stand in every way; what each single
relaxation would give, the rest of the plan held; and what other days would cost.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import msgspec
from msgspec import Struct

from geo.network.model import Network
from server.outages.instance import Instance, Work
from server.outages.ledger import Choice, Ledger
from server.outages.month import MINUTES, Month, Obstacle, make_month
from server.outages.obstacles import by_day, cost_at, obstacles, partners_of, places_of, with_own_set
from server.outages.options import Options, Place, make_options
from server.outages.plan import Plan
from server.outages.rebalancing import Change, calm, changes, difference, freed, held_but
from server.outages.search import search
from server.outages.solving import Limits
from server.outages.standing import taken_up


class Asking(Struct, frozen=True):
    """What explaining looks at: a later last day, an earlier first one, by so many days; facts of one set up
    to `largest_core`; and how long moving the works of the same feeders may be tried."""

    later_days: int = 7
    earlier_days: int = 3
    largest_core: int = 4
    limits: Limits = Limits(seconds=10.0, workers=1)


class DayWhy(Struct, frozen=True):
    """What is in the way on a day, at the place that has least in the way; nothing: there the work fits, and
    all that must be on the same day. `hours` is then what that costs in customer-hours beyond what it costs
    where they are, if anywhere. What is in the way of such another work has its name under `tied`."""

    date: dt.date
    obstacles: tuple[Obstacle, ...]
    hours: float | None


class Relief(Struct, frozen=True):
    """What would let a work in: `change` (a code under `outage_relief_`), the day it then has, what that
    costs in customer-hours, and the works that move or are pushed out for it."""

    change: Obstacle
    date: dt.date
    hours: float
    moves: tuple[Change, ...] = ()


class Explanation(Struct, frozen=True):
    """Why a work is where it is. `core`: facts that together leave it no place before its present one, and of
    which none can be spared; empty where nothing stands in the way but the cost."""

    work: str
    date: dt.date | None
    late_days: int
    days: tuple[DayWhy, ...]
    core: tuple[Obstacle, ...]
    reliefs: tuple[Relief, ...]


@dataclass(frozen=True)
class Known:
    """A month with what can be chosen in it, made once for all works that are explained: of a large one that
    takes longer than the reasons of a work."""

    month: Month
    options: Options


def known(instance: Instance, network: Network) -> Known:
    """See `Known`."""
    month = make_month(instance, network)
    return Known(month, make_options(month))


def explain(
    instance: Instance,
    network: Network,
    plan: Plan,
    work: str,
    *,
    asking: Asking | None = None,
    of: Known | None = None,
) -> Explanation:
    """Explain a work of a plan, `of` the same instance. Raises KeyError for one that it does not have."""
    asking, of = asking or Asking(), of or known(instance, network)
    month = of.month
    number = month.number[work]
    options = with_own_set(month, of.options, number)
    present = taken_up(month, options, plan)
    ledger = Ledger(month, options, present)
    # What must be on the same day moves along.
    for partner in partners_of(month, number):
        ledger.take(partner)
    at = ledger.take(number)
    now = None if at is None else cost_at(ledger, number, at)
    whole = by_day(ledger, number)
    until = len(month.days) if at is None else at[1]
    core = _core(ledger, number, range(until), asking.largest_core)
    days = tuple(_day(month, ledger, number, day, *found, now) for day, found in whole.items())
    late = 0 if at is None else month.late_days(number, at[1])
    reliefs = () if at is not None and not late else tuple(_reliefs(ledger, number, at, present, asking))
    return Explanation(work, None if at is None else month.days[at[1]], late, days, core, reliefs)


def _day(
    month: Month,
    ledger: Ledger,
    work: int,
    day: int,
    place: Place,
    found: tuple[Obstacle, ...],
    now: int | None,
) -> DayWhy:
    hours = None if found else (cost_at(ledger, work, place) - (now or 0)) / MINUTES
    return DayWhy(month.days[day], found, hours)


#: Obstacles whose numbers differ by the day, though the fact is one: its name, and what it keeps.
FACTS = {
    "operations": ("operations_taken", ()),
    "crews": ("crews_taken", ("skill",)),
    "budget": ("budget_taken", ("limit",)),
}


def fact_of(found: Obstacle) -> Obstacle:
    """The fact behind an obstacle, the same on every day."""
    code, kept = FACTS.get(found.code, (found.code, tuple(found.params)))
    kept = (*kept, "tied") if "tied" in found.params and "tied" not in kept else kept
    return Obstacle(code, {name: found.params[name] for name in kept})


def _core(ledger: Ledger, work: int, days: Iterable[int], largest: int) -> tuple[Obstacle, ...]:
    """The fewest facts of which every place has one; those of a greedy choice where there are many."""
    wanted = set(days)
    ways: list[frozenset[bytes]] = []
    known: dict[bytes, Obstacle] = {}
    for place in places_of(ledger.month, ledger.options, work):
        if place[1] not in wanted:
            continue
        facts = [fact_of(one) for one in obstacles(ledger, work, place)]
        if not facts:
            return ()
        keys = [msgspec.json.encode(one, order="sorted") for one in facts]
        known.update(zip(keys, facts, strict=True))
        ways.append(frozenset(keys))
    # A way with more in it is met wherever one with less is.
    ways = [one for one in dict.fromkeys(ways) if not any(other < one for other in ways)]
    keys = sorted(known)
    for size in range(1, largest + 1):
        for chosen in combinations(keys, size):
            if all(not way.isdisjoint(chosen) for way in ways):
                return tuple(known[key] for key in chosen) if ways else ()
    return tuple(known[key] for key in _spared(_greedy_cover(ways), ways))


def _greedy_cover(ways: list[frozenset[bytes]]) -> list[bytes]:
    chosen: list[bytes] = []
    open_ = list(ways)
    while open_:
        keys = sorted(set().union(*open_))
        best = max(keys, key=lambda key: sum(key in way for way in open_))
        chosen.append(best)
        open_ = [way for way in open_ if best not in way]
    return chosen


def _spared(chosen: list[bytes], ways: list[frozenset[bytes]]) -> list[bytes]:
    """Without those that the others make needless."""
    for key in list(chosen):
        rest = [one for one in chosen if one != key]
        if all(not way.isdisjoint(rest) for way in ways):
            chosen = rest
    return chosen


def _reliefs(
    ledger: Ledger, work: int, at: Place | None, present: Choice, asking: Asking
) -> Iterator[Relief]:
    """Each single relaxation that lets the work in, or in earlier, cheapest first."""
    month, options = ledger.month, ledger.options
    until = len(month.days) if at is None else at[1]
    found: list[Relief] = []
    for change, relaxed in _relaxed(month, work, asking):
        other = Ledger(relaxed, options, ledger.places)
        open_ = [
            (cost_at(other, work, place), place)
            for place in places_of(relaxed, options, work)
            if place[1] < until and not obstacles(other, work, place)
        ]
        if open_:
            cost, place = min(open_)
            before = 0 if at is None else cost_at(ledger, work, at)
            found.append(Relief(change, month.days[place[1]], (cost - before) / MINUTES))
    found += _moving(month, options, work, at, present, asking)
    yield from sorted(found, key=lambda one: (one.hours, one.change.code))


def _relaxed(month: Month, work: int, asking: Asking) -> Iterator[tuple[Obstacle, Month]]:
    """The month with one thing otherwise, and what that is."""
    own = month.works[work]
    skills = {own.skill, *(() if own.live is None else (own.live.skill,))}
    for skill in sorted(skills & month.crews.keys()):
        crews = {**month.crews, skill: tuple(count + 1 for count in month.crews[skill])}
        yield Obstacle("crew", {"skill": skill}), replace(month, crews=crews)
    if own.latest is not None:
        later = own.latest + dt.timedelta(days=asking.later_days)
        yield (
            Obstacle("later", {"days": asking.later_days}),
            _with(month, work, lambda one: msgspec.structs.replace(one, latest=later)),
        )
    if own.earliest is not None:
        earlier = own.earliest - dt.timedelta(days=asking.earlier_days)
        yield (
            Obstacle("earlier", {"days": asking.earlier_days, "fact": own.earliest_because}),
            _with(month, work, lambda one: msgspec.structs.replace(one, earliest=earlier)),
        )
    if own.pin is not None:
        yield Obstacle("unpin"), _with(month, work, lambda one: msgspec.structs.replace(one, pin=None))
    if own.forbid:
        yield Obstacle("unforbid"), _with(month, work, lambda one: msgspec.structs.replace(one, forbid=()))
    for customer in sorted({name for names in month.guaranteed.values() for name in names}):
        waived = {day: names - {customer} for day, names in month.guaranteed.items()}
        yield Obstacle("guaranteed", {"customer": customer}), replace(month, guaranteed=waived)
    concerned = set(month.interruptions.of(month.needs[work]).named)
    for customer in sorted(concerned - month.consenting):
        agreed = month.consenting | {customer}
        yield Obstacle("consent", {"customer": customer}), replace(month, consenting=agreed)
    more = month.interruptions.of(month.needs[work]).operations
    operations = tuple(limit + more for limit in month.operations)
    yield Obstacle("operations", {"more": more}), replace(month, operations=operations)


def _with(month: Month, work: int, change: Callable[[Work], Work]) -> Month:
    works = list(month.works)
    works[work] = change(works[work])
    return replace(month, works=tuple(works))


def _moving(
    month: Month, options: Options, work: int, at: Place | None, present: Choice, asking: Asking
) -> Iterator[Relief]:
    """The works of the same feeders moved, where that lets the work in: a small exact search."""
    if not options.places[work]:
        return
    until = len(month.days) if at is None else at[1]
    along = frozenset({work, *partners_of(month, work)})
    question = held_but(month, options, present, along | freed(month, work, "feeder"))
    own = [place for place in options.places[work] if place[1] < until]
    if not own:
        return
    question = replace(question, places={**question.places, work: own})
    start = {**present, **dict.fromkeys(along)}
    after = search(calm(month), options, asking.limits, question=question, start=start).choice
    place = after[work]
    if place is None:
        return
    hours = difference(month, options, present, after)
    moved = tuple(one for one in changes(month, present, after) if one.work != month.works[work].id)
    without = sum(value for part, value in hours.items() if part != "unplaced")
    yield Relief(Obstacle("moving"), month.days[place[1]], without, moved)
