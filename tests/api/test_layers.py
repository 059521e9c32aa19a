"""Layers of the map: what lies in a box, a page at a time, and to nobody more than the lists show."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from geo.coords import from_wgs84
from tests.api.test_networks import hand_in
from tests.desk import ON_SITE, SITE, START, Desk, open_desk, refused

LON, LAT = 121.87, 29.48
AROUND = f"{LON - 0.01},{LAT - 0.01},{LON + 0.01},{LAT + 0.01}"
ELSEWHERE = "121.0,28.0,121.1,28.1"


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Three cases at one place, one far off; the inspector has work in two of them, a colleague in one."""
    with open_desk(tmp_path_factory.mktemp("layers"), max_layer_features=2, max_layer_tracks=1) as desk:
        desk.hire("colleague", "inspector")
        desk.hire("stranger", "manager", organisation="elsewhere")
        made = [desk.open_case(site={**SITE, "lon": LON + n / 1000}) for n in range(3)]
        far = desk.open_case(site={**SITE, "lon": 120.0})
        desk.assign(made[0], "inspector")
        desk.assign(made[1], "inspector", "colleague")
        desk.assign(made[2], "colleague")
        desk.assign(far, "inspector")
        walk(desk, made[0], "inspector", "t-1")
        walk(desk, made[1], "colleague", "t-2")
        desk.intake()
        yield desk


def walk(desk: Desk, case: str, by: str, name: str, *, east: float = 0.0) -> None:
    fixes = [
        {**ON_SITE, "lon": LON + east + n / 10_000, "at": (START + timedelta(minutes=n)).isoformat()}
        for n in range(5)
    ]
    track = {"_id": f"track:{name}", "type": "track", "schema": 1, "by": by, "datum": "wgs84"}
    desk.write(by, desk.forms(case), {**track, "fixes": fixes})


def pages(desk: Desk, layer: str, box: str = AROUND, *, by: str = "manager", **query: Any) -> list[Any]:
    """Every feature of a layer, page by page."""
    found: list[Any] = []
    after = ""
    while True:
        asked = {"bbox": box, "after": after, **query}
        answer = desk.ask("GET", f"/layers/{layer}", by=by, query_string=asked)
        assert (answer.status_code, answer.mimetype) == (200, "application/geo+json"), answer.text
        page = answer.get_json()
        assert page["type"] == "FeatureCollection"
        found += page["features"]
        if page["next"] is None:
            return found
        after = page["next"]


def test_cases_in_the_box_come_page_by_page_each_once(region: Desk) -> None:
    found = pages(region, "cases")
    assert [one["properties"]["no"] for one in found] == ["YK-0001", "YK-0002", "YK-0003"]
    assert found[0]["geometry"] == {"type": "Point", "coordinates": [LON, LAT]}
    assert found[0]["properties"]["open_tasks"] == 1
    assert pages(region, "cases", ELSEWHERE) == []
    assert [one["id"] for one in pages(region, "cases", limit=1)] == [one["id"] for one in found]


def test_an_inspector_sees_the_cases_and_tasks_that_are_assigned_and_no_others(region: Desk) -> None:
    assert len(pages(region, "cases", by="inspector")) == 2
    assert [one["properties"]["assignees"] for one in pages(region, "tasks", by="inspector")] == [
        ["inspector"],
        ["inspector", "colleague"],
    ]
    assert len(pages(region, "tasks")) == 3
    assert len(pages(region, "tasks", "119,29,121,30", by="inspector")) == 1


def test_another_organisation_and_who_is_not_signed_in_see_nothing(region: Desk) -> None:
    for layer in ("cases", "tasks", "tracks"):
        assert pages(region, layer, "-180,-90,180,90", by="stranger") == []
        path = f"/api/v1/layers/{layer}?bbox={AROUND}"
        refused(region.client.get(path), 401, "token_missing")
        refused(region.client.get(path, headers={"Authorization": "Bearer a-link"}), 401, "token_invalid")


