"""The network as sections: which section feeds which as the switches normally stand, and what each way up
can still carry. Made once of a topology; the interruption model reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from geo.network.model import Customer, Line, Network, Switch
from geo.network.topology import Section, Supply, Topology, build, supply


@dataclass(frozen=True)
class Limit:
    """Something on the way from a source that can carry `spare` kVA beyond its normal load: the edge `key`,
    with its feeder's limit where it is a head, or the source node `key`."""

    key: str
    spare: float


@dataclass(frozen=True)
class Grid:
    """By section: `parent`, the section that feeds it (None for one with a source in it; normally dead ones
    are missing), `children`, `entry`, its node that is fed first; by feeder all sections that it reaches.
    `rank` is a node's place in the order of feeding.

    `points` weighs a section's customers, `counts` counts them; customers with meters in several sections are
    in neither but in `spread`, each with its sections. `unknown` are sections with a load that is not known.
    """

    topology: Topology
    fed: Supply
    parent: Mapping[str, str | None]
    children: Mapping[str, tuple[str, ...]]
    entry: Mapping[str, str]
    rank: Mapping[str, int]
    reach: Mapping[str, frozenset[str]]
    points: Mapping[str, int]
    counts: Mapping[str, int]
    spread: Mapping[str, frozenset[str]]
    unknown: frozenset[str]
    important: frozenset[str]
    life_support: frozenset[str]
    weight: Mapping[str, int]
    _ways: dict[str, tuple[Limit, ...] | None] = field(default_factory=dict)

    def below(self, sections: Iterable[str]) -> frozenset[str]:
        """All that is fed through these sections, themselves left out."""
        own = set(sections)
        found: set[str] = set()
        stack = [child for one in own for child in self.children.get(one, ())]
        while stack:
            section = stack.pop()
            if section not in found:
                found.add(section)
                stack.extend(self.children.get(section, ()))
        return frozenset(found - own)

    def above(self, section: str) -> tuple[str, ...]:
        """The sections that feed this one, nearest first."""
        found = []
        here = self.parent.get(section)
        while here is not None:
            found.append(here)
            here = self.parent.get(here)
        return tuple(found)

    def way(self, node: str) -> tuple[Limit, ...] | None:
        """What limits a transfer that begins at this live node, all the way to its source; None where a
        capacity or a load on the way is not known, so that nothing may be lent."""
        if node not in self._ways:
            self._ways[node] = self._way(node)
        return self._ways[node]

    def _way(self, node: str) -> tuple[Limit, ...] | None:
        edge = self.fed.via[node]
        if edge is None:
            return self._source(node)
        above = self.way(self.fed.upstream[node])
        own = self.topology.edges[edge]
        if above is None or self.fed.unknown[edge] or (own.capacity_kva is None and isinstance(own, Line)):
            return None
        load = self.fed.load_kva[edge]
        limits = [one for one in (own.capacity_kva, self._feeder_limit(edge)) if one is not None]
        return (Limit(edge, min(limits) - load), *above) if limits else above

    def _feeder_limit(self, edge: str) -> float | None:
        found = (one.capacity_kva for one in self.topology.network.feeders if one.head == edge)
        return next(found, None)

    def _source(self, node: str) -> tuple[Limit, ...] | None:
        given = [source.capacity_kva for source in self.topology.sources[node]]
        below = [edge for edge, other in self.topology.arms[node] if self.fed.via.get(other) == edge]
        own = [one.load_kva for one in self.topology.transformers.get(node, ())]
        if None in given or None in own or any(self.fed.unknown[edge] for edge in below):
            return None
        drawn = sum(one or 0.0 for one in own) + sum(self.fed.load_kva[edge] for edge in below)
        return (Limit(node, sum(one or 0.0 for one in given) - drawn),)


def make_grid(network: Network, *, important_as: int = 1, life_support_as: int = 1) -> Grid:
    """The grid of a network that has been checked: no grave findings in it."""
    topology = build(network)
    fed = supply(topology)
    parent, children, entry = _tree(topology, fed)
    reach: dict[str, set[str]] = {}
    for node, feeder in fed.feeder.items():
        reach.setdefault(feeder, set()).add(topology.section_of[node])
    named = {one.id: one for one in network.customers}
    weight = {one.id: _weight(one, important_as, life_support_as) for one in network.customers}
    spread = {
        customer: frozenset(topology.section_of[node] for node in nodes)
        for customer, nodes in topology.nodes_of.items()
        if customer in named
    }
    single = {customer: next(iter(own)) for customer, own in spread.items() if len(own) == 1}
    points = {one.id: one.customers for one in topology.sections.values()}
    counts = dict(points)
    for customer, section in single.items():
        points[section] += weight[customer]
        counts[section] += 1
    return Grid(
        topology=topology,
        fed=fed,
        parent=parent,
        children=children,
        entry=entry,
        rank={node: number for number, node in enumerate(fed.order)},
        reach={feeder: frozenset(found) for feeder, found in reach.items()},
        points=points,
        counts=counts,
        spread=spread,
        unknown=frozenset(one.id for one in topology.sections.values() if _unknown(topology, one)),
        important=frozenset(one.id for one in network.customers if one.importance),
        life_support=frozenset(one.id for one in network.customers if one.life_support),
        weight=weight,
    )


def _tree(
    topology: Topology, fed: Supply
) -> tuple[dict[str, str | None], dict[str, tuple[str, ...]], dict[str, str]]:
    parent: dict[str, str | None] = {}
    entry: dict[str, str] = {}
    children: dict[str, list[str]] = {}
    for node in fed.order:
        section = topology.section_of[node]
        if section in parent:
            continue
        entry[section] = node
        above = fed.upstream.get(node)
        parent[section] = None if above is None else topology.section_of[above]
        if above is not None:
            children.setdefault(topology.section_of[above], []).append(section)
    return parent, {section: tuple(found) for section, found in children.items()}, entry


def _weight(customer: Customer, important_as: int, life_support_as: int) -> int:
    return max(1, important_as if customer.importance else 1, life_support_as if customer.life_support else 1)


def _unknown(topology: Topology, section: Section) -> bool:
    own = (one for node in section.nodes for one in topology.transformers.get(node, ()))
    return any(one.load_kva is None for one in own)


def switch_of(topology: Topology, edge: str) -> Switch:
    """A switch by id. Raises TypeError for a line."""
    found = topology.edges[edge]
    if not isinstance(found, Switch):
        raise TypeError(f"{edge} is no switch")
    return found


def across(topology: Topology, switch: str, section: str) -> tuple[str, str]:
    """A switch's node inside a section, and the one on its other side."""
    edge = topology.edges[switch]
    inside = topology.section_of[edge.start] == section
    return (edge.start, edge.end) if inside else (edge.end, edge.start)
