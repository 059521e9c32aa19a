"""Networks are checked whole before they are kept, kept as they were read, and asked what is near a site."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from werkzeug.test import TestResponse

import server.demo
from tests.desk import Desk, open_desk, refused

TOWN = (Path(server.demo.__file__).parent / "network.json").read_bytes()
#: On the first feeder of the town.
SITE = {"lon": 121.9285, "lat": 29.2048}


def hand_in(desk: Desk, data: bytes = TOWN, *, by: str = "scheduler", **form: Any) -> TestResponse:
    body = {"file": (io.BytesIO(data), "network.json"), **form}
    return desk.ask("POST", "/networks", by=by, data=body, content_type="multipart/form-data")


def town(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(TOWN)
    return {**made, **changes}


def encoded(collection: dict[str, Any]) -> bytes:
    return json.dumps(collection).encode()


def test_a_network_is_kept_as_it_was_read(desk: Desk) -> None:
    answer = hand_in(desk)
    assert answer.status_code == 201, answer.text
    kept = answer.get_json()["network"]
    assert (kept["id"], kept["imported_by"]) == ("wangchao", "scheduler")
    assert [one["version"] for one in desk.get("/networks")["items"]] == [kept["version"]]
    shown = desk.ask("GET", "/networks/wangchao")
    assert shown.mimetype == "application/geo+json"
    assert len(shown.get_json()["features"]) == sum(kept["counts"].values()) == len(town()["features"])
    again = hand_in(desk, encoded(shown.get_json())).get_json()["network"]
    assert again["version"] == kept["version"], "what was given out is the same network"


def test_another_version_stands_beside_the_first(desk: Desk) -> None:
    first = hand_in(desk).get_json()["network"]["version"]
    desk.clock.forward(seconds=1)
    other = town(network={"id": "wangchao", "name": "later", "datum": "wgs84"})
    second = hand_in(desk, encoded(other)).get_json()["network"]["version"]
    versions = [one["version"] for one in desk.get("/networks/wangchao/versions")["items"]]
    assert versions == [first, second]
    assert desk.get("/networks/wangchao")["network"]["name"] == "later"
    assert desk.get(f"/networks/wangchao?version={first}")["network"]["name"] != "later"
    desk.clock.forward(seconds=1)
    # Back to what was before is a version of its own: the newest counts.
    third = hand_in(desk).get_json()["network"]["version"]
    assert third not in (first, second)
    assert desk.get("/networks/wangchao")["network"]["name"] != "later"


def test_a_grave_finding_refuses_the_whole_and_tells_each_place(desk: Desk) -> None:
    broken = town()
    lines = [n for n, one in enumerate(broken["features"]) if one["properties"]["kind"] == "line"]
    broken["features"][lines[0]]["properties"]["from"] = "nowhere"
    broken["features"][lines[1]]["properties"]["to"] = "nowhere-either"
    body = refused(hand_in(desk, encoded(broken)), 422, "network_unusable")
    graves = [one for one in body["findings"] if one["grave"]]
    targets = {one["params"].get("target") for one in graves if one["code"] == "network_reference_unknown"}
    assert {"nowhere", "nowhere-either"} <= targets
    assert all(one["text"]["en"] and one["text"]["zh-CN"] for one in graves)
    assert desk.get("/networks")["items"] == []


def test_what_is_no_network_is_told_so(desk: Desk) -> None:
    for data, code in (
        (b"[]", "network_not_json"),
        (b"{", "network_not_json"),
        (b"[" * 100_000, "network_not_json"),
        (b"{}", "network_not_a_collection"),
        (encoded(town(network={"id": "No id!", "datum": "wgs84"})), "network_id_unusable"),
    ):
        body = refused(hand_in(desk, data), 422, "network_unusable")
        assert code in [one["code"] for one in body["findings"]], data[:20]
    answer = hand_in(desk, b'{"_class": "pandapowerNet"}', format="pandapower")
    body = refused(answer, 422, "network_unusable")
    assert body["findings"][0]["code"] == "network_id_missing"


def test_a_dry_run_keeps_nothing(desk: Desk) -> None:
    assert hand_in(desk, dry_run="true").get_json()["network"] is None
    assert desk.get("/networks")["items"] == []


def test_another_organisation_sees_none_of_it(desk: Desk) -> None:
    desk.hire("northern", "scheduler", organisation="north")
    hand_in(desk)
    assert desk.get("/networks", by="northern")["items"] == []
    refused(desk.ask("GET", "/networks/wangchao", by="northern"), 404, "not_found")
    # It may have one of the same name.
    assert hand_in(desk, by="northern").status_code == 201


def test_what_lies_near_a_site_is_told_nearest_first(desk: Desk) -> None:
    hand_in(desk)
    near = desk.get("/networks/wangchao/near", by="inspector", query_string={**SITE, "within_m": 3000})
    distances = [one["distance_m"] for one in near["sections"]]
    assert distances == sorted(distances)
    assert near["feeders"]
    assert distances
    far = desk.get("/networks/wangchao/near", query_string={"lon": 100.0, "lat": 20.0})
    assert (far["sections"], far["feeders"]) == ([], [])
    for place, words in (
        ({"lon": 500.0, "lat": 20.0}, "no place on earth. Longitudes run"),
        ({"lon": 29.2, "lat": 121.9}, "seem to be swapped"),
    ):
        answer = desk.ask(
            "GET", "/networks/wangchao/near", query_string=place, headers={"Accept-Language": "en"}
        )
        assert words in refused(answer, 422, "position_unusable")["detail"]


def test_more_elements_than_the_setting_allows_are_refused(tmp_path: Path) -> None:
    with open_desk(tmp_path, max_network_features=3) as desk:
        body = refused(hand_in(desk), 422, "network_unusable")
        assert body["findings"][0]["code"] == "network_too_large"


def test_poles_near_a_site_are_told_with_what_could_be_drawn_there(desk: Desk) -> None:
    hand_in(desk)
    near = desk.get("/networks/wangchao/near", query_string={**SITE, "within_m": 500, "limit": 3})
    assert 0 < len(near["nodes"]) <= 3
    first = near["nodes"][0]
    assert first["distance_m"] <= near["nodes"][-1]["distance_m"] <= 500
    assert {"section", "feeder", "from_source_m", "spare_kva"} <= set(first)
    assert near["sections"][0]["along_m"] >= 0


def test_a_customers_way_runs_from_the_station_to_the_meter(desk: Desk) -> None:
    hand_in(desk)
    features = [one["properties"] | {"id": one["id"]} for one in desk.get("/networks/wangchao")["features"]]
    customer = next(one for one in features if one["kind"] == "customer")
    meters = [one["id"] for one in features if one["kind"] == "meter" and one["customer"] == customer["id"]]
    found = desk.get(f"/networks/wangchao/customers/{customer['id']}/ways")
    assert [way["meter"] for way in found["ways"]] == meters
    for way in found["ways"]:
        kinds = [step["kind"] for step in way["steps"]]
        assert way["live"]
        assert (kinds[0], kinds[-3:]) == ("station", ["boundary", "meter", "customer"])
        assert way["words"].endswith(customer["name"])
        assert way["words"].count(" – ") >= 4
    for other in ("nobody", next(one["id"] for one in features if one["kind"] == "station")):
        refused(desk.ask("GET", f"/networks/wangchao/customers/{other}/ways"), 404, "not_found")


def test_what_is_odd_about_a_kept_network_is_told_again_with_its_place(desk: Desk) -> None:
    odd = town()
    lone = {"kind": "node", "id": "lone-pole", "form": "pole", "voltage_kv": 10.0}
    spot = {"type": "Point", "coordinates": [121.93, 29.205]}
    odd["features"].append({"type": "Feature", "id": "lone-pole", "geometry": spot, "properties": lone})
    told = hand_in(desk, encoded(odd)).get_json()["findings"]
    found = desk.get("/networks/wangchao/findings")
    assert [one["code"] for one in found["findings"]] == [one["code"] for one in told]
    [mine] = [one for one in found["findings"] if one["params"].get("id") == "lone-pole"]
    assert (mine["lon"], mine["lat"], mine["grave"]) == (121.93, 29.205, False)
    assert mine["text"]["zh-CN"] != mine["text"]["en"]
