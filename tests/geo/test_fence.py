"""Presence is what the numbers bear out: inside, near, outside, or not known, with how sure that is."""

from __future__ import annotations

import math
import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geo.coords import CoordinateError, Fix, Position, from_wgs84
from geo.fence import (
    FenceError,
    PresenceLimits,
    SiteFence,
    area,
    circle,
    distance_to,
    distances_to,
    presence,
    read_feature,
    read_fence,
    write_feature,
)

GEOD = Geod(ellps="WGS84")
SITE = Position(117.28, 31.86)
FENCE = circle(SITE, 200.0)


def away(metres: float, bearing: float = 40.0, accuracy_m: float | None = 10.0) -> Fix:
    lon, lat, _ = GEOD.fwd(SITE.lon, SITE.lat, bearing, metres)
    return Fix(Position(lon, lat), accuracy_m)


def square(half_m: float = 100.0) -> list[list[float]]:
    corners = []
    for bearing in (45, 135, 225, 315, 45):
        lon, lat, _ = GEOD.fwd(SITE.lon, SITE.lat, bearing, half_m * math.sqrt(2))
        corners.append([lon, lat])
    return corners


def polygon(*rings: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


@given(st.floats(-180, 180), st.floats(-80, 80), st.floats(0, 360), st.floats(1, 10_000), st.floats(1, 500))
@settings(max_examples=300, deadline=None)
def test_distances_to_ten_kilometres_agree_with_the_geodesic_to_a_thousandth(
    lon: float, lat: float, bearing: float, metres: float, radius: float
) -> None:
    there_lon, there_lat, _ = GEOD.fwd(lon, lat, bearing, metres)
    found = distance_to(circle(Position(lon, lat), radius), there_lon, there_lat)
    assert found + radius == pytest.approx(metres, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("metres", [300.0, 2_500.0, 9_000.0])
def test_distances_to_a_polygon_agree_with_the_geodesic(metres: float) -> None:
    fence = area(polygon(square(100.0)), datum="wgs84")
    assert distance_to(fence, SITE.lon, SITE.lat) == pytest.approx(-100.0, rel=1e-3)
    due_east = away(metres, bearing=90.0).position
    assert distance_to(fence, due_east.lon, due_east.lat) == pytest.approx(metres - 100.0, rel=2e-3)


def test_a_margin_moves_a_polygons_fence_outwards() -> None:
    fence = area(polygon(square(100.0)), datum="wgs84", margin_m=50.0)
    assert distance_to(fence, SITE.lon, SITE.lat) == pytest.approx(-150.0, rel=1e-3)


def test_a_hole_is_not_part_of_the_site() -> None:
    fence = area(polygon(square(100.0), square(20.0)), datum="wgs84")
    assert distance_to(fence, SITE.lon, SITE.lat) == pytest.approx(20.0, rel=1e-3)


@pytest.mark.parametrize(
    ("metres", "accuracy", "verdict", "code"),
    [
        (50.0, 10.0, "inside", "presence_inside"),
        (199.0, 10.0, "inside", "presence_inside"),
        (205.0, 10.0, "near", "presence_near"),
        (215.0, 10.0, "outside", "presence_outside"),
        (900.0, 10.0, "outside", "presence_outside"),
        (900.0, 800.0, "near", "presence_near"),
        (50.0, 3000.0, "near", "presence_too_vague"),
        (50.0, None, "unknown", "presence_no_accuracy"),
        (50.0, 0.0, "unknown", "presence_no_accuracy"),
        (50.0, -5.0, "unknown", "presence_no_accuracy"),
        (50.0, math.nan, "unknown", "presence_no_accuracy"),
        (50.0, 80_000.0, "unknown", "presence_too_coarse"),
    ],
)
def test_the_verdict_weighs_distance_against_accuracy(
    metres: float, accuracy: float | None, verdict: str, code: str
) -> None:
    found = presence(FENCE, away(metres, accuracy_m=accuracy))
    assert (found.verdict, found.code) == (verdict, code)
    assert found.distance_m == pytest.approx(metres - 200.0, rel=1e-3, abs=0.01)


def test_no_fix_says_nothing() -> None:
    found = presence(FENCE, None)
    assert (found.verdict, found.code, found.confidence) == ("unknown", "presence_no_fix", 0.0)


@given(st.floats(0, 5000), st.floats(0.5, 4000), st.floats(0, 360))
@settings(max_examples=200, deadline=None)
def test_outside_is_said_only_when_the_whole_accuracy_lies_beyond_the_fence(
    metres: float, accuracy: float, bearing: float
) -> None:
    found = presence(FENCE, away(metres, bearing, accuracy))
    assert (found.verdict == "outside") == (found.margin_m is not None and found.margin_m > 0)
    assert 0.0 <= found.confidence <= 1.0
    if found.verdict == "outside":
        assert found.confidence > 0.95


@given(st.floats(0, 1000), st.floats(1, 300))
@settings(max_examples=100, deadline=None)
def test_a_fix_further_off_is_never_more_surely_inside(metres: float, accuracy: float) -> None:
    def within(distance: float) -> float:
        found = presence(FENCE, away(distance, accuracy_m=accuracy))
        return 1 - found.confidence if found.verdict == "outside" else found.confidence

    assert within(metres + 50) <= within(metres) + 1e-9


@pytest.mark.parametrize(("metres", "accuracy"), [(0, 100), (150, 60), (0, 600), (230, 80), (100, 400)])
def test_the_confidence_is_an_upper_bound_close_to_the_true_chance(metres: float, accuracy: float) -> None:
    """Against a drawn sample: 20,000 true places around the fix, normal, 95 % of them within the accuracy."""
    chance = random.Random(7)
    sigma = accuracy / math.sqrt(-2 * math.log(0.05))
    draws = [(chance.gauss(metres, sigma), chance.gauss(0, sigma)) for _ in range(20_000)]
    truth = sum(math.hypot(x, y) <= 200 for x, y in draws) / len(draws)
    found = presence(FENCE, away(metres, accuracy_m=accuracy)).confidence
    assert truth - 0.02 <= found <= truth + 0.2


def test_limits_are_parameters() -> None:
    fix = away(50.0, accuracy_m=120.0)
    assert presence(FENCE, fix).verdict == "inside"
    assert presence(FENCE, fix, limits=PresenceLimits(max_accuracy_m=100.0)).code == "presence_too_coarse"
    assert presence(FENCE, fix, limits=PresenceLimits(min_confidence=1.0)).code == "presence_too_vague"


@pytest.mark.parametrize(
    ("shape", "code"),
    [
        ({"type": "Point", "coordinates": [1, 2]}, "fence_shape_unknown"),
        ({"type": "Polygon"}, "fence_shape_unknown"),
        (polygon(), "fence_empty"),
        ({"type": "MultiPolygon", "coordinates": []}, "fence_empty"),
        (polygon([[117.0, 31.0], [117.1, 31.0], [117.0, 31.0]]), "fence_ring_too_short"),
        (polygon([[117.0, 31.0], [117.1, 31.0], [117.1, 31.1], [117.0, 31.1]]), "fence_ring_open"),
        (
            polygon([[117.0, 31.0], [117.1, 31.1], [117.1, 31.0], [117.0, 31.1], [117.0, 31.0]]),
            "fence_crosses_itself",
        ),
    ],
)
def test_a_boundary_that_encloses_nothing_clear_is_refused(shape: dict[str, Any], code: str) -> None:
    with pytest.raises(FenceError) as caught:
        area(shape, datum="wgs84")
    assert caught.value.code == code


@pytest.mark.parametrize("radius", [0, -1, math.nan, math.inf, "200", True])
def test_a_radius_is_a_positive_number(radius: Any) -> None:
    with pytest.raises(FenceError, match="fence_radius_invalid"):
        circle(SITE, radius)


def test_a_corner_that_is_no_position_is_refused() -> None:
    with pytest.raises(CoordinateError, match="coordinate_swapped"):
        area(polygon([[31.0, 117.0], [31.0, 117.1], [31.1, 117.1], [31.0, 117.0]]), datum="wgs84")


def test_a_site_is_read_as_its_boundary_or_its_point() -> None:
    lon, lat = from_wgs84(SITE.lon, SITE.lat, "gcj02")
    point = read_fence({"lon": lon, "lat": lat, "datum": "gcj02"}, default_radius_m=150.0)
    assert point.radius_m == 150.0
    assert distance_to(point, SITE.lon, SITE.lat) == pytest.approx(-150.0, abs=0.1)
    shifted = [list(from_wgs84(x, y, "gcj02")) for x, y in square(100.0)]
    site = {"lon": lon, "lat": lat, "datum": "gcj02", "boundary": polygon(shifted)}
    assert distance_to(read_fence(site, default_radius_m=150.0), SITE.lon, SITE.lat) == pytest.approx(
        -100.0, rel=1e-2
    )
    with pytest.raises(CoordinateError, match="datum_missing"):
        read_fence({"lon": 1, "lat": 2}, default_radius_m=150.0)


def test_a_site_of_two_plots_is_one_fence() -> None:
    east = [[lon + 0.01, lat] for lon, lat in square(100.0)]
    fence = area({"type": "MultiPolygon", "coordinates": [[square(100.0)], [east]]}, datum="wgs84")
    assert isinstance(fence, SiteFence)
    assert distance_to(fence, SITE.lon, SITE.lat) < 0
    assert distance_to(fence, SITE.lon + 0.01, SITE.lat) < 0
    assert distance_to(fence, SITE.lon + 0.005, SITE.lat) > 0


def test_a_refused_boundary_names_the_corner_or_the_crossing() -> None:
    bow = [[117.0, 31.0], [117.1, 31.1], [117.1, 31.0], [117.0, 31.1], [117.0, 31.0]]
    with pytest.raises(FenceError) as crossed:
        area(polygon(bow), datum="wgs84")
    assert crossed.value.params == {"detail": "Self-intersection", "lon": 117.05, "lat": 31.05}
    holed = square(100.0)
    nowhere = {"type": "MultiPolygon", "coordinates": [[holed], [[*holed[:2], [None, 1], *holed[3:]]]]}
    with pytest.raises(CoordinateError) as lost:
        read_fence({"lon": 1, "lat": 2, "datum": "wgs84", "boundary": nowhere}, default_radius_m=1.0)
    assert lost.value.place == "/boundary/coordinates/1/0/2"


@pytest.mark.parametrize(
    "fence",
    [
        circle(SITE, 80.0),
        area(polygon(square(100.0), square(20.0)), datum="wgs84", margin_m=15.0),
        area(
            {"type": "MultiPolygon", "coordinates": [[square(100.0)], [[[x + 0.1, y] for x, y in square()]]]},
            datum="wgs84",
        ),
    ],
)
def test_a_fence_goes_out_as_geojson_and_comes_back(fence: SiteFence) -> None:
    feature = write_feature(fence)
    assert feature["properties"] == {"datum": "wgs84", "radius_m": fence.radius_m}
    again = read_feature(feature, default_radius_m=1.0)
    for metres in (0.0, 50.0, 150.0, 4000.0):
        there = away(metres).position
        assert distance_to(again, there.lon, there.lat) == distance_to(fence, there.lon, there.lat)


def test_the_outer_ring_goes_out_counterclockwise() -> None:
    clockwise = area(polygon(square(100.0)), datum="wgs84")
    ring = write_feature(clockwise)["geometry"]["coordinates"][0]
    turned = sum((x2 - x1) * (y2 + y1 - 2 * SITE.lat) for (x1, y1), (x2, y2) in pairwise(ring))
    assert turned < 0


@pytest.mark.parametrize(
    ("feature", "code", "place"),
    [
        ({"type": "Point"}, "fence_shape_unknown", ""),
        ({"type": "Feature", "geometry": None}, "fence_shape_unknown", ""),
        (
            {"type": "Feature", "geometry": {"type": "Point", "coordinates": [117.0, 31.0]}},
            "datum_missing",
            "/geometry/coordinates",
        ),
        (
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [31.0, 117.0]},
                "properties": {"datum": "wgs84"},
            },
            "coordinate_swapped",
            "/geometry/coordinates",
        ),
        (
            {
                "type": "Feature",
                "geometry": {"type": "LineString", "coordinates": []},
                "properties": {"datum": "wgs84"},
            },
            "fence_shape_unknown",
            "/geometry",
        ),
    ],
)
def test_a_feature_that_is_no_site_is_refused_with_its_place(
    feature: dict[str, Any], code: str, place: str
) -> None:
    with pytest.raises((FenceError, CoordinateError)) as caught:
        read_feature(feature, default_radius_m=100.0)
    assert (caught.value.code, caught.value.place) == (code, place)


@given(st.lists(st.tuples(st.floats(0, 9_000), st.floats(0, 360)), max_size=6))
@settings(max_examples=60, deadline=None)
def test_many_distances_at_once_are_those_of_one_after_the_other(ways: list[tuple[float, float]]) -> None:
    holed = area(polygon(square(100.0), square(20.0)), datum="wgs84", margin_m=5.0)
    positions = [away(metres, bearing).position for metres, bearing in ways]
    for fence in (FENCE, holed):
        together = distances_to(fence, positions)
        single = [distance_to(fence, one.lon, one.lat) for one in positions]
        assert together == pytest.approx(single, rel=2e-3, abs=0.05)
