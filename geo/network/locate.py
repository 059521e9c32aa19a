"""What of the network lies near a site: lines, and by them sections and feeders, poles and cabinets; and what
lies in a box of the map.

An index of the whole network finds what may be near; distances are then measured in a frame of metres at
the site itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import shapely
from msgspec import Struct
from msgspec.structs import replace

from geo.coords import Position
from geo.metric import Frame, frame_between
from geo.network.model import Element, Line, Node, Placed
from geo.network.topology import Supply, Topology, course, spare_kva


class NearLine(Struct, frozen=True):
    """A line near a site, and the place on it that is nearest: `along_m` from the line's first node,
    `from_source_m` along the network from where it is fed (None if it is dead). `spare_kva` is what could be
    drawn there as the switches stand, None where that is not known. `feeder` is empty if none is named."""

    line: str
    section: str
    feeder: str
    distance_m: float
    lon: float
    lat: float
    along_m: float
    from_source_m: float | None = None
    spare_kva: float | None = None


class NearNode(Struct, frozen=True):
    """A pole or another node near a site."""

    node: str
    section: str
    feeder: str
    distance_m: float
    lon: float
    lat: float
    from_source_m: float | None = None
    spare_kva: float | None = None


@dataclass(frozen=True)
class Locator:
    """Built once for a network and how it is fed; asked as often as needed, by any number of threads."""

    topology: Topology
    fed: Supply
    spare: dict[str, float]
    lines: tuple[str, ...]
    line_tree: Any
    nodes: tuple[str, ...]
    node_tree: Any

    @cached_property
    def drawn(self) -> tuple[tuple[Element, ...], Any]:
        """Every element that has a place, in the order of the network, and an index of where; made when a
        box is asked for first."""
        found: list[Element] = []
        shapes: list[Any] = []
        for element in self.topology.elements.values():
            if isinstance(element, Line):
                points = course(element, self.topology.nodes)
                if len(points) > 1:
                    found.append(replace(element, path=points))
                    shapes.append(shapely.LineString(points))
            elif isinstance(element, Placed) and element.lon is not None and element.lat is not None:
                found.append(element)
                shapes.append(shapely.Point(element.lon, element.lat))
        return tuple(found), shapely.STRtree(shapes)


def locator(topology: Topology, fed: Supply) -> Locator:
    """Index the lines and nodes that have a place."""
    lines = [edge for edge in topology.edges.values() if isinstance(edge, Line)]
    courses = [(line.id, course(line, topology.nodes)) for line in lines]
    drawn = [(line, points) for line, points in courses if len(points) > 1]
    placed = [
        (node.id, node.lon, node.lat)
        for node in topology.nodes.values()
        if node.lon is not None and node.lat is not None
    ]
    return Locator(
        topology=topology,
        fed=fed,
        spare=spare_kva(topology, fed),
        lines=tuple(line for line, _ in drawn),
        line_tree=shapely.STRtree([shapely.LineString(points) for _, points in drawn]),
        nodes=tuple(node for node, _, _ in placed),
        node_tree=shapely.STRtree([shapely.Point(lon, lat) for _, lon, lat in placed]),
    )


def elements_within(
    index: Locator, west: float, south: float, east: float, north: float, *, behind: str = "", limit: int
) -> tuple[Element, ...]:
    """What touches a box in degrees, in the order of the network, at most `limit` of those that come behind
    the element `behind`; from the first where there is no such element. Lines have their course."""
    elements, tree = index.drawn
    numbers = sorted(int(one) for one in tree.query(shapely.box(west, south, east, north), "intersects"))
    last = next((n for n, one in enumerate(elements) if one.id == behind), -1) if behind else -1
    return tuple(elements[number] for number in numbers if number > last)[:limit]


def lines_near(index: Locator, site: Position, *, within_m: float, limit: int) -> tuple[NearLine, ...]:
    """The lines within `within_m` metres, nearest first, at most `limit`."""
    found = [near for near in _lines(index, site, within_m) if near.distance_m <= within_m]
    return tuple(sorted(found, key=lambda near: (near.distance_m, near.line))[:limit])


def sections_near(index: Locator, site: Position, *, within_m: float, limit: int) -> tuple[NearLine, ...]:
    """The sections within reach, each by its nearest line."""
    return _distinct(index, site, within_m, limit, lambda near: near.section)


def feeders_near(index: Locator, site: Position, *, within_m: float, limit: int) -> tuple[NearLine, ...]:
    """The feeders within reach, each by its nearest line; lines of no feeder are left out."""
    return _distinct(index, site, within_m, limit, lambda near: near.feeder)


def nodes_near(
    index: Locator,
    site: Position,
    *,
    within_m: float,
    limit: int,
    forms: Collection[str] = ("pole", "cabinet"),
) -> tuple[NearNode, ...]:
    """The poles and cabinets, or nodes of other `forms`, within reach, nearest first."""
    frame = frame_between(site.lon, site.lat, site.lat)
    found = []
    for number in index.node_tree.query(_around(frame, within_m)):
        node = index.topology.nodes[index.nodes[int(number)]]
        if node.form in forms:
            found.append(_near_node(index, frame, node))
    reached = [near for near in found if near.distance_m <= within_m]
    return tuple(sorted(reached, key=lambda near: (near.distance_m, near.node))[:limit])


def _near_node(index: Locator, frame: Frame, node: Node) -> NearNode:
    lon, lat = node.lon or 0.0, node.lat or 0.0
    x, y = frame.xy(lon, lat)
    return NearNode(
        node=node.id,
        section=index.topology.section_of[node.id],
        feeder=index.fed.feeder.get(node.id, ""),
        distance_m=(x * x + y * y) ** 0.5,
        lon=lon,
        lat=lat,
        from_source_m=index.fed.along_m.get(node.id),
        spare_kva=index.spare.get(node.id),
    )


def _lines(index: Locator, site: Position, within_m: float) -> list[NearLine]:
    frame = frame_between(site.lon, site.lat, site.lat)
    found = []
    for number in index.line_tree.query(_around(frame, within_m)):
        line = index.topology.edges[index.lines[int(number)]]
        if isinstance(line, Line):
            found.append(_near_line(index, frame, line))
    return found


def _near_line(index: Locator, frame: Frame, line: Line) -> NearLine:
    points = course(line, index.topology.nodes)
    drawn = shapely.LineString([frame.xy(lon, lat) for lon, lat in points])
    here = shapely.Point(0.0, 0.0)
    along = float(drawn.project(here))
    foot = drawn.interpolate(along)
    # The course on the map and the length in the records may differ: the latter is what is paid for.
    known = index.topology.lengths[line.id]
    along = along * known / drawn.length if drawn.length > 0 else 0.0
    fed, start, end = index.fed, line.start, line.end
    ways = [(fed.along_m[start] + along, start)] if start in fed.along_m else []
    ways += [(fed.along_m[end] + known - along, end)] if end in fed.along_m else []
    way, _ = min(ways, default=(None, ""))
    lower = end if fed.via.get(end) == line.id else start
    return NearLine(
        line=line.id,
        section=index.topology.section_of[start],
        feeder=fed.feeder.get(lower, ""),
        distance_m=float(drawn.distance(here)),
        lon=frame.lon + float(foot.x) / frame.metres_per_lon,
        lat=frame.lat + float(foot.y) / frame.metres_per_lat,
        along_m=along,
        from_source_m=way,
        spare_kva=index.spare.get(lower),
    )


def _distinct(
    index: Locator, site: Position, within_m: float, limit: int, key: Callable[[NearLine], str]
) -> tuple[NearLine, ...]:
    best: dict[str, NearLine] = {}
    for near in lines_near(index, site, within_m=within_m, limit=len(index.lines)):
        if key(near):
            best.setdefault(key(near), near)
    return tuple(best.values())[:limit]


def _around(frame: Frame, within_m: float) -> Any:
    """A box in degrees that holds all within reach of the frame's origin."""
    east, north = within_m / frame.metres_per_lon, within_m / frame.metres_per_lat
    return shapely.box(frame.lon - east, frame.lat - north, frame.lon + east, frame.lat + north)
