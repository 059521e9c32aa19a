"""Where works lie, and the order among them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from geo.network.model import Boundary, Customer, Line, Meter, Node, Switch, Transformer
from geo.network.topology import Supply, Topology
from server.outages.instance import Work


def needs_of(work: Work, topology: Topology) -> frozenset[str]:
    """The sections that must be dead for a work; none if what it names is not there.

    A switch needs both its sides, a customer all that its meters hang on; other devices the section they
    stand in.
    """
    if work.section:
        return frozenset({work.section} & topology.sections.keys())
    element = topology.elements.get(work.device)
    nodes: Iterable[str] = ()
    match element:
        case Node():
            nodes = (element.id,)
        case Line() | Switch():
            nodes = (element.start, element.end)
        case Transformer():
            nodes = (element.node,)
        case Customer():
            nodes = topology.nodes_of.get(element.id, ())
        case Boundary():
            at = topology.elements.get(element.at)
            nodes = (at.node if isinstance(at, Transformer) else element.at,)
        case Meter():
            nodes = topology.nodes_of.get(element.customer, ())
    return frozenset(topology.section_of[node] for node in nodes if node in topology.section_of)


def supplied_by(work: Work, topology: Topology, fed: Supply) -> tuple[str, ...]:
    """The feeders that normally supply the place of a work, each once."""
    nodes = (node for one in sorted(needs_of(work, topology)) for node in topology.sections[one].nodes)
    return tuple(dict.fromkeys(feeder for node in nodes if (feeder := fed.feeder.get(node))))


@dataclass(frozen=True)
class Order:
    """Works in an order that keeps every `after`, and the first ring of them that cannot be kept."""

    works: tuple[str, ...]
    rings: tuple[tuple[str, ...], ...]


def order_of_works(works: Iterable[Work]) -> Order:
    """See `Order`."""
    by_id = {work.id: work for work in works}
    before = {one: [other for other in work.after if other in by_id] for one, work in by_id.items()}
    try:
        return Order(tuple(TopologicalSorter(before).static_order()), ())
    except CycleError as error:
        return Order((), (tuple(error.args[1]),))


def crew_groups(works: Iterable[Work]) -> tuple[frozenset[str], ...]:
    """The works that one crew does, joined over what each of them names."""
    group: dict[str, set[str]] = {}
    for work in works:
        own = group.setdefault(work.id, {work.id})
        for other in work.same_crew:
            joined = own | group.setdefault(other, {other})
            for member in joined:
                group[member] = joined
            own = joined
    unique = {frozenset(found) for found in group.values() if len(found) > 1}
    return tuple(sorted(unique, key=sorted))
