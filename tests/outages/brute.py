"""The best plan by trying all of them, for months of a few works. Written plainly, beside the model: it takes
from it only what an outage comes to, which has tests of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from geo.network.model import Network
from server.outages.grid import Grid, make_grid
from server.outages.instance import Instance, Work
from server.outages.interruption import Outcome, outcome
from server.outages.works import needs_of

#: A work on an outage (its sections and day), or live on a day, or left out.
Spot = tuple[str, Outcome | None, dt.date] | None
HALVES = {"morning": ("morning",), "afternoon": ("afternoon",), "day": ("morning", "afternoon")}


@dataclass
class Brute:
    """One month, and the cheapest plan found so far."""

    instance: Instance
    network: Network

    def __post_init__(self) -> None:
        weights = self.instance.weights
        self.grid: Grid = make_grid(
            self.network, important_as=weights.important_as, life_support_as=weights.life_support_as
        )
        calendar = self.instance.calendar
        self.days = [
            calendar.first + dt.timedelta(days=one)
            for one in range((calendar.last - calendar.first).days + 1)
        ]
        self.needs = {work.id: needs_of(work, self.grid.topology) for work in self.instance.works}
        self.lengths = {"morning": 240, "afternoon": 240, "day": 540}
        self.best = 10**12
        self.plan: dict[str, Spot] = {}

    def solve(self) -> int:
        """The least cost in weighted customer-minutes."""
        spots = {work.id: [None, *self.spots(work)] for work in self.instance.works}
        self.search(list(self.instance.works), {}, spots)
        return self.best

    def sets(self) -> list[Outcome]:
        """What one place of work needs, and two of which one lies behind the other and that share a day."""
        days: dict[frozenset[str], set[dt.date]] = {}
        for work in self.instance.works:
            for day in self.days:
                if self.outage_day_ok(work, day):
                    days.setdefault(self.needs[work.id], set()).add(day)
        unions = {
            one | other
            for one in days
            for other in days
            if days[one] & days[other]
            and (one == other or other & self.grid.below(one) or one & self.grid.below(other))
        }
        if self.instance.rules.sections_per_outage == 1:
            unions = set(days)
        return [outcome(self.grid, one, self.instance.rules) for one in sorted(unions, key=sorted)]

    def spots(self, work: Work) -> Iterator[Spot]:
        sets = self.sets()
        for day in self.days:
            if self.day_ok(work, day) and work.live is not None and self.duty(work.live.skill, day):
                yield ("live", None, day)
            if self.outage_day_ok(work, day):
                for one in sets:
                    if self.needs[work.id] <= one.dead and self.outage_ok(one, day):
                        yield ("outage", one, day)

    def outage_day_ok(self, work: Work, day: dt.date) -> bool:
        if not self.day_ok(work, day) or not self.duty(work.skill, day):
            return False
        if work.live is not None and work.live.only:
            return False
        published = self.instance.calendar.published
        if work.notice == "planned":
            return (day - published.date()).days >= 7
        return dt.datetime.combine(day, dt.time(8)) >= published + dt.timedelta(hours=24)

    def day_ok(self, work: Work, day: dt.date) -> bool:
        return (
            (work.earliest is None or day >= work.earliest)
            and (work.latest is None or day <= work.latest)
            and day not in work.forbid
            and (work.pin is None or work.pin.date == day)
            and day not in self.instance.calendar.rest_days
        )

    def outage_ok(self, one: Outcome, day: dt.date) -> bool:
        calendar, rules = self.instance.calendar, self.instance.rules
        facts = {own.id: own for own in self.instance.customers}
        if any(black.first <= day <= black.last for black in calendar.blackouts):
            return False
        if any(name in facts and day in facts[name].guaranteed for name in one.named):
            return False
        agreed = {own.id for own in self.instance.customers if own.consent}
        return not rules.consent or set(one.important) | set(one.life_support) <= agreed

    def duty(self, skill: str, day: dt.date) -> int:
        crew = next(one for one in self.instance.crews if one.skill == skill)
        return crew.count_on.get(day, crew.count)

    def search(self, works: list[Work], plan: dict[str, Spot], spots: dict[str, list[Any]]) -> None:
        if not works:
            cost = self.cost(plan)
            if cost < self.best and self.holds(plan):
                self.best, self.plan = cost, dict(plan)
            return
        for spot in spots[works[0].id]:
            plan[works[0].id] = spot
            if self.cost(plan) < self.best:
                self.search(works[1:], plan, spots)
        del plan[works[0].id]

    def events(
        self, plan: dict[str, Spot]
    ) -> dict[tuple[tuple[str, ...], dt.date], tuple[Outcome, list[Work]]]:
        found: dict[tuple[tuple[str, ...], dt.date], tuple[Outcome, list[Work]]] = {}
        for work in self.instance.works:
            spot = plan.get(work.id)
            if spot is not None and spot[1] is not None:
                found.setdefault((spot[1].sections, spot[2]), (spot[1], []))[1].append(work)
        return found

    def cost(self, plan: dict[str, Spot]) -> int:
        weights, total = self.instance.weights, 0
        for work in self.instance.works:
            if work.id not in plan:
                continue
            spot = plan[work.id]
            if spot is None:
                left_out = weights.unplaced if work.unplaced_hours is None else work.unplaced_hours
                total += round(left_out * 60) * (10 if work.pin else 1)
                continue
            late = weights.late[work.kind] if work.late_hours is None else work.late_hours
            if work.wanted is not None and spot[2] > work.wanted:
                total += (spot[2] - work.wanted).days * round(late * 60)
            if spot[0] == "live" and work.live is not None:
                total += round(work.live.cost_hours * 60)
        events = self.events(plan)
        for one, works in events.values():
            lasting = max(work.minutes for work in works) + 2 * one.minutes
            total += one.points_dead * lasting + one.points_moved * 2 * one.minutes
        back = self.instance.calendar.first - dt.timedelta(days=1 + self.instance.rules.look_back_days)
        for section in self.grid.parent:
            times = sum(section in one.dead for one, _ in events.values())
            before = any(
                own.section == section and back < own.date < self.instance.calendar.first
                for own in self.instance.past
            )
            total += round(weights.repeat * 60 * self.grid.points[section]) * max(0, times - (not before))
        return total

    def holds(self, plan: dict[str, Spot]) -> bool:
        return (
            self.tied(plan)
            and self.rarely(plan)
            and self.affordable(plan)
            and all(self.day_holds(plan, day) for day in self.days)
        )

    def tied(self, plan: dict[str, Spot]) -> bool:
        day = {name: None if spot is None else spot[2] for name, spot in plan.items()}
        for work in self.instance.works:
            mine = day[work.id]
            for other in work.after:
                theirs = day[other]
                if mine is not None and (theirs is None or theirs >= mine):
                    return False
            if any(day[other] != mine for other in work.together):
                return False
            if mine is not None and any(day[other] == mine for other in work.not_with):
                return False
        return True

    def rarely(self, plan: dict[str, Spot]) -> bool:
        rules = self.instance.rules
        for section in self.grid.parent:
            planned = [day for (_, day), (one, _) in self.events(plan).items() if section in one.dead]
            past = [own.date for own in self.instance.past if own.section == section]
            for day in planned:
                recent = [one for one in planned + past if 0 <= (day - one).days < rules.look_back_days]
                if len(recent) > rules.interruptions:
                    return False
        return True

    def affordable(self, plan: dict[str, Spot]) -> bool:
        budget, used = self.instance.rules.budget_hours, 0
        for one, works in self.events(plan).values():
            lasting = max(work.minutes for work in works) + 2 * one.minutes
            used += one.customers_dead * lasting + one.customers_moved * 2 * one.minutes
        return budget is None or used <= budget * 60

    def day_holds(self, plan: dict[str, Spot], day: dt.date) -> bool:
        events = [found for (_, at), found in self.events(plan).items() if at == day]
        calendar = self.instance.calendar
        if sum(len(one.there) * 2 for one, _ in events) > calendar.operations_on.get(
            day, calendar.operations
        ):
            return False
        for number, (one, _) in enumerate(events):
            if any(one.blocked & other.blocked for other, _ in events[number + 1 :]):
                return False
        for root in self.grid.topology.sources:
            given = sum(source.capacity_kva or 0.0 for source in self.grid.topology.sources[root])
            fed = self.grid.fed
            used = sum(
                fed.load_kva[edge] for edge, far in self.grid.topology.arms[root] if fed.via.get(far) == edge
            )
            if events and used + sum(one.draws.get(root, 0.0) for one, _ in events) > given + 1e-6:
                return False
        live = [
            work
            for work in self.instance.works
            if (spot := plan[work.id]) is not None and spot[0] == "live" and spot[2] == day
        ]
        windows = ("morning", "afternoon", "day")
        return any(
            self.crews_do(day, events, live, chosen[: len(events)], chosen[len(events) :])
            for chosen in product(windows, repeat=len(events) + len(live))
        )

    def crews_do(
        self,
        day: dt.date,
        events: list[tuple[Outcome, list[Work]]],
        live: list[Work],
        windows: tuple[str, ...],
        live_windows: tuple[str, ...],
    ) -> bool:
        bound: list[tuple[Work, str, tuple[str, ...]]] = []
        for (one, works), window in zip(events, windows, strict=True):
            for work in works:
                takes = work.minutes + 2 * one.minutes
                if (
                    not self.window_ok(work, window)
                    or takes > self.lengths[window]
                    or self.noisy(day, window)
                ):
                    return False
                halves = ("morning",) if window == "day" and takes <= 240 else HALVES[window]
                bound.append((work, work.skill, halves))
        for work, window in zip(live, live_windows, strict=True):
            assert work.live is not None
            if not self.window_ok(work, window) or work.live.minutes > self.lengths[window]:
                return False
            halves = ("morning",) if window == "day" and work.live.minutes <= 240 else HALVES[window]
            bound.append((work, work.live.skill, halves))
        for half in ("morning", "afternoon"):
            busy = [(work, skill) for work, skill, halves in bound if half in halves]
            for crew in self.instance.crews:
                if sum(skill == crew.skill for _, skill in busy) > self.duty(crew.skill, day):
                    return False
            names = {work.id for work, _ in busy}
            if any(names & set(work.same_crew) for work, _ in busy):
                return False
        return True

    def window_ok(self, work: Work, window: str) -> bool:
        return window in work.windows and (work.pin is None or work.pin.window in (None, window))

    def noisy(self, day: dt.date, window: str) -> bool:
        spans = {"morning": ("08:00", "12:00"), "afternoon": ("13:00", "17:00"), "day": ("08:00", "17:00")}
        first, last = spans[window]
        return any(
            (not one.dates or day in one.dates) and one.hours.start < last and first < one.hours.end
            for one in self.instance.calendar.quiet
        )
