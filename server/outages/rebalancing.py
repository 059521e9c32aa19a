"""A plan made anew after something has changed, near to what was announced; and what a move would cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

import msgspec
from msgspec import Struct

from geo.network.model import Network
from server.outages.balancing import proof_of
from server.outages.digest import digest_of
from server.outages.greedy import merged
from server.outages.instance import Instance, Objective, Part
from server.outages.ledger import Choice, Ledger
from server.outages.measure import costs_of
from server.outages.model import Question, whole
from server.outages.month import MINUTES, Month, Obstacle, make_month
from server.outages.obstacles import least_in_the_way, partners_of
from server.outages.options import Options, make_options
from server.outages.plan import First, Near, Plan
from server.outages.planning import write_plan
from server.outages.search import search
from server.outages.solving import Limits
from server.outages.standing import days_of, halves_of, taken_up
from server.outages.watch import Progress

_COST: tuple[Part, ...] = ("hours", "repeats", "live", "lateness")
#: See `First`; None is the instance's own.
OBJECTIVES: dict[First, Objective | None] = {
    "changes": Objective(stages=(("changes",), ("unplaced",), _COST)),
    "works": Objective(stages=(("unplaced",), ("changes",), _COST)),
    "weights": None,
}
#: What leaving out a work costs while the price of placing it is asked, in customer-hours.
MUST_HOURS = 1e7
#: How much of the plan may move for the sake of one work: nothing, what hangs on its feeders, all.
Scope = Literal["nothing", "feeder", "all"]


class Change(Struct, frozen=True):
    """A work that stands elsewhere than before; None where it was, or is, left out."""

    work: str
    before: dt.date | None
    after: dt.date | None


class Price(Struct, frozen=True):
    """What a move comes to. `hours` is the difference of each part of the objective, in customer-hours,
    `total` their sum; `changes` are the works that move. Where it is not `possible`, `obstacles` say why."""

    work: str
    date: dt.date
    possible: bool
    total: float
    hours: dict[str, float]
    changes: tuple[Change, ...]
    obstacles: tuple[Obstacle, ...]


def rebalance(
    instance: Instance,
    network: Network,
    plan: Plan,
    *,
    frozen_until: dt.date | None = None,
    first: First = "changes",
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Plan:
    """A plan of the instance as it is now, near to an earlier one.

    Pins, forbidden days and new works come with the instance. Works that the plan has up to `frozen_until`
    stay on their day as long as the rules allow that day. `first` says what matters most. The proof is of the
    stages that this comes to.
    """
    limits = limits or Limits()
    month = make_month(_aimed(instance, first), network)
    options = make_options(month, workers=limits.workers)
    base = days_of(month, plan)
    asked = whole(month, options, _counted(base))
    if frozen_until is not None:
        asked = _frozen(month, asked, base, (frozen_until - month.days[0]).days)
    start = _filled(month, options, asked, taken_up(month, options, plan))
    found = search(month, options, limits, progress, question=asked, start=start)
    proof = proof_of(month, options, found, limits)
    made = write_plan(
        month, options, found.choice, proof, base=asked.base, base_halves=halves_of(month, plan)
    )
    days = {month.works[work].id: month.days[day] for work, day in _counted(base).items()}
    near = Near(first=first, days=days)
    return msgspec.structs.replace(made, near=near, digest=digest_of(instance, network))


def _aimed(instance: Instance, first: First) -> Instance:
    objective = OBJECTIVES[first]
    return instance if objective is None else msgspec.structs.replace(instance, objective=objective)


def _counted(base: dict[int, int | None]) -> dict[int, int]:
    """Those whose moving is a change: a work that was left out, or is new, is welcome anywhere."""
    return {work: day for work, day in base.items() if day is not None}


def _frozen(month: Month, asked: Question, base: dict[int, int | None], until: int) -> Question:
    held = {work: day for work, day in base.items() if day is not None and day <= until}
    places = {
        work: [place for place in own if place[1] == held[work]] if work in held else own
        for work, own in asked.places.items()
    }
    for work, own in places.items():
        if work not in held:
            places[work] = [place for place in own if place[1] > until]
    return replace(asked, places=places)


def _filled(month: Month, options: Options, asked: Question, choice: Choice) -> Choice:
    """A choice with all that fits besides, among the places that are open."""
    narrowed = replace(options, places=tuple(tuple(asked.places[one]) for one in range(len(month.works))))
    return merged(month, narrowed, choice)


def price(
    instance: Instance,
    network: Network,
    plan: Plan,
    work: str,
    date: dt.date,
    *,
    scope: Scope = "nothing",
    limits: Limits | None = None,
) -> Price:
    """What moving a work to a day would cost, the rest of the plan held but for `scope`. Raises KeyError for
    a work that the instance does not have, ValueError for a day outside its month."""
    month = make_month(instance, network)
    options = make_options(month)
    number, day = month.number[work], (date - month.days[0]).days
    if not 0 <= day < len(month.days):
        raise ValueError(f"{date} is not in the month")
    before = taken_up(month, options, plan)
    # What must be on the same day moves along.
    along = frozenset({number, *partners_of(month, number)})
    start = {**before, **dict.fromkeys(along)}
    question = held_but(month, options, before, along | freed(month, number, scope))
    own = [place for place in options.places[number] if place[1] == day]
    question = replace(question, places={**question.places, number: own})
    must = calm(_must(month, number))
    after = search(must, options, limits or Limits(), question=question, start=start).choice
    if after[number] is None:
        why = least_in_the_way(Ledger(month, options, start), number, day)
        return Price(work, date, False, 0.0, {}, (), why)
    hours = difference(month, options, before, after)
    return Price(work, date, True, sum(hours.values()), hours, changes(month, before, after), ())


def calm(month: Month) -> Month:
    """The month in which, of plans that cost the same, the one that moves fewest works is best."""
    objective = Objective(stages=(("unplaced", *_COST), ("changes",)))
    return replace(month, instance=msgspec.structs.replace(month.instance, objective=objective))


def _must(month: Month, work: int) -> Month:
    """The month in which leaving a work out costs more than anything else could."""
    works = list(month.works)
    works[work] = msgspec.structs.replace(works[work], unplaced_hours=MUST_HOURS)
    return replace(month, works=tuple(works))


def held_but(month: Month, options: Options, choice: Choice, free: frozenset[int]) -> Question:
    """The question in which only some works are open; the others stay where they are, or out."""
    places = {
        work: options.places[work] if work in free else () if place is None else (place,)
        for work, place in sorted(choice.items())
    }
    may = frozenset(work for work, place in choice.items() if work in free or place is None)
    base = {work: place[1] for work, place in choice.items() if place is not None}
    return Question(places, may, base)


def freed(month: Month, work: int, scope: Scope) -> frozenset[int]:
    """The works that may move along with one."""
    if scope == "nothing":
        return frozenset()
    if scope == "all":
        return frozenset(range(len(month.works)))
    feeders = _feeders(month, month.needs[work])
    return frozenset(one for one, needs in enumerate(month.needs) if feeders & _feeders(month, needs))


def _feeders(month: Month, sections: Iterable[str]) -> set[str]:
    return {month.feeder_of(one) for one in sections} - {""}


def difference(month: Month, options: Options, before: Choice, after: Choice) -> dict[str, float]:
    """What each part of the objective gains, in customer-hours; parts that stay are left out."""
    old, new = costs_of(month, options, before), costs_of(month, options, after)
    parts: tuple[Part, ...] = ("unplaced", "hours", "repeats", "live", "lateness")
    return {part: (new[part] - old[part]) / MINUTES for part in parts if new[part] != old[part]}


def changes(month: Month, before: Choice, after: Choice) -> tuple[Change, ...]:
    """The works on another day than before."""
    found = []
    for work, own in enumerate(month.works):
        old, new = before.get(work), after.get(work)
        days = [None if place is None else month.days[place[1]] for place in (old, new)]
        if days[0] != days[1]:
            found.append(Change(own.id, days[0], days[1]))
    return tuple(found)
