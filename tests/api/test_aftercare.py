"""Calls, ratings and inspections of customers over HTTP."""

from __future__ import annotations

from tests.desk import START, Desk, refused
from tests.ready import ready, record, switch

CALL = {"kind": "call", "dated": START.isoformat(), "reached": True, "score": 1, "words": "等待太久"}


def test_a_call_with_its_rating_and_what_was_done_about_it(desk: Desk) -> None:
    case = desk.open_case()
    key = {"Idempotency-Key": "one"}
    called = desk.post(f"/cases/{case}/contacts", CALL, headers=key)
    assert desk.post(f"/cases/{case}/contacts", CALL, headers=key) == called
    assert (called["by"], called["reached"]) == ("manager", True)
    [rating] = desk.get(f"/cases/{case}/ratings")["items"]
    assert (rating["id"], rating["score"], rating["low"]) == (called["id"], 1, True)
    acted = desk.post(f"/cases/{case}/ratings/{rating['id']}/actions", {"text": "上门道歉"})
    assert acted["actions"][0]["text"] == "上门道歉"
    refused(
        desk.ask("POST", f"/cases/{case}/ratings/none/actions", json={"text": "x"}), 404, "rating_unknown"
    )
    assert [one["id"] for one in desk.get(f"/cases/{case}/contacts")["items"]] == [called["id"]]


def test_a_rating_on_paper_says_so_and_the_customers_own_comes_by_his_link_only(desk: Desk) -> None:
    case = desk.open_case()
    body = {"score": 4, "words": "满意"}
    assert desk.post(f"/cases/{case}/ratings", body)["mode"] == "paper"
    for wrong in ({"mode": "link"}, {"score": 0}, {"score": 6}, {"odd": 1}):
        refused(desk.ask("POST", f"/cases/{case}/ratings", json={**body, **wrong}), 422, "invalid_fields")


def test_an_inspection_of_an_energized_customer_is_planned_done_or_called_off(desk: Desk) -> None:
    waiting = desk.open_case()
    body = {"planned_on": "2027-10-20", "assignees": ["inspector"]}
    path = f"/cases/{waiting}/customer-inspections"
    refused(desk.ask("POST", path, json=body), 409, "customer_not_energized")
    refused(desk.ask("POST", path, json={**body, "assignees": ["manager"]}), 422, "not_an_inspector")
    case = ready(desk)
    desk.post(f"/cases/{case}/energization/authorize")
    switch(desk, case)
    desk.post(f"/cases/{case}/energization/record", record(desk))
    path = f"/cases/{case}/customer-inspections"
    first, second = (desk.post(path, {**body, "id": name})["id"] for name in ("i-1", "i-2"))
    done = {"dated": START.isoformat(), "inspectors": ["inspector"], "evidence": "检查记录"}
    assert desk.post(f"{path}/{first}/done", done)["done"]["evidence"] == "检查记录"
    assert desk.post(f"{path}/{second}/cancel", {"reason": "台风"})["cancelled"] == "台风"
    refused(desk.ask("POST", f"{path}/{second}/done", json=done), 409, "customer_inspection_settled")
    refused(desk.ask("POST", f"{path}/none/done", json=done), 404, "customer_inspection_unknown")
    assert [one["id"] for one in desk.get(path)["items"]] == ["i-1", "i-2"]


def test_an_inspection_with_a_checklist_is_on_the_inspectors_tablet(desk: Desk) -> None:
    case = ready(desk)
    desk.post(f"/cases/{case}/energization/authorize")
    switch(desk, case)
    desk.post(f"/cases/{case}/energization/record", record(desk))
    path = f"/cases/{case}/customer-inspections"
    body = {"planned_on": "2027-10-20", "assignees": ["inspector"], "id": "i-1"}
    wrong = {**body, "checklist": {"id": "acceptance-hv"}}
    refused(desk.ask("POST", path, json=wrong), 422, "checklist_of_other_stage")
    planned = desk.post(path, {**body, "checklist": {"id": "customer-inspection-hv"}})
    assert (planned["task"], planned["done"]) == ("i-1", None)
    [assignment] = desk.inbox("inspector", f"assignment:{case}")
    [task] = [one for one in assignment["tasks"] if one["id"] == "i-1"]
    assert (task["kind"], task["status"], task["due"]) == ("customer_inspection", "assigned", "2027-10-20")
    assert task["checklist"] == {"id": "customer-inspection-hv", "version": 1}
    done = {"dated": START.isoformat(), "inspectors": ["inspector"], "evidence": "检查记录"}
    refused(desk.ask("POST", f"{path}/i-1/done", json=done), 409, "customer_inspection_by_task")
    desk.post(f"{path}/i-1/cancel", {"reason": "台风"})
    assert desk.get(f"/cases/{case}/tasks/i-1")["status"] == "cancelled"
    as_acceptance = {"kind": "acceptance", "checklist": {"id": "customer-inspection-hv"}}
    answer = desk.ask("POST", f"/cases/{case}/tasks", json={**as_acceptance, "assignees": ["inspector"]})
    refused(answer, 422, "checklist_of_other_stage")


def test_foreign_cases_are_not_there(desk: Desk) -> None:
    desk.hire("northern", "manager", organisation="north")
    case = desk.open_case()
    for path in ("contacts", "ratings", "customer-inspections"):
        refused(desk.ask("GET", f"/cases/{case}/{path}", by="northern"), 404, "not_found")
    refused(desk.ask("POST", f"/cases/{case}/contacts", json=CALL, by="northern"), 404, "not_found")
