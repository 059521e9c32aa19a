"""Meetings over HTTP."""

from __future__ import annotations

from typing import Any

from tests.desk import START, Desk, refused

HERE = [{"name": "王主任", "department": "marketing", "organisation": "营销部", "role": "主持"}]


def body(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "scheme_review",
        "at": START.isoformat(),
        "place": "三楼会议室",
        "invited": HERE,
        **changes,
    }


def test_a_case_says_which_meetings_it_calls_for_and_what_came_of_them(desk: Desk) -> None:
    case = desk.open_case()
    asked = {row["kind"]: row for row in desk.get(f"/cases/{case}/meetings")["called_for"]}
    assert set(asked) == {"joint_survey", "scheme_review"}
    assert (asked["scheme_review"]["title"], asked["scheme_review"]["outcome"]) == ("供电方案会审", None)
    answer = desk.ask("POST", f"/cases/{case}/meetings", json=body())
    assert answer.status_code == 201
    meeting = answer.get_json()["id"]
    everybody = [{"name": "x", "department": one} for one in asked["scheme_review"]["departments"]]
    minutes = {
        "held_at": START.isoformat(),
        "attended": everybody,
        "text": "同意",
        "outcome": "agreed",
        "decisions": [{"text": "补充计量方案", "responsible": "计量", "due": "2026-11-05"}],
    }
    held = desk.post(f"/cases/{case}/meetings/{meeting}/minutes", minutes)
    assert held["minutes"]["decisions"][0]["due"] == "2026-11-05"
    page = desk.get(f"/cases/{case}/meetings")
    assert {row["kind"]: row["outcome"] for row in page["called_for"]}["scheme_review"] == "agreed"
    assert [row["id"] for row in page["items"]] == [meeting]


def test_a_repeated_request_calls_one_meeting(desk: Desk) -> None:
    case = desk.open_case()
    key = {"Idempotency-Key": "one"}
    first, second = (desk.post(f"/cases/{case}/meetings", body(), headers=key) for _ in range(2))
    assert first == second
    other = desk.ask("POST", f"/cases/{case}/meetings", json=body(place="二楼"), headers=key)
    refused(other, 409, "meeting_exists")
    assert len(desk.get(f"/cases/{case}/meetings")["items"]) == 1


def test_what_is_no_meeting_is_refused(desk: Desk) -> None:
    case = desk.open_case()
    path = f"/cases/{case}/meetings"
    wrongs: list[dict[str, Any]] = [{"kind": "party"}, {"at": "tomorrow"}, {"invited": []}, {"id": "A b"}]
    for wrong in wrongs:
        refused(desk.ask("POST", path, json=body(**wrong)), 422, "invalid_fields")
    stale = desk.ask("POST", path, json=body(), headers={"If-Match": '"1-0"'})
    refused(stale, 412, "precondition_failed")
    reason = {"reason": "改期"}
    refused(desk.ask("POST", f"{path}/none/cancel", json=reason), 404, "meeting_unknown")
    meeting = desk.post(path, body())["id"]
    assert desk.post(f"{path}/{meeting}/cancel", reason)["cancelled"] == "改期"


def test_a_meeting_of_another_organisation_is_not_there(desk: Desk) -> None:
    desk.hire("northern", "manager", organisation="north")
    case = desk.open_case()
    refused(desk.ask("GET", f"/cases/{case}/meetings", by="northern"), 404, "not_found")
    refused(desk.ask("POST", f"/cases/{case}/meetings", json=body(), by="northern"), 404, "not_found")
