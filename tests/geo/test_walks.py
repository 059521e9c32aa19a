"""Stops, visits and tasks follow from the fixes that count, and a gap is never taken for presence."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree as Xml

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geo.coords import Position
from geo.export import track_geojson, track_gpx
from geo.fence import SiteFence, circle
from geo.tracks import Track, TrackLimits, read_track
from geo.walks import TaskSpan, Visit, WalkRules, assign, simplify, stops, visits

GEOD = Geod(ellps="WGS84")
START = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
HOME = Position(121.93, 29.21)


def spot(east_m: float, north_m: float = 0.0) -> Position:
    lon, lat, _ = GEOD.fwd(HOME.lon, HOME.lat, 90.0, east_m)
    lon, lat, _ = GEOD.fwd(lon, lat, 0.0, north_m)
    return Position(lon, lat)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def track(*fixes: tuple[float, float], north: tuple[float, ...] = (), accuracy_m: float = 5.0) -> Track:
    """A track of (minutes, metres east) pairs, with metres north beside them where given."""
    rows = []
    for number, (minutes, east) in enumerate(fixes):
        place = spot(east, north[number] if north else 0.0)
        moment = at(minutes).isoformat()
        rows.append({"lon": place.lon, "lat": place.lat, "accuracy_m": accuracy_m, "at": moment})
    return read_track({"datum": "wgs84", "fixes": rows}, limits=TrackLimits(max_fixes=5000))


def minutes(first: int, last: int, metres: float) -> list[tuple[float, float]]:
    return [(minute, metres) for minute in range(first, last + 1)]


#: Ten minutes at home, a way of ten, an hour at 2 km with forty minutes underground, then away.
DAY = track(
    *minutes(0, 10, 0.0),
    *[(10.0 + step, 200.0 * step) for step in range(1, 10)],
    *minutes(20, 30, 2000.0),
    *minutes(70, 80, 2000.0),
    *[(80.0 + step, 2000.0 + 300.0 * step) for step in range(1, 5)],
)
SITES: dict[str, SiteFence] = {"depot": circle(HOME, 100.0), "site": circle(spot(2000.0), 100.0)}


def test_stops_are_where_the_track_stood_and_a_gap_there_is_not_observed() -> None:
    first, second = stops(DAY)
    assert (first.started_at, first.ended_at, first.observed_s) == (at(0), at(10), 600.0)
    assert (second.started_at, second.ended_at, second.observed_s) == (at(20), at(80), 1200.0)
    assert GEOD.inv(second.lon, second.lat, spot(2000.0).lon, spot(2000.0).lat)[2] < 1.0
    assert stops(DAY, rules=WalkRules(stop_min_s=900.0)) == (second,)


def test_a_visit_spans_the_time_underground_and_tells_of_it() -> None:
    depot, site = visits(DAY, SITES)
    assert (depot.site, depot.arrived_at, depot.left_at) == ("depot", at(0), at(10))
    assert (site.site, site.arrived_at, site.left_at) == ("site", at(20), at(80))
    assert (site.observed_s, site.longest_gap_s) == (1200.0, 2400.0)


def test_a_short_way_off_does_not_end_a_visit_and_a_long_one_does() -> None:
    def away(length: int) -> tuple[Visit, ...]:
        fixes = [*minutes(0, 10, 0.0), *minutes(11, 10 + length, 900.0), *minutes(11 + length, 30, 0.0)]
        return visits(track(*fixes), {"depot": SITES["depot"]})

    assert len(away(3)) == 1
    assert [one.left_at for one in away(9)] == [at(10), at(30)]


def test_a_visit_goes_to_the_task_worked_on_then() -> None:
    seen = visits(DAY, SITES)
    tasks = [
        TaskSpan("survey", "site", at(25), at(75)),
        TaskSpan("second", "site", at(40), at(41)),
        TaskSpan("another-day", "site", at(1400), at(1410)),
        TaskSpan("elsewhere", "nowhere", at(25), at(75)),
    ]
    found = assign(seen, tasks)
    assert {task: len(got) for task, got in found.visits.items()} == {
        "survey": 1,
        "second": 1,
        "another-day": 0,
        "elsewhere": 0,
    }
    assert [one.site for one in found.without_task] == ["depot"]
    assert [(one.code, one.params) for one in found.findings] == [
        ("task_site_visited_another_time", {"task": "another-day", "site": "site", "minutes": 1320}),
        ("task_site_never_visited", {"task": "elsewhere", "site": "nowhere"}),
        ("visit_without_task", {"site": "depot", "minutes": 10}),
    ]


#: Metres from the site, to the millimetre: nothing in the field is nearer to something else than that.
_METRES = st.integers(-400_000, 400_000).map(lambda millimetres: millimetres / 1000)


@given(
    st.lists(st.tuples(_METRES, _METRES), min_size=1, max_size=80),
    st.floats(0, 50),
    st.integers(2, 90),
)
@settings(max_examples=60, deadline=None)
def test_a_simplified_track_strays_no_further_than_the_tolerance(
    places: list[tuple[float, float]], tolerance_m: float, piece: int
) -> None:
    found = track(
        *((number, east) for number, (east, _) in enumerate(places)),
        north=tuple(north for _, north in places),
    )
    drawn = simplify(found, tolerance_m=tolerance_m, piece=piece)
    assert set(drawn) <= set(found.kept)
    assert drawn[:1] + drawn[-1:] == found.kept[:1] + found.kept[-1:]
    for start, end in pairwise(drawn):
        line = shapely.LineString([places[start], places[end]])
        assert all(
            line.distance(shapely.Point(places[one])) <= tolerance_m + 0.05 for one in range(start, end)
        )


def test_simplifying_refuses_what_makes_no_sense() -> None:
    for tolerance, piece in ((-1.0, 10), (1.0, 1)):
        with pytest.raises(ValueError, match="simplify"):
            simplify(DAY, tolerance_m=tolerance, piece=piece)


def test_a_straight_walk_is_drawn_by_its_ends() -> None:
    chance = random.Random(4)
    fixes = [(float(number), 10.0 * number) for number in range(200)]
    north = tuple(chance.uniform(-2, 2) for _ in fixes)
    assert simplify(track(*fixes, north=north), tolerance_m=5.0) == (0, 199)


def test_geojson_carries_times_beside_the_places() -> None:
    feature = json.loads(json.dumps(track_geojson(DAY, name="day")))
    coordinates = feature["geometry"]["coordinates"]
    assert feature["geometry"]["type"] == "LineString"
    assert len(coordinates) == len(feature["properties"]["times"]) == len(DAY.kept)
    assert feature["properties"]["times"][0] == "2026-03-01T01:00:00Z"
    assert coordinates[0] == [HOME.lon, HOME.lat]
    assert track_geojson(DAY, name="x", indices=[3])["geometry"]["type"] == "Point"
    assert track_geojson(DAY, name="x", indices=[])["geometry"] is None


def test_gpx_is_whole_xml_with_a_segment_for_each_stretch() -> None:
    text = track_gpx(DAY, name='day <1> & "more"\x07')
    root = Xml.fromstring(text)
    spaces = {"g": "http://www.topografix.com/GPX/1/1"}
    assert root.findtext("g:trk/g:name", namespaces=spaces) == 'day <1> & "more"'
    segments = root.findall("g:trk/g:trkseg", spaces)
    points = [segment.findall("g:trkpt", spaces) for segment in segments]
    assert [len(one) for one in points] == [31, 15]
    assert float(points[0][0].attrib["lat"]) == HOME.lat
    assert points[1][0].findtext("g:time", namespaces=spaces) == "2026-03-01T02:10:00Z"
