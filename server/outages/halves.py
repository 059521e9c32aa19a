"""Morning, afternoon, or the whole day: the windows of a day's outages and live works, exactly.

Crews bind by halves, so a day is a small packing: every outage takes one window that all its works allow,
and no skill is needed more often in a half than it has crews; works of one crew count as a skill with one.
Solved by going through the outages and keeping, for each set of loads that can be reached, the best way; but
where any windows do, a day is first dealt out one by one, which mostly comes out. A province's day, where
those loads are too many to keep, is an integer program over the kinds of outages (`packing.py`), as exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from server.outages.instance import HALVES, WINDOWS, Half, Window
from server.outages.interruption import Outcome
from server.outages.month import Month
from server.outages.packing import Demand, Kind, packed

#: Instead of a set's number, less the work's: done live.
LIVE = -1
#: A day on which more loads than this could be reached is packed by kinds.
MOST_LOADS = 50_000


@dataclass(frozen=True)
class Event:
    """An outage of the day by its set's number, with the works riding on it."""

    number: int
    outcome: Outcome
    works: tuple[int, ...]


@dataclass(frozen=True)
class Halves:
    """The window of each outage by its set's number, and the halves that each work binds its crew for."""

    windows: Mapping[int, Window]
    bound: Mapping[int, tuple[Half, ...]]


@dataclass(frozen=True)
class _Choice:
    """One way to do an outage or a live work: what it demands, and how far it is from what is preferred."""

    window: Window | None
    bound: Mapping[int, tuple[Half, ...]]
    demand: Counter[Demand]
    cost: int


#: What a day has, by an outage's set number or a live work's, with the ways in which it can be had.
Step = tuple[int, Sequence[_Choice]]
Preference = Callable[[int, tuple[Half, ...]], int]


def _no_preference(_work: int, _bound: tuple[Half, ...]) -> int:
    return 0


def split(
    month: Month,
    day: int,
    events: Sequence[Event],
    live: Iterable[int],
    prefer: Preference = _no_preference,
    *,
    most_loads: int = MOST_LOADS,
) -> Halves | None:
    """Windows for all, with the least `prefer` summed over the works; None where there are none. A day with
    more loads than `most_loads` to go through is packed by kinds."""
    steps = [step_of(month, day, one, prefer) for one in events]
    steps += [live_step_of(month, day, work, prefer) for work in live]
    return split_steps(month, day, steps, any_way=prefer is _no_preference, most_loads=most_loads)


def step_of(month: Month, day: int, event: Event, prefer: Preference = _no_preference) -> Step:
    """An outage with the ways in which a day can have it."""
    return event.number, _ways(month, day, event, prefer)


def live_step_of(month: Month, day: int, work: int, prefer: Preference = _no_preference) -> Step:
    """A live work with the ways in which a day can have it."""
    return LIVE - work, _live_ways(month, day, work, prefer)


def split_steps(
    month: Month, day: int, steps: Iterable[Step], *, any_way: bool = True, most_loads: int = MOST_LOADS
) -> Halves | None:
    """As `split`, of what a day has with its ways; `any_way` does, or the cheapest."""
    steps = sorted(steps, key=lambda step: (len(step[1]), step[0]))
    every = [ways for _, ways in steps]
    limits = _limits(month, day, every)
    chosen: Sequence[_Choice] | None = _dealt(limits, every) if any_way else None
    if chosen is None and not _crowded(limits, every):
        few = min(prod(most + 1 for most in limits.values()), prod(map(len, every))) <= most_loads
        chosen = _by_loads(limits, every) if few else _by_kinds(limits, every)
    return None if chosen is None else _halves_of(steps, chosen)


def _limits(month: Month, day: int, steps: Sequence[Sequence[_Choice]]) -> dict[Demand, int]:
    """How many of each there are that anything could demand."""
    names = {name for ways in steps for way in ways for name in way.demand}
    return {name: 1 if name[0].startswith("\0") else month.crew(name[0], day) for name in names}


def _crowded(limits: Mapping[Demand, int], steps: Sequence[Sequence[_Choice]]) -> bool:
    """Whether the least that all demand of something, in a half or over both, is already too much."""
    if not all(steps):
        return True
    for name, limit in limits.items():
        if sum(min(way.demand[name] for way in ways) for ways in steps) > limit:
            return True
    for skill in {skill for skill, _ in limits}:
        both: list[Demand] = [(skill, half) for half in HALVES]
        least = sum(min(sum(way.demand[name] for name in both) for way in ways) for ways in steps)
        if least > sum(limits.get(name, 0) for name in both):
            return True
    return False


