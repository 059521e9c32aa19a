"""Use of a connection over HTTP: what is recorded, and what follows from it as days pass."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from server.workflow.documents import case_to_document
from server.workflow.model import Supply
from tests.desk import START, Clock, Desk, refused
from tests.workflow.builders import energized_desk


@pytest.fixture
def clock(desk: Desk) -> Clock:
    return desk.made.clock  # type: ignore[return-value]


def energized(desk: Desk) -> str:
    """A large customer who has been energized: the workflow's own case, put where one of the house lies."""
    case = desk.open_case()
    known = desk.case(case)
    made = energized_desk().case
    record = made.energization.record
    assert record is not None
    large = replace(
        made,
        id=case,
        no=known.no,
        organisation=known.organisation,
        manager=known.manager,
        supply=Supply(10.0, 2500.0),
        energization=replace(made.energization, record=replace(record, at=START)),
    )
    document = case_to_document(large)
    document["_rev"] = desk.document(desk.forms(case), "case")["_rev"]
    desk.made.store.put(desk.forms(case), document)
    desk.made.cases.settle(case)
    return case


def test_an_account_that_nobody_uses_comes_to_its_day_without_a_write(desk: Desk, clock: Clock) -> None:
    waiting = desk.open_case()
    seen: dict[str, Any] = {"dated": START.isoformat(), "state": "not_in_use", "evidence": "抄表"}
    refused(desk.ask("POST", f"/cases/{waiting}/use", json=seen), 409, "customer_not_energized")
    case = energized(desk)
    seen["dated"] = clock.now.isoformat()
    report = desk.post(f"/cases/{case}/use", {**seen, "id": "u-1"})
    assert (report["state"], report["recorded_by"]) == ("not_in_use", "manager")
    for wrong in ({"state": "asleep"}, {"used_kva": -1}, {"evidence": ""}):
        refused(desk.ask("POST", f"/cases/{case}/use", json={**seen, **wrong}), 422, "invalid_fields")
    first = desk.ask("GET", f"/cases/{case}/use")
    told = first.get_json()
    assert (told["unused_since"], told["closable_on"]) == ("2026-11-02", "2027-05-02")
    assert told["may_be_closed"] is False
    assert desk.get("/anomalies?monitor=use")["items"] == []
    clock.forward(days=181)
    again = desk.ask("GET", f"/cases/{case}/use")
    assert again.get_json()["may_be_closed"] is True
    assert again.headers["ETag"] == first.headers["ETag"]
    [row] = desk.get("/anomalies?monitor=use")["items"]
    assert (row["case_id"], row["code"], row["watch"]) == (case, "account_unused", 2)
    [duty] = desk.get("/duties?kind=unused")["items"]
    assert (duty["due"], duty["title"]) == ("2027-05-02", "核实长期未用电")
    desk.post(f"/cases/{case}/use", {**seen, "dated": clock.now.isoformat(), "state": "suspended"})
    assert desk.get("/anomalies?monitor=use")["items"] == desk.get("/duties?kind=unused")["items"] == []


def test_what_is_to_be_added_counts_for_a_line_of_its_own(desk: Desk) -> None:
    case = desk.open_case(supply={"voltage_kv": 10.0, "capacity_kva": 1000.0})
    assert desk.get(f"/cases/{case}/use")["may_ask_for_line"] is False
    body = {"steps": [{"by": "2028-01-01", "kva": 3000}], "evidence": "发展计划"}
    answer = desk.ask("PUT", f"/cases/{case}/growth", json=body)
    assert answer.status_code == 200
    told = answer.get_json()
    assert (told["planned_kva"], told["may_ask_for_line"]) == (4000.0, True)
    stale = {"If-Match": '"1-0"'}
    refused(desk.ask("PUT", f"/cases/{case}/growth", json=body, headers=stale), 412, "precondition_failed")
    [rule] = [one for one in desk.get(f"/cases/{case}")["size_rules"] if one["id"] == "dedicated_line"]
    assert (rule["applies"], rule["case_kva"]) == (True, 4000.0)
