"""Large months: parts of a plan freed and solved exactly, the rest held, over and over.

The parts are feeders that share ties, which is solving them apart; runs of days, which lets works change
places among themselves; and works drawn from the busiest days, which is where crews and operations couple
what the network does not.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from server.outages.ledger import Choice
from server.outages.model import build, choice_of, values_of
from server.outages.month import Month
from server.outages.options import LIVE, Options, Place
from server.outages.rest import Rest
from server.outages.solving import solve
from server.outages.task import Task

#: Works freed at once, at the least and at the most; the search moves between them as pieces are proven.
SMALLEST, LARGEST = 20, 160
#: Rounds without anything better after which a search under a limit of effort ends.
IDLE_ROUNDS = 40
#: Pieces without anything better after which twice the places are looked at.
WIDER_AFTER = 12
#: Of so many pieces one is not around works that stand far from the bound.
OTHERWISE = 2
#: Of a work's best places, how many are drawn from, and how many are made room for.
_LOOKED_AT, _TRIED = 12, 3


def by_neighbourhoods(
    task: Task, share: float, *, enough: Callable[[], bool] | None = None, patience: int | None = None
) -> None:
    """Better choices for a share of the time that is left, among the best places of each work: few first,
    more whenever nothing better was found for long. Ends early once there is `enough`, or after `patience`
    pieces without anything better."""
    watcher, limits = task.watcher, task.watcher.limits
    ends = watcher.seconds + watcher.left * share
    pieces = Pieces(task, random.Random(limits.seed))  # noqa: S311
    size, idle, spent, places = SMALLEST * 2, 0, 0.0, float(limits.near_places)
    effort = float("inf") if limits.effort is None else limits.effort * share
    most = patience or (IDLE_ROUNDS if limits.effort is not None else None)
    while not (enough is not None and enough()):
        seconds = min(limits.piece_seconds, ends - watcher.seconds)
        done = task.value - task.bound <= limits.gap * task.value or (most is not None and idle > most)
        if seconds <= 0 or watcher.cancelled or done or spent >= effort:
            return
        before = task.value
        extra = min(task.near(places), task.beyond())
        proven = _piece(task, pieces.next(task.choice, size), extra, seconds)
        spent += limits.piece_seconds
        size = min(LARGEST, size + 5) if proven else max(SMALLEST, size - 10)
        idle = 0 if task.value < before else idle + 1
        if idle and idle % WIDER_AFTER == 0:
            places *= 2
        watcher.heard(task.value, task.bound)


def _piece(task: Task, freed: frozenset[int], extra: float, seconds: float) -> bool:
    """Place some works anew, where that costs less than `extra` beyond the bound; returns whether nothing
    better was there."""
    places = open_places(task, freed, extra)
    held = frozenset(work for work, own in task.choice.items() if own is not None and work not in freed)
    rest = {work: place for work, place in task.choice.items() if work not in places}
    asked = replace(
        task.question,
        places=places,
        may=task.question.may & places.keys() - held,
        rest=Rest(task.month, task.options, rest),
    )
    model = build(task.month, task.options, asked)
    limits = task.watcher.limits
    effort = None if limits.effort is None else seconds
    hint = values_of(model, task.choice)
    solved = solve(model.rows, task.parts, hint, limits, seconds=seconds, effort=effort)
    if solved.values is None:
        return False
    unsplit = task.offer({**task.choice, **choice_of(model, solved.values)})
    task.question = replace(task.question, exact=task.question.exact | unsplit)
    return solved.status == "optimal"


def open_places(task: Task, freed: frozenset[int], extra: float) -> dict[int, Sequence[Place]]:
    """Those freed with all places that held outages leave, and of those held the ones that the rows of these
    have to know: on outages that they could ride on, tied to them, or on days that have to be split."""
    sets, places = task.options.sets, dict[int, Sequence[Place]]()
    blocked: dict[int, set[str]] = {}
    held: dict[Place, list[int]] = {}
    for work, place in task.choice.items():
        if work not in freed and place is not None:
            held.setdefault(place, []).append(work)
    for number, day in held:
        if number != LIVE:
            blocked.setdefault(day, set()).update(sets[number].blocked)
    for work in freed:
        places[work] = tuple(
            (number, day)
            for number, day in task.cheap(work, extra)[0]
            if number == LIVE
            or (number, day) in held
            or not (day in blocked and sets[number].blocked & blocked[day])
        )
    beside = {place for own in places.values() for place in own if place[0] != LIVE and place in held}
    beside |= {place for place in held if place[1] in task.question.exact}
    tied = {other for work in freed for other in task.month.tied[work]} - freed
    beside |= {place for other in tied if (place := task.choice.get(other)) is not None}
    for place in beside:
        for work in held[place]:
            places[work] = (place,)
    for other in tied - places.keys():
        places[other] = ()
    return dict(sorted(places.items()))


class Pieces:
    """Works to free next: first feeder by feeder with what shares their ties, then in every way in turn,
    every other time around a work that is left out, or around works that stand far from the bound."""

    def __init__(self, task: Task, chance: random.Random) -> None:
        self.month, self.options, self.chance = task.month, task.options, chance
        self.near = _near(task.month, task.options)
        self.rest = set(range(len(task.month.works)))
        self.turn = 0
        self.extras: dict[int, dict[Place, float]] = {}
        if task.relaxed is not None:
            extras = task.relaxed.extras
            self.extras = {
                work: dict(zip(places, extras[work], strict=True))
                for work, places in task.question.places.items()
            }

    def next(self, choice: Choice, size: int) -> frozenset[int]:
        """The next piece, of about so many works."""
        if self.rest:
            grown = _grow(self.near, min(self.rest), size, self.chance)
            self.rest -= grown
            return frozenset(grown)
        self.turn += 1
        left = [work for work, place in choice.items() if place is None and self.options.places[work]]
        if left and self.turn % 2:
            return frozenset(_grow(self.near, self.chance.choice(left), size, self.chance))
        if self.extras and self.turn % OTHERWISE:
            return frozenset(self._dear(choice, size))
        way = (_by_feeder, _by_days, _by_crowd)[self.turn // OTHERWISE % 3]
        return frozenset(way(self.month, self.near, choice, size, self.chance))

    def _dear(self, choice: Choice, size: int) -> set[int]:
        """Works that cost much beyond the bound where they are, and those in the way of their best places."""
        paid = {
            work: self.extras[work][place] + 1.0
            for work, place in choice.items()
            if place is not None and self.extras[work]
        }
        riders: dict[Place, list[int]] = {}
        on: dict[int, set[int]] = {}
        for work, place in choice.items():
            if place is not None:
                riders.setdefault(place, []).append(work)
                if place[0] != LIVE:
                    on.setdefault(place[1], set()).add(place[0])
        found: set[int] = set()
        while paid and len(found) < size:
            work = self.chance.choices(list(paid), list(paid.values()))[0]
            del paid[work]
            here = choice[work]
            found |= set(riders[here]) if here is not None and here[0] != LIVE else {work}
            for number, day in self._cheapest(work):
                if number == LIVE:
                    continue
                blocked = self.options.sets[number].blocked
                for other in on.get(day, ()):
                    if blocked & self.options.sets[other].blocked:
                        found.update(riders[other, day])
        return found

    def _cheapest(self, work: int) -> list[Place]:
        """Some of the places that cost a work least."""
        own = self.extras[work]
        best = sorted(own, key=lambda place: (own[place], place))[:_LOOKED_AT]
        return self.chance.sample(best, min(len(best), _TRIED))


def _near(month: Month, options: Options) -> list[list[int]]:
    """For each work those that some outage concerns as well: its own place of work changed by both."""
    by_section: dict[str, set[int]] = {}
    for work, needs in enumerate(month.needs):
        numbers = {number for number, _ in options.places[work] if number != LIVE}
        for section in set().union(needs, *(options.sets[one].blocked for one in numbers)):
            by_section.setdefault(section, set()).add(work)
    near: list[set[int]] = [set() for _ in month.works]
    for works in by_section.values():
        for work in works:
            if month.needs[work]:
                near[work] |= works
    return [sorted(one) for one in near]


def _grow(near: list[list[int]], first: int, size: int, chance: random.Random) -> set[int]:
    """Works around one, nearest first, up to a number."""
    found, edge = {first}, [first]
    while edge and len(found) < size:
        around = list(near[edge.pop(0)])
        chance.shuffle(around)
        for one in around:
            if one not in found and len(found) < size:
                found.add(one)
                edge.append(one)
    return found


def _by_feeder(
    month: Month, near: list[list[int]], _choice: Choice, size: int, chance: random.Random
) -> set[int]:
    """Two places of the network, half of the works around each."""
    works = range(len(month.works))
    return _grow(near, chance.choice(works), size // 2, chance) | _grow(
        near, chance.choice(works), size // 2, chance
    )


def _by_days(
    month: Month, near: list[list[int]], choice: Choice, size: int, chance: random.Random
) -> set[int]:
    """All works of days that follow one another, and those that are left out."""
    left = [work for work, place in choice.items() if place is None]
    found = set(chance.sample(left, min(len(left), size // 4)))
    days = sorted({place[1] for place in choice.values() if place is not None})
    if not days:
        return found | set(chance.sample(range(len(month.works)), min(size, len(month.works))))
    start = chance.randrange(len(days))
    for day in days[start:] + days[:start]:
        own = [work for work, place in choice.items() if place is not None and place[1] == day]
        chance.shuffle(own)
        found |= set(own[: max(0, size - len(found))])
        if len(found) >= size:
            break
    return found


def _by_crowd(
    month: Month, near: list[list[int]], choice: Choice, size: int, chance: random.Random
) -> set[int]:
    """Works that need one skill, from anywhere, with some of their neighbours."""
    skill = chance.choice(sorted({work.skill for work in month.works}))
    own = [index for index, work in enumerate(month.works) if work.skill == skill]
    found = set(chance.sample(own, min(len(own), size // 2)))
    for work in sorted(found):
        if len(found) >= size:
            break
        found |= set(near[work][:2])
    return found
