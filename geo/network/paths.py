"""How a customer is fed: station, source, feeder, every line and switch, transformer, boundary, meter."""

from __future__ import annotations

from msgspec import Struct

from geo.network.model import Boundary, Element, Meter, Transformer, kind_of
from geo.network.topology import Supply, Topology, feeding_node


class Step(Struct, frozen=True):
    """One element on the way; `along_m` is the way along lines from the source to where it ends."""

    kind: str
    id: str
    name: str
    along_m: float


class Way(Struct, frozen=True):
    """The way to one meter of a customer, from the station. A way that is not `live` begins where the meter
    hangs on the network, since nothing feeds it as the switches stand."""

    meter: str
    live: bool
    length_m: float
    steps: tuple[Step, ...]


def ways_to(topology: Topology, fed: Supply, customer: str) -> tuple[Way, ...]:
    """A way for each meter of the customer, in the order of the network; empty for one without meters."""
    meters = [meter for meter in topology.network.meters if meter.customer == customer]
    return tuple(_way(topology, fed, meter) for meter in meters)


def _way(topology: Topology, fed: Supply, meter: Meter) -> Way:
    node = feeding_node(meter, topology.elements)
    steps = upstream(topology, fed, node) if node is not None and node in fed.root else ()
    length = fed.along_m.get(node or "", 0.0)
    boundary = topology.elements.get(meter.boundary)
    last: list[Element | None] = [boundary, meter, topology.elements.get(meter.customer)]
    if isinstance(boundary, Boundary) and isinstance(topology.elements.get(boundary.at), Transformer):
        last.insert(0, topology.elements[boundary.at])
    steps += tuple(_step(one, length) for one in last if one is not None)
    return Way(meter.id, bool(node) and node in fed.root, length, steps)


def upstream(topology: Topology, fed: Supply, node: str) -> tuple[Step, ...]:
    """From the station to a live node. Raises KeyError for a node that is not fed."""
    edges: list[Step] = []
    here = node
    while (edge := fed.via[here]) is not None:
        edges.append(_step(topology.edges[edge], fed.along_m[here]))
        here = fed.upstream[here]
    source = topology.sources[here][0]
    first: list[Element | None] = [topology.elements.get(source.station), source]
    first.append(topology.elements.get(fed.feeder[node]))
    return (*(_step(one, 0.0) for one in first if one is not None), *reversed(edges))


def _step(element: Element, along_m: float) -> Step:
    return Step(kind_of(element), element.id, element.name, along_m)
