"""A presence report weighs what one person left together, and nobody else's traces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from geo.coords import Position
from geo.fence import circle
from server.intake.presence import PresenceReport, presence_report

SITE = Position(121.93, 29.21)
FENCE = circle(SITE, 200.0)
NOON = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


def place(minutes: float, degrees_east: float = 0.0) -> dict[str, Any]:
    lon, lat = SITE.lon + degrees_east, SITE.lat
    return {"lon": lon, "lat": lat, "datum": "wgs84", "accuracy_m": 8.0, "at": at(minutes)}


def at(minutes: float) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat()


def branch(device: str, by: str = "li", **answers: Any) -> dict[str, Any]:
    rows = {code: {"by": by, **answer} for code, answer in answers.items()}
    return {"answers": rows, "submitted": {"device": device}}


def photo(minutes: float, degrees_east: float, *, by: str = "li", device: str = "t-1") -> dict[str, Any]:
    location = place(minutes, degrees_east)
    return {"by": by, "device": device, "taken_at": at(minutes), "location": location}


def track(by: str, degrees_east: float) -> dict[str, Any]:
    fixes = [place(minutes, degrees_east) for minutes in range(-10, 11)]
    return {"_id": f"track:{by}", "by": by, "datum": "wgs84", "fixes": fixes}


def codes(report: PresenceReport, item: str) -> list[str]:
    return [check.code for row in report.answers if row.item == item for check in row.verdict.checks]


def test_only_a_persons_own_track_speaks_of_an_answer() -> None:
    form = branch("t-1", A={"at": at(0)})
    assert presence_report([form], [track("wang", 0.0)], {}, FENCE).standing == "open"
    assert presence_report([form], [track("li", 0.0), track("wang", 0.3)], {}, FENCE).standing == "supported"


def test_a_photo_speaks_of_the_answer_that_names_it_alone() -> None:
    form = branch(
        "t-1",
        A={"at": at(0), "location": place(0), "photos": ["p-1"]},
        B={"at": at(0), "location": place(0)},
    )
    report = presence_report([form], [], {"p-1": photo(0, 0.1)}, FENCE)
    assert codes(report, "A") == ["presence_inside", "attendance_places_differ"]
    assert codes(report, "B") == ["presence_inside"]


def test_somebody_elses_photo_is_no_trace_of_the_author() -> None:
    form = branch("t-1", A={"at": at(0), "location": place(0), "photos": ["p-1"]})
    report = presence_report([form], [], {"p-1": photo(0, 0.1, by="wang")}, FENCE)
    assert codes(report, "A") == ["presence_inside"]


def test_work_on_another_device_far_away_contradicts_both() -> None:
    here = branch("t-1", A={"at": at(0), "location": place(0)})
    there = branch("t-2", B={"at": at(1), "location": place(1, 0.4)})
    report = presence_report([here, there], [], {}, FENCE)
    assert codes(report, "A")[-1] == codes(report, "B")[-1] == "attendance_two_places"
    snapped = {"p-1": photo(2, 0.4, device="t-3")}
    assert codes(presence_report([here], [], snapped, FENCE), "A")[-1] == "attendance_two_places"


def test_of_another_device_the_nearest_in_time_are_asked() -> None:
    here = branch("t-1", A={"at": at(0), "location": place(0)})
    rows: dict[str, Any] = {
        f"B{minute}": {"at": at(minute), "location": place(minute, 0.4)} for minute in range(-90, 91, 60)
    }
    report = presence_report([here, branch("t-2", **rows)], [], {}, FENCE)
    [row] = [row for row in report.answers if row.item == "A"]
    seconds = [check.params["seconds"] for check in row.verdict.checks[1:]]
    assert seconds == [], "half an hour is enough for forty kilometres"
    assert row.verdict.standing == "supported"


def test_what_has_no_time_or_author_is_left_out_and_nothing_breaks() -> None:
    odd: dict[str, Any] = {
        "answers": {"A": 7, "B": {"at": at(0)}, "C": {"by": "li", "at": "noon"}, "D": None}
    }
    report = presence_report([odd, {}], [{"_id": "track:x", "by": 3}], {"p": {"taken_at": 1}}, FENCE)
    assert (report.standing, report.answers, report.visits) == ("open", (), {})
