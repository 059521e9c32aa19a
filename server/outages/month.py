"""An instance made ready: days by number, what each can take, and why a work cannot be on a day at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from msgspec import Struct

from geo.network.model import Network
from server.outages.grid import Grid, make_grid
from server.outages.instance import Half, Instance, Span, Window, Work
from server.outages.interruption import Interruptions, Outcome
from server.outages.works import crew_groups, needs_of

Param = str | int | float
BOTH: tuple[Half, ...] = ("morning", "afternoon")
#: A pinned work outweighs others that could take its place.
PINNED_WEIGHS = 10
MINUTES = 60


class Obstacle(Struct, frozen=True):
    """Why something cannot be: a code of catalogue `outages` under `outage_obstacle_`, and its values."""

    code: str
    params: dict[str, Param] = {}


@dataclass(frozen=True)
class Month:
    """The instance with its grid. Days and works go by their number; `open` are the windows of each day that
    no quiet hours touch, `lengths` the minutes of each window, `past` the days back, negative, on which a
    section was interrupted, as numbers of days. `groups` are works of one crew, `tied` works that name one
    another."""

    instance: Instance
    grid: Grid
    interruptions: Interruptions
    days: tuple[dt.date, ...]
    works: tuple[Work, ...]
    number: Mapping[str, int]
    needs: tuple[frozenset[str], ...]
    crews: Mapping[str, tuple[int, ...]]
    operations: tuple[int, ...]
    open: tuple[frozenset[Window], ...]
    lengths: Mapping[Window, int]
    past: Mapping[str, tuple[int, ...]]
    groups: tuple[frozenset[int], ...]
    group_of: Mapping[int, int]
    tied: tuple[tuple[int, ...], ...]
    consenting: frozenset[str]
    guaranteed: Mapping[int, frozenset[str]]

    def fits(self, work: int, outcome: Outcome, window: Window) -> bool:
        """Whether a work and the switching there and back fit into a window."""
        return self.works[work].minutes + 2 * outcome.minutes <= self.lengths[window]

    def allowed(self, work: int, outcome: Outcome, day: int) -> tuple[Window, ...]:
        """The windows of a day in which a work can ride on an outage."""
        own = self.works[work]
        pinned = own.pin.window if own.pin is not None else None
        return tuple(
            window
            for window in ("morning", "afternoon", "day")
            if window in own.windows
            and window in self.open[day]
            and pinned in (None, window)
            and self.fits(work, outcome, window)
        )

    def binds(self, work: int, outcome: Outcome, window: Window) -> tuple[Half, ...]:
        """The halves of the day for which a work binds its crew. In an outage of a whole day all begin
        together, in the morning."""
        if window != "day":
            return (window,)
        return ("morning",) if self.fits(work, outcome, "morning") else BOTH

    def live_halves(self, work: int, day: int) -> tuple[tuple[Half, ...], ...]:
        """The ways in which doing a work live can bind a crew on a day: it needs no window without quiet."""
        own = self.works[work]
        option = own.live
        if option is None:
            return ()
        pinned = own.pin.window if own.pin is not None else None
        found: list[tuple[Half, ...]] = []
        for window in own.windows:
            if pinned not in (None, window) or option.minutes > self.lengths[window]:
                continue
            short = window == "day" and option.minutes <= self.lengths["morning"]
            found.append(("morning",) if short else BOTH if window == "day" else (window,))
        return tuple(dict.fromkeys(found))

    def crew(self, skill: str, day: int) -> int:
        """Crews of a skill on duty."""
        return self.crews[skill][day] if skill in self.crews else 0

    def late_days(self, work: int, day: int) -> int:
        """Days beyond the wanted one."""
        wanted = self.works[work].wanted
        return 0 if wanted is None else max(0, (self.days[day] - wanted).days)

    def late_cost(self, work: int, day: int) -> int:
        """What being so late costs, in customer-minutes."""
        own = self.works[work]
        hours = own.late_hours
        if hours is None:
            hours = self.instance.weights.late.get(own.kind, 0.0)
        return self.late_days(work, day) * round(hours * MINUTES)

    def unplaced_cost(self, work: int) -> int:
        """What leaving a work out costs, in customer-minutes."""
        own = self.works[work]
        hours = self.instance.weights.unplaced if own.unplaced_hours is None else own.unplaced_hours
        return round(hours * MINUTES) * (PINNED_WEIGHS if own.pin is not None else 1)

    def why_not_day(self, work: int, day: int, *, live: bool) -> Iterator[Obstacle]:
        """What keeps a work from a day whatever else happens on it."""
        own, date = self.works[work], self.days[day]
        if own.earliest is not None and date < own.earliest:
            yield Obstacle("before_earliest", {"date": str(own.earliest), "fact": own.earliest_because})
        if own.latest is not None and date > own.latest:
            yield Obstacle("after_latest", {"date": str(own.latest)})
        if date in own.forbid:
            yield Obstacle("frozen_day", self._frozen(date)) if self._frozen(date) else Obstacle("forbidden")
        if own.pin is not None and date != own.pin.date:
            held = self._frozen(own.pin.date)
            yield Obstacle("frozen_there" if held else "pinned", {"date": str(own.pin.date), **held})
        if date in self.instance.calendar.rest_days:
            yield Obstacle("rest_day")
        if not live and (by := self.notice_until(work)) is not None and date < by:
            yield Obstacle("notice", {"date": str(by)})
        skill = own.live.skill if live and own.live is not None else own.skill
        if not self.crew(skill, day):
            yield Obstacle("no_crew", {"skill": skill})

    def _frozen(self, date: dt.date) -> dict[str, Param]:
        """Up to when days are frozen, and who may still move works there; empty for a day that is not."""
        freeze = self.instance.freeze
        if freeze is None or date > freeze.until:
            return {}
        return {"until": str(freeze.until), "roles": ", ".join(freeze.roles)}

    def notice_until(self, work: int) -> dt.date | None:
        """The first day that the lead time of a work's notice allows."""
        rules, published = self.instance.rules, self.instance.calendar.published
        if self.works[work].notice == "planned":
            return published.date() + dt.timedelta(days=rules.planned_notice_days)
        earliest = published + dt.timedelta(hours=rules.short_notice_hours)
        starts = _time(self.instance.calendar.windows.morning.start)
        return earliest.date() + dt.timedelta(days=earliest.time() > starts)

    def why_not_outage(self, outcome: Outcome, day: int) -> Iterator[Obstacle]:
        """What keeps an outage from a day whatever else happens on it."""
        date, calendar, rules = self.days[day], self.instance.calendar, self.instance.rules
        for blackout in calendar.blackouts:
            if blackout.first <= date <= blackout.last and self._touches(outcome, blackout.feeders):
                yield Obstacle("blackout", {"reason": blackout.reason})
        for customer in outcome.named:
            if customer in self.guaranteed.get(day, ()):
                yield Obstacle("guaranteed", {"customer": customer})
        if rules.consent:
            for customer in outcome.life_support:
                if customer not in self.consenting:
                    yield Obstacle("life_support", {"customer": customer})
            for customer in outcome.important:
                if customer not in self.consenting and customer not in outcome.life_support:
                    yield Obstacle("important", {"customer": customer})
        if outcome.operations > self.operations[day]:
            params: dict[str, Param] = {"operations": outcome.operations, "limit": self.operations[day]}
            yield Obstacle("too_many_operations", params)
        for section in sorted(outcome.dead & self.past.keys()):
            recent = self.recent(section, day)
            if recent >= rules.interruptions:
                yield Obstacle("interrupted_often", {"section": section, "times": recent})

    def _touches(self, outcome: Outcome, feeders: tuple[str, ...]) -> bool:
        if not feeders:
            return True
        return any(
            self.grid.fed.feeder[self.grid.entry[one]] in feeders
            for one in outcome.dead | outcome.moved
            if one in self.grid.entry
        )

    def recent(self, section: str, day: int) -> int:
        """How often a section was interrupted in the look-back that ends with a day of the month."""
        since = day - self.instance.rules.look_back_days
        return sum(since < one <= day for one in self.past.get(section, ()))

    def feeder_of(self, section: str) -> str:
        """The feeder that a section normally hangs on; empty for a busbar's, and for dead ones."""
        node = self.grid.entry.get(section)
        return "" if node is None else self.grid.fed.feeder[node]


