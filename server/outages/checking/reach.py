"""How far switching reaches: the branches of the network at which a switch is moved, without all the others.

A branch is what closed edges normally hold together without passing through a source's node. A switch that
is moved changes supply only in the branches at its ends; to all others a source gives what it gives anyway.
So the supply of a few branches is reckoned instead of a province's, with the same result for what is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import msgspec

from geo.network.model import Feeder
from geo.network.topology import Section, Supply, Topology, closed, supply


@dataclass(frozen=True)
class Reach:
    """Some branches: `topology` leads through these only, `sections` lie in them, and `beside` is what each
    of their sources gives to others, in kVA."""

    topology: Topology
    sections: tuple[Section, ...]
    beside: Mapping[str, float]

    def supply(self, positions: Mapping[str, bool]) -> Supply:
        """What feeds what in these branches; `positions` are of switches at them."""
        return supply(self.topology, positions)


class Branches:
    """A network's branches by number: `nodes` of each, and the sources' nodes that closed edges lead to."""

    def __init__(self, topology: Topology, normal: Supply) -> None:
        self.topology, self.normal = topology, normal
        self.of: dict[str, int] = {}
        self.nodes: list[list[str]] = []
        self.sources: list[set[str]] = []
        for node in topology.nodes:
            if node not in self.of and node not in topology.sources:
                self._walk(node)
        self.heads: dict[str, list[Feeder]] = {}
        for feeder in topology.network.feeders:
            self.heads.setdefault(feeder.head, []).append(feeder)

    def _walk(self, first: str) -> None:
        number, stack = len(self.nodes), [first]
        self.of[first] = number
        self.nodes.append([])
        self.sources.append(set())
        while stack:
            node = stack.pop()
            self.nodes[number].append(node)
            for edge, other in self.topology.arms[node]:
                if not closed(self.topology.edges[edge], {}):
                    continue
                if other in self.topology.sources:
                    self.sources[number].add(other)
                elif other not in self.of:
                    self.of[other] = number
                    stack.append(other)

    def at(self, switches: Iterable[str]) -> Reach:
        """How far moving some switches reaches."""
        topology, moved = self.topology, set(switches)
        ends = {end for one in moved for end in (topology.edges[one].start, topology.edges[one].end)}
        numbers = {self.of[end] for end in ends if end in self.of}
        roots = {end for end in ends if end in topology.sources}.union(*(self.sources[n] for n in numbers))
        inside = {node for number in numbers for node in self.nodes[number]}
        arms = {node: topology.arms[node] for node in inside}
        beside = {}
        for root in roots:
            arms[root] = tuple(
                (edge, far)
                for edge, far in topology.arms[root]
                if far in inside or far in roots or edge in moved
            )
            own = {edge for edge, _ in arms[root]}
            beside[root] = sum(
                self.normal.load_kva[edge]
                for edge, far in topology.arms[root]
                if edge not in own and self.normal.via.get(far) == edge
            )
        edges = {edge for own in arms.values() for edge, _ in own}
        feeders = tuple(one for edge in sorted(edges & self.heads.keys()) for one in self.heads[edge])
        return Reach(
            topology=replace(
                topology,
                network=msgspec.structs.replace(topology.network, feeders=feeders),
                arms=arms,
                sources={root: topology.sources[root] for root in topology.sources if root in roots},
            ),
            sections=tuple(
                topology.sections[one]
                for one in sorted({topology.section_of[node] for node in (*inside, *roots)})
            ),
            beside=beside,
        )
