"""A plan in the making: works put on and taken off places, and what stands in the way of another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from server.outages.halves import Event, Halves, Preference, Step, live_step_of, split, split_steps, step_of
from server.outages.interruption import Outcome
from server.outages.month import MINUTES, Month, Obstacle
from server.outages.options import LIVE, Options, Place, root_spare

#: Where each work is; None where it is left out.
Choice = dict[int, Place | None]
_SLACK = 1e-6


class Ledger:
    """The outages of a choice by set and day, and what each day still has room for."""

    def __init__(
        self, month: Month, options: Options, choice: Mapping[int, Place | None] | None = None
    ) -> None:
        self.month, self.options = month, options
        self.spare = root_spare(month)
        self.places: Choice = dict.fromkeys(range(len(month.works)))
        self.riders: dict[Place, list[int]] = {}
        self.live: dict[int, list[int]] = {}
        self.by_day: dict[int, list[int]] = {}
        self._steps: dict[Place, Step] = {}
        for work, place in sorted((choice or {}).items()):
            if place is not None:
                self.put(work, place)

    def put(self, work: int, place: Place) -> None:
        """Place a work, whether or not it fits there."""
        self.places[work] = place
        number, day = place
        if number == LIVE:
            self.live.setdefault(day, []).append(work)
            return
        self._steps.pop(place, None)
        if place not in self.riders:
            self.riders[place] = []
            self.by_day.setdefault(day, []).append(number)
        self.riders[place].append(work)

    def take(self, work: int) -> Place | None:
        """Take a work out; returns where it was."""
        place = self.places[work]
        self.places[work] = None
        if place is None:
            return None
        number, day = place
        if number == LIVE:
            self.live[day].remove(work)
            return place
        self._steps.pop(place, None)
        self.riders[place].remove(work)
        if not self.riders[place]:
            del self.riders[place]
            self.by_day[day].remove(number)
        return place

    def outcome(self, number: int) -> Outcome:
        return self.options.sets[number]

    def lasts(self, place: Place) -> int:
        """The minutes of the longest work of an outage; 0 where there is none."""
        return max((self.month.works[one].minutes for one in self.riders.get(place, ())), default=0)

    def halves(self, day: int, prefer: Preference | None = None) -> Halves | None:
        """The windows of a day's outages; None where they do not come out."""
        live = sorted(self.live.get(day, ()))
        numbers = sorted(self.by_day.get(day, ()))
        if prefer is not None:
            return split(self.month, day, [self._event(one, day) for one in numbers], live, prefer)
        steps = [self._step((one, day)) for one in numbers]
        return split_steps(self.month, day, steps + [live_step_of(self.month, day, one) for one in live])

    def _event(self, number: int, day: int) -> Event:
        return Event(number, self.outcome(number), tuple(sorted(self.riders[number, day])))

    def _step(self, place: Place) -> Step:
        """The ways of an outage, kept until its works change: a day of two hundred is tried very often."""
        if place not in self._steps:
            self._steps[place] = step_of(self.month, place[1], self._event(*place))
        return self._steps[place]

    def operations(self, day: int) -> int:
        return sum(self.outcome(number).operations for number in self.by_day.get(day, ()))

    def customer_minutes(self) -> int:
        """Without weights, as the budget counts."""
        return sum(self.outcome(place[0]).customer_minutes(self.lasts(place)) for place in self.riders)

    def in_the_way(self, work: int, place: Place) -> Iterator[Obstacle]:
        """What keeps a work that is not placed from a place that no rule excludes by itself."""
        number, day = place
        yield from self._others(work, day)
        if number != LIVE:
            outcome = self.outcome(number)
            if place not in self.riders:
                yield from self._clashes(number, day)
                yield from self._room(outcome, day)
            yield from self._budget(work, place)
        self.put(work, place)
        halves = self.halves(day)
        self.take(work)
        if halves is None:
            yield self._crew_reason(work, place)

    def fits(self, work: int, place: Place) -> bool:
        """Whether nothing is in the way."""
        return next(self.in_the_way(work, place), None) is None

    def _others(self, work: int, day: int) -> Iterator[Obstacle]:
        """Works that must come before, after, on the same day or on another."""
        month = self.month
        for other in month.tied[work]:
            own, mine, place = month.works[other], month.works[work], self.places[other]
            at = None if place is None else place[1]
            params: dict[str, str | int | float] = {"work": own.id}
            if own.id in mine.after and (at is None or at >= day):
                yield Obstacle("after", params)
            if mine.id in own.after and at is not None and at <= day:
                yield Obstacle("before", params)
            together = own.id in mine.together or mine.id in own.together
            if together and at is not None and at != day:
                yield Obstacle("with", params)
            if (own.id in mine.not_with or mine.id in own.not_with) and at == day:
                yield Obstacle("not_with", params)

    def _clashes(self, number: int, day: int) -> Iterator[Obstacle]:
        own = self.outcome(number)
        for other in sorted(self.by_day.get(day, ())):
            if own.blocked.isdisjoint(self.outcome(other).blocked):
                continue
            common = own.blocked & self.outcome(other).blocked
            changed = (own.dead | own.moved) & (self.outcome(other).dead | self.outcome(other).moved)
            works = ", ".join(self.month.works[one].id for one in sorted(self.riders[other, day]))
            if changed:
                yield Obstacle("clash", {"section": min(changed), "works": works})
            else:
                yield Obstacle("lender", {"feeder": self.month.feeder_of(min(common)), "works": works})

    def _room(self, outcome: Outcome, day: int) -> Iterator[Obstacle]:
        """Operations, what sources can give, and how often sections were interrupted."""
        used, limit = self.operations(day), self.month.operations[day]
        if used + outcome.operations > limit:
            yield Obstacle("operations", {"used": used, "more": outcome.operations, "limit": limit})
        for root, kva in sorted(outcome.draws.items()):
            drawn = sum(self.outcome(one).draws.get(root, 0.0) for one in self.by_day.get(day, ()))
            if drawn + kva > self.spare.get(root, 0.0) + _SLACK:
                yield Obstacle("source", {"source": self.month.grid.topology.sources[root][0].id})
        worst = next((one for one in sorted(outcome.dead) if self._too_often(one, day)), None)
        if worst is not None:
            times = self.month.instance.rules.interruptions
            yield Obstacle("too_often", {"section": worst, "times": times})

    def _too_often(self, section: str, day: int) -> bool:
        if section not in self.month.grid.parent:
            return False
        rules = self.month.instance.rules
        planned = [
            at for at, numbers in self.by_day.items() for one in numbers if section in self.outcome(one).dead
        ]
        planned.append(day)
        return any(
            sum(at - rules.look_back_days < one <= at for one in planned) + self.month.recent(section, at)
            > rules.interruptions
            for at in planned
        )

    def _budget(self, work: int, place: Place) -> Iterator[Obstacle]:
        budget = self.month.instance.rules.budget_hours
        if budget is None:
            return
        outcome, before = self.outcome(place[0]), self.lasts(place)
        after = max(before, self.month.works[work].minutes)
        more = outcome.customer_minutes(after) - (outcome.customer_minutes(before) if before else 0)
        used = self.customer_minutes()
        if used + more > budget * MINUTES:
            hours = {"used": round(used / MINUTES), "more": round(more / MINUTES), "limit": round(budget)}
            yield Obstacle("budget", dict(hours))

    def _crew_reason(self, work: int, place: Place) -> Obstacle:
        own, day = self.month.works[work], place[1]
        skill = own.live.skill if place[0] == LIVE and own.live is not None else own.skill
        number = sum(
            self.month.works[one].skill == skill
            for (_, at), works in self.riders.items()
            if at == day
            for one in works
        )
        return Obstacle("crews", {"skill": skill, "works": number, "crews": self.month.crew(skill, day)})


def repaired(month: Month, choice: Choice) -> Choice:
    """A choice without the works whose ties to others do not hold, until all hold."""
    kept = dict(choice)
    while True:
        broken = [work for work, place in kept.items() if place is not None and _broken(month, kept, work)]
        if not broken:
            return kept
        kept.update(dict.fromkeys(broken))


def _broken(month: Month, choice: Choice, work: int) -> bool:
    place, own = choice[work], month.works[work]
    assert place is not None  # noqa: S101
    for name in own.after:
        before = choice[month.number[name]]
        if before is None or before[1] >= place[1]:
            return True
    partners = [
        other
        for other in month.tied[work]
        if own.id in month.works[other].together or month.works[other].id in own.together
    ]
    return any((other := choice[one]) is None or other[1] != place[1] for one in partners)
