"""Presence by answer, tracks for other programs and the case's map over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from tests.desk import ON_SITE, START, Desk, refused

AWAY = {**ON_SITE, "lon": float(str(ON_SITE["lon"])) + 0.05}


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat()


def walk(desk: Desk, case: str, name: str, place: dict[str, Any], minutes: range) -> None:
    fixes = [{"lon": place["lon"], "lat": place["lat"], "accuracy_m": 5.0, "at": at(one)} for one in minutes]
    track = {"_id": f"track:{name}", "type": "track", "schema": 1, "by": "inspector", "datum": "wgs84"}
    desk.write("inspector", desk.forms(case), {**track, "fixes": fixes})


@pytest.fixture
def filled(desk: Desk) -> tuple[Desk, str, str]:
    """A case with a form, in which one answer has a position of the moment and the others have none."""
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    here = {**ON_SITE, "at": START.isoformat()}
    desk.submit(case, task, PH_01=desk.answer("pass", photos=["p-1"], location=here))
    return desk, case, task


def report(desk: Desk, case: str, task: str, **request: Any) -> dict[str, Any]:
    found: dict[str, Any] = desk.get(f"/cases/{case}/inspections/{task}/presence", **request)
    return found


def test_an_answer_on_site_supports_presence_and_says_why_in_both_languages(
    filled: tuple[Desk, str, str],
) -> None:
    found = report(*filled, by="inspector")
    rows = {row["item"]: row for row in found["answers"]}
    assert (found["standing"], rows["PH-01"]["standing"], rows["PF-01"]["standing"]) == (
        "supported",
        "supported",
        "open",
    )
    first = rows["PH-01"]["checks"][0]
    assert (first["code"], first["bearing"]) == ("presence_inside", "for")
    assert str(first["params"]["accuracy_m"]) in first["text"]["zh-CN"]
    assert found["fence"]["properties"]["datum"] == "wgs84"


def test_a_track_speaks_for_answers_without_a_position_or_against_them(filled: tuple[Desk, str, str]) -> None:
    desk, case, task = filled
    walk(desk, case, "t-1", ON_SITE, range(-30, 31))
    found = report(desk, case, task)
    assert {row["standing"] for row in found["answers"]} == {"supported"}
    walked = found["walks"]["inspector"]
    [visit] = walked["visits"]
    assert (visit["observed_s"], visit["tasks"]) == (3600.0, [task])
    assert (walked["on_site_s"], walked["duration_s"], walked["length_m"]) == (3600.0, 3600.0, 0.0)
    assert walked["findings"] == []


def test_a_track_elsewhere_contradicts_the_form(filled: tuple[Desk, str, str]) -> None:
    desk, case, task = filled
    walk(desk, case, "t-1", AWAY, range(-30, 31))
    found = report(desk, case, task)
    assert found["standing"] == "contradicted"
    codes = {check["code"] for row in found["answers"] for check in row["checks"]}
    assert "attendance_track_elsewhere" in codes
    walked = found["walks"]["inspector"]
    assert (walked["visits"], walked["on_site_s"]) == ([], 0)
    [odd] = walked["findings"]
    assert odd["code"] == "task_site_never_visited"


def test_a_position_that_cannot_be_read_is_told_and_proves_nothing(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.submit(case, task, PF_01=desk.answer("pass", location={"lon": 1.0, "lat": 2.0, "accuracy_m": 3.0}))
    rows = {row["item"]: row for row in report(desk, case, task)["answers"]}
    assert (rows["PF-01"]["unreadable"], rows["PF-01"]["standing"]) == ("datum_missing", "open")


def test_a_track_goes_out_as_geojson_and_gpx_to_the_office_alone(filled: tuple[Desk, str, str]) -> None:
    desk, case, _ = filled
    walk(desk, case, "t-1", ON_SITE, range(0, 10))
    answer = desk.ask("GET", f"/cases/{case}/tracks/t-1.geojson")
    assert answer.mimetype == "application/geo+json"
    assert len(answer.get_json()["properties"]["times"]) == 2, "a straight line is drawn by its ends"
    gpx = desk.ask("GET", f"/cases/{case}/tracks/t-1.gpx?tolerance_m=5")
    assert gpx.mimetype == "application/gpx+xml"
    assert gpx.headers["Content-Disposition"] == "attachment; filename=t-1.gpx"
    assert Xml.fromstring(gpx.text).tag.endswith("gpx")
    for path in ("t-1.gpx", "t-1.geojson"):
        refused(desk.ask("GET", f"/cases/{case}/tracks/{path}", by="inspector"), 403, "forbidden")
    refused(desk.ask("GET", f"/cases/{case}/tracks/none.gpx"), 404, "not_found")
    refused(desk.ask("GET", f"/cases/{case}/tracks/t-1.gpx?tolerance_m=-1"), 422, "invalid_fields")
    desk.made.store.put(
        desk.forms(case), {"_id": "track:odd", "type": "track", "datum": "wgs84", "fixes": [7]}
    )
    problem = refused(desk.ask("GET", f"/cases/{case}/tracks/odd.gpx"), 422, "track_unreadable")
    assert "/fixes/0" in problem["detail"]


def test_the_map_of_a_case_has_its_site_tracks_and_stops(filled: tuple[Desk, str, str]) -> None:
    desk, case, _ = filled
    walk(desk, case, "t-1", ON_SITE, range(0, 10))
    desk.made.store.put(desk.forms(case), {"_id": "track:odd", "type": "track", "fixes": []})
    answer = desk.ask("GET", f"/cases/{case}/map", by="inspector")
    features = answer.get_json()["features"]
    assert [one["properties"]["layer"] for one in features] == ["site", "track", "stop"]
    assert features[2]["properties"]["observed_s"] == 540.0


def test_a_site_that_cannot_be_used_is_told(
    filled: tuple[Desk, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, case, task = filled
    monkeypatch.setattr("server.api.places.site_fence", lambda *_: None)
    for path in ("map", f"inspections/{task}/presence"):
        refused(desk.ask("GET", f"/cases/{case}/{path}"), 409, "site_unusable")


def test_unknown_tasks_and_foreign_cases_are_not_found(house: Desk) -> None:
    case = house.open_case()
    refused(house.ask("GET", f"/cases/{case}/inspections/none/presence"), 404, "not_found")
    for path in ("map", "inspections/x/presence", "tracks/x.gpx", "tracks/x.geojson"):
        refused(house.ask("GET", f"/cases/{case}/{path}", by="stranger"), 404, "not_found")


def test_a_track_that_is_odd_is_told_with_place_and_remedy(filled: tuple[Desk, str, str]) -> None:
    desk, case, task = filled
    good = {**ON_SITE, "at": at(0)}
    for name, fixes in (
        ("swapped", [good, {**good, "lon": good["lat"], "lat": good["lon"]}]),
        ("nan", [{**good, "lat": "NaN"}]),
        ("long", [good] * 501),
        ("back", [good, {**good, "at": at(-5)}, *({**good, "at": at(-n)} for n in range(6, 40))]),
    ):
        document = {
            "_id": f"track:{name}",
            "type": "track",
            "by": "inspector",
            "datum": "wgs84",
            "fixes": fixes,
        }
        desk.made.store.put(desk.forms(case), document)
    rows = {row["id"]: row for row in desk.get(f"/cases/{case}/tracks")["items"]}
    assert {name: (row.get("code"), row.get("place")) for name, row in rows.items()} == {
        "swapped": ("coordinate_swapped", "/fixes/1"),
        "nan": ("coordinate_not_a_number", "/fixes/0"),
        "long": ("track_too_long", ""),
        "back": (None, None),
    }
    assert "in parts" in rows["long"]["text"]["en"]
    assert rows["long"]["text"]["zh-CN"]
    flags = rows["back"]["flags"]
    assert (flags[0]["code"], flags[0]["params"], len(flags)) == ("track_time_backwards", {"index": 1}, 20)
    assert rows["back"]["flags_left_out"] == 15
    assert "1" in flags[0]["text"]["zh-CN"]
    left_out = report(desk, case, task)["left_out"]
    assert set(left_out) == {"track:swapped", "track:nan", "track:long"}
    assert left_out["track:swapped"]["place"] == "/fixes/1"
