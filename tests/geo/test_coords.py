"""Positions are converted once, come back where they were, and nothing that is no position gets in."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geo.coords import (
    CHINA,
    CoordinateError,
    Datum,
    Original,
    Position,
    from_wgs84,
    in_china,
    oddities,
    read_fix,
    to_wgs84,
)
from geo.metric import distance_m

# A margin of two kilometres: at the rectangle's edge a shifted and an unshifted point may coincide.
_EDGE = 0.02
_inland_lon = st.floats(CHINA[0] + _EDGE, CHINA[2] - _EDGE)
_inland_lat = st.floats(CHINA[1] + _EDGE, CHINA[3] - _EDGE)


@given(_inland_lon, _inland_lat, st.sampled_from(["wgs84", "cgcs2000", "gcj02", "bd09"]))
@settings(max_examples=300, deadline=None)
def test_there_and_back_is_within_a_millionth_of_a_degree(lon: float, lat: float, datum: Datum) -> None:
    position = to_wgs84(*from_wgs84(lon, lat, datum), datum)
    assert abs(position.lon - lon) < 1e-6
    assert abs(position.lat - lat) < 1e-6


#: Where China ends: Nansha, Fuyuan, Mohe, Wuqia, Hong Kong, Dandong, Horgos, Jinghong, Sansha, Kinmen.
_FRONTIER = [
    (112.28, 4.0),
    (135.09, 48.4),
    (122.33, 53.56),
    (73.5, 39.4),
    (114.18, 22.29),
    (124.4, 40.13),
    (80.41, 44.21),
    (100.8, 22.0),
    (112.34, 16.83),
    (118.32, 24.44),
]


@given(
    st.sampled_from(_FRONTIER),
    st.floats(-0.5, 0.5),
    st.floats(-0.5, 0.5),
    st.sampled_from(["gcj02", "bd09"]),
)
@settings(max_examples=200, deadline=None)
def test_there_and_back_holds_on_both_sides_of_every_frontier(
    place: tuple[float, float], east: float, north: float, datum: Datum
) -> None:
    lon, lat = place[0] + east, place[1] + north
    assert in_china(lon, lat)
    position = to_wgs84(*from_wgs84(lon, lat, datum), datum)
    assert max(abs(position.lon - lon), abs(position.lat - lat)) < 1e-6


@given(st.sampled_from([0, 2]), st.floats(-0.03, 0.03), _inland_lat, st.sampled_from(["gcj02", "bd09"]))
@settings(max_examples=200, deadline=None)
def test_at_the_outlines_very_edge_a_reading_is_off_by_no_more_than_the_shift(
    side: int, across: float, lat: float, datum: Datum
) -> None:
    lon = CHINA[side] + across
    there = from_wgs84(lon, lat, datum)
    back = to_wgs84(*there, datum)
    assert distance_m(back.lon, back.lat, lon, lat) < 3000
    assert back.original == Original(*there, datum)


@given(_inland_lon, _inland_lat, st.sampled_from(["gcj02", "bd09"]))
@settings(max_examples=200, deadline=None)
def test_back_and_there_is_within_a_millionth_of_a_degree(lon: float, lat: float, datum: Datum) -> None:
    position = to_wgs84(lon, lat, datum)
    again = from_wgs84(position.lon, position.lat, datum)
    assert abs(again[0] - lon) < 1e-6
    assert abs(again[1] - lat) < 1e-6


@given(_inland_lon, _inland_lat)
@settings(max_examples=200, deadline=None)
def test_the_gcj02_shift_is_some_hundred_metres_and_never_a_kilometre_and_a_half(
    lon: float, lat: float
) -> None:
    assert 1 < distance_m(lon, lat, *from_wgs84(lon, lat, "gcj02")) < 1500


def test_a_published_pair_is_met() -> None:
    """The example of the widely used gcoord library: a place in Beijing in WGS-84 and in BD-09."""
    lon, lat = from_wgs84(116.403988, 39.914266, "bd09")
    assert lon == pytest.approx(116.41661560068297, abs=1e-9)
    assert lat == pytest.approx(39.92196580126834, abs=1e-9)


@pytest.mark.parametrize(("lon", "lat"), [(2.35, 48.86), (-74.0, 40.7), (151.2, -33.9), (-180.0, 90.0)])
@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_outside_china_nothing_is_shifted(lon: float, lat: float, datum: Datum) -> None:
    assert not in_china(lon, lat)
    assert from_wgs84(lon, lat, datum) == (lon, lat)
    position = to_wgs84(lon, lat, datum)
    assert (position.lon, position.lat) == (lon, lat)


@given(st.floats(-180, 180), st.floats(-90, 90), st.sampled_from(["gcj02", "bd09"]))
@settings(max_examples=200, deadline=None)
def test_every_place_on_earth_converts_to_a_place_nearby(lon: float, lat: float, datum: Datum) -> None:
    position = to_wgs84(lon, lat, datum)
    assert max(abs(position.lon - lon), abs(position.lat - lat)) < 0.05


def test_what_was_given_is_kept_beside_the_result() -> None:
    assert to_wgs84(117.28, 31.86, "wgs84") == Position(117.28, 31.86)
    assert to_wgs84(117.28, 31.86, "gcj02").original == Original(117.28, 31.86, "gcj02")
    assert to_wgs84(117.28, 31.86, "cgcs2000") == Position(
        117.28, 31.86, original=Original(117.28, 31.86, "cgcs2000")
    )


@pytest.mark.parametrize(
    ("lon", "lat", "datum", "code"),
    [
        (math.nan, 30.0, "wgs84", "coordinate_not_a_number"),
        (117.0, math.inf, "wgs84", "coordinate_not_a_number"),
        (None, 30.0, "wgs84", "coordinate_not_a_number"),
        ("117", 30.0, "wgs84", "coordinate_not_a_number"),
        (True, 30.0, "wgs84", "coordinate_not_a_number"),
        (10**400, 30.0, "wgs84", "coordinate_not_a_number"),
        (31.9, 117.3, "wgs84", "coordinate_swapped"),
        (200.0, 30.0, "wgs84", "coordinate_out_of_range"),
        (117.0, 1000.0, "gcj02", "coordinate_out_of_range"),
        (117.0, 30.0, None, "datum_missing"),
        (117.0, 30.0, "tokyo", "datum_unknown"),
        (117.0, 30.0, ["wgs84"], "datum_unknown"),
    ],
)
def test_what_is_no_position_is_refused_and_named(lon: object, lat: object, datum: object, code: str) -> None:
    with pytest.raises(CoordinateError) as caught:
        to_wgs84(lon, lat, datum)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_a_fix_takes_its_documents_datum_and_is_nothing_without_one() -> None:
    fix = read_fix({"lon": 117.28, "lat": 31.86, "accuracy_m": 8}, datum="gcj02")
    assert fix.position.original == Original(117.28, 31.86, "gcj02")
    assert fix.accuracy_m == 8.0
    with pytest.raises(CoordinateError, match="datum_missing"):
        read_fix({"lon": 117.28, "lat": 31.86})


def test_a_fix_with_a_nonsense_accuracy_is_a_fix_without_one() -> None:
    for accuracy in ("8", None, math.nan, True, [8], 10**400):
        assert read_fix({"lon": 1, "lat": 2, "datum": "wgs84", "accuracy_m": accuracy}).accuracy_m is None


def test_a_fixs_time_needs_an_offset_and_is_kept_as_utc() -> None:
    doc = {"lon": 1, "lat": 2, "datum": "wgs84", "at": "2026-03-01T09:30:00+08:00"}
    assert read_fix(doc).at == datetime(2026, 3, 1, 1, 30, tzinfo=UTC)
    for at in ("2026-03-01T09:30:00", "yesterday", 5, "0001-01-01T00:00:00+08:00"):
        with pytest.raises(CoordinateError, match="fix_time_unreadable"):
            read_fix(doc | {"at": at})


@pytest.mark.parametrize(
    ("lon", "lat", "codes"),
    [
        (88.1, 29.6, []),
        (29.6, 88.1, ["coordinate_swap_suspected"]),
        (0.0, 0.0, ["coordinate_zero"]),
        (2.35, 48.86, []),
    ],
)
def test_what_is_possible_and_unlikely_is_told_and_not_mended(
    lon: float, lat: float, codes: list[str]
) -> None:
    """Lhasa turned about lies in the Arctic: no rule can refuse it, a person can see it."""
    position = to_wgs84(lon, lat, "wgs84")
    assert [finding.code for finding in oddities(position)] == codes
    assert (position.lon, position.lat) == (lon, lat)


@given(st.floats(70, 140), st.floats(-60, 60), st.floats(0, 360), st.floats(1, 10_000))
@settings(max_examples=200, deadline=None)
def test_the_local_frame_errs_by_less_than_a_millionth_to_ten_kilometres(
    lon: float, lat: float, bearing: float, metres: float
) -> None:
    there_lon, there_lat, _ = Geod(ellps="WGS84").fwd(lon, lat, bearing, metres)
    assert distance_m(lon, lat, there_lon, there_lat) == pytest.approx(metres, rel=1e-6, abs=1e-4)