def test_tracks_are_found_by_where_they_went_and_inspectors_see_their_own(region: Desk) -> None:
    found = pages(region, "tracks")
    assert [(one["id"], one["properties"]["by"]) for one in found] == [
        ("t-1", "inspector"),
        ("t-2", "colleague"),
    ]
    assert found[0]["geometry"]["type"] == "LineString"
    assert [one["id"] for one in pages(region, "tracks", by="inspector")] == ["t-1"]
    assert [one["id"] for one in pages(region, "tracks", by="colleague")] == ["t-2"]
    asked = {"bbox": AROUND, "by": "colleague"}
    assert [one["id"] for one in region.get("/layers/tracks", query_string=asked)["features"]] == ["t-2"]
    assert region.get("/layers/tracks", query_string={**asked, "by": "nobody"})["features"] == []
    later = (START + timedelta(hours=1)).isoformat()
    assert pages(region, "tracks", since=later) == []
    assert len(pages(region, "tracks", until=later)) == 2
    beside = f"{LON + 0.0002},{LAT - 0.01},{LON + 0.0003},{LAT + 0.01}"
    assert len(pages(region, "tracks", beside)) == 2, "a track is found by its way, not by its case"


def test_lists_made_anew_show_the_same_tracks(region: Desk) -> None:
    before = pages(region, "tracks")
    region.made.cases.project_all()
    assert pages(region, "tracks") == before


@pytest.mark.parametrize("box", ["", "1,2,3", "nan,0,1,1", "0,0,1,91", "122,29,121,30", "a,b,c,d"])
def test_a_box_that_is_none_is_refused(region: Desk, box: str) -> None:
    for layer in ("cases", "tasks", "tracks"):
        answer = region.ask("GET", f"/layers/{layer}", query_string={"bbox": box})
        refused(answer, 422, "bbox_invalid")
    refused(region.ask("GET", "/layers/cases"), 422, "invalid_fields")


@pytest.mark.parametrize("layer", ["tasks", "tracks"])
def test_a_place_that_no_page_named_is_refused(region: Desk, layer: str) -> None:
    asked = {"bbox": AROUND, "after": "nowhere"}
    refused(region.ask("GET", f"/layers/{layer}", query_string=asked), 422, "after_invalid")


def test_a_site_given_on_another_map_lies_where_it_is(desk: Desk) -> None:
    """Some hundred metres lie between the national map and the receiver's."""
    lon, lat = from_wgs84(LON, LAT, "gcj02")
    desk.open_case(site={"lon": lon, "lat": lat, "datum": "gcj02"})
    [found] = pages(desk, "cases", f"{LON - 1e-5},{LAT - 1e-5},{LON + 1e-5},{LAT + 1e-5}")
    assert found["geometry"]["coordinates"] == pytest.approx([LON, LAT], abs=1e-6)


def test_the_elements_of_a_network_come_by_box_and_page(desk: Desk) -> None:
    hand_in(desk)
    whole = desk.get("/networks/wangchao")["features"]
    placed = [one["id"] for one in whole if one["geometry"] is not None]
    everywhere = {"bbox": "121,29,122,30"}
    found = desk.get("/networks/wangchao/layer", query_string=everywhere)
    assert found["next"] is None
    assert [one["id"] for one in found["features"]][: len(placed)] == placed
    first = desk.get("/networks/wangchao/layer", query_string={**everywhere, "limit": 7})
    assert [one["id"] for one in first["features"]] == placed[:7]
    asked = {**everywhere, "limit": 5, "after": first["next"], "version": first["version"]}
    second = desk.get("/networks/wangchao/layer", query_string=asked)
    assert [one["id"] for one in second["features"]] == placed[7:12]
    assert desk.get("/networks/wangchao/layer", query_string={"bbox": ELSEWHERE})["features"] == []
    refused(desk.ask("GET", "/networks/none/layer", query_string=everywhere), 404, "not_found")


def test_without_a_setting_a_page_has_a_thousand_features(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        assert (desk.made.settings.max_layer_features, desk.made.settings.max_layer_tracks) == (1000, 100)
