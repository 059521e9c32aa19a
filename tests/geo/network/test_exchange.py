"""A network goes out as GeoJSON and comes back the same; what cannot be read is told with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.coords import from_wgs84
from geo.network.exchange import read_network, write_network
from geo.network.model import KINDS, NetworkError
from tests.geo.network.nets import LAT, LON, line, two_feeders


def collection(*features: Any, **more: Any) -> dict[str, Any]:
    head = {"id": "n", "datum": "wgs84"}
    return {"type": "FeatureCollection", "network": head, "features": list(features), **more}


def feature(kind: str, geometry: Any = None, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": {"kind": kind, "id": "x", **properties}}


def point(*coordinates: Any) -> dict[str, Any]:
    return {"type": "Point", "coordinates": list(coordinates)}


def test_there_and_back_nothing_changes() -> None:
    path = ((LON, LAT), (LON, LAT + 0.001), (LON + 0.001, LAT))
    lines = (*two_feeders().lines, line("L9", "a1", "a2", path=path, form="cable", length_m=250.0))
    network = two_feeders(lines=lines)
    reading = read_network(json.loads(json.dumps(write_network(network))))
    assert reading.network == network
    assert reading.usable
    assert reading.findings == ()


def test_the_datum_is_converted_once_on_the_way_in() -> None:
    shifted = from_wgs84(LON, LAT, "gcj02")
    given = collection(feature("node", point(*shifted)), network={"id": "n", "datum": "gcj02"})
    [found] = read_network(given).network.nodes
    assert (found.lon, found.lat) == pytest.approx((LON, LAT), abs=1e-8)
    assert write_network(read_network(given).network)["network"]["datum"] == "wgs84"


@pytest.mark.parametrize(
    ("given", "code", "place"),
    [
        ({}, "network_not_a_collection", ""),
        (collection(network={"name": "x"}), "network_head_missing", "/network"),
        (collection(network={"id": "x"}), "datum_missing", "/network/datum"),
        (collection(network={"id": "x", "datum": "mars"}), "datum_unknown", "/network/datum"),
    ],
)
def test_what_is_no_network_is_refused(given: dict[str, Any], code: str, place: str) -> None:
    with pytest.raises(NetworkError) as caught:
        read_network(given)
    assert (caught.value.code, caught.value.place) == (code, place)


def test_a_file_beyond_the_bound_is_refused_before_it_is_read() -> None:
    with pytest.raises(NetworkError, match="network_too_large"):
        read_network(collection(1, 2, 3), max_features=2)


@pytest.mark.parametrize(
    ("bad", "code", "place"),
    [
        (7, "network_not_a_feature", "/features/1"),
        (feature("pylon"), "network_kind_unknown", "/features/1/properties/kind"),
        (feature("node", point(29.2, 121.9)), "coordinate_swapped", "/features/1/geometry/coordinates"),
        (feature("node", point(1)), "coordinate_not_a_number", "/features/1/geometry/coordinates"),
        (
            feature("node", point(float("nan"), 1)),
            "coordinate_not_a_number",
            "/features/1/geometry/coordinates",
        ),
        (feature("line", point(1, 2)), "network_shape", "/features/1/geometry"),
        (feature("source", point(1, 2)), "network_shape", "/features/1/geometry"),
        (
            feature("line", {"type": "LineString", "coordinates": [[1, 2]]}),
            "network_line_too_short",
            "/features/1/geometry/coordinates",
        ),
        (
            feature("line", {"type": "LineString", "coordinates": [[1, 2], [1, 200]]}),
            "coordinate_out_of_range",
            "/features/1/geometry/coordinates/1",
        ),
        (feature("transformer"), "network_feature_unreadable", "/features/1/properties"),
        (
            feature("transformer", node="a", load_kva=-1),
            "network_number_invalid",
            "/features/1/properties/load_kva",
        ),
        (feature("node", datum="bd09"), "network_datum_mixed", "/features/1/properties/datum"),
        (feature("node", id=""), "network_feature_unreadable", "/features/1/properties/id"),
    ],
)
def test_what_cannot_be_read_is_left_out_and_told_with_its_place(bad: Any, code: str, place: str) -> None:
    reading = read_network(collection(feature("node", id="good"), bad))
    assert [one.id for one in reading.network.nodes] == ["good"]
    assert [(one.code, one.place, one.grave) for one in reading.findings] == [(code, place, True)]
    assert not reading.usable


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "type": st.just("Feature"),
                "geometry": _anything
                | st.fixed_dictionaries(
                    {"type": st.sampled_from(["Point", "LineString"]), "coordinates": _anything}
                ),
                "properties": _anything
                | st.dictionaries(
                    st.sampled_from(
                        ["id", "name", "node", "from", "to", "closed", "capacity_kva", "customers", "form"]
                    ),
                    _anything,
                ).flatmap(
                    lambda rest: st.sampled_from(sorted(KINDS)).map(lambda kind: {**rest, "kind": kind})
                ),
            }
        ),
        max_size=4,
    )
)
@settings(max_examples=150, deadline=None)
def test_whatever_stands_in_a_feature_ends_in_an_element_or_a_finding(features: list[dict[str, Any]]) -> None:
    reading = read_network(collection(*features))
    assert len(reading.network.elements()) + len(reading.findings) == len(features)
    assert all(one.place.startswith("/features/") for one in reading.findings)
