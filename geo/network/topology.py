"""The network as a graph: its sections, and what feeds what for given positions of the switches.

`build` indexes a network once. `supply` is a function of that index and of switch positions, so that any
switching can be tried without changing anything: what a node is fed from, through which edge, and the load
that each edge carries. Nothing is presumed of a meshed network: the first way found stands, and every edge
that closes a ring is told.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from msgspec import Struct

from geo.metric import distance_m
from geo.network.model import Boundary, Element, Line, Meter, Network, Node, Source, Switch, Transformer

#: Before the id of a section that has no name of its own: its first node follows.
_UNNAMED = "~"


class Section(Struct, frozen=True):
    """All that no switch parts: dead together, or live together. `switches` lie around it.

    `id` is the name that all its lines give it, if no other section's lines give it too; else `~` and the
    first of its nodes by id. `customers` counts those behind transformers, `named` are customers by id.
    """

    id: str
    nodes: tuple[str, ...]
    lines: tuple[str, ...]
    switches: tuple[str, ...]
    transformers: tuple[str, ...]
    customers: int
    named: tuple[str, ...]
    load_kva: float


@dataclass(frozen=True)
class Topology:
    """A network by id. `arms` lists for each node the edges at it and the nodes across them; `nodes_of`
    the nodes from which a customer's meters are fed. Elements that refer to nothing are left out."""

    network: Network
    elements: Mapping[str, Element]
    nodes: Mapping[str, Node]
    edges: Mapping[str, Line | Switch]
    arms: Mapping[str, tuple[tuple[str, str], ...]]
    sources: Mapping[str, tuple[Source, ...]]
    transformers: Mapping[str, tuple[Transformer, ...]]
    nodes_of: Mapping[str, frozenset[str]]
    sections: Mapping[str, Section]
    section_of: Mapping[str, str]
    lengths: Mapping[str, float]


class Mesh(Struct, frozen=True):
    """An edge that closes a ring, or at which two sources meet: `parallel`."""

    edge: str
    parallel: bool


@dataclass(frozen=True)
class Supply:
    """What feeds what. Nodes that no source reaches are in none of the mappings by node.

    `order` has every live node after the one that feeds it; `via` the edge to it (None at a source),
    `upstream` that node; `feeder` the feeder's id, empty before its head; `along_m` the way from the source.
    By edge: `load_kva` that it carries, and `unknown`, how many transformers behind it have no known load.
    """

    order: tuple[str, ...]
    root: Mapping[str, str]
    via: Mapping[str, str | None]
    upstream: Mapping[str, str]
    feeder: Mapping[str, str]
    along_m: Mapping[str, float]
    load_kva: Mapping[str, float]
    unknown: Mapping[str, int]
    meshes: tuple[Mesh, ...]

    def live(self, section: Section) -> bool:
        """Whether the section is fed."""
        return bool(section.nodes) and section.nodes[0] in self.root


def build(network: Network) -> Topology:
    """Index a network. Of elements with one id the first stands; `checks.check` tells of the others."""
    elements: dict[str, Element] = {}
    for element in network.elements():
        elements.setdefault(element.id, element)
    nodes = {node.id: node for node in network.nodes if elements[node.id] is node}
    edges: dict[str, Line | Switch] = {}
    arms: dict[str, list[tuple[str, str]]] = {node: [] for node in nodes}
    every: tuple[Line | Switch, ...] = (*network.lines, *network.switches)
    for edge in every:
        joined = edge.start in nodes and edge.end in nodes and edge.start != edge.end
        if joined and elements[edge.id] is edge:
            edges[edge.id] = edge
            arms[edge.start].append((edge.id, edge.end))
            arms[edge.end].append((edge.id, edge.start))
    transformers: dict[str, list[Transformer]] = {}
    for transformer in network.transformers:
        if transformer.node in nodes and elements[transformer.id] is transformer:
            transformers.setdefault(transformer.node, []).append(transformer)
    sources: dict[str, list[Source]] = {}
    for source in network.sources:
        if source.node in nodes and elements[source.id] is source:
            sources.setdefault(source.node, []).append(source)
    nodes_of = _nodes_of(network, elements)
    sections = _sections(nodes, edges, arms, transformers, nodes_of)
    return Topology(
        network=network,
        elements=elements,
        nodes=nodes,
        edges=edges,
        arms={node: tuple(found) for node, found in arms.items()},
        sources={node: tuple(found) for node, found in sources.items()},
        transformers={node: tuple(found) for node, found in transformers.items()},
        nodes_of=nodes_of,
        sections={section.id: section for section in sections},
        section_of={node: section.id for section in sections for node in section.nodes},
        lengths={edge.id: line_length_m(edge, nodes) for edge in edges.values() if isinstance(edge, Line)},
    )


