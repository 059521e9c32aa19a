"""A track is kept as it came; what cannot belong to one walk is flagged and left out of the measures."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geo.coords import Position, from_wgs84
from geo.fence import circle
from geo.tracks import TrackError, TrackLimits, join, read_track, stay

GEOD = Geod(ellps="WGS84")
SITE = Position(117.28, 31.86)
START = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)


def fix(seconds: float, east_m: float, *, accuracy_m: float | None = 5.0, **extra: Any) -> dict[str, Any]:
    lon, lat, _ = GEOD.fwd(SITE.lon, SITE.lat, 90.0, east_m)
    at = (START + timedelta(seconds=seconds)).isoformat()
    return {"lon": lon, "lat": lat, "accuracy_m": accuracy_m, "at": at} | extra


def track(*fixes: dict[str, Any], **extra: Any) -> dict[str, Any]:
    return {"_id": "track:1", "type": "track", "datum": "wgs84", "fixes": list(fixes)} | extra


def walk(metres: int = 500, step_m: int = 10) -> list[dict[str, Any]]:
    return [fix(index * 8, index * step_m) for index in range(metres // step_m + 1)]


def test_a_walk_has_its_length_and_duration() -> None:
    found = read_track(track(*walk(500)))
    assert found.length_m == pytest.approx(500, rel=1e-3)
    assert found.duration_s == 400
    assert (found.started_at, found.flags) == (START, ())
    assert found.kept == tuple(range(51))


def test_a_tablet_on_a_table_walks_no_distance() -> None:
    chance = random.Random(3)
    noise = [fix(index * 5, chance.uniform(-4, 4), accuracy_m=10.0) for index in range(200)]
    assert read_track(track(*noise)).length_m == 0.0


def test_a_walk_goes_on_after_a_stretch_elsewhere_and_both_jumps_are_told() -> None:
    fixes = walk(500)
    fixes[20:25] = [fix(index * 8, 9_000) for index in range(20, 25)]
    found = read_track(track(*fixes))
    assert len(found.kept) == 46
    assert [index for index, _ in found.jumps] == [20, 25]
    assert found.jumps[0][1] == pytest.approx(8_810, abs=2)


def test_a_jump_is_told_even_where_leaving_out_a_few_fixes_would_explain_it() -> None:
    """Two kilometres in eight seconds cannot be; in eighty they can, if nobody asks about those between."""
    fixes = [*walk(200), *(fix(168 + index * 8, 2_200) for index in range(40))]
    found = read_track(track(*fixes))
    assert [index for index, _ in found.jumps] == [21]


@pytest.mark.parametrize("index", [0, 17, 50])
def test_one_impossible_jump_is_flagged_and_measures_nothing_wherever_it_stands(index: int) -> None:
    fixes = walk(500)
    fixes[index] = fix(index * 8, 80_000)
    found = read_track(track(*fixes))
    assert [(flag.code, flag.params) for flag in found.flags] == [
        ("track_speed_impossible", {"index": index})
    ]
    assert found.length_m == pytest.approx(500, abs=21)
    assert len(found.fixes) == 51
    assert index not in found.kept


def test_time_running_backwards_is_flagged_and_not_sorted_away() -> None:
    fixes = walk(100)
    fixes[4], fixes[5] = fixes[5], fixes[4]
    found = read_track(track(*fixes))
    assert [(flag.code, flag.params) for flag in found.flags] == [("track_time_backwards", {"index": 5})]
    assert found.fixes[4].at == START + timedelta(seconds=40)


def test_a_fix_without_usable_accuracy_is_kept_and_flagged() -> None:
    found = read_track(
        track(fix(0, 0), fix(5, 10, accuracy_m=None), fix(9, 20, accuracy_m=4000), fix(14, 40))
    )
    assert [flag.code for flag in found.flags] == ["track_fix_coarse", "track_fix_coarse"]
    assert found.kept == (0, 3)
    assert len(found.fixes) == 4


def test_the_datum_is_named_once_and_converted_once() -> None:
    lon, lat = from_wgs84(SITE.lon, SITE.lat, "gcj02")
    found = read_track({"datum": "gcj02", "fixes": [fix(0, 0) | {"lon": lon, "lat": lat}]})
    position = found.fixes[0].position
    assert position.lon == pytest.approx(SITE.lon, abs=1e-8)
    assert position.original is not None
    assert position.original.datum == "gcj02"


@pytest.mark.parametrize(
    ("doc", "code", "params"),
    [
        ({"fixes": [fix(0, 0)]}, "datum_missing", {}),
        (track(fix(0, 0), datum="mars"), "datum_unknown", {"datum": "mars"}),
        ({"datum": "wgs84"}, "track_empty", {}),
        (track(), "track_empty", {}),
        (track(fix(0, 0), 7), "track_fix_unreadable", {"index": 1}),  # type: ignore[arg-type]
        (track(fix(0, 0), fix(1, 1, datum="gcj02")), "track_datum_mixed", {"index": 1}),
        (track(fix(0, 0) | {"lon": None}), "coordinate_not_a_number", {"index": 0}),
        (track(fix(0, 0) | {"at": None}), "track_time_missing", {"index": 0}),
        (track(fix(0, 0) | {"at": "noon"}), "fix_time_unreadable", {"index": 0, "value": "noon"}),
        (track(*walk(5000)), "track_too_long", {"fixes": 501, "limit": 500}),
    ],
)
def test_a_track_that_cannot_be_read_is_refused_with_the_place(
    doc: dict[str, Any], code: str, params: dict[str, Any]
) -> None:
    with pytest.raises(TrackError) as caught:
        read_track(doc)
    assert caught.value.code == code
    assert caught.value.params == params


def test_a_stay_is_the_time_between_fixes_at_the_site() -> None:
    coming = [fix(index * 60, 1000 - index * 100) for index in range(11)]
    waiting = [fix(600 + index * 60, 0) for index in range(1, 31)]
    going = [fix(2400 + index * 60, index * 100) for index in range(1, 11)]
    found = stay(read_track(track(*coming, *waiting, *going)), circle(SITE, 200.0))
    assert found.seconds == 2520 - 480
    assert found.first_at == START + timedelta(seconds=480)
    assert found.last_at == START + timedelta(seconds=2520)


def test_a_long_gap_is_not_presumed_presence() -> None:
    found = read_track(track(fix(0, 0), fix(60, 0), fix(4 * 3600, 0)))
    assert stay(found, circle(SITE, 200.0)).seconds == 60
    assert stay(found, circle(SITE, 200.0), limits=TrackLimits(max_gap_s=86400)).seconds == 4 * 3600
    assert stay(found, circle(Position(100.0, 30.0), 200.0)).fixes == 0


@given(
    st.lists(
        st.tuples(st.integers(-100, 3000), st.floats(-50_000, 50_000), st.floats(0.1, 400) | st.none()),
        min_size=1,
        max_size=60,
    )
)
@settings(max_examples=60, deadline=None)
def test_whatever_comes_nothing_is_lost_and_what_counts_is_in_order_and_in_reach(
    rows: list[tuple[int, float, float | None]],
) -> None:
    found = read_track(track(*(fix(s, e, accuracy_m=a) for s, e, a in rows)))
    assert len(found.fixes) == len(rows)
    flagged = {flag.params["index"] for flag in found.flags}
    assert flagged | set(found.kept) == set(range(len(rows)))
    assert not flagged & set(found.kept)
    times = [found.fixes[index].at for index in found.kept]
    assert times == sorted(times, key=lambda at: at or START)
    assert found.length_m <= 45.0 * found.duration_s + 2 * 200.0 * len(rows)


def test_documents_join_to_one_track_in_whatever_order_they_came() -> None:
    fixes = walk(500)
    parts = {
        "b": read_track(track(*fixes[20:35])),
        "a": read_track(track(*fixes[:20])),
        "c": read_track(track(*fixes[35:])),
    }
    found = join(parts)
    whole = read_track(track(*fixes))
    assert (found.fixes, found.kept, found.flags) == (whole.fixes, whole.kept, ())
    assert found.length_m == whole.length_m
    assert found.origins[20] == ("b", 0)


def test_a_document_that_came_twice_counts_once_and_is_flagged() -> None:
    once, again = read_track(track(*walk(100))), read_track(track(*walk(100)[5:]))
    found = join({"a": once, "b": again})
    assert found.fixes == once.fixes
    assert {flag.code for flag in found.flags} == {"track_fix_repeated"}
    assert [flag.params["index"] for flag in found.flags] == list(range(6))


def test_joining_hides_no_fix_that_ran_backwards() -> None:
    fixes = walk(100)
    fixes[3], fixes[4] = fixes[4], fixes[3]
    found = join({"a": read_track(track(*fixes[:6])), "b": read_track(track(*fixes[6:]))})
    assert [(flag.code, flag.params) for flag in found.flags] == [("track_time_backwards", {"index": 4})]


def test_joining_has_a_bound() -> None:
    part = read_track(track(*walk(100)))
    with pytest.raises(TrackError, match="track_too_long"):
        join({"a": part}, limits=TrackLimits(max_joined=10))
    with pytest.raises(TrackError, match="track_empty"):
        join({})


def test_a_track_that_jumps_at_every_fix_keeps_few_and_flags_the_rest() -> None:
    """The number of chains followed at a time is bounded, so that such a track is only long, not slow."""
    chance = random.Random(5)
    rows = [fix(index, 0) | {"lon": chance.uniform(73, 135)} for index in range(2_000)]
    parts = [track(*rows[start : start + 500]) for start in range(0, 2_000, 500)]
    found = join({str(number): read_track(part) for number, part in enumerate(parts)})
    assert len(found.kept) < 10
    assert len(found.flags) == 2_000 - len(found.kept)


def test_many_stray_fixes_do_not_push_out_the_walk_itself() -> None:
    fixes = walk(2000)
    for number in range(30):
        fixes[10 + 5 * number] = fix(8 * (10 + 5 * number), 50_000.0 * (number + 1))
    found = read_track(track(*fixes))
    assert len(found.kept) == len(fixes) - 30
    assert found.length_m == pytest.approx(2000, rel=0.02)
