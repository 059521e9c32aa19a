"""A pandapower network keeps its feeding: what was radial there is radial here, with the same loads."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from geo.network.checks import check
from geo.network.model import NetworkError
from geo.network.pandapower import read_pandapower
from geo.network.topology import build, supply


def table(columns: list[str], *rows: list[Any]) -> dict[str, Any]:
    split = {"columns": columns, "index": list(range(len(rows))), "data": rows}
    return {
        "_module": "pandas.core.frame",
        "_class": "DataFrame",
        "_object": json.dumps(split),
        "orient": "split",
    }


def spot(lon: float, lat: float) -> str:
    return json.dumps({"type": "Point", "coordinates": [lon, lat]})


def network(**more: Any) -> dict[str, Any]:
    """110 kV bus 0, a 110/20 kV transformer to bus 1, a line to 2 and on to 3, a 20/0.4 kV transformer there;
    a tie back from 3 to 1 stands open at its far end."""
    body = {
        "name": "small",
        "bus": table(
            ["name", "vn_kv", "type", "in_service", "geo"],
            ["hv", 110.0, "b", True, None],
            ["bar", 20.0, "b", True, spot(8.0, 48.0)],
            ["mid", 20.0, "n", True, spot(8.01, 48.0)],
            ["end", 20.0, "n", True, spot(8.02, 48.0)],
            ["lv", 0.4, "n", True, None],
        ),
        "line": table(
            ["name", "from_bus", "to_bus", "length_km", "max_i_ka", "df", "parallel", "type", "in_service"],
            ["one", 1, 2, 0.8, 0.3, 1.0, 1, "cs", True],
            ["two", 2, 3, 0.9, 0.2, 1.0, 2, "ol", True],
            ["tie", 3, 1, 1.9, 0.3, 1.0, 1, "cs", True],
            ["gone", 1, 3, 1.9, 0.3, 1.0, 1, "cs", False],
        ),
        "switch": table(
            ["bus", "element", "et", "type", "closed", "name"],
            [1, 0, "l", "CB", True, "out"],
            [1, 2, "l", "LBS", False, "tie"],
            [3, 2, "l", "LBS", True, "tie end"],
        ),
        "trafo": table(
            ["name", "hv_bus", "lv_bus", "sn_mva", "parallel", "in_service"],
            ["main", 0, 1, 25.0, 1, True],
            ["station", 3, 4, 0.4, 1, True],
        ),
        "load": table(
            ["bus", "p_mw", "q_mvar", "scaling", "in_service"],
            [4, 0.3, 0.4, 0.5, True],
            [2, 0.1, 0.0, 1.0, True],
            [2, 9.9, 0.0, 1.0, False],
        ),
        "ext_grid": table(["name", "bus", "in_service"], ["grid", 0, True]),
    }
    return {"_module": "pandapower.auxiliary", "_class": "pandapowerNet", "_object": body | more}


def test_it_is_fed_as_it_was_with_the_same_loads() -> None:
    reading = read_pandapower(network(), network_id="pp", datum="wgs84", kva_per_customer=1.0)
    assert [(one.code, one.params["table"]) for one in reading.findings] == [
        ("pandapower_out_of_service", "line"),
        ("pandapower_out_of_service", "load"),
    ]
    topology = build(reading.network)
    fed = supply(topology)
    assert set(fed.root) == {one.id for one in reading.network.nodes}
    assert fed.meshes == ()
    assert fed.load_kva["switch-0"] == pytest.approx(350.0)
    assert [one.head for one in reading.network.feeders] == ["switch-0", "switch-1"]
    assert [one for one in check(topology) if one.grave] == []
    [source] = reading.network.sources
    assert (source.capacity_kva, source.node) == (25_000.0, "bus-1")
    loads = {one.id: (one.load_kva, one.customers) for one in reading.network.transformers}
    assert loads == {"trafo-1": (pytest.approx(250.0), 250), "load-2": (100.0, 100)}


def test_ratings_count_all_parallel_systems() -> None:
    reading = read_pandapower(network(), network_id="pp", datum="wgs84")
    rated = {one.name: one.capacity_kva for one in reading.network.lines}
    assert rated["one"] == pytest.approx(math.sqrt(3) * 0.3 * 20 * 1000)
    assert rated["two"] == pytest.approx(math.sqrt(3) * 0.4 * 20 * 1000)


def test_closing_the_tie_closes_a_ring() -> None:
    topology = build(read_pandapower(network(), network_id="pp", datum="wgs84").network)
    [mesh] = supply(topology, {"switch-1": True}).meshes
    assert not mesh.parallel


def test_what_has_no_counterpart_is_told() -> None:
    three = table(["name", "in_service"], ["t3", True])
    switches = table(["bus", "element", "et", "type", "closed"], [1, 0, "t3", "CB", True])
    loads = table(["bus", "p_mw", "q_mvar"], [0, 1.0, 0.0], [2, None, 0.0])
    found = read_pandapower(
        network(trafo3w=three, switch=switches, load=loads), network_id="pp", datum="wgs84"
    ).findings
    assert {(one.code, one.place) for one in found} >= {
        ("pandapower_left_out", ""),
        ("pandapower_left_out", "/switch/0"),
        ("pandapower_load_elsewhere", "/bus/0"),
        ("pandapower_load_unreadable", "/load/1"),
    }


def test_positions_before_release_three_stand_in_a_table_of_their_own() -> None:
    buses = table(["name", "vn_kv", "type"], ["a", 20.0, "b"], ["b", 20.0, "n"], ["c", 20.0, "n"])
    places = table(["x", "y"], [8.0, 48.0], [8.1, 480.0], [8.2, 48.2])
    lines = table(["from_bus", "to_bus", "length_km"], [0, 1, 1.0])
    grid = table(["bus"], [0])
    nothing = table(["bus"])
    reading = read_pandapower(
        network(
            bus=buses,
            bus_geodata=places,
            line=lines,
            ext_grid=grid,
            switch=nothing,
            trafo=nothing,
            load=nothing,
        ),
        network_id="pp",
        datum="wgs84",
    )
    assert [(one.lon, one.lat) for one in reading.network.nodes] == [(8.0, 48.0), (None, None), (8.2, 48.2)]
    assert [(one.code, one.place) for one in reading.findings] == [("coordinate_out_of_range", "/bus/1")]
    assert [one.id for one in reading.network.sources] == ["ext_grid-0"]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({}, "pandapower_not_a_network"),
        ({"_class": "pandapowerNet"}, "pandapower_not_a_network"),
        (network(bus={"_object": "{"}), "pandapower_table_unreadable"),
        (network(line=table(["from_bus"])), "pandapower_no_lines"),
    ],
)
def test_what_is_no_such_network_is_refused(document: dict[str, Any], code: str) -> None:
    with pytest.raises(NetworkError, match=code):
        read_pandapower(document, network_id="pp", datum="wgs84")
