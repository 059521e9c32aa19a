"""What feeds what follows from lines and switches alone, for any positions, and nothing is counted twice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.network.model import Network, Source, Station, Transformer
from geo.network.paths import ways_to
from geo.network.topology import build, isolating, spare_kva, supply
from tests.geo.network.nets import line, node, switch, two_feeders

TOPOLOGY = build(two_feeders())


def test_sections_are_what_no_switch_parts() -> None:
    assert {one.id: one.nodes for one in TOPOLOGY.sections.values()} == {
        "~S1": ("S1",),
        "一段": ("a1", "a2"),
        "二段": ("a3", "a4"),
        "~b1": ("b1", "b2", "b3"),
        "~S2": ("S2",),
    }
    second = TOPOLOGY.sections["二段"]
    assert (second.switches, second.customers, second.named, second.load_kva) == (
        ("K1", "TIE"),
        25,
        ("C1",),
        300.0,
    )


def test_a_section_named_in_two_places_keeps_neither_name() -> None:
    network = two_feeders(
        lines=tuple(line(one.id, one.start, one.end, section="x") for one in two_feeders().lines)
    )
    assert {"~a1", "~a3", "~b1"} <= set(build(network).sections)


def test_normally_each_feeder_feeds_its_own() -> None:
    fed = supply(TOPOLOGY)
    assert {one: fed.feeder[one] for one in ("a4", "b3")} == {"a4": "F1", "b3": "F2"}
    assert (fed.load_kva["B1"], fed.load_kva["K1"], fed.load_kva["B2"]) == (500.0, 300.0, 100.0)
    assert fed.meshes == ()
    assert fed.along_m["a4"] == pytest.approx(TOPOLOGY.lengths["L1"] + TOPOLOGY.lengths["L2"])


def test_a_transfer_through_the_tie_is_one_call() -> None:
    fed = supply(TOPOLOGY, {"K1": False, "TIE": True})
    assert (fed.feeder["a4"], fed.feeder["a2"]) == ("F2", "F1")
    assert fed.load_kva["B2"] == 400.0
    assert fed.meshes == ()


def test_a_closed_tie_runs_two_sources_in_parallel_and_is_told() -> None:
    [mesh] = supply(TOPOLOGY, {"TIE": True}).meshes
    assert mesh.parallel


def test_isolating_opens_what_lies_around_and_nothing_between() -> None:
    assert isolating(TOPOLOGY, ["一段"]) == ("B1", "K1")
    assert isolating(TOPOLOGY, ["一段", "二段"]) == ("B1",)
    assert isolating(TOPOLOGY, ["一段"], {"K1": False}) == ("B1",)
    dead = supply(TOPOLOGY, dict.fromkeys(isolating(TOPOLOGY, ["一段"]), False))
    assert {one for one in TOPOLOGY.sections if not dead.live(TOPOLOGY.sections[one])} == {"一段", "二段"}


def test_spare_capacity_is_the_tightest_place_above_and_nothing_is_presumed() -> None:
    spare = spare_kva(TOPOLOGY, supply(TOPOLOGY))
    assert spare["a4"] == 1200.0, "line L2: 1500 less 300"
    assert spare["a2"] == 1500.0, "feeder F1: 2000 less 500"
    assert spare["b2"] == 2900.0, "lines of F2, which has no capacity of its own"
    lines = tuple(line(one.id, one.start, one.end) for one in two_feeders().lines)
    assert set(spare_kva(build(two_feeders(lines=lines)), supply(TOPOLOGY))) == {"S1", "a1", "S2", "b1"}
    unknown = two_feeders(transformers=(Transformer(id="T2", node="a4"),))
    assert "a1" not in spare_kva(build(unknown), supply(build(unknown)))


def test_a_customer_with_two_meters_has_two_ways_from_two_stations() -> None:
    first, second = ways_to(TOPOLOGY, supply(TOPOLOGY), "C1")
    assert [step.id for step in first.steps] == [
        *("ST1", "SRC1", "F1", "B1", "L1", "K1", "L2"),
        *("T2", "P1", "M1", "C1"),
    ]
    assert [step.id for step in second.steps] == ["ST2", "SRC2", "F2", "B2", "L3", "P2", "M2", "C1"]
    assert first.live
    assert first.length_m == first.steps[-1].along_m > 0


def test_a_dead_customers_way_begins_where_its_meter_hangs() -> None:
    first, second = ways_to(TOPOLOGY, supply(TOPOLOGY, {"B1": False}), "C1")
    assert (first.live, [step.id for step in first.steps]) == (False, ["T2", "P1", "M1", "C1"])
    assert second.live
    assert ways_to(TOPOLOGY, supply(TOPOLOGY), "nobody") == ()


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Any graph of up to nine nodes: rings, islands, several sources, loads known or not."""
    count = draw(st.integers(1, 9))
    names = [f"n{number}" for number in range(count)]
    pairs = draw(st.lists(st.tuples(*[st.integers(0, count - 1)] * 2, st.sampled_from("loc")), max_size=14))
    wanted = [(number, names[a], names[b], kind) for number, (a, b, kind) in enumerate(pairs) if a != b]
    loads = draw(st.lists(st.integers(0, 500) | st.none(), min_size=count, max_size=count))
    sources = draw(st.lists(st.sampled_from(names), unique=True, max_size=3))
    return Network(
        id="any",
        stations=(Station(id="ST"),),
        sources=tuple(
            Source(id=f"src-{one}", station="ST", node=one, capacity_kva=9999.0) for one in sources
        ),
        nodes=tuple(node(one, number) for number, one in enumerate(names)),
        lines=tuple(line(f"e{n}", a, b) for n, a, b, kind in wanted if kind == "l"),
        switches=tuple(switch(f"e{n}", a, b, closed=kind == "c") for n, a, b, kind in wanted if kind != "l"),
        transformers=tuple(
            Transformer(id=f"t-{one}", node=one, load_kva=load, customers=1)
            for one, load in zip(names, loads, strict=True)
        ),
    )


