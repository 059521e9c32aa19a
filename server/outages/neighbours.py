"""Large months: parts of a plan freed and solved exactly, the rest held, over and over; and a bound beside.

The parts are feeders that share ties, which is solving them apart; runs of days, which lets works change
places among themselves; and works drawn from the busiest days, which is where crews and operations couple
what the network does not.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from server.outages.bound import relaxed_bound
from server.outages.ledger import Choice
from server.outages.model import Question, build, choice_of, values_of
from server.outages.month import Month
from server.outages.options import LIVE, Options, Place
from server.outages.solving import solve
from server.outages.task import Task

#: Works freed at once, at the least and at the most; the search moves between them as pieces are proven.
SMALLEST, LARGEST = 20, 160
#: Rounds without anything better after which a search under a limit of effort ends.
IDLE_ROUNDS = 40


def bounded(task: Task, share: float) -> None:
    """A bound for all choices, from the relaxation, within its share of the time that is left."""
    watcher, limits = task.watcher, task.watcher.limits
    model = build(task.month, task.options, task.question)
    timed = limits.effort is None
    seconds = limits.bound_share * share * watcher.left if timed else None
    task.raise_bound(relaxed_bound(model, task.parts, seconds=seconds))
    watcher.heard(task.value, task.bound)


def by_neighbourhoods(task: Task, share: float) -> None:
    """Better choices for a share of the time that is left."""
    watcher, limits = task.watcher, task.watcher.limits
    ends = watcher.seconds + watcher.left * share
    pieces = Pieces(task.month, task.options, random.Random(limits.seed))  # noqa: S311
    size, idle, spent = SMALLEST * 2, 0, 0.0
    effort = float("inf") if limits.effort is None else limits.effort * share
    while True:
        seconds = min(limits.piece_seconds, ends - watcher.seconds)
        done = task.value - task.bound <= limits.gap * task.value or idle > IDLE_ROUNDS
        if seconds <= 0 or watcher.cancelled or done or spent >= effort:
            return
        before = task.value
        proven = _piece(task, pieces.next(task.choice, size), seconds)
        spent += limits.piece_seconds
        size = min(LARGEST, size + 5) if proven else max(SMALLEST, size - 10)
        idle = 0 if task.value < before else idle + 1
        watcher.heard(task.value, task.bound)


def _piece(task: Task, freed: frozenset[int], seconds: float) -> bool:
    """Place some works anew; returns whether nothing better was there."""
    places = _open_places(task.month, task.options, task.question, task.choice, freed)
    held = frozenset(work for work, own in task.choice.items() if own is not None and work not in freed)
    question = task.question
    asked = replace(question, places=places, may=question.may - held)
    model = build(task.month, task.options, asked)
    limits = task.watcher.limits
    effort = None if limits.effort is None else seconds
    hint = values_of(model, task.choice)
    solved = solve(model.rows, task.parts, hint, limits, seconds=seconds, effort=effort)
    if solved.values is None:
        return False
    unsplit = task.offer(choice_of(model, solved.values))
    task.question = replace(task.question, exact=task.question.exact | unsplit)
    return solved.status == "optimal"


def _open_places(
    month: Month, options: Options, question: Question, choice: Choice, freed: frozenset[int]
) -> dict[int, Sequence[Place]]:
    """All works: those held with the place they have, those freed with all that held outages leave."""
    places: dict[int, Sequence[Place]] = {}
    blocked: dict[int, set[str]] = {}
    held: set[Place] = set()
    for work, place in choice.items():
        if work in freed:
            continue
        places[work] = () if place is None else (place,)
        if place is not None and place[0] != LIVE and place not in held:
            held.add(place)
            blocked.setdefault(place[1], set()).update(options.sets[place[0]].blocked)
    for work in freed:
        places[work] = tuple(
            (number, day)
            for number, day in question.places[work]
            if number == LIVE
            or (number, day) in held
            or not (day in blocked and options.sets[number].blocked & blocked[day])
        )
    return dict(sorted(places.items()))


class Pieces:
    """Works to free next: first feeder by feeder with what shares their ties, then in every way in turn,
    every other time around a work that is left out."""

    def __init__(self, month: Month, options: Options, chance: random.Random) -> None:
        self.month, self.options, self.chance = month, options, chance
        self.near = _near(month, options)
        self.rest = set(range(len(month.works)))
        self.turn = 0

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
        way = (_by_feeder, _by_days, _by_crowd)[self.turn // 2 % 3]
        return frozenset(way(self.month, self.near, choice, size, self.chance))


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
