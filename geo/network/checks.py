"""What cannot be right in a network, or is worth a look, each with the element and its place on the map.

Grave findings make an import refuse: what is fed from where could not be told. The others are told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import shapely
from msgspec import Struct

from geo.finding import Finding, Param
from geo.metric import Frame, distance_m, frame_between
from geo.network.model import (
    Boundary,
    Customer,
    Element,
    Line,
    Meter,
    Node,
    Placed,
    Switch,
    Transformer,
    kind_of,
)
from geo.network.topology import Supply, Topology, closed, course, supply


class Tolerances(Struct, frozen=True):
    """`line_end_m`: how far a line's course may end from its node. `same_place_m`: nearer than this, two
    elements of one kind are taken for one entered twice."""

    line_end_m: float = 5.0
    same_place_m: float = 0.5


#: What each field that refers to something may refer to.
_REFERENCES: dict[str, dict[str, tuple[str, ...]]] = {
    "source": {"station": ("station",), "node": ("node",)},
    "feeder": {"station": ("station",), "head": ("switch", "line")},
    "line": {"start": ("node",), "end": ("node",)},
    "switch": {"start": ("node",), "end": ("node",)},
    "transformer": {"node": ("node",)},
    "boundary": {"at": ("transformer", "node")},
    "meter": {"boundary": ("boundary",), "customer": ("customer",)},
}


def check(topology: Topology, *, tolerances: Tolerances | None = None) -> tuple[Finding, ...]:
    """Every finding, in a fixed order: identity and references, then the graph, its supply, the map."""
    tolerances = tolerances or Tolerances()
    fed = supply(topology)
    return (
        *_identity(topology),
        *_references(topology),
        *_loose_ends(topology),
        *_islands(topology, fed),
        *_meshes(topology, fed),
        *_feeders(topology),
        *_loads(topology, fed),
        *_customers(topology),
        *_sections(topology),
        *_voltages(topology),
        *_places(topology, tolerances),
    )


def _told(
    topology: Topology,
    code: str,
    element: Element,
    params: Mapping[str, Param] | None = None,
    *,
    grave: bool = False,
) -> Finding:
    lon, lat = _position(topology, element)
    about: dict[str, Param] = {"kind": kind_of(element), "id": element.id, **(params or {})}
    return Finding(code, about, lon=lon, lat=lat, grave=grave)


def _position(topology: Topology, element: Element) -> tuple[float | None, float | None]:
    """Where an element lies, or else what it hangs on."""
    for _ in range(len(_REFERENCES)):
        if isinstance(element, Placed) and element.lon is not None:
            return element.lon, element.lat
        if isinstance(element, Line) and element.path:
            return element.path[0]
        names = _REFERENCES.get(kind_of(element), {})
        below = [
            topology.elements.get(getattr(element, name)) for name in ("node", "at", *names) if name in names
        ]
        found = next((one for one in below if one is not None), None)
        if found is None:
            break
        element = found
    return None, None


def _identity(topology: Topology) -> Iterator[Finding]:
    for element in topology.network.elements():
        first = topology.elements[element.id]
        if first is not element:
            yield _told(topology, "network_id_twice", element, {"first": kind_of(first)}, grave=True)


def _references(topology: Topology) -> Iterator[Finding]:
    for element in topology.network.elements():
        for name, wanted in _REFERENCES.get(kind_of(element), {}).items():
            target = getattr(element, name)
            found = topology.elements.get(target)
            if found is None or kind_of(found) not in wanted:
                said = {"start": "from", "end": "to"}.get(name, name)
                given: dict[str, Param] = {"field": said, "target": target, "wanted": "/".join(wanted)}
                yield _told(topology, "network_reference_unknown", element, given, grave=True)
        if isinstance(element, Line | Switch) and element.start == element.end:
            yield _told(topology, "network_joins_itself", element, {"node": element.start}, grave=True)


def _loose_ends(topology: Topology) -> Iterator[Finding]:
    """Nodes that nothing uses, and lines that end in nothing: no device, no transformer, no boundary."""
    used = set(topology.transformers) | set(topology.sources)
    used |= {one.at for one in topology.network.boundaries}
    for node, arms in topology.arms.items():
        if node in used or len(arms) > 1:
            continue
        if not arms:
            yield _told(topology, "network_node_unused", topology.nodes[node])
        else:
            yield _told(topology, "network_dangling", topology.nodes[node], {"edge": arms[0][0]})


def _islands(topology: Topology, fed: Supply) -> Iterator[Finding]:
    """Parts that no source can reach whatever is switched, and parts that normally stand dead."""
    if not topology.sources:
        yield Finding("network_no_source", grave=True)
        return
    every = {edge.id: True for edge in topology.edges.values() if isinstance(edge, Switch)}
    reached = supply(topology, every).root
    seen: set[str] = set()
    for node in topology.nodes:
        if node in fed.root or node in seen:
            continue
        island = {node}
        stack = [node]
        while stack:
            for edge, other in topology.arms[stack.pop()]:
                if other not in island and (node not in reached or closed(topology.edges[edge], {})):
                    island.add(other)
                    stack.append(other)
        seen |= island
        if len(island) == 1 and not topology.arms[node]:
            continue  # told as unused already
        inside = sorted(island)
        customers = sum(topology.sections[one].customers for one in {topology.section_of[n] for n in inside})
        params: dict[str, Param] = {"nodes": len(inside), "customers": customers}
        if node in reached:
            yield _told(topology, "network_dead_normally", topology.nodes[inside[0]], params)
        else:
            yield _told(topology, "network_unreachable", topology.nodes[inside[0]], params, grave=True)


def _meshes(topology: Topology, fed: Supply) -> Iterator[Finding]:
    for mesh in fed.meshes:
        code = "network_sources_parallel" if mesh.parallel else "network_meshed"
        yield _told(topology, code, topology.elements[mesh.edge], grave=True)


def _feeders(topology: Topology) -> Iterator[Finding]:
    taken: dict[str, str] = {}
    for feeder in topology.network.feeders:
        head = topology.edges.get(feeder.head)
        if head is None:
            continue
        if feeder.head in taken:
            first = taken[feeder.head]
            yield _told(
                topology, "network_head_shared", feeder, {"head": head.id, "first": first}, grave=True
            )
        taken.setdefault(feeder.head, feeder.id)
        if not closed(head, {}):
            yield _told(topology, "network_head_open", feeder, {"head": head.id})
        at_source = any(end in topology.sources for end in (head.start, head.end))
        if not at_source:
            yield _told(topology, "network_head_away", feeder, {"head": head.id})


def _loads(topology: Topology, fed: Supply) -> Iterator[Finding]:
    capacities = {one.head: (one, one.capacity_kva) for one in topology.network.feeders}
    for edge_id, load in fed.load_kva.items():
        edge = topology.edges[edge_id]
        limits: list[tuple[Element, float | None]] = [(edge, edge.capacity_kva)]
        limits += [capacities[edge_id]] if edge_id in capacities else []
        for element, limit in limits:
            if limit is not None and load > limit:
                params: dict[str, Param] = {"load_kva": round(load), "capacity_kva": round(limit)}
                yield _told(topology, "network_overloaded", element, params)
    for transformer in topology.network.transformers:
        limit, own = transformer.capacity_kva, transformer.load_kva
        if limit is not None and own is not None and own > limit:
            params = {"load_kva": round(own), "capacity_kva": round(limit)}
            yield _told(topology, "network_overloaded", transformer, params)


def _customers(topology: Topology) -> Iterator[Finding]:
    metered = {meter.customer for meter in topology.network.meters}
    for customer in topology.network.customers:
        if customer.id not in metered:
            yield _told(topology, "network_customer_unmetered", customer)
    used = {meter.boundary for meter in topology.network.meters}
    for boundary in topology.network.boundaries:
        if boundary.id not in used:
            yield _told(topology, "network_boundary_unmetered", boundary)


def _sections(topology: Topology) -> Iterator[Finding]:
    """Sections named by the owner that are not what lies between switches."""
    spread = Counter(
        name
        for section in topology.sections.values()
        for name in {edge.section for edge in _lines(topology, section.lines)}
        if name
    )
    for section in topology.sections.values():
        named = sorted({edge.section for edge in _lines(topology, section.lines) if edge.section})
        where = topology.nodes[section.nodes[0]]
        if len(named) > 1:
            yield _told(topology, "network_section_mixed", where, {"names": ", ".join(named)})
        for name in named:
            if spread[name] > 1:
                yield _told(
                    topology, "network_section_split", where, {"section": name, "parts": spread[name]}
                )


def _lines(topology: Topology, ids: tuple[str, ...]) -> Iterator[Line]:
    for one in ids:
        edge = topology.edges[one]
        if isinstance(edge, Line):
            yield edge


def _voltages(topology: Topology) -> Iterator[Finding]:
    for edge in topology.edges.values():
        ends = [topology.nodes[end].voltage_kv for end in (edge.start, edge.end)]
        if None not in ends and ends[0] != ends[1]:
            params: dict[str, Param] = {"from_kv": ends[0] or 0.0, "to_kv": ends[1] or 0.0}
            yield _told(topology, "network_voltages_joined", edge, params, grave=True)


def _places(topology: Topology, tolerances: Tolerances) -> Iterator[Finding]:
    for edge in topology.edges.values():
        if isinstance(edge, Line) and edge.path:
            yield from _line_ends(topology, edge, tolerances.line_end_m)
    yield from _same_lines(topology)
    for kind in (Node, Transformer, Boundary, Meter, Customer):
        yield from _same_places(topology, kind, tolerances.same_place_m)


def _line_ends(topology: Topology, line: Line, tolerance_m: float) -> Iterator[Finding]:
    for node_id, (lon, lat) in ((line.start, line.path[0]), (line.end, line.path[-1])):
        node = topology.nodes[node_id]
        if node.lon is None or node.lat is None:
            continue
        apart = distance_m(node.lon, node.lat, lon, lat)
        if apart > tolerance_m:
            params: dict[str, Param] = {"node": node_id, "metres": round(apart, 1)}
            yield _told(topology, "network_line_end_apart", line, params)


def _same_lines(topology: Topology) -> Iterator[Finding]:
    """Two lines between the same nodes are a double circuit, which is a ring, or one entered twice."""
    first: dict[tuple[str, ...], Line] = {}
    for edge in topology.edges.values():
        if isinstance(edge, Line):
            ends = (*sorted((edge.start, edge.end)), *map(str, sorted(course(edge, topology.nodes))))
            if ends in first:
                yield _told(topology, "network_line_twice", edge, {"first": first[ends].id})
            first.setdefault(ends, edge)


def _same_places(topology: Topology, kind: type[Placed], within_m: float) -> Iterator[Finding]:
    placed = [one for one in topology.elements.values() if type(one) is kind and _has_own_place(one)]
    if not placed:
        return
    frame = frame_of(placed)
    points = shapely.points([frame.xy(one.lon or 0.0, one.lat or 0.0) for one in placed])
    tree = shapely.STRtree(points)
    pairs = tree.query(points, predicate="dwithin", distance=within_m)
    neighbours = _held_together(topology)
    for a, b in sorted(zip(*map(list, pairs), strict=True)):
        one, other = placed[int(a)], placed[int(b)]
        # What a switch parts stands in one place by its nature; so do the meters in one box.
        if a < b and other.id not in neighbours.get(one.id, ()) and kind is not Meter:
            yield _told(topology, "network_place_twice", other, {"first": one.id})


def _held_together(topology: Topology) -> Mapping[str, set[str]]:
    held: dict[str, set[str]] = {}
    for edge in topology.edges.values():
        held.setdefault(edge.start, set()).add(edge.end)
        held.setdefault(edge.end, set()).add(edge.start)
    return held


def _has_own_place(element: Element) -> bool:
    """The terminals of one cabinet share its place; whatever else is placed stands alone."""
    terminal = isinstance(element, Node) and element.form == "terminal"
    return (
        isinstance(element, Placed) and element.lon is not None and element.lat is not None and not terminal
    )


def frame_of(placed: list[Placed]) -> Frame:
    """A frame in metres with its origin at the first element, scaled for the middle of all of them."""
    lats = [one.lat for one in placed if one.lat is not None]
    first = placed[0]
    middle = (min(lats) + max(lats)) / 2.0
    return frame_between(first.lon or 0.0, middle, middle)
