"""What cannot be right in a network is found, each with the element and its place; what is right is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from geo.finding import Finding
from geo.network.checks import Tolerances, check
from geo.network.model import Boundary, Feeder, Meter, Network, Source, Transformer
from geo.network.topology import build
from tests.geo.network.nets import LAT, LON, STEP, line, node, switch, two_feeders

NET = two_feeders()


@dataclass(frozen=True)
class Planted:
    """A fault planted in the sound network: what is put in place of what, and what must be found."""

    code: str
    fields: dict[str, Any]
    id: str
    grave: bool = False
    params: dict[str, Any] | None = None


def plus(name: str, *more: Any) -> dict[str, Any]:
    return {name: (*getattr(NET, name), *more)}


PLANTED = [
    Planted("network_id_twice", plus("nodes", node("T1", 9)), "T1", True, {"first": "node"}),
    Planted(
        "network_reference_unknown",
        plus("transformers", Transformer(id="T9", node="nowhere")),
        "T9",
        True,
        {"field": "node", "target": "nowhere"},
    ),
    Planted(
        "network_reference_unknown", plus("meters", Meter(id="M9", boundary="T1", customer="C1")), "M9", True
    ),
    Planted("network_reference_unknown", plus("lines", line("L9", "a1", "L1")), "L9", True, {"field": "to"}),
    Planted("network_joins_itself", plus("lines", line("L9", "a1", "a1")), "L9", True),
    Planted("network_node_unused", plus("nodes", node("n9", 9)), "n9"),
    Planted(
        "network_dangling",
        {**plus("nodes", node("n9", 9)), **plus("lines", line("L9", "a2", "n9"))},
        "n9",
        False,
        {"edge": "L9"},
    ),
    Planted(
        "network_unreachable",
        {
            **plus("nodes", node("i1", 9), node("i2", 9, 1)),
            **plus("switches", switch("K9", "i1", "i2", closed=False)),
            **plus("transformers", Transformer(id="T9", node="i2", customers=7)),
        },
        "i1",
        True,
        {"nodes": 2, "customers": 7},
    ),
    Planted(
        "network_dead_normally",
        {
            **plus("nodes", node("i1", 9), node("i2", 9, 1)),
            **plus("switches", switch("K9", "a2", "i1", closed=False)),
            **plus("lines", line("L9", "i1", "i2")),
            **plus("transformers", Transformer(id="T9", node="i2", customers=7)),
        },
        "i1",
        False,
        {"nodes": 2, "customers": 7},
    ),
    Planted(
        "network_meshed", plus("lines", line("L9", "a1", "a2", path=((LON, LAT), (LON, LAT)))), "L9", True
    ),
    Planted("network_sources_parallel", plus("switches", switch("K9", "a4", "b1")), "L2", True),
    Planted(
        "network_sources_parallel", plus("sources", Source(id="SRC9", station="ST1", node="b2")), "L3", True
    ),
    Planted("network_head_shared", plus("feeders", Feeder(id="F9", station="ST1", head="B1")), "F9", True),
    Planted("network_head_open", plus("feeders", Feeder(id="F9", station="ST1", head="TIE")), "F9"),
    Planted("network_head_away", plus("feeders", Feeder(id="F9", station="ST1", head="K1")), "F9"),
    Planted(
        "network_overloaded",
        plus("transformers", Transformer(id="T9", node="a4", load_kva=1400.0)),
        "L2",
        False,
        {"load_kva": 1700, "capacity_kva": 1500},
    ),
    Planted(
        "network_overloaded",
        plus("transformers", Transformer(id="T9", node="a4", load_kva=9.0, capacity_kva=8.0)),
        "T9",
    ),
    Planted("network_customer_unmetered", {"meters": ()}, "C1"),
    Planted("network_boundary_unmetered", plus("boundaries", Boundary(id="P9", at="T1")), "P9"),
    Planted(
        "network_section_mixed",
        plus("lines", line("L9", "a2", "a5", section="x")) | plus("nodes", node("a5", 8)),
        "a1",
    ),
    Planted(
        "network_section_split",
        plus("lines", line("L9", "b3", "a5", section="一段")) | plus("nodes", node("a5", 8)),
        "a1",
    ),
    Planted(
        "network_voltages_joined",
        {
            **plus("nodes", node("h1", 8, voltage_kv=10.0), node("h2", 9, voltage_kv=35.0)),
            **plus("lines", line("L9", "h1", "h2")),
        },
        "L9",
        True,
    ),
    Planted(
        "network_line_end_apart",
        {
            "lines": (
                *NET.lines[:3],
                line("L4", "b2", "b3", path=((LON, LAT), (LON + 3 * STEP, LAT + 2 * STEP))),
            )
        },
        "L4",
        False,
        {"node": "b2"},
    ),
    Planted("network_line_twice", plus("lines", line("L9", "a2", "a1")), "L9", False, {"first": "L1"}),
    Planted("network_place_twice", plus("nodes", node("n9", 2)), "n9", False, {"first": "a2"}),
]


def told(network: Network) -> tuple[Finding, ...]:
    return check(build(network))


def test_a_sound_network_is_left_in_peace() -> None:
    assert told(NET) == ()


@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: f"{one.code}-{one.id}")
def test_a_planted_fault_is_found_with_its_element_and_place(planted: Planted) -> None:
    faulty = msgspec.structs.replace(NET, **planted.fields)
    found = [one for one in told(faulty) if (one.code, one.params["id"]) == (planted.code, planted.id)]
    assert found, [one.code for one in told(faulty)]
    assert all(one.grave is planted.grave for one in found)
    assert (planted.params or {}).items() <= found[0].params.items()
    if planted.id not in ("F9", "C1", "P9", "M9"):
        assert found[0].lon is None or abs(found[0].lon - LON) < 0.1


def test_a_fault_without_a_place_of_its_own_is_shown_where_it_hangs() -> None:
    faulty = msgspec.structs.replace(NET, **plus("boundaries", Boundary(id="P9", at="T1")))
    [found] = told(faulty)
    at = faulty.nodes[2]
    assert (at.id, found.lon, found.lat) == ("a2", at.lon, at.lat)


def test_a_network_without_a_source_says_just_that_of_its_supply() -> None:
    codes = {one.code for one in told(msgspec.structs.replace(NET, sources=()))}
    assert "network_no_source" in codes
    assert "network_unreachable" not in codes


def test_tolerances_are_parameters() -> None:
    shifted = ((LON + 4 * STEP, LAT + 2 * STEP + 0.0001), (LON + 3 * STEP, LAT + 2 * STEP))
    lines = (*NET.lines[:3], line("L4", "b2", "b3", path=shifted))
    network = msgspec.structs.replace(NET, lines=lines)
    assert [one.code for one in told(network)] == ["network_line_end_apart"]
    assert check(build(network), tolerances=Tolerances(line_end_m=15.0)) == ()
