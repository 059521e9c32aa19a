"""What lies near a site is found by true distance, with where on the line and what could still be drawn."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geo.coords import Position
from geo.network.locate import elements_within, feeders_near, lines_near, locator, nodes_near, sections_near
from geo.network.model import Line
from geo.network.topology import build, supply
from tests.geo.network.nets import LAT, LON, STEP, two_feeders

GEOD = Geod(ellps="WGS84")
TOPOLOGY = build(two_feeders())
INDEX = locator(TOPOLOGY, supply(TOPOLOGY))


def test_a_site_beside_a_line_hears_of_line_section_feeder_and_spare() -> None:
    site = Position(LON + 2.25 * STEP, LAT + 1.2 * STEP)
    [near, *_] = lines_near(INDEX, site, within_m=500.0, limit=5)
    assert (near.line, near.section, near.feeder) == ("L2", "二段", "F1")
    assert near.distance_m == pytest.approx(0.2 * STEP * 110_850, rel=1e-3)
    assert near.along_m == pytest.approx(0.25 * TOPOLOGY.lengths["L2"], rel=1e-3)
    assert near.from_source_m == pytest.approx(TOPOLOGY.lengths["L1"] + near.along_m)
    assert near.spare_kva == 1200.0
    foot = GEOD.inv(site.lon, site.lat, near.lon, near.lat)[2]
    assert foot == pytest.approx(near.distance_m, rel=1e-4)


def test_feeders_and_sections_are_each_named_once() -> None:
    site = Position(LON + 3.2 * STEP, LAT + 1.4 * STEP)
    assert [one.feeder for one in feeders_near(INDEX, site, within_m=900.0, limit=9)] == ["F1", "F2"]
    sections = [one.section for one in sections_near(INDEX, site, within_m=900.0, limit=9)]
    assert sections == ["二段", "~b1", "一段"]
    assert len(sections_near(INDEX, site, within_m=900.0, limit=1)) == 1


def test_poles_are_found_and_busbars_are_none() -> None:
    site = Position(LON + 0.1 * STEP, LAT)
    assert nodes_near(INDEX, site, within_m=300.0, limit=1)[0].node == "a1"
    assert nodes_near(INDEX, site, within_m=300.0, limit=1, forms=("busbar",))[0].node == "S1"


def test_beyond_reach_there_is_nothing() -> None:
    assert lines_near(INDEX, Position(100.0, 30.0), within_m=5000.0, limit=3) == ()
    assert nodes_near(INDEX, Position(LON, LAT - 0.1), within_m=100.0, limit=3) == ()


@given(st.floats(-3, 9), st.floats(-3, 5), st.floats(10, 1200))
@settings(max_examples=100, deadline=None)
def test_nobody_nearer_is_missed(east: float, north: float, within: float) -> None:
    """Against the geodesic to every pole."""
    site = Position(LON + east * STEP, LAT + north * STEP)
    poles = [one for one in TOPOLOGY.nodes.values() if one.form == "pole"]
    ways = {one.id: GEOD.inv(site.lon, site.lat, one.lon, one.lat)[2] for one in poles}
    found = {one.node: one.distance_m for one in nodes_near(INDEX, site, within_m=within, limit=99)}
    for pole, way in ways.items():
        if abs(way - within) > 0.1:
            assert (pole in found) == (way < within)
        if pole in found:
            assert found[pole] == pytest.approx(way, rel=1e-4)


def test_a_line_that_only_crosses_a_box_is_in_it_and_has_its_course() -> None:
    west, south, east, north = (LON + 1.4 * STEP, LAT - 0.1 * STEP, LON + 1.6 * STEP, LAT + 0.1 * STEP)
    [found] = elements_within(INDEX, west, south, east, north, limit=9)
    assert isinstance(found, Line)
    assert (found.id, len(found.path)) == ("L1", 2)
    assert elements_within(INDEX, 0.0, 0.0, 1.0, 1.0, limit=9) == ()


def test_pages_of_a_box_follow_each_other_in_the_order_of_the_network() -> None:
    box = (LON - 0.1, LAT - 0.1, LON + 0.1, LAT + 0.1)
    whole = [one.id for one in elements_within(INDEX, *box, limit=99)]
    first = [one.id for one in elements_within(INDEX, *box, limit=4)]
    rest = [one.id for one in elements_within(INDEX, *box, behind=first[-1], limit=99)]
    assert first + rest == whole
    assert len(set(whole)) == len(whole) > 8
