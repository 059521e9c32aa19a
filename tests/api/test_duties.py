"""Duties and metering over all cases of an organisation, over HTTP."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.desk import START, Clock, Desk, refused
from tests.ready import ready, record, switch

PLAN: dict[str, Any] = {
    "connect_on": "2026-12-10",
    "lines": [
        {"instrument": {"kind": "meter", "type": "=DTZ341", "accuracy": "0.5S"}, "quantity": 1},
        {"instrument": {"kind": "ct", "ratio": "100/5", "accuracy": "0.5S"}, "quantity": 3},
    ],
}


@pytest.fixture
def clock(desk: Desk) -> Clock:
    return desk.made.clock  # type: ignore[return-value]


def energized(desk: Desk) -> str:
    case = ready(desk)
    desk.post(f"/cases/{case}/energization/authorize")
    switch(desk, case)
    desk.post(f"/cases/{case}/energization/record", record(desk))
    return case


def test_an_overdue_call_is_shown_until_it_was_made(desk: Desk, clock: Clock) -> None:
    case = energized(desk)
    [row] = desk.get("/duties?kind=follow_up")["items"]
    assert (row["case_id"], row["due"], row["overdue"], row["who"]) == (case, "2026-11-04", False, "manager")
    assert row["title"] == "送电后回访"
    assert desk.get("/duties?overdue=true")["total"] == 0
    assert desk.get("/duties?until=2026-11-03")["total"] == 0
    clock.forward(days=3)
    assert [one["kind"] for one in desk.get("/duties?overdue=true")["items"]] == ["follow_up"]
    call = {"kind": "call", "dated": clock.now.isoformat(), "reached": True, "score": 2}
    desk.post(f"/cases/{case}/contacts", call)
    assert [one["kind"] for one in desk.get("/duties")["items"]] == ["rating_action"]


def test_duties_are_those_of_ones_own_organisation_and_of_whom_one_asks_for(desk: Desk) -> None:
    desk.hire("northern", "manager", organisation="north")
    case = desk.open_case()
    meeting = {"kind": "joint_survey", "at": START.isoformat(), "place": "x"}
    here = [{"name": "x", "department": "marketing"}]
    for name in ("m-1", "m-2"):
        desk.post(f"/cases/{case}/meetings", {**meeting, "invited": here, "id": name})
    assert desk.get("/duties?who=manager")["total"] == 2
    assert desk.get("/duties?who=admin")["total"] == 0
    page = desk.get("/duties?limit=1&offset=1")
    assert (page["items"][0]["refs"], page["total"]) == (["meeting:m-2"], 2)
    assert desk.get("/duties", by="northern")["items"] == []
    refused(desk.ask("GET", "/duties?kind=luck"), 422, "invalid_fields")


def test_a_months_demand_against_the_stock_as_json_and_as_csv(desk: Desk) -> None:
    case = desk.open_case()
    assert desk.get(f"/cases/{case}/metering-plan")["lines"] == []
    answer = desk.ask("PUT", f"/cases/{case}/metering-plan", json=PLAN)
    assert answer.get_json()["connect_on"] == "2026-12-10"
    stock = {"lines": [{"instrument": PLAN["lines"][1]["instrument"], "on_hand": 2}]}
    refused(desk.ask("PUT", "/metering/stock", json=stock), 403, "forbidden")
    given = desk.ask("PUT", "/metering/stock", json=stock, by="admin")
    assert given.status_code == 200
    stale = {"If-Match": '"1-0"'}
    refused(
        desk.ask("PUT", "/metering/stock", json=stock, by="admin", headers=stale), 412, "precondition_failed"
    )
    fresh = {"If-Match": given.headers["ETag"]}
    assert desk.ask("PUT", "/metering/stock", json=stock, by="admin", headers=fresh).status_code == 200
    month = desk.get("/metering/demand?month=2026-12")
    assert [(row["kind"], row["needed"], row["on_hand"], row["short"]) for row in month["items"]] == [
        ("ct", 3, 2, 1),
        ("meter", 1, 0, 1),
    ]
    later = desk.get("/metering/demand?month=2027-02")["items"]
    assert [row["backlog"] for row in later] == [3, 1], "what was not fitted is still needed"
    assert desk.get("/metering/demand?month=2026-11")["items"] == []
    answer = desk.ask("GET", "/metering/demand?month=2026-12&format=csv")
    assert answer.mimetype == "text/csv"
    head, *rows = csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig")))
    assert head[:2] == ["器具", "型号"]
    assert rows[1][1] == "'=DTZ341", "no cell begins a formula"
    refused(desk.ask("GET", "/metering/demand?month=2026-13"), 422, "invalid_fields")


def test_what_was_fitted_is_needed_no_more(desk: Desk) -> None:
    case = desk.open_case()
    desk.ask("PUT", f"/cases/{case}/metering-plan", json=PLAN)
    body = {"status": "met", "evidence": "装接单"}
    desk.post(f"/cases/{case}/gates/metering-fitted/entries", body)
    assert desk.get("/metering/demand?month=2026-12")["items"] == []
    desk.post(f"/cases/{case}/gates/metering-fitted/entries", {"status": "unmet", "note": "封印脱落"})
    assert len(desk.get("/metering/demand?month=2026-12")["items"]) == 2