@given(networks())
@settings(max_examples=200, deadline=None)
def test_live_is_what_closed_edges_reach_and_rings_are_counted(network: Network) -> None:
    """Against a closure by hand; a graph has as many rings as edges beyond those of a tree."""
    topology = build(network)
    fed = supply(topology)
    live = {source.node for source in network.sources}
    edges = [(one.start, one.end) for one in network.lines]
    edges += [(one.start, one.end) for one in network.switches if one.closed]
    for _ in network.nodes:
        live |= {end for pair in edges for end in pair if set(pair) & live}
    assert set(fed.root) == live == set(fed.order)
    tree = len(live) - len({source.node for source in network.sources})
    assert len(fed.meshes) == sum(1 for a, _ in edges if a in live) - tree
    assert all(
        (fed.root[topology.edges[one.edge].start] != fed.root[topology.edges[one.edge].end]) == one.parallel
        for one in fed.meshes
    )


@given(networks())
@settings(max_examples=200, deadline=None)
def test_no_load_is_lost_or_counted_twice(network: Network) -> None:
    topology = build(network)
    fed = supply(topology)
    known = sum(one.load_kva or 0.0 for one in network.transformers if one.node in fed.root)
    at_sources = [node for node, edge in fed.via.items() if edge is None]
    own = sum(one.load_kva or 0.0 for node in at_sources for one in topology.transformers[node])
    first = [edge for node, edge in fed.via.items() if edge and fed.via[fed.upstream[node]] is None]
    assert own + sum(fed.load_kva[edge] for edge in first) == pytest.approx(known)
    assert sum(section.customers for section in topology.sections.values()) == len(network.nodes)


@given(networks(), st.data())
@settings(max_examples=200, deadline=None)
def test_what_is_isolated_is_dead_unless_a_source_stands_in_it(network: Network, data: st.DataObject) -> None:
    topology = build(network)
    wanted = data.draw(st.sets(st.sampled_from(sorted(topology.sections)), min_size=1))
    fed = supply(topology, dict.fromkeys(isolating(topology, wanted), False))
    nodes = {node for section in wanted for node in topology.sections[section].nodes}
    if not nodes & set(topology.sources):
        assert not nodes & set(fed.root)
    partition = [node for section in topology.sections.values() for node in section.nodes]
    assert sorted(partition) == sorted(topology.nodes)
