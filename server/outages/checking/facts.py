"""An instance and a plan, indexed for checking."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

from geo.finding import Finding, pointer
from geo.network.model import Boundary, Customer, Line, Meter, Network, Node, Switch, Transformer
from geo.network.topology import Supply, Topology, build, supply
from server.outages.checking.reach import Branches
from server.outages.instance import Instance, Work
from server.outages.plan import LiveWork, Outage, Plan, Riding

Param = str | int | float
#: How many customers by transformer, and one each by name.
Group = dict[str, int]


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
    def branches(self) -> Branches:
        return Branches(self.topology, self.normal)

    @cached_property
    def past(self) -> dict[str, list[dt.date]]:
        """The days on which each section was interrupted before."""
        found: dict[str, list[dt.date]] = {}
        for one in self.instance.past:
            found.setdefault(one.section, []).append(one.date)
        return found

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

    @cached_property
    def interrupted(self) -> tuple[tuple[Group, Group], ...]:
        """By outage the customers without supply and those with a short break; none where it names a switch
        that is not there."""
        return tuple(
            self._interrupted(outage)
            if all(step.switch in self.topology.edges for step in outage.there)
            else ({}, {})
            for outage in self.plan.outages
        )

    def _interrupted(self, outage: Outage) -> tuple[Group, Group]:
        topology, normal = self.topology, self.normal
        standing = positions(outage)
        reach = self.branches.at(standing)
        during = reach.supply(standing)

        def live(node: str) -> bool:
            return node in (during.root if node in reach.topology.arms else normal.root)

        changed = {*outage.dead, *outage.moved} & topology.sections.keys()
        dead: Group = {}
        moved: Group = {}
        named: set[str] = set()
        for section in changed:
            named.update(topology.sections[section].named)
            for name in topology.sections[section].transformers:
                own = topology.elements[name]
                if isinstance(own, Transformer) and own.node in normal.root:
                    (moved if live(own.node) else dead)[f"\0{name}"] = own.customers
        for name in sorted(named):
            nodes = {node for node in topology.nodes_of[name] if node in normal.root}
            known = isinstance(topology.elements.get(name), Customer)
            if known and nodes and all(topology.section_of[node] in changed for node in nodes):
                (moved if any(map(live, nodes)) else dead)[name] = 1
        return dead, moved

    @cached_property
    def crew_groups(self) -> list[set[str]]:
        """Works of one crew, joined over what each of them names."""
        groups: list[set[str]] = []
        for work in self.instance.works:
            if not work.same_crew:
                continue
            own = {work.id, *work.same_crew}
            apart = [one for one in groups if not one & own]
            groups = [*apart, own.union(*(one for one in groups if one & own))]
        return groups

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


def positions(outage: Outage) -> dict[str, bool]:
    """The switches that stand otherwise while an outage lasts; True is closed."""
    return {step.switch: step.to == "closed" for step in outage.there}


def time_of(clock: str) -> dt.time:
    """A time of day as the calendar writes it."""
    return dt.time.fromisoformat(clock)


def minutes_between(start: dt.datetime, end: dt.datetime) -> float:
    """Minutes from one time to another."""
    return (end - start).total_seconds() / 60