def _by_loads(limits: Mapping[Demand, int], steps: Sequence[Sequence[_Choice]]) -> Sequence[_Choice] | None:
    """The cheapest way of each, by all the loads that can be reached."""
    loads = _Loads(limits, (way.demand for ways in steps for way in ways))
    reached: dict[int, tuple[int, tuple[_Choice, ...]]] = {loads.none: (0, ())}
    for ways in steps:
        after: dict[int, tuple[int, tuple[_Choice, ...]]] = {}
        sized = [(way, loads.packed(way.demand)) for way in ways]
        for load, (cost, chosen) in reached.items():
            for way, more in sized:
                total = load + more
                if total & loads.over:
                    continue
                if total not in after or cost + way.cost < after[total][0]:
                    after[total] = (cost + way.cost, (*chosen, way))
        reached = after
    return min(reached.values(), key=lambda found: found[0])[1] if reached else None


def _by_kinds(limits: Mapping[Demand, int], steps: Sequence[Sequence[_Choice]]) -> Sequence[_Choice] | None:
    """The cheapest way of each, those that have the same ways told apart no further."""
    kinds: dict[Kind, list[int]] = {}
    for at, ways in enumerate(steps):
        kind = tuple((tuple(sorted(way.demand.items())), way.cost) for way in ways)
        kinds.setdefault(kind, []).append(at)
    counts = packed({kind: len(members) for kind, members in kinds.items()}, limits)
    if counts is None:
        return None
    chosen: dict[int, _Choice] = {}
    for kind, members in kinds.items():
        ways_taken = [way for way, count in enumerate(counts[kind]) for _ in range(count)]
        chosen.update((at, steps[at][way]) for at, way in zip(members, ways_taken, strict=True))
    return [chosen[at] for at in range(len(steps))]


def _halves_of(steps: Sequence[tuple[int, Sequence[_Choice]]], chosen: Sequence[_Choice]) -> Halves:
    windows = {
        number: way.window for (number, _), way in zip(steps, chosen, strict=True) if way.window is not None
    }
    return Halves(windows, {work: bound for way in chosen for work, bound in way.bound.items()})


def _dealt(limits: Mapping[Demand, int], steps: Sequence[Sequence[_Choice]]) -> list[_Choice] | None:
    """The way of each that leaves most crews where fewest are left, those with least choice and most work
    first; None where that does not come out, though it might otherwise."""
    left = dict(limits)
    chosen: dict[int, _Choice] = {}
    order = sorted(
        range(len(steps)),
        key=lambda at: (len(steps[at]), -max((way.demand.total() for way in steps[at]), default=0), at),
    )
    for at in order:
        rooms = [
            min((left[name] - more for name, more in way.demand.items()), default=0) for way in steps[at]
        ]
        if not rooms or max(rooms) < 0:
            return None
        way = chosen[at] = steps[at][rooms.index(max(rooms))]
        for name, more in way.demand.items():
            left[name] -= more
    return [chosen[at] for at in range(len(steps))]


class _Loads:
    """Loads of all demands in one whole number: a field each, begun so high that going over the limit reaches
    the field's highest bit. Adding is one addition, and any of them over its limit one comparison."""

    def __init__(self, limits: Mapping[Demand, int], demands: Iterable[Counter[Demand]]) -> None:
        most = max((one.total() for one in demands), default=0)
        # Room for the limit and for one more step beyond it.
        width = (max(limits.values(), default=0) + most + 1).bit_length() + 1
        guard = 1 << (width - 1)
        self.at = {name: number * width for number, name in enumerate(sorted(limits))}
        self.over = sum(guard << at for at in self.at.values())
        self.none = sum((guard - 1 - limits[name]) << at for name, at in self.at.items())

    def packed(self, demand: Counter[Demand]) -> int:
        """A demand in the fields."""
        return sum(count << self.at[name] for name, count in demand.items())


def _ways(month: Month, day: int, event: Event, prefer: Preference) -> list[_Choice]:
    allowed = [set(month.allowed(work, event.outcome, day)) for work in event.works]
    found = []
    for window in WINDOWS:
        if all(window in one for one in allowed):
            bound = {work: month.binds(work, event.outcome, window) for work in event.works}
            cost = sum(prefer(work, halves) for work, halves in bound.items())
            found.append(_Choice(window, bound, _demand(month, bound, live=False), cost))
    return [one for one in found if not any(_covers(one, other) for other in found)]


def _covers(one: _Choice, other: _Choice) -> bool:
    """Whether `one` demands all that `other` does and more, so that it is never needed."""
    return (
        one.window == "day" and other.window != "day" and other.demand < one.demand and other.cost <= one.cost
    )


def _live_ways(month: Month, day: int, work: int, prefer: Preference) -> list[_Choice]:
    return [
        _Choice(None, {work: halves}, _demand(month, {work: halves}, live=True), prefer(work, halves))
        for halves in month.live_halves(work, day)
    ]


def _demand(month: Month, bound: Mapping[int, tuple[Half, ...]], *, live: bool) -> Counter[Demand]:
    demand: Counter[Demand] = Counter()
    for work, halves in bound.items():
        own = month.works[work]
        skill = own.live.skill if live and own.live is not None else own.skill
        for half in halves:
            demand[skill, half] += 1
            if work in month.group_of:
                demand[f"\0{month.group_of[work]}", half] += 1
    return demand
