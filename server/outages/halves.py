"""Morning, afternoon, or the whole day: the windows of a day's outages and live works, exactly.

Crews bind by halves, so a day is a small packing: every outage takes one window that all its works allow,
and no skill is needed more often in a half than it has crews; works of one crew count as a skill with one.
Solved by going through the outages and keeping, for each set of loads that can be reached, the best way; but
where any windows do, a day is first dealt out one by one, which mostly comes out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from server.outages.instance import WINDOWS, Half, Window
from server.outages.interruption import Outcome
from server.outages.month import Month

#: Instead of a set's number, less the work's: done live.
LIVE = -1
#: A skill, or a group of works that one crew does, in a half of the day.
Demand = tuple[str, Half]


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


Preference = Callable[[int, tuple[Half, ...]], int]


def _no_preference(_work: int, _bound: tuple[Half, ...]) -> int:
    return 0


def split(
    month: Month,
    day: int,
    events: Sequence[Event],
    live: Iterable[int],
    prefer: Preference = _no_preference,
) -> Halves | None:
    """Windows for all, with the least `prefer` summed over the works; None where there are none."""
    steps = [(one.number, _ways(month, day, one, prefer)) for one in events]
    steps += [(LIVE - work, _live_ways(month, day, work, prefer)) for work in live]
    steps.sort(key=lambda step: (len(step[1]), step[0]))
    if prefer is _no_preference and (dealt := _dealt(month, day, [ways for _, ways in steps])) is not None:
        return _halves_of(steps, dealt)
    loads = _Loads(month, day, (way.demand for _, ways in steps for way in ways))
    reached: dict[int, tuple[int, tuple[_Choice, ...]]] = {loads.none: (0, ())}
    for _, ways in steps:
        after: dict[int, tuple[int, tuple[_Choice, ...]]] = {}
        packed = [(way, loads.packed(way.demand)) for way in ways]
        for load, (cost, chosen) in reached.items():
            for way, more in packed:
                total = load + more
                if total & loads.over:
                    continue
                if total not in after or cost + way.cost < after[total][0]:
                    after[total] = (cost + way.cost, (*chosen, way))
        reached = after
    if not reached:
        return None
    _, best = min(reached.values(), key=lambda found: found[0])
    return _halves_of(steps, best)


def _halves_of(steps: Sequence[tuple[int, Sequence[_Choice]]], chosen: Sequence[_Choice]) -> Halves:
    windows = {
        number: way.window for (number, _), way in zip(steps, chosen, strict=True) if way.window is not None
    }
    return Halves(windows, {work: bound for way in chosen for work, bound in way.bound.items()})


def _dealt(month: Month, day: int, steps: Sequence[Sequence[_Choice]]) -> list[_Choice] | None:
    """The way of each that leaves most crews where fewest are left, those with least choice and most work
    first; None where that does not come out, though it might otherwise."""
    left: dict[Demand, int] = {}
    for name in {name for ways in steps for way in ways for name in way.demand}:
        left[name] = 1 if name[0].startswith("\0") else month.crew(name[0], day)
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

    def __init__(self, month: Month, day: int, demands: Iterable[Counter[Demand]]) -> None:
        every = list(demands)
        most = max((sum(one.values()) for one in every), default=0)
        names = sorted({name for one in every for name in one})
        limits = {name: 1 if name[0].startswith("\0") else month.crew(name[0], day) for name in names}
        # Room for the limit and for one more step beyond it.
        width = (max(limits.values(), default=0) + most + 1).bit_length() + 1
        guard = 1 << (width - 1)
        self.at = {name: number * width for number, name in enumerate(names)}
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