def supply(topology: Topology, positions: Mapping[str, bool] | None = None) -> Supply:
    """What feeds what with every switch as it normally stands, but for `positions` (True: closed)."""
    positions = positions or {}
    heads = {feeder.head: feeder.id for feeder in reversed(topology.network.feeders)}
    root: dict[str, str] = {}
    via: dict[str, str | None] = {}
    upstream: dict[str, str] = {}
    feeder: dict[str, str] = {}
    along: dict[str, float] = {}
    order: list[str] = []
    meshes: dict[str, Mesh] = {}
    for source in topology.sources:
        root[source], via[source], feeder[source], along[source] = source, None, "", 0.0
    queue = deque(topology.sources)
    while queue:
        node = queue.popleft()
        order.append(node)
        for edge_id, other in topology.arms[node]:
            if edge_id == via[node] or not closed(topology.edges[edge_id], positions):
                continue
            if other in root:
                meshes.setdefault(edge_id, Mesh(edge_id, parallel=root[other] != root[node]))
                continue
            root[other], via[other], upstream[other] = root[node], edge_id, node
            feeder[other] = heads.get(edge_id, feeder[node])
            along[other] = along[node] + topology.lengths.get(edge_id, 0.0)
            queue.append(other)
    load, unknown = _loads(topology, order, via, upstream)
    return Supply(tuple(order), root, via, upstream, feeder, along, load, unknown, tuple(meshes.values()))


def closed(edge: Line | Switch, positions: Mapping[str, bool]) -> bool:
    """Whether an edge joins its nodes: a line always, a switch as it stands."""
    return isinstance(edge, Line) or positions.get(edge.id, edge.closed)


def isolating(
    topology: Topology, sections: Collection[str], positions: Mapping[str, bool] | None = None
) -> tuple[str, ...]:
    """The closed switches between `sections` and the rest: opening them, sources in them aside, makes the
    sections dead. Switches from one of the sections to another are left alone. Raises KeyError for a section
    that is not there."""
    positions, wanted = positions or {}, set(sections)
    around = {switch for section in wanted for switch in topology.sections[section].switches}
    found = []
    for switch in sorted(around):
        edge = topology.edges[switch]
        inside = {topology.section_of[edge.start], topology.section_of[edge.end]} <= wanted
        if not inside and closed(edge, positions):
            found.append(switch)
    return tuple(found)


def spare_kva(topology: Topology, fed: Supply) -> dict[str, float]:
    """What each live node could still draw: the least that any line, switch, feeder or source above it can
    carry beyond its load. Nodes above which a source's or a line's capacity, or a load, is not known are left
    out; a switch or feeder without a capacity is taken not to be the limit."""
    feeders = {feeder.id: feeder.capacity_kva for feeder in topology.network.feeders}
    heads = {feeder.head: feeder.id for feeder in topology.network.feeders}
    spare: dict[str, float] = {}
    for node in fed.order:
        via = fed.via[node]
        if via is None:
            given = [source.capacity_kva for source in topology.sources[node]]
            drawn = _drawn(topology, fed, node)
            if drawn is not None and None not in given:
                spare[node] = sum(one for one in given if one is not None) - drawn
            continue
        edge = topology.edges[via]
        above = spare.get(fed.upstream[node])
        if above is None or fed.unknown[via] or (edge.capacity_kva is None and isinstance(edge, Line)):
            continue
        limits = [edge.capacity_kva, feeders.get(heads.get(via, ""))]
        spare[node] = min([above, *(limit - fed.load_kva[via] for limit in limits if limit is not None)])
    return spare


def line_length_m(line: Line, nodes: Mapping[str, Node]) -> float:
    """A line's length: as given, else along its course, else straight between its nodes, else 0."""
    if line.length_m is not None:
        return line.length_m
    return sum(distance_m(*a, *b) for a, b in pairwise(course(line, nodes)))


def course(line: Line, nodes: Mapping[str, Node]) -> tuple[tuple[float, float], ...]:
    """A line's points as (lon, lat): its path, else its nodes'; empty if those have no position."""
    if line.path:
        return line.path
    ends = [nodes[end] for end in (line.start, line.end) if end in nodes]
    points = tuple((node.lon, node.lat) for node in ends if node.lon is not None and node.lat is not None)
    return points if len(points) == 2 else ()


