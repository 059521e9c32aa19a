"""Supply reckoned for the branches that switching reaches is the network's."""

from __future__ import annotations

import random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from geo.network.model import Network
from geo.network.topology import build, supply
from server.outages.checking.outages import overloads
from server.outages.checking.reach import Branches
from tests.outages.nets import small_network


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_what_switching_reaches_is_fed_as_in_the_whole_network(seed: int, chosen: int) -> None:
    network = small_network(seed, feeders=4, sections=3, ties=4)
    topology = build(network)
    normal, chance = supply(topology), random.Random(chosen)
    moved = chance.sample(network.switches, min(len(network.switches), chance.randint(0, 4)))
    positions = {one.id: not one.closed for one in moved if chance.random() < 0.9}
    reach = Branches(topology, normal).at(one.id for one in moved)
    whole, part = supply(topology, positions), reach.supply(positions)

    inside = set(reach.topology.arms)
    assert part.order == tuple(node for node in whole.order if node in inside)
    assert part.via == {node: edge for node, edge in whole.via.items() if node in inside}
    assert part.feeder == {node: feeder for node, feeder in whole.feeder.items() if node in inside}
    assert part.load_kva == {edge: whole.load_kva[edge] for edge in part.load_kva}
    assert part.meshes == whole.meshes
    assert set(overloads(normal, reach.topology, part, reach.beside)) == set(
        overloads(normal, topology, whole)
    )
    for node in topology.nodes.keys() - inside:
        assert whole.via.get(node) == normal.via.get(node)
        assert (node in whole.root) == (node in normal.root)
    for section in topology.sections.values():
        lost = normal.live(section) and not whole.live(section)
        assert not lost or section in reach.sections


def test_what_is_overloaded_anyway_is_no_fault_of_a_plan_unless_it_carries_more() -> None:
    topology = build(overloaded())
    normal = supply(topology)
    loaded = [edge for edge, load in normal.load_kva.items() if load]
    assert overloads(normal, topology, normal) == []
    assert set(overloads(supply(build(empty())), topology, normal)) >= set(loaded)


def overloaded() -> Network:
    """No feeder and no source can carry what it does."""
    network = small_network(3)
    replace = msgspec.structs.replace
    return replace(
        network,
        lines=tuple(replace(one, capacity_kva=0.0) for one in network.lines),
        switches=tuple(replace(one, capacity_kva=0.0) for one in network.switches),
        sources=tuple(replace(one, capacity_kva=0.0) for one in network.sources),
    )


def empty() -> Network:
    network = overloaded()
    return msgspec.structs.replace(network, transformers=())
