"""An instance and a plan, indexed for checking."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

from geo.finding import Finding, pointer
from geo.network.model import Boundary, Customer, Line, Meter, Network, Node, Switch, Transformer
from geo.network.topology import Supply, Topology, build, supply
from server.outages.instance import Instance, Work
from server.outages.plan import LiveWork, Outage, Plan, Riding

Param = str | int | float


def wrong(code: str, *at: str | int, **params: Param) -> Finding:
    """A finding at a place in the plan."""
    return Finding(f"plan_{code}", params, pointer(*at), grave=True)


@dataclass(frozen=True)
class Placed:
    """Where a work is in the plan: on an outage, or live."""

    at: tuple[str | int, ...]
    date: dt.date
    how: Riding | LiveWork
    outage: Outage | None


@dataclass(frozen=True)
class Facts:
    """What every check reads."""

    instance: Instance
    network: Network
    plan: Plan

    @cached_property
    def topology(self) -> Topology:
        return build(self.network)

    @cached_property
    def normal(self) -> Supply:
        return supply(self.topology)

    @cached_property
    def works(self) -> dict[str, Work]:
        return {work.id: work for work in self.instance.works}

    @cached_property
    def placed(self) -> dict[str, list[Placed]]:
        """Every mention of each work in the plan."""
        found: dict[str, list[Placed]] = {}
        for number, outage in enumerate(self.plan.outages):
            for index, riding in enumerate(outage.works):
                at = ("outages", number, "works", index)
                found.setdefault(riding.work, []).append(Placed(at, outage.date, riding, outage))
        for number, live in enumerate(self.plan.live):
            found.setdefault(live.work, []).append(Placed(("live", number), live.date, live, None))
        return found

    @cached_property
    def day_of(self) -> dict[str, dt.date]:
        return {name: found[0].date for name, found in self.placed.items()}

    def needs(self, work: Work) -> set[str]:
        """The sections that must be dead for a work."""
        topology = self.topology
        if work.section:
            return {work.section}
        element = topology.elements[work.device]
        nodes: set[str] = set()
        if isinstance(element, Node):
            nodes = {element.id}
        elif isinstance(element, Line | Switch):
            nodes = {element.start, element.end}
        elif isinstance(element, Transformer):
            nodes = {element.node}
        elif isinstance(element, Boundary):
            below = topology.elements[element.at]
            nodes = {below.node if isinstance(below, Transformer) else below.id}
        elif isinstance(element, Meter):
            nodes = set(topology.nodes_of[element.customer])
        elif isinstance(element, Customer):
            nodes = set(topology.nodes_of[element.id])
        return {topology.section_of[node] for node in nodes}

    def duty(self, skill: str, date: dt.date) -> int:
        """Crews of a skill on duty."""
        for crew in self.instance.crews:
            if crew.skill == skill:
                return crew.count_on.get(date, crew.count)
        return 0

    def weight(self, customer: str) -> int:
        """How many others a named customer counts as."""
        element, weights = self.topology.elements[customer], self.instance.weights
        if not isinstance(element, Customer):
            return 1
        graded = weights.important_as if element.importance else 1
        return max(graded, weights.life_support_as if element.life_support else 1)

    def lead(self, work: Work, date: dt.date) -> bool:
        """Whether a day keeps a work's lead time of notice."""
        rules, calendar = self.instance.rules, self.instance.calendar
        if work.notice == "planned":
            return (date - calendar.published.date()).days >= rules.planned_notice_days
        begins = dt.datetime.combine(date, time_of(calendar.windows.morning.start))
        return begins - calendar.published >= dt.timedelta(hours=rules.short_notice_hours)


def time_of(clock: str) -> dt.time:
    """A time of day as the calendar writes it."""
    return dt.time.fromisoformat(clock)


def minutes_between(start: dt.datetime, end: dt.datetime) -> float:
    """Minutes from one time to another."""
    return (end - start).total_seconds() / 60
