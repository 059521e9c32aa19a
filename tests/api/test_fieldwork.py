"""Tasks, inspections, tracks, checklists and the tablet's session over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sync.store import UserCtx
from tests.desk import FAR_AWAY, MINI, SITE, START, Desk, refused


def order(**changes: Any) -> dict[str, Any]:
    return {"kind": "acceptance", "checklist": dict(MINI), "assignees": ["inspector"], **changes}


def test_a_task_is_bound_to_one_version_of_its_checklist(desk: Desk) -> None:
    case = desk.open_case()
    answer = desk.ask("POST", f"/cases/{case}/tasks", json=order(checklist={"id": "mini"}, due="2026-11-09"))
    task = answer.get_json()
    assert answer.status_code == 201
    assert (task["checklist"], task["status"], task["due"]) == (MINI, "assigned", "2026-11-09")
    assert [one["id"] for one in desk.get(f"/cases/{case}/tasks")["items"]] == [task["id"]]
    assert desk.task(case, task["id"]) == task
    refused(desk.ask("GET", f"/cases/{case}/tasks/none"), 404, "not_found")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"checklist": {"id": "none"}}, 422, "checklist_unknown"),
        ({"checklist": {"id": "mini", "version": 9}}, 422, "checklist_unknown"),
        ({"kind": "survey"}, 422, "checklist_of_other_stage"),
        ({"kind": "reinspection"}, 422, "invalid_fields"),
        ({"assignees": []}, 422, "invalid_fields"),
        ({"assignees": ["manager"]}, 422, "not_an_inspector"),
        ({"assignees": ["inspector", "nobody"]}, 422, "not_an_inspector"),
        ({"assignees": ["northern"]}, 422, "not_an_inspector"),
        ({"assignees": ["gone"]}, 422, "not_an_inspector"),
        ({"id": "Task 1"}, 422, "invalid_fields"),
        ({"id": "t\n"}, 422, "invalid_fields"),
        ({"due": "tomorrow"}, 422, "invalid_fields"),
    ],
)
def test_what_is_no_task_is_refused(desk: Desk, changes: dict[str, Any], status: int, code: str) -> None:
    desk.hire("northern", "inspector", organisation="north")
    desk.hire("gone", "inspector")
    desk.made.people.disable("gone")
    case = desk.open_case()
    refused(desk.ask("POST", f"/cases/{case}/tasks", json=order(**changes)), status, code)
    assert desk.get(f"/cases/{case}/tasks")["items"] == []


def test_an_order_of_ones_own_id_may_be_repeated(desk: Desk) -> None:
    case = desk.open_case()
    first, second = (desk.post(f"/cases/{case}/tasks", order(id="t-1")) for _ in range(2))
    assert first == second
    other = desk.ask("POST", f"/cases/{case}/tasks", json=order(id="t-1", note="other"))
    refused(other, 409, "task_exists")


def test_the_tablet_learns_of_a_task_at_once_and_where_to_sync(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case, due="2026-11-09")
    [told] = desk.inbox("inspector", "assignment:")
    assert (told["active"], told["case"], told["no"]) == (True, case, desk.case(case).no)
    assert told["databases"] == {"forms": desk.forms(case), "media": desk.media(case)}
    assert [(one["id"], one["due"]) for one in told["tasks"]] == [(task, "2026-11-09")]
    session = desk.get("/sync/session", by="inspector")
    assert session["server_time"] == START.isoformat()
    assert session["base_url"].endswith("/sync")
    assert (session["inbox"], session["outbox"]) == ("inbox-inspector", "outbox-inspector")
    [mine] = session["cases"]
    assert (mine["id"], mine["forms"], mine["media"]) == (case, desk.forms(case), desk.media(case))
    assert set(mine["update_seq"]) == {"forms", "media"}
    assert desk.get("/sync/session", by="manager")["cases"] == []


def test_a_cancelled_task_ends_access_unless_another_stands(desk: Desk) -> None:
    case = desk.open_case()
    first, second = desk.assign(case), desk.assign(case)
    desk.post(f"/cases/{case}/tasks/{first}/cancel", {"reason": "twice"})
    assert desk.ask("GET", f"/cases/{case}", by="inspector").status_code == 200
    cancelled = desk.post(f"/cases/{case}/tasks/{second}/cancel", {"reason": "not needed"})
    assert (cancelled["status"], cancelled["cancelled_reason"]) == ("cancelled", "not needed")
    refused(desk.ask("GET", f"/cases/{case}", by="inspector"), 404, "not_found")
    reassign = {"assignees": ["inspector"], "reason": "x"}
    again = desk.patch(f"/cases/{case}/tasks/{second}", reassign)
    assert again["status"] == "cancelled"


def test_an_accepted_task_is_settled(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.intake()
    desk.submit(case, task)
    desk.intake()
    refused(
        desk.ask("POST", f"/cases/{case}/tasks/{task}/cancel", json={"reason": "late"}), 409, "task_settled"
    )
    refused(
        desk.ask("POST", f"/cases/{case}/tasks/{task}/settle-late", json={"reason": "x"}),
        409,
        "no_late_branch",
    )
    assert desk.ask("GET", f"/cases/{case}", by="inspector").status_code == 200


def test_an_inspection_shows_answers_verdicts_photos_and_receipts(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    assert desk.get(f"/cases/{case}/inspections")["items"] == []
    empty = desk.get(f"/cases/{case}/inspections/{task}")
    assert (empty["branches"], empty["answers"], empty["receipts"]) == (0, {}, [])
    desk.shoot(case, task)
    desk.intake()
    desk.submit(case, task, NR_01=desk.answer(9.0))
    desk.intake()
    [row] = desk.get(f"/cases/{case}/inspections")["items"]
    assert (row["task"], row["status"], row["branches"], row["receipts"]) == (task, "accepted", 1, 1)
    shown = desk.get(f"/cases/{case}/inspections/{task}", by="inspector")
    assert {item["code"]: item["verdict"] for item in shown["items"]} == {
        "PH-01": "pass",
        "PF-01": "pass",
        "NR-01": "fail",
    }
    assert shown["photos"] == {"p-1": "verified"}
    assert [receipt["status"] for receipt in shown["receipts"]] == ["accepted"]
    refused(desk.ask("GET", f"/cases/{case}/inspections/none"), 404, "not_found")


def test_a_malformed_form_of_somebody_does_not_hide_the_case(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    odd = {**desk.form(task, status="draft"), "answers": {"PF-01": {"by": ["x"], "photos": 7}}}
    desk.made.store.put(desk.forms(case), odd)
    assert desk.get(f"/cases/{case}/inspections")["items"] == []
    assert desk.get(f"/cases/{case}/inspections/{task}")["branches"] == 0


def test_tracks_are_measured_against_the_site(desk: Desk) -> None:
    case = desk.open_case()
    desk.assign(case)
    fixes = [
        {**place, "datum": "wgs84", "accuracy_m": 5.0, "at": (START + timedelta(seconds=30 * n)).isoformat()}
        for n, place in enumerate([{"lon": SITE["lon"], "lat": SITE["lat"]}] * 3)
    ]
    track = {"_id": "track:x-1", "type": "track", "schema": 1, "by": "inspector", "datum": "wgs84"}
    desk.write("inspector", desk.forms(case), {**track, "fixes": fixes})
    desk.made.store.put(desk.forms(case), {**track, "_id": "track:x-2", "fixes": "none"})
    good, bad = desk.get(f"/cases/{case}/tracks")["items"]
    assert (good["readable"], good["fixes"], good["duration_s"], good["on_site_s"]) == (True, 3, 60.0, 60.0)
    assert (bad["readable"], bad["code"]) == (False, "track_empty")
    assert FAR_AWAY["lon"] != SITE["lon"]


def test_checklists_are_shown_whole_and_by_version(desk: Desk) -> None:
    rows = {row["id"]: row for row in desk.get("/checklists", by="inspector")["items"]}
    assert {"mini", "acceptance-10kv", "survey-hv-10kv", "hazard-recheck"} <= set(rows)
    newest = desk.get("/checklists/mini")
    assert newest == desk.get("/checklists/mini/versions/1")
    assert [item["code"] for item in newest["sections"][0]["items"]] == ["PH-01", "PF-01", "NR-01"]
    assert newest["digest"] == rows["mini"]["digest"]
    doubted = {
        item["code"]
        for section in desk.get("/checklists/acceptance-hv")["sections"]
        for item in section["items"]
        if item.get("certainty") == "verify"
    }
    assert {"CB-03", "CM-02", "CX-08"} <= doubted
    assert "CX-03" not in doubted
    for path in ("/checklists/none", "/checklists/mini/versions/2", "/checklists/mini/versions/one"):
        refused(desk.ask("GET", path), 404, "not_found")


def test_what_was_published_is_in_the_tablets_library(desk: Desk) -> None:
    found = desk.made.store.get(desk.made.names.library, "checklist:mini@1")
    assert found["digest"] == desk.get("/checklists/mini")["digest"]
    assert UserCtx("x").is_admin is False
