"""What can be chosen: sets of sections to isolate, and for each work the sets and days that it can ride on.

A set is what one work needs, or what two or three need together where one lies behind the other and there is
a day for both: then the lower ones, otherwise fed by a transfer, are dead with the upper one, or they were
dead anyway and the switch between stays closed. A work rides on every set that makes its sections dead.
Joining that saves nothing by itself is kept: it can be what a short crew or a last common day leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from server.outages.interruption import Outcome
from server.outages.month import Month

#: Instead of a set's number: done live.
LIVE = -1
#: A set's number, or LIVE, and a day.
Place = tuple[int, int]


@dataclass(frozen=True)
class Options:
    """`sets` by number; `places` of each work. `clashes` are groups of sets of which a day takes one at most,
    `alike` groups of sections that the same sets make dead, with those sets."""

    sets: tuple[Outcome, ...]
    places: tuple[tuple[Place, ...], ...]
    clashes: tuple[tuple[int, ...], ...]
    alike: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]

    @cached_property
    def clashes_of(self) -> Mapping[int, tuple[int, ...]]:
        """By set the numbers of its groups in `clashes`."""
        return _groups_of(self.clashes)

    @cached_property
    def alike_of(self) -> Mapping[int, tuple[int, ...]]:
        """By set the numbers of the groups in `alike` that it makes dead."""
        return _groups_of(numbers for _, numbers in self.alike)


def make_options(month: Month, *, workers: int = 1, together: int | None = None) -> Options:
    """Every option that no rule excludes by itself, reckoned by so many threads; sets of what so many places
    of work need `together`, by default as many as the rules have."""
    sets = _sets(month, workers, month.instance.rules.sections_per_outage if together is None else together)
    riders = _riders(month, sets)
    places: list[list[Place]] = [[] for _ in month.works]
    day_open = _open_days(month, live=False)
    for number, outcome in enumerate(sets):
        wanted = {day for work in riders[number] for day in day_open[work]}
        possible = [day for day in sorted(wanted) if next(month.why_not_outage(outcome, day), None) is None]
        for work in riders[number]:
            places[work] += [
                (number, day)
                for day in possible
                if day in day_open[work] and month.allowed(work, outcome, day)
            ]
    for work, days in enumerate(_open_days(month, live=True)):
        if month.works[work].live is not None:
            places[work] += [(LIVE, day) for day in sorted(days) if month.live_halves(work, day)]
    return Options(
        sets=tuple(sets),
        places=tuple(map(tuple, places)),
        clashes=_clashes(sets),
        alike=_alike(month, sets),
    )


def carried_over(choice: Mapping[int, Place | None], of: Options, into: Options) -> dict[int, Place | None]:
    """A choice among some options as one among others, by the sections that outages make dead; works for
    whose place there is none are left out."""
    number = {one.dead: at for at, one in enumerate(into.sets)}
    found: dict[int, Place | None] = {}
    for work, place in choice.items():
        here = place
        if place is not None and place[0] != LIVE:
            at = number.get(of.sets[place[0]].dead)
            here = None if at is None else (at, place[1])
        found[work] = here if here in into.places[work] else None
    return found


def _open_days(month: Month, *, live: bool) -> list[frozenset[int]]:
    """For each work the days that it may be done on by itself: with an outage, or live."""
    found = []
    for work, own in enumerate(month.works):
        only_live = own.live is not None and own.live.only
        if not live and only_live:
            found.append(frozenset[int]())
            continue
        days = range(len(month.days))
        found.append(
            frozenset(day for day in days if next(month.why_not_day(work, day, live=live), None) is None)
        )
    return found


def _sets(month: Month, workers: int, together: int) -> list[Outcome]:
    needs = sorted(set(month.needs), key=sorted)
    days: dict[frozenset[str], set[int]] = {}
    for work, open_ in enumerate(_open_days(month, live=False)):
        days.setdefault(month.needs[work], set()).update(open_)
    needs = [one for one in needs if days[one]]
    month.interruptions.prepare(needs, workers)
    found = {one: month.interruptions.of(one) for one in needs}
    joined: list[tuple[frozenset[str], set[int]]] = [(one, days[one]) for one in needs]
    below = {one: month.grid.below(one) for one in needs}
    for _ in range(together - 1):
        grown: dict[frozenset[str], set[int]] = {}
        for one, common in joined:
            under = month.grid.below(one)
            for other in needs:
                if not other & under and not one & below[other]:
                    continue
                both, shared = one | other, common & days[other]
                if shared and both not in found and both not in grown:
                    grown[both] = shared
        month.interruptions.prepare(grown, workers)
        for both in grown:
            found[both] = month.interruptions.of(both)
        joined = list(grown.items())
    return _undominated(found.values())


def _undominated(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Without those that another one beats: the same sections dead, and nothing worse."""
    best: dict[frozenset[str], list[Outcome]] = {}
    for one in outcomes:
        rivals = best.setdefault(one.dead, [])
        if any(_no_worse(rival, one) for rival in rivals):
            continue
        rivals[:] = [rival for rival in rivals if not _no_worse(one, rival)] + [one]
    return [one for rivals in best.values() for one in rivals]


