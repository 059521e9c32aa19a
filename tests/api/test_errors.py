"""Every error has one shape, in the reader's language, and says which part of the request is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.desk import Desk, refused

BROKEN: dict[str, bytes] = {
    "cut off": b'{"no": ',
    "not JSON": b"no=1",
    "not UTF-8": b'{"no": "\xff"}',
    "nested without end": b"[" * 200_000,
    "deep": b'{"a":' * 50_000,
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_json_is_said_to_be_broken(house: Desk, name: str) -> None:
    answer = house.ask("POST", "/cases", data=BROKEN[name], content_type="application/json")
    refused(answer, 400, "broken_json")


def _with(**changes: Any) -> dict[str, Any]:
    """An application with one thing changed; `site__lon=1` is `site.lon`."""
    body: dict[str, Any] = {
        "no": "X-1",
        "process": "hv",
        "customer": {"name": "Red Maple Textiles"},
        "site": {"lon": 121.87, "lat": 29.48, "datum": "wgs84"},
        "supply": {"voltage_kv": 10.0, "capacity_kva": 630.0},
    }
    for name, value in changes.items():
        *parents, last = name.split("__")
        inner = body
        for parent in parents:
            inner = inner[parent]
        inner[last] = value
    return body


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (_with(odd=1), "#/odd"),
        (_with(site__odd=1), "#/site/odd"),
        (_with(**{"a/b~c": 1}), "#/a~1b~0c"),
        (_with(no=7), "#/no"),
        (_with(no=""), "#/no"),
        (_with(no="x" * 41), "#/no"),
        (_with(no=None), "#/no"),
        (_with(process="mv"), "#/process"),
        (_with(customer="Red Maple"), "#/customer"),
        (_with(customer__name="x" * 201), "#/customer/name"),
        (_with(customer__phone="x" * 4001), "#/customer/phone"),
        (_with(site={"lon": 121.87, "lat": 29.48}), "#/site/datum"),
        (_with(site__datum="epsg4326"), "#/site/datum"),
        (_with(site__boundary={"type": "MultiPolygon", "coordinates": []}), "#/site/boundary"),
        (_with(site__boundary={"type": "Polygon"}), "#/site/boundary"),
        (_with(site__boundary={"type": "Polygon", "coordinates": [[["x", 1]]]}), "#/site/boundary/0/0/0"),
        (_with(site__lon=181), "#/site/lon"),
        (_with(site__lon=float("nan")), "#/site/lon"),
        (_with(site__lat=float("inf")), "#/site/lat"),
        (_with(site__lat="NaN"), "#/site/lat"),
        (_with(site__datum="mars"), "#/site/datum"),
        (_with(site__boundary=[[[1, 2, 3]]]), "#/site/boundary/0/0"),
        (_with(site__boundary=[[[float("nan"), 2]]]), "#/site/boundary/0/0/0"),
        (_with(supply__capacity_kva=0), "#/supply/capacity_kva"),
        (_with(supply__voltage_kv=True), "#/supply/voltage_kv"),
        (_with(manager=""), "#/manager"),
        (_with(title="half a character \ud800"), "#/title"),
        (_with(customer__name="\udfff"), "#/customer/name"),
        (_with(facts={"\ud800": True}), "#/facts"),
        (_with(facts=[]), "#/facts"),
        ([], "#"),
        ("text", "#"),
        (None, "#"),
    ],
)
def test_each_wrong_field_is_pointed_at(house: Desk, body: Any, pointer: str) -> None:
    data = json.dumps(body).encode()
    for headers in ({}, {"Idempotency-Key": "wrong-fields"}):
        answer = house.ask("POST", "/cases", data=data, content_type="application/json", headers=headers)
        problem = refused(answer, 422, "invalid_fields")
        assert [row["pointer"] for row in problem["errors"]] == [pointer], problem
        assert all(row["message"] for row in problem["errors"])


def test_a_missing_body_names_every_field_that_is_wanted(house: Desk) -> None:
    problem = refused(house.ask("POST", "/cases"), 422, "invalid_fields")
    pointers = {row["pointer"] for row in problem["errors"]}
    assert pointers == {"#/no", "#/process", "#/customer", "#/site", "#/supply"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1], {"a": 1}])
def test_a_fact_is_a_finite_plain_value(house: Desk, value: Any) -> None:
    data = json.dumps(_with(no="F-1", facts={"dual": value}))
    answer = house.ask("POST", "/cases", data=data, content_type="application/json")
    assert answer.status_code == 422, answer.text
    assert house.get("/cases?q=F-1")["total"] == 0


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("odd=1", "#/odd"),
        ("limit=0", "#/limit"),
        ("limit=201", "#/limit"),
        ("limit=ten", "#/limit"),
        ("offset=-1", "#/offset"),
        ("sort=colour", "#/sort"),
        ("overdue=perhaps", "#/overdue"),
        ("q=" + "x" * 101, "#/q"),
        ("energization=maybe", "#/energization"),
    ],
)
def test_a_query_is_held_to_its_schema_too(house: Desk, query: str, pointer: str) -> None:
    problem = refused(house.ask("GET", f"/cases?{query}"), 422, "invalid_fields")
    assert [row["pointer"] for row in problem["errors"]] == [pointer]


@pytest.mark.parametrize("bbox", ["1,2,3", "a,b,c,d", "nan,0,1,1", "5,0,1,1", "0,0,1,91", "", "0,0,inf,1"])
def test_a_box_without_sense_is_refused(house: Desk, bbox: str) -> None:
    refused(house.ask("GET", f"/cases?bbox={bbox}"), 422, "bbox_invalid")


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_errors_speak_the_language_asked_for(house: Desk, lang: str) -> None:
    seen = {}
    for path, status, code in (
        ("/cases/none", 404, "not_found"),
        ("/cases?odd=1", 422, "invalid_fields"),
        ("/cases?bbox=1", 422, "bbox_invalid"),
    ):
        answer = house.ask("GET", path, headers={"Accept-Language": lang})
        problem = refused(answer, status, code)
        assert answer.headers["Content-Language"] == lang
        seen[code] = problem["title"] + problem["detail"]
    for words in seen.values():
        assert any("\u4e00" <= char <= "\u9fff" for char in words) == (lang == "zh-CN")


@pytest.mark.parametrize(
    ("wanted", "lang"),
    [
        ("en-GB", "en"),
        ("zh", "zh-CN"),
        ("zh-TW", "zh-CN"),
        ("de", "zh-CN"),
        ("", "zh-CN"),
        ("fr, en;q=0.5", "en"),
    ],
)
def test_the_nearest_language_is_taken(house: Desk, wanted: str, lang: str) -> None:
    answer = house.ask("GET", "/cases/none", headers={"Accept-Language": wanted})
    assert answer.headers["Content-Language"] == lang


def test_a_body_over_the_limit_is_refused_unread(house: Desk) -> None:
    big = b'{"no": "' + b"x" * house.made.settings.max_json_bytes + b'"}'
    refused(house.ask("POST", "/cases", data=big, content_type="application/json"), 413, "too_large")
    refused(
        house.client.post("/api/v1/auth/login", data=big, content_type="application/json"), 413, "too_large"
    )


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/tasks",
        "/inspections",
        "/notices",
        "/notices/1",
        "/gates",
        "/energization",
        "/photos",
        "/tracks",
        "/log",
    ],
)
def test_a_foreign_case_and_an_unknown_one_look_alike(house: Desk, path: str) -> None:
    case = house.open_case()
    answers = [
        house.ask("GET", f"/cases/{one}{path}", by="stranger")
        for one in (
            case,
            "01900000-0000-7000-8000-000000000000",
            "x",
            "CASE",
            "_design",
            "a%0A",
            case + "%0A",
        )
    ]
    for answer in answers:
        refused(answer, 404, "not_found")
        assert answer.data == answers[0].data
        assert dict(answer.headers) == dict(answers[0].headers)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"reason": "x", "title": "y"}),
        ("POST", "/facts", {"facts": {"dual": True}}),
        ("POST", "/transitions", {"to": "survey"}),
        ("POST", "/tasks", {"kind": "acceptance", "checklist": {"id": "mini"}, "assignees": ["northern"]}),
        ("POST", "/energization/authorize", {}),
        ("POST", "/energization/hold", {"reason": "x"}),
        ("POST", "/gates/site-clear/entries", {"status": "met", "evidence": "x"}),
        ("POST", "/notices/1/issue", {}),
        ("POST", "/quarantine/x/settle", {"decision": "accept", "reason": "x"}),
    ],
)
def test_nobody_writes_to_a_foreign_case(house: Desk, method: str, path: str, body: Any) -> None:
    case = house.open_case()
    before = house.made.cases.load(case)
    foreign = house.ask(method, f"/cases/{case}{path}", by="stranger", json=body)
    unknown = house.ask(method, f"/cases/no-such-case{path}", by="stranger", json=body)
    refused(foreign, 404, "not_found")
    assert foreign.data == unknown.data
    assert house.made.cases.load(case) == before


def test_unknown_paths_and_methods_are_problems_too(house: Desk) -> None:
    refused(house.client.get("/api/v1/nowhere"), 404, "not_found")
    answer = house.client.delete("/api/v1/cases")
    refused(answer, 405, "method_not_allowed")
    assert {"GET", "POST"} <= {method.strip() for method in answer.headers["Allow"].split(",")}


def test_a_move_that_is_refused_is_told_in_the_words_of_the_trade(house: Desk) -> None:
    case = house.open_case()
    house.post(f"/cases/{case}/transitions", {"to": "survey"})
    for to, code, words in (
        ("scheme", "precondition_unmet", ("Site survey", "Survey accepted")),
        ("ready", "move_not_allowed", ("Site survey", "Cancelled")),
    ):
        answer = house.ask(
            "POST", f"/cases/{case}/transitions", json={"to": to}, headers={"Accept-Language": "en"}
        )
        problem = refused(answer, 409, code)
        assert all(word in problem["detail"] for word in words), problem["detail"]
        assert problem["params"]["from"] == "survey"
        assert problem["facts"]


def test_a_stale_if_match_changes_nothing(house: Desk) -> None:
    case = house.open_case()
    etag = house.ask("GET", f"/cases/{case}").headers["ETag"]
    house.patch(f"/cases/{case}", {"reason": "typo", "title": "first"}, headers={"If-Match": etag})
    for stale in (etag, '"1-x"', '"a", "b"', "", " "):
        answer = house.ask(
            "PATCH", f"/cases/{case}", json={"reason": "typo", "title": "second"}, headers={"If-Match": stale}
        )
        refused(answer, 412, "precondition_failed")
    assert house.get(f"/cases/{case}")["title"] == "first"
    now = house.ask("GET", f"/cases/{case}").headers["ETag"]
    for good in (now, "*"):
        house.patch(f"/cases/{case}", {"reason": "typo", "title": good}, headers={"If-Match": good})


def test_a_repeated_creation_gives_the_same_case(house: Desk) -> None:
    body = house.application()
    headers = {"Idempotency-Key": "open-1"}
    first, second = (house.ask("POST", "/cases", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.get_json() == second.get_json()
    assert first.headers["ETag"] == second.headers["ETag"]
    assert first.headers["Location"] == f"/api/v1/cases/{first.get_json()['id']}"
    other = house.ask("POST", "/cases", json={**body, "title": "other"}, headers=headers)
    refused(other, 422, "idempotency_key_reused")
    # Somebody else's key of the same name is another key.
    by_deputy = house.ask("POST", "/cases", json=house.application(), headers=headers, by="deputy")
    assert by_deputy.get_json()["id"] != first.get_json()["id"]


def test_a_long_key_is_told_from_another_that_begins_alike(house: Desk) -> None:
    ids = [
        house.post("/cases", house.application(), headers={"Idempotency-Key": "k" * 200 + tail})["id"]
        for tail in ("a", "b")
    ]
    assert ids[0] != ids[1]


def test_a_case_number_belongs_to_one_case_of_an_organisation(house: Desk) -> None:
    body = house.application()
    house.post("/cases", body)
    problem = refused(house.ask("POST", "/cases", json=body), 409, "case_no_taken")
    assert body["no"] in problem["detail"]
    house.post("/cases", body, by="stranger")


def test_a_refused_application_leaves_its_number_free(house: Desk) -> None:
    body = house.application()
    refused(house.ask("POST", "/cases", json={**body, "facts": {"colour": 1}}), 422, "fact_not_known")
    house.post("/cases", body)


def test_a_refusal_names_the_facts_that_would_change_it(house: Desk) -> None:
    case = house.open_case()
    moved = house.ask("POST", f"/cases/{case}/transitions", json={"to": "ready"})
    problem = refused(moved, 409, "move_not_allowed")
    assert problem["facts"] == ["stage:survey", "stage:cancelled"]
    assert problem["params"]["from"] == "accepted"
    shut = house.ask("POST", f"/cases/{case}/energization/authorize", json={})
    problem = refused(shut, 409, "gates_unmet")
    assert "gate:acceptance-passed" in problem["facts"]
    assert len(problem["params"]["gates"]) == len(problem["facts"]) == problem["params"]["count"]


def test_a_crash_tells_nothing_of_the_inside(house: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(type(house.made.cases), "policy", crash)
    answer = house.ask("GET", "/cases")
    refused(answer, 500, "internal_error")
    assert "secret" not in answer.text