def _loads(
    topology: Topology, order: list[str], via: Mapping[str, str | None], upstream: Mapping[str, str]
) -> tuple[dict[str, float], dict[str, int]]:
    """The load behind every live edge, summed from the ends, and the transformers whose load is not known."""
    load: dict[str, float] = {}
    unknown: dict[str, int] = {}
    behind: dict[str, float] = {}
    missing: dict[str, int] = {}
    for node in reversed(order):
        own = [transformer.load_kva for transformer in topology.transformers.get(node, ())]
        behind[node] = behind.get(node, 0.0) + sum(one for one in own if one is not None)
        missing[node] = missing.get(node, 0) + own.count(None)
        edge = via[node]
        if edge is not None:
            load[edge], unknown[edge] = behind[node], missing[node]
            above = upstream[node]
            behind[above] = behind.get(above, 0.0) + behind[node]
            missing[above] = missing.get(above, 0) + missing[node]
    return load, unknown


def _drawn(topology: Topology, fed: Supply, source: str) -> float | None:
    """All that is drawn from a source's node; None where part of it is not known."""
    own = [transformer.load_kva for transformer in topology.transformers.get(source, ())]
    below = [edge for edge, other in topology.arms[source] if fed.via.get(other) == edge]
    if None in own or any(fed.unknown[edge] for edge in below):
        return None
    return sum(one for one in own if one is not None) + sum(fed.load_kva[edge] for edge in below)


def _nodes_of(network: Network, elements: Mapping[str, Element]) -> dict[str, frozenset[str]]:
    """For each customer the nodes that feed its meters."""
    found: dict[str, set[str]] = {}
    for meter in network.meters:
        node = feeding_node(meter, elements)
        if node is not None:
            found.setdefault(meter.customer, set()).add(node)
    return {customer: frozenset(nodes) for customer, nodes in found.items()}


def feeding_node(meter: Meter, elements: Mapping[str, Element]) -> str | None:
    """The node behind which a meter lies, through its boundary and transformer; None if the chain breaks."""
    boundary = elements.get(meter.boundary)
    at = elements.get(boundary.at) if isinstance(boundary, Boundary) else None
    node = elements.get(at.node) if isinstance(at, Transformer) else at
    return node.id if isinstance(node, Node) else None


def _sections(
    nodes: Mapping[str, Node],
    edges: Mapping[str, Line | Switch],
    arms: Mapping[str, list[tuple[str, str]]],
    transformers: Mapping[str, list[Transformer]],
    nodes_of: Mapping[str, frozenset[str]],
) -> list[Section]:
    parts = [sorted(part) for part in _joined(nodes, edges, arms)]
    part_of = {node: number for number, part in enumerate(parts) for node in part}
    lines: list[list[Line]] = [[] for _ in parts]
    switches: list[set[str]] = [set() for _ in parts]
    for edge in edges.values():
        if isinstance(edge, Line):
            lines[part_of[edge.start]].append(edge)
        else:
            switches[part_of[edge.start]].add(edge.id)
            switches[part_of[edge.end]].add(edge.id)
    named: list[set[str]] = [set() for _ in parts]
    for customer, feeding in nodes_of.items():
        for node in feeding:
            named[part_of[node]].add(customer)
    claims = [{line.section for line in own} for own in lines]
    ids = _section_ids(parts, claims)
    found = []
    for number, part in enumerate(parts):
        own = [one for node in part for one in transformers.get(node, ())]
        found.append(
            Section(
                id=ids[number],
                nodes=tuple(part),
                lines=tuple(sorted(line.id for line in lines[number])),
                switches=tuple(sorted(switches[number])),
                transformers=tuple(one.id for one in own),
                customers=sum(one.customers for one in own),
                named=tuple(sorted(named[number])),
                load_kva=sum(one.load_kva or 0.0 for one in own),
            )
        )
    return found


def _section_ids(parts: list[list[str]], claims: list[set[str]]) -> list[str]:
    claimed = [next(iter(claim)) if len(claim) == 1 else "" for claim in claims]
    everywhere = Counter(name for claim in claims for name in claim)
    return [
        name if name and everywhere[name] == 1 else _UNNAMED + part[0]
        for name, part in zip(claimed, parts, strict=True)
    ]


def _joined(
    nodes: Iterable[str],
    edges: Mapping[str, Line | Switch],
    arms: Mapping[str, list[tuple[str, str]]],
) -> Iterator[set[str]]:
    """The sets of nodes that lines alone hold together."""
    seen: set[str] = set()
    for first in nodes:
        if first in seen:
            continue
        part, stack = {first}, [first]
        while stack:
            for edge, other in arms[stack.pop()]:
                if other not in part and isinstance(edges[edge], Line):
                    part.add(other)
                    stack.append(other)
        seen |= part
        yield part
