"""The route of an inspector's day over HTTP: his open tasks, the customers' times, and nobody else's work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from server.workflow.commands import WishAppointment
from server.workflow.model import Actor
from tests.desk import SITE, START, Desk, open_desk, refused

LON, LAT = 121.87, 29.48
HOME = {"lon": LON, "lat": LAT}
#: START is a Monday, four in the afternoon in China.
TUESDAY = "2026-11-03"


def work(desk: Desk, north: float, *people: str, **changes: Any) -> tuple[str, str]:
    """A case so many degrees north of home, with a task; both ids."""
    case = desk.open_case(site={**SITE, "lat": LAT + north})
    return case, desk.assign(case, *people, **changes)


@pytest.fixture
def round_(desk: Desk) -> tuple[Desk, dict[str, str]]:
    """Three short tasks of the inspector's, one of a colleague's."""
    desk.hire("colleague", "inspector")
    tasks = {}
    for name, north in (("far", 0.10), ("near", 0.02), ("middle", 0.05)):
        _, tasks[name] = work(desk, north, kind="survey", checklist={"id": "mini-survey", "version": 1})
    _, tasks["other"] = work(desk, 0.01, "colleague")
    return desk, tasks


def ask(desk: Desk, name: str = "inspector", *, by: str = "manager", **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = desk.get(f"/routes/{name}", by=by, query_string={"day": TUESDAY, **HOME, **query})
    return found


def test_a_route_visits_the_inspectors_own_tasks_and_tells_when(round_: tuple[Desk, dict[str, str]]) -> None:
    desk, tasks = round_
    found = ask(desk)
    visited = [one["task"] for one in found["visits"]]
    assert sorted(visited) == sorted(tasks[name] for name in ("far", "near", "middle"))
    assert found["proven"]
    assert (found["left"], found["more_tasks"]) == ([], False)
    assert found["begins_at"] == f"{TUESDAY}T08:30:00+08:00"
    policy = desk.made.cases.policy("demo")
    straight = 2 * 0.10 * 110_900 * policy.route_detour_percent / 100
    assert found["travel_m"] == pytest.approx(straight, rel=0.01), "there and back, everything on the way"
    times = [found["visits"][n]["leaves_at"] <= found["visits"][n + 1]["arrives_at"] for n in range(2)]
    assert times == [True, True]
    assert ask(desk, begin="10:00")["begins_at"] == f"{TUESDAY}T10:00:00+08:00"
    assert ask(desk, by="inspector") == found, "he sees what his manager sees"


def test_a_time_that_the_customer_asked_for_is_kept_or_its_loss_told(
    round_: tuple[Desk, dict[str, str]],
) -> None:
    desk, tasks = round_
    case = next(case for case in desk.made.cases.ids() if tasks["near"] in desk.case(case).tasks)
    for number, at in enumerate((START + timedelta(days=1), START + timedelta(hours=22)), start=1):
        wish = WishAppointment(wish_id=f"w-{number}", about=tasks["near"], at=at)
        desk.made.cases.apply(case, wish, Actor("manager", ("manager",)))
    found = ask(desk)
    [near] = [one for one in found["visits"] if one["task"] == tasks["near"]]
    assert near["wanted_from"] == f"{TUESDAY}T13:00:00+08:00", "the last wish counts"
    assert near["wanted_from"] <= near["begins_at"] <= near["wanted_until"]
    earlier = desk.get("/routes/inspector", query_string={"day": "2026-11-02", **HOME, "begin": "08:00"})
    [left] = earlier["left"]
    assert (left["task"], left["code"]) == (tasks["near"], "route_wished_later")
    assert f"{TUESDAY} 14:00" in left["text"]["en"]
    assert left["text"]["zh-CN"] != left["text"]["en"]


def test_what_does_not_fit_says_why_in_both_languages(round_: tuple[Desk, dict[str, str]]) -> None:
    desk, tasks = round_
    late = ask(desk, begin="15:00")
    assert len(late["visits"]) + len(late["left"]) == 3
    assert late["left"][0]["code"] == "route_no_room"
    assert str(late["left"][0]["params"]["minutes"]) in late["left"][0]["text"]["zh-CN"]
    night = ask(desk, begin="17:00")
    assert night["visits"] == []
    assert {one["code"] for one in night["left"]} == {"route_day_too_short"}
    assert night["left"][0]["params"]["day_ends"] == "17:30"
    assert sorted(one["task"] for one in night["left"]) == sorted(tasks[n] for n in ("far", "near", "middle"))


def test_what_is_due_goes_before_what_is_not(desk: Desk) -> None:
    _, open_ = work(desk, 0.01)
    _, due = work(desk, 0.02, due=TUESDAY)
    found = ask(desk, begin="14:45")
    assert [one["task"] for one in found["visits"]] == [due]
    assert [one["task"] for one in found["left"]] == [open_]


def test_a_route_goes_out_as_a_map_and_as_a_calendar(round_: tuple[Desk, dict[str, str]]) -> None:
    desk, _ = round_
    query = {"day": TUESDAY, **HOME}
    shown = desk.ask("GET", "/routes/inspector/map", query_string=query)
    assert shown.mimetype == "application/geo+json"
    line, *points = shown.get_json()["features"]
    assert len(line["geometry"]["coordinates"]) == 5
    assert line["geometry"]["coordinates"][0] == [LON, LAT]
    assert [one["properties"]["n"] for one in points] == [1, 2, 3]
    told = desk.ask("GET", "/routes/inspector/calendar", query_string=query)
    assert told.mimetype == "text/calendar"
    assert told.text.count("BEGIN:VEVENT") == 3
    assert "现场勘查 YK-0001" in told.text
    assert "LOCATION:2 Canal Road" in told.text


def test_nobody_asks_for_a_strangers_route(round_: tuple[Desk, dict[str, str]]) -> None:
    desk, _ = round_
    desk.hire("stranger", "manager", organisation="elsewhere")
    for name, by in (("inspector", "stranger"), ("inspector", "colleague"), ("manager", "manager")):
        refused(desk.ask("GET", f"/routes/{name}", by=by), 404, "not_found")
    refused(desk.ask("GET", "/routes/nobody"), 404, "not_found")
    refused(desk.ask("GET", "/routes/inspector", by="scheduler"), 403, "forbidden")
    assert [one["no"] for one in ask(desk, "colleague", by="colleague")["visits"]] == ["YK-0004"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"day": "1999-01-01"}, "route_day_invalid"),
        ({"day": "2026-13-01"}, "invalid_fields"),
        ({"lon": 29.5, "lat": 121.9}, "position_unusable"),
        ({"lon": 121.9}, "position_unusable"),
        ({"begin": "25:00"}, "invalid_fields"),
        ({"odd": 1}, "invalid_fields"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(desk: Desk, query: dict[str, Any], code: str) -> None:
    refused(desk.ask("GET", "/routes/inspector", query_string=query), 422, code)


def test_a_route_that_is_not_found_in_time_is_told(tmp_path: Any) -> None:
    with open_desk(tmp_path, route_seconds=0.01) as desk:
        answer = desk.ask("GET", "/routes/inspector")
        refused(answer, 503, "route_too_slow")
        assert answer.headers["Retry-After"] == "5"


def test_of_more_tasks_than_a_route_looks_at_those_due_first_are(tmp_path: Any) -> None:
    with open_desk(tmp_path, route_tasks=1) as desk:
        work(desk, 0.01)
        _, due = work(desk, 0.02, due=TUESDAY)
        found = ask(desk)
        assert ([one["task"] for one in found["visits"]], found["more_tasks"]) == ([due], True)
