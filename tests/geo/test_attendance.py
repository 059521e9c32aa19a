"""Presence on site is weighed from every trace; one that speaks against it is never outvoted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geo.attendance import Attendance, AttendanceRules, Sighting, Standing, attend, attend_all
from geo.coords import Fix, Position, read_fix
from geo.fence import circle
from geo.tracks import Track, read_track
from server.texts import LANGUAGES, catalogue

GEOD = Geod(ellps="WGS84")
SITE = Position(121.93, 29.21)
FENCE = circle(SITE, 200.0)
NOON = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def spot(metres: float) -> Position:
    lon, lat, _ = GEOD.fwd(SITE.lon, SITE.lat, 90.0, metres)
    return Position(lon, lat)


def fix(metres: float, minutes: float = 0.0, *, accuracy_m: float = 8.0, **more: Any) -> Fix:
    return Fix(spot(metres), accuracy_m, at(minutes), **more)


def answer(given: Fix | None, minutes: float = 0.0, device: str = "a") -> Sighting:
    return Sighting("form", at(minutes), given, device)


def track(*fixes: tuple[float, float]) -> Track:
    """A track of (minutes, metres from the site)."""
    rows = []
    for minutes, metres in fixes:
        place = spot(metres)
        row = {"lon": place.lon, "lat": place.lat, "accuracy_m": 8.0, "at": at(minutes).isoformat()}
        rows.append(row)
    return read_track({"datum": "wgs84", "fixes": rows})


def codes(found: Attendance) -> list[tuple[str, str]]:
    return [(check.code, check.bearing) for check in found.checks]


@pytest.mark.parametrize(
    ("given", "minutes", "standing", "code"),
    [
        (fix(50.0), 0.5, "supported", "presence_inside"),
        (fix(202.0), 0.5, "supported", "presence_near"),
        (fix(900.0), 0.5, "contradicted", "presence_outside"),
        (fix(300.0), 0.5, "open", "attendance_beside"),
        (fix(260.0, accuracy_m=65.0), 0.5, "open", "presence_near"),
        (fix(50.0), 90.0, "supported", "attendance_door"),
        (fix(50.0), -90.0, "supported", "attendance_door"),
        (fix(50.0), 300.0, "open", "attendance_fix_old"),
        (fix(900.0), 30.0, "open", "attendance_fix_old"),
        (fix(80_000.0), 30.0, "contradicted", "presence_outside"),
        (fix(50.0, mock=True), 0.5, "contradicted", "attendance_mock"),
        (Fix(SITE, None, None, mock=True), 0.5, "contradicted", "attendance_mock"),
        (fix(50.0, mock=False), 0.5, "supported", "presence_inside"),
        (fix(50.0, source="manual"), 0.5, "open", "attendance_manual"),
        (Fix(SITE, 8.0), 0.5, "open", "attendance_no_fix_time"),
        (Fix(SITE, None, NOON), 0.5, "open", "presence_no_accuracy"),
        (fix(50.0, accuracy_m=9000.0), 0.5, "open", "presence_too_coarse"),
        (None, 0.5, "open", "presence_no_fix"),
    ],
)
def test_a_position_by_itself_says_what_its_age_and_accuracy_bear(
    given: Fix | None, minutes: float, standing: str, code: str
) -> None:
    found = attend(FENCE, answer(given, minutes))
    assert (found.standing, found.checks[0].code) == (standing, code)
    assert (found.confidence == 0.0) == (standing == "open")


def test_a_door_is_never_as_sure_as_a_fix_of_the_moment() -> None:
    assert attend(FENCE, answer(fix(0.0), 0.5)).confidence > 0.99
    assert attend(FENCE, answer(fix(0.0), 30.0)).confidence == AttendanceRules().indoor_confidence


def test_the_track_of_an_honest_morning_bears_out_what_was_done_underground() -> None:
    morning = track((-60, 9000.0), (-40, 50.0), (-35, 10.0), (40, 15.0), (60, 9000.0))
    found = attend(FENCE, answer(None), track=morning)
    assert codes(found) == [("presence_no_fix", "open"), ("attendance_track_door", "for")]
    assert found.standing == "supported"
    assert found.checks[1].params == {"minutes": 35}


def test_a_gap_between_two_places_off_site_stays_open() -> None:
    found = attend(FENCE, answer(None), track=track((-60, 9000.0), (60, 9000.0)))
    assert codes(found)[1] == ("attendance_track_gap", "open")
    assert found.standing == "open"


def test_a_track_elsewhere_contradicts_a_position_on_site() -> None:
    elsewhere = track(*((minute, 8000.0) for minute in range(-5, 6)))
    found = attend(FENCE, answer(fix(20.0)), track=elsewhere)
    assert ("attendance_track_elsewhere", "against") in codes(found)
    assert found.standing == "contradicted"


def test_driving_off_after_the_last_answer_contradicts_nothing() -> None:
    leaving = track((-2, 10.0), (-0.5, 20.0), (0.5, 900.0), (2, 3000.0))
    assert attend(FENCE, answer(fix(20.0, -0.5)), track=leaving).standing == "supported"


def test_a_jump_of_kilometres_discredits_the_track_and_an_echo_does_not() -> None:
    home = [(minute / 6, 8000.0) for minute in range(-60, 60)]
    spoofed = [(minutes + 0.05, 0.0) for minutes, _ in home[55:65]]
    found = attend(FENCE, answer(fix(0.0)), track=track(*sorted([*home, *spoofed])))
    [jump] = [check for check in found.checks if check.code == "attendance_jump"]
    assert jump.bearing == "against"
    assert jump.params["metres"] == pytest.approx(8000, abs=5)
    on_site = [(minute / 6, 0.0) for minute in range(-60, 60)]
    echoes = track(*sorted([*on_site, (0.01, 700.0), (0.51, 600.0)]))
    honest = attend(FENCE, answer(fix(0.0)), track=echoes)
    assert any(flag.code == "track_speed_impossible" for flag in echoes.flags)
    assert honest.standing == "supported"


def test_a_single_echo_is_told_by_the_track_beside_it_and_being_elsewhere_is_not() -> None:
    there = track(*((minute / 4, 20.0) for minute in range(-20, 20)))
    found = attend(FENCE, answer(fix(700.0)), track=there)
    assert codes(found) == [("attendance_echo", "open"), ("attendance_track_here", "for")]
    assert attend(FENCE, answer(fix(700.0))).standing == "contradicted"
    assert attend(FENCE, answer(fix(2000.0)), track=there).standing == "contradicted"


def test_a_photo_taken_elsewhere_contradicts_its_answer() -> None:
    exif = Sighting("exif", at(0), Fix(spot(5000.0), None, at(0)), "a")
    found = attend(FENCE, answer(fix(0.0)), others=[exif])
    assert ("attendance_camera_differs", "against") in codes(found)
    agreeing = Sighting("exif", at(0), Fix(spot(40.0), None, at(0)), "a")
    found = attend(FENCE, answer(fix(0.0)), others=[agreeing])
    assert ("attendance_camera_agrees", "open") in codes(found)
    assert found.standing == "supported"


def test_one_person_cannot_work_in_two_places() -> None:
    """A tablet lent to a colleague on site, while its owner works on another."""
    elsewhere = Sighting("form", at(1), fix(30_000.0, 1), "b")
    found = attend(FENCE, answer(fix(0.0)), others=[elsewhere])
    assert codes(found)[-1] == ("attendance_two_places", "against")
    assert found.checks[-1].params == {"kind": "form", "metres": 30_000, "seconds": 60, "device": "b"}
    later = Sighting("form", at(60), fix(30_000.0, 60), "b")
    assert attend(FENCE, answer(fix(0.0)), others=[later]).standing == "supported"


def test_traces_without_a_place_say_nothing() -> None:
    blind = Sighting("photo", at(0), None, "b")
    assert len(attend(FENCE, answer(fix(0.0)), others=[blind]).checks) == 1
    assert attend(FENCE, answer(None), others=[Sighting("photo", at(0), fix(0.0), "b")]).standing == "open"


def test_rules_are_parameters() -> None:
    strict = AttendanceRules(indoor_max_s=600.0)
    assert attend(FENCE, answer(fix(0.0), 30.0), rules=strict).standing == "open"


def test_an_inspection_is_contradicted_by_one_answer_and_supported_by_one() -> None:
    good, bad, blank = (attend(FENCE, answer(one)) for one in (fix(0.0), fix(9000.0), None))
    assert attend_all([good, blank]) == "supported"
    assert attend_all([good, bad, blank]) == "contradicted"
    assert attend_all([blank]) == attend_all([]) == "open"


@given(
    st.floats(0, 20_000),
    st.floats(1, 500),
    st.floats(-300, 300),
    st.lists(st.tuples(st.floats(-300, 300), st.floats(0, 20_000)), max_size=8),
    st.lists(st.tuples(st.floats(-300, 300), st.floats(0, 60_000), st.sampled_from("ab")), max_size=3),
)
@settings(max_examples=100, deadline=None)
def test_more_traces_never_talk_away_what_speaks_against(
    metres: float,
    accuracy: float,
    minutes: float,
    walked: list[tuple[float, float]],
    traces: list[tuple[float, float, str]],
) -> None:
    sighting = answer(fix(metres, accuracy_m=accuracy), minutes)
    others = [Sighting("photo", at(when), fix(away, when), device) for when, away, device in traces]
    alone = attend(FENCE, sighting)
    found = attend(FENCE, sighting, track=track(*sorted(walked)) if walked else None, others=others)
    echo = found.checks[0].code == "attendance_echo"
    assert echo or found.checks[0] == alone.checks[0]
    if alone.standing == "contradicted" and not echo:
        assert found.standing == "contradicted"
    assert 0.0 <= found.confidence <= 1.0


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_verdict_has_words(lang: str) -> None:
    assert {f"attendance_{standing}" for standing in get_args(Standing)} <= set(catalogue(lang))


def test_a_fix_tells_its_source_and_whether_it_was_made_up() -> None:
    doc = {"lon": 1, "lat": 2, "datum": "wgs84", "source": "gnss", "mock": True}
    assert (read_fix(doc).source, read_fix(doc).mock) == ("gnss", True)
    assert (read_fix(doc | {"source": "dream", "mock": 1}).source, read_fix(doc | {"mock": 1}).mock) == (
        None,
        None,
    )
