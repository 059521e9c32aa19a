"""Works are refused field by field, agreed to as they were read, and seen by their own organisation."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.test_networks import hand_in
from tests.desk import Desk, refused

JSON = dict[str, Any]


def body(**changes: Any) -> JSON:
    work = {
        "kind": "maintenance",
        "minutes": 180,
        "skill": "line",
        "section": "YG 3段",
        "wanted": "2026-12-11",
    }
    return {
        "type": "planned",
        "network": "wangchao",
        "work": {**work, **changes.pop("work", {})},
        "content": "change insulators",
        "live_possible": False,
        "live_reason": "no room for the bucket truck",
        **changes,
    }


@pytest.fixture
def town(desk: Desk) -> Desk:
    assert hand_in(desk).status_code == 201
    for name in ("second", "third"):
        desk.hire(name, "scheduler")
    return desk


def tag(desk: Desk, work: str) -> dict[str, str]:
    return {"If-Match": desk.ask("GET", f"/works/{work}").headers["ETag"]}


def agree(desk: Desk, work: str, function: str, by: str) -> Any:
    body = {"function": function}
    return desk.ask("POST", f"/works/{work}/approve", by=by, json=body, headers=tag(desk, work))


def test_a_work_for_a_case_is_agreed_to_by_two_others(town: Desk) -> None:
    case = town.open_case()
    made = town.post("/works", body(id="w-1", cases=[case]), by="scheduler")
    assert (made["state"], made["awaits"]) == ("requested", ["maintenance", "dispatch"])
    assert made["asked"]["work"]["case"] == case
    refused(agree(town, "w-1", "maintenance", "scheduler"), 409, "work_another_person")
    assert agree(town, "w-1", "maintenance", "second").get_json()["awaits"] == ["dispatch"]
    assert agree(town, "w-1", "dispatch", "third").get_json()["state"] == "approved"
    assert [one["id"] for one in town.get(f"/works?case={case}&state=approved")["items"]] == ["w-1"]
    changed = town.patch("/works/w-1", {"content": "and a pole"}, headers=tag(town, "w-1"))
    assert (changed["state"], changed["agreements"]) == ("requested", [])
    assert changed["asked"]["work"]["section"] == "YG 3段"


def test_nobody_agrees_to_what_he_has_not_read(town: Desk) -> None:
    town.post("/works", body(id="w-1"), by="scheduler")
    read = tag(town, "w-1")
    town.patch("/works/w-1", {"content": "something else"}, by="scheduler", headers=read)
    late = town.ask("POST", "/works/w-1/approve", by="second", json={"function": "dispatch"}, headers=read)
    refused(late, 412, "precondition_failed")
    none = town.ask("POST", "/works/w-1/approve", by="second", json={"function": "dispatch"})
    refused(none, 428, "precondition_required")


@pytest.mark.parametrize(
    ("changes", "code", "place"),
    [
        ({"work": {"section": "nowhere"}}, "outage_section_unknown", "/work/section"),
        ({"work": {"device": "x"}}, "outage_place_ambiguous", "/work/section"),
        ({"work": {"minutes": "long"}}, "outage_unreadable", "/work/minutes"),
        ({"work": {"latest": "2026-10-01"}}, "outage_work_ends_before_start", "/work/latest"),
        ({"work": {"latest": "2026-12-01"}}, "work_wanted_outside", "/work/wanted"),
        ({"work": {"rain": {"last": "2026-01-01"}}}, "outage_rain_too_early", "/work/rain/last"),
        ({"live_possible": None}, "work_live_unassessed", "/live_possible"),
        ({"live_reason": " "}, "work_live_reason_missing", "/live_reason"),
        ({"work": {"live": {"minutes": 90, "skill": "live"}}}, "work_live_contradicted", "/work/live"),
        ({"type": "energization"}, "work_case_missing", "/cases"),
        ({"content": " "}, "work_content_missing", "/content"),
        (
            {"consents": [{"customer": "x", "document": "1"}]},
            "outage_customer_unknown",
            "/consents/0/customer",
        ),
    ],
)
def test_each_field_that_cannot_be_is_told_with_its_place(
    town: Desk, changes: JSON, code: str, place: str
) -> None:
    told = refused(town.ask("POST", "/works", by="scheduler", json=body(**changes)), 422, "work_unusable")
    assert (code, place) in [(one["code"], one["place"]) for one in told["findings"]]
    assert town.get("/works")["items"] == []


def test_a_case_that_one_may_not_see_is_not_there(town: Desk) -> None:
    town.hire("stranger", "manager", organisation="north")
    foreign = town.open_case(by="stranger")
    for case in (foreign, "nothing"):
        refused(town.ask("POST", "/works", json=body(cases=[case])), 422, "work_case_unknown")
    town.post("/works", body(id="w-1"))
    refused(town.ask("GET", "/works/w-1", by="stranger"), 404, "not_found")
    assert town.get("/works", by="stranger")["items"] == []
    refused(town.ask("POST", "/works", by="stranger", json=body()), 422, "work_network_unknown")


def test_the_same_request_again_finds_the_work_it_made(town: Desk) -> None:
    key = {"Idempotency-Key": "k1"}
    first = town.post("/works", body(), headers=key)
    assert town.post("/works", body(), headers=key)["id"] == first["id"]
    other = town.ask("POST", "/works", json=body(content="else"), headers=key)
    refused(other, 409, "work_exists")


def test_a_work_is_given_up_with_a_reason(town: Desk) -> None:
    town.post("/works", body(id="w-1"))
    gone = town.post("/works/w-1/withdraw", {"reason": "not this year"})
    assert (gone["state"], gone["history"][-1]["remark"]) == ("withdrawn", "not this year")
    refused(agree(town, "w-1", "dispatch", "second"), 409, "work_not_open")


def test_a_work_is_split_once_and_its_parts_are_requests(town: Desk) -> None:
    parts = [{"minutes": 100}, {"minutes": 90, "windows": ["morning"]}]
    town.post("/works", body(id="w-1"), by="scheduler")
    read = tag(town, "w-1")
    bare = town.ask("POST", "/works/w-1/split", by="scheduler", json={"parts": parts})
    refused(bare, 428, "precondition_required")
    short = {"parts": [{"minutes": 1}, {"minutes": 1}]}
    less = town.ask("POST", "/works/w-1/split", by="scheduler", json=short, headers=read)
    refused(less, 409, "work_split_short")
    for _ in range(2):
        told = town.post("/works/w-1/split", {"parts": parts}, by="scheduler", headers=read)["items"]
        assert [one["id"] for one in told] == ["w-1-1", "w-1-2"]
    assert told[1]["asked"]["work"]["windows"] == ["morning"]
    assert town.get("/works/w-1")["state"] == "withdrawn"
    assert [one["id"] for one in town.get("/works?state=requested")["items"]] == ["w-1-1", "w-1-2"]


def test_a_work_is_not_split_where_its_parts_would_be_others(town: Desk) -> None:
    for name, ties in (("w-1", {}), ("w-1-2", {}), ("w-2", {"after": ["w-1"]})):
        town.post("/works", body(id=name, work=ties), by="scheduler")
    halves = {"parts": [{"minutes": 100}, {"minutes": 90}]}
    named = town.ask("POST", "/works/w-1/split", by="scheduler", json=halves, headers=tag(town, "w-1"))
    assert refused(named, 409, "work_named_by_others")["params"]["works"] == "w-2"
    town.post("/works/w-2/withdraw", {"reason": "no"}, by="scheduler")
    taken = town.ask("POST", "/works/w-1/split", by="scheduler", json=halves, headers=tag(town, "w-1"))
    refused(taken, 409, "work_exists")
    assert town.get("/works/w-1")["state"] == "requested"
