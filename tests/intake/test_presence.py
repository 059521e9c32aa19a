"""A presence report weighs what one person left together, and nobody else's traces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from geo.attendance import AttendanceRules
from geo.coords import Position
from geo.fence import circle
from server.intake.presence import (
    PresenceReport,
    Trace,
    attendance_rules,
    photo_traces,
    presence_of,
    presence_report,
)
from server.workflow.policy import load_policy

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


def photo(minutes: float, degrees_east: float, *, by: str = "li", device: str = "t-1") -> tuple[Trace, ...]:
    location = place(minutes, degrees_east)
    return photo_traces({"by": by, "device": device, "taken_at": at(minutes), "location": location})


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
    report = presence_report(
        [odd, {}], [{"_id": "track:x", "by": 3}], {"p": photo_traces({"taken_at": 1})}, FENCE
    )
    assert (report.standing, report.answers, report.walks) == ("open", (), {})


def test_the_settings_hold_what_the_benchmark_judged_by() -> None:
    policy = load_policy().at(NOON.date())
    assert attendance_rules(policy) == AttendanceRules()


def test_the_camera_and_the_tablet_leave_a_trace_each() -> None:
    claim = {"by": "li", "device": "t-1", "taken_at": at(0), "location": place(0)}
    receipt = {"exif_taken_at": at(3), "exif_location": {"lon": SITE.lon, "lat": SITE.lat, "datum": "wgs84"}}
    traces = photo_traces(claim, receipt)
    assert [(by, one.kind, one.at) for by, one in traces] == [
        ("li", "photo", NOON),
        ("li", "exif", NOON + timedelta(minutes=3)),
    ]
    assert len(photo_traces(claim, {"exif_taken_at": at(3)})) == 1, "receipts from before told of no place"


def test_tracks_of_other_days_are_not_joined_to_this_one() -> None:
    day = 24 * 60
    earlier = {**track("li", 0.3), "_id": "track:old", "fixes": [place(n - 9 * day, 0.3) for n in range(9)]}
    form = branch("t-1", A={"at": at(0)})
    report = presence_report([form], [earlier, track("li", 0.0)], {}, FENCE)
    assert (report.standing, len(report.walks["li"].visits)) == ("supported", 1)


def test_of_two_answers_by_one_person_at_one_moment_the_worse_counts() -> None:
    """A device that was cloned, or a clock that stands: nobody picks the verdict that pleases."""
    here, there = ({"at": at(0), "by": "li", "location": place(0, east)} for east in (0.0, 0.1))
    branches = [branch("t-1", A=here), branch("t-1", A=there)]
    for order in (branches, branches[::-1]):
        report = presence_report(order, [], {}, FENCE)
        found = presence_of(report, {"A": here}, ["A"])
        assert (found.standing, found.off_site) == ("contradicted", ("A",))


def test_an_answer_without_a_person_or_time_is_open_and_says_so() -> None:
    odd = {"by": "li", "location": place(0)}
    found = presence_of(presence_report([{"answers": {"A": odd}}], [], {}, FENCE), {"A": odd}, ["A"])
    assert (found.standing, found.open, found.reasons[0].code) == ("open", 1, "attendance_no_answer_time")


def test_a_visit_belongs_to_the_tasks_that_were_worked_on_during_it() -> None:
    """Two tasks of one case on one visit; a third, weeks before, of which the tracks say nothing."""
    first, second = (branch("t-1", A={"at": at(minutes)}) for minutes in (0, 5))
    long_ago = branch("t-1", A={"at": at(-30 * 24 * 60)})
    worked = {"t-a": [first], "t-b": [second], "t-old": [long_ago]}
    report = presence_report([first], [track("li", 0.0)], {}, FENCE, site="YK-1", worked=worked)
    walk = report.walks["li"]
    assert [one.site for one in walk.visits] == ["YK-1"]
    assert (walk.tasks, walk.findings) == ((("t-a", "t-b"),), ())
    assert (walk.on_site_s, walk.duration_s, walk.length_m) == (1200.0, 1200.0, 0.0)


def test_a_task_whose_site_the_track_never_saw_is_named() -> None:
    form = branch("t-1", A={"at": at(0)})
    report = presence_report([form], [track("li", 0.3)], {}, FENCE, site="YK-1", worked={"t-a": [form]})
    walk = report.walks["li"]
    assert (walk.visits, walk.tasks) == ((), ())
    assert [(one.code, one.params) for one in walk.findings] == [
        ("task_site_never_visited", {"task": "t-a", "site": "YK-1"})
    ]


def test_who_made_a_position_up_once_is_credited_with_no_other() -> None:
    """Being off site and saying so takes no credit from what was done on site."""
    here = {"at": at(0), "by": "li", "location": place(0)}
    made_up = {"at": at(9), "by": "li", "location": {**place(9), "mock": True}}
    at_home = {"at": at(200), "by": "li", "location": place(200, 0.1)}
    others = {"at": at(1), "by": "wang", "location": place(1)}
    for other, on_site in ((made_up, ("C",)), (at_home, ("A", "C"))):
        answers: dict[str, Any] = {"A": here, "B": other, "C": others}
        report = presence_report([branch("t-1", **answers)], [], {}, FENCE)
        found = presence_of(report, answers, answers)
        assert (found.on_site, found.off_site) == (on_site, ("B",))
        assert [row.doubted for row in report.answers if row.item == "A"] == [other is made_up]
        if other is made_up:
            assert [(one.item, one.code) for one in found.reasons] == [
                ("A", "attendance_doubted"),
                ("B", "attendance_mock"),
            ]


def test_a_rule_stands_as_the_worst_of_what_it_compares() -> None:
    """It has no answer of its own; without anything to compare, nothing shows that anybody was there."""
    here = {"at": at(0), "by": "li", "location": place(0)}
    blank = {"at": at(1), "by": "li"}
    away = {"at": at(200), "by": "li", "location": place(200, 0.1)}
    answers: dict[str, Any] = {"A": here, "B": blank, "C": away}
    report = presence_report([branch("t-1", **answers)], [], {}, FENCE)
    for parts, on_site, off_site in (
        (["A"], ("R",), ()),
        (["A", "B"], (), ()),
        (["A", "B", "C"], (), ("R",)),
        ([], (), ()),
    ):
        found = presence_of(report, answers, ["R"], {"R": parts})
        assert (found.on_site, found.off_site) == (on_site, off_site)
        assert found.open == 1 - len(on_site) - len(off_site)


def test_tracks_that_nothing_is_asked_of_are_named_with_their_place() -> None:
    form = branch("t-1", A={"at": at(0), "location": place(0)})
    swapped = {**place(0), "lon": SITE.lat, "lat": SITE.lon}
    odd = {**track("li", 0.0), "_id": "track:odd", "fixes": [place(0), swapped]}
    report = presence_report([form], [odd, track("li", 0.0)], {}, FENCE)
    [(name, why)] = report.left_out.items()
    assert (name, why.code, why.place) == ("track:odd", "coordinate_swapped", "/fixes/1")
    assert report.standing == "supported"


def test_somebody_with_more_fixes_than_can_be_joined_is_named() -> None:
    """Two hundred and one documents of five hundred fixes each, of one day."""
    begin = NOON - timedelta(hours=4)

    def chunk(number: int) -> dict[str, Any]:
        first = number * 500
        moments = (begin + timedelta(seconds=(first + n) / 10) for n in range(500))
        fixes = [{**place(0), "at": one.isoformat()} for one in moments]
        return {"_id": f"track:{number}", "by": "li", "datum": "wgs84", "fixes": fixes}

    form = branch("t-1", A={"at": at(0), "location": place(0)})
    report = presence_report([form], map(chunk, range(201)), {}, FENCE)
    assert {name: why.code for name, why in report.left_out.items()} == {"li": "track_too_long"}
    assert report.walks == {}