def _no_worse(one: Outcome, other: Outcome) -> bool:
    return (
        one.points_moved <= other.points_moved
        and one.customers_moved <= other.customers_moved
        and one.minutes <= other.minutes
        and one.operations <= other.operations
        and one.blocked <= other.blocked
        and set(one.named) <= set(other.named)
        and all(kva <= other.draws.get(root, 0.0) for root, kva in one.draws.items())
    )


def _riders(month: Month, sets: Iterable[Outcome]) -> list[list[int]]:
    """For each set the works that ride on it."""
    nowhere, by_section = list[int](), dict[str, list[int]]()
    for work, needs in enumerate(month.needs):
        (by_section.setdefault(min(needs), []) if needs else nowhere).append(work)
    found = []
    for outcome in sets:
        near = [work for section in outcome.dead for work in by_section.get(section, ())]
        found.append(sorted(nowhere + [work for work in near if month.needs[work] <= outcome.dead]))
    return found


def _clashes(sets: list[Outcome]) -> tuple[tuple[int, ...], ...]:
    """The largest groups of sets that want to change, or block, a section in common."""
    by_section: dict[str, list[int]] = {}
    for number, outcome in enumerate(sets):
        for section in outcome.blocked:
            by_section.setdefault(section, []).append(number)
    groups = sorted({tuple(one) for one in by_section.values() if len(one) > 1}, key=lambda g: (-len(g), g))
    kept: list[tuple[int, ...]] = []
    holding: dict[int, list[frozenset[int]]] = {}
    for group in groups:
        own = frozenset(group)
        if any(own <= larger for larger in holding.get(group[0], ())):
            continue
        kept.append(group)
        for member in group:
            holding.setdefault(member, []).append(own)
    return tuple(kept)


def _alike(month: Month, sets: list[Outcome]) -> tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]:
    by_section: dict[str, list[int]] = {}
    for number, outcome in enumerate(sets):
        for section in outcome.dead & month.grid.parent.keys():
            by_section.setdefault(section, []).append(number)
    groups: dict[tuple[tuple[int, ...], tuple[int, ...]], list[str]] = {}
    for section, numbers in by_section.items():
        groups.setdefault((tuple(numbers), month.past.get(section, ())), []).append(section)
    return tuple((tuple(sorted(own)), numbers) for (numbers, _), own in sorted(groups.items()))


def _groups_of(groups: Iterable[tuple[int, ...]]) -> dict[int, tuple[int, ...]]:
    found: dict[int, list[int]] = {}
    for group, numbers in enumerate(groups):
        for number in numbers:
            found.setdefault(number, []).append(group)
    return {number: tuple(own) for number, own in found.items()}


def root_spare(month: Month) -> Mapping[str, float]:
    """What each source node can give beyond its normal load, in kVA; those of unknown capacity are left out,
    since nothing is lent from them."""
    spare = {}
    for root in month.grid.topology.sources:
        way = month.grid.way(root)
        if way:
            spare[root] = way[-1].spare
    return spare