def make_month(instance: Instance, network: Network) -> Month:
    """Make an instance ready that `read_instance` found usable."""
    calendar, weights = instance.calendar, instance.weights
    grid = make_grid(network, important_as=weights.important_as, life_support_as=weights.life_support_as)
    count = (calendar.last - calendar.first).days + 1
    days = tuple(calendar.first + dt.timedelta(days=one) for one in range(count))
    works = instance.works
    number = {work.id: index for index, work in enumerate(works)}
    past: dict[str, list[int]] = {}
    for one in instance.past:
        past.setdefault(one.section, []).append((one.date - calendar.first).days)
    groups = tuple(frozenset(number[one] for one in group) for group in crew_groups(works))
    windows = calendar.windows
    whole = Span(start=windows.morning.start, end=windows.afternoon.end)
    spans: dict[Window, Span] = {"morning": windows.morning, "afternoon": windows.afternoon, "day": whole}
    guaranteed: dict[int, set[str]] = {}
    for facts in instance.customers:
        for date in facts.guaranteed:
            guaranteed.setdefault((date - calendar.first).days, set()).add(facts.id)
    return Month(
        instance=instance,
        grid=grid,
        interruptions=Interruptions(grid, instance.rules),
        days=days,
        works=works,
        number=number,
        needs=tuple(needs_of(work, grid.topology) for work in works),
        crews={
            crew.skill: tuple(crew.count_on.get(day, crew.count) for day in days) for crew in instance.crews
        },
        operations=tuple(calendar.operations_on.get(day, calendar.operations) for day in days),
        open=tuple(frozenset(w for w, span in spans.items() if _quiet(instance, day, span)) for day in days),
        lengths={window: minutes(span.end) - minutes(span.start) for window, span in spans.items()},
        past={section: tuple(sorted(found)) for section, found in past.items()},
        groups=groups,
        group_of={work: index for index, group in enumerate(groups) for work in group},
        tied=_ties(works, number),
        consenting=frozenset(one.id for one in instance.customers if one.consent),
        guaranteed={day: frozenset(found) for day, found in guaranteed.items()},
    )


def _ties(works: tuple[Work, ...], number: Mapping[str, int]) -> tuple[tuple[int, ...], ...]:
    """For each work those whose day bears on its own, named on either side."""
    found: list[set[int]] = [set() for _ in works]
    for index, work in enumerate(works):
        for other in (*work.after, *work.together, *work.not_with):
            found[index].add(number[other])
            found[number[other]].add(index)
    return tuple(tuple(sorted(one)) for one in found)


def _quiet(instance: Instance, day: dt.date, span: Span) -> bool:
    """Whether no quiet hours of the day touch a span."""
    return not any(
        (not one.dates or day in one.dates) and one.hours.start < span.end and span.start < one.hours.end
        for one in instance.calendar.quiet
    )


def minutes(clock: str) -> int:
    """Minutes since midnight."""
    return int(clock[:2]) * MINUTES + int(clock[3:])


def _time(clock: str) -> dt.time:
    return dt.time(int(clock[:2]), int(clock[3:]))
