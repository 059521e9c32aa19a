"""The demo town's network is sound, radial and can lend supply; its map shows all of it, always the same."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from geo.coords import Position
from geo.network.checks import check
from geo.network.locate import feeders_near, locator
from geo.network.model import Switch
from geo.network.paths import ways_to
from geo.network.topology import build, supply
from server.demo.map import CASES, FILE, draw, morning, network

DOCS = Path(__file__).parents[2] / "docs"
TOPOLOGY = build(network())
TIES = sorted(one.id for one in TOPOLOGY.network.switches if one.id.startswith("TIE-"))


def test_the_network_has_nothing_to_find() -> None:
    assert check(TOPOLOGY) == ()
    assert len(TIES) == 5


@pytest.mark.parametrize("tie", TIES)
def test_every_tie_takes_over_a_section_of_another_feeder(tie: str) -> None:
    """Opened one switch above and closed at the tie, the section beside it changes its feeder, in no ring."""
    normal = supply(TOPOLOGY)
    edge = TOPOLOGY.edges[tie]
    above = edge.end
    while not isinstance(TOPOLOGY.edges[normal.via[above] or ""], Switch):
        above = normal.upstream[above]
    after = supply(TOPOLOGY, {tie: True, str(normal.via[above]): False})
    assert normal.feeder[edge.start] != normal.feeder[edge.end]
    assert after.feeder[edge.end] == after.feeder[edge.start] == normal.feeder[edge.start]
    assert after.meshes == ()
    assert set(after.root) == set(normal.root)


def test_the_clinic_is_fed_from_two_stations() -> None:
    ways = ways_to(TOPOLOGY, supply(TOPOLOGY), "HOSPITAL")
    assert [way.steps[0].id for way in ways] == ["BB", "WC"]
    assert all(way.live for way in ways)


def test_every_case_of_the_demo_has_a_feeder_with_room_nearby() -> None:
    index = locator(TOPOLOGY, supply(TOPOLOGY))
    for case in CASES:
        [near, *_] = feeders_near(index, Position(case.lon, case.lat), within_m=500.0, limit=3)
        assert near.spare_kva is not None
        assert near.spare_kva > case.capacity_kva


def test_the_map_in_the_docs_is_up_to_date() -> None:
    assert (DOCS / FILE).read_text("utf-8") == draw(), "run: make diagrams"


def test_the_map_shows_every_case_feeder_and_switch() -> None:
    drawing = ElementTree.fromstring(draw())
    words = {text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")}
    assert {case.customer for case in CASES} | {one.name for one in TOPOLOGY.network.feeders} <= words
    assert {"30 min", "500 m"} <= words
    squares = [one for one in drawing.iter("{http://www.w3.org/2000/svg}rect") if one.get("width") == "7.0"]
    assert len(squares) == len(TOPOLOGY.network.switches) + 2, "and two in the legend"


def test_the_morning_is_a_walk_without_a_flag() -> None:
    assert morning().flags == ()
