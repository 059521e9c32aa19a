"""What a notice goes through over HTTP: completed, signed, delivered, disputed, given more time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.test_notices import failing
from tests.desk import Desk, refused


def issued(desk: Desk) -> str:
    """A case with a notice that is out; returns the notice's path."""
    case, _ = failing(desk)
    desk.post(f"/cases/{case}/notices/1/issue")
    return f"/cases/{case}/notices/1"


def test_a_draft_is_completed_and_signed_before_it_goes_out(desk: Desk) -> None:
    case, _ = failing(desk)
    path = f"/cases/{case}/notices/1"
    body = {
        "heading": {"weather": "rain", "contractor": {"name": "Willow Electric", "licence": "grade 4"}},
        "items": {"PF-01": {"place": "switchgear 2", "demand": "repaint", "standard": "GB 50171"}},
        "due": {"PF-01": "2026-11-05"},
    }
    notice = desk.patch(path, body, by="inspector")
    assert notice["heading"]["contractor"]["name"] == "Willow Electric"
    assert notice["items"][0]["wording"]["place"] == "switchgear 2"
    assert notice["caution"] == "no_energization"
    assert desk.post(f"{path}/cosign", by="admin")["cosigned"][0]["by"] == "admin"
    out = desk.post(f"{path}/issue")
    assert out["items"][0]["due"] == "2026-11-05"
    assert out["issues"][0]["issuers"] == ["inspector", "admin", "manager"]
    refused(desk.ask("PATCH", path, json=body), 409, "notice_not_draft")


def test_a_stale_amendment_changes_nothing(desk: Desk) -> None:
    case, _ = failing(desk)
    path = f"/cases/{case}/notices/1"
    etag = desk.ask("GET", path).headers["ETag"]
    desk.patch(path, {"heading": {"weather": "rain"}}, headers={"If-Match": etag})
    late = desk.ask("PATCH", path, json={"heading": {"weather": "sun"}}, headers={"If-Match": etag})
    refused(late, 412, "precondition_failed")
    assert desk.get(path)["heading"]["weather"] == "rain"


def test_a_notice_is_delivered_and_accepted(desk: Desk) -> None:
    path = issued(desk)
    body = {
        "mode": "on_site",
        "received_by": "Mr Lu",
        "signed": [{"party": "customer", "name": "Mr Lu", "signature": "s-1"}],
    }
    notice = desk.post(f"{path}/deliveries", body, by="inspector")
    assert [(one["mode"], one["received_by"]) for one in notice["deliveries"]] == [("on_site", "Mr Lu")]
    accepted = desk.post(f"{path}/accept", {"accepted_by": "Mr Lu"})
    assert accepted["acceptances"][0]["accepted_by"] == "Mr Lu"
    assert accepted["state"] == "issued"


def test_a_dispute_is_settled_by_a_second_person(desk: Desk) -> None:
    path = issued(desk)
    body = {"items": ["PF-01"], "reason": "as drawn", "disputed_by": "Mr Lu"}
    assert desk.post(f"{path}/disputes", body)["disputes"][0]["settlement"] is None
    settle = {"decision": "regrade", "reason": "a scratch", "severities": {"PF-01": "minor"}}
    refused(desk.ask("POST", f"{path}/disputes/settle", json=settle), 403, "second_person_settles")
    notice = desk.post(f"{path}/disputes/settle", settle, by="admin")
    assert (notice["items"][0]["severity"], notice["items"][0]["result"]["severity"]) == ("minor", "major")


def test_a_manager_gives_more_time_with_a_reason(desk: Desk) -> None:
    path = issued(desk)
    late = {"due": {"PF-01": "2026-11-25"}, "reason": "the maker is late"}
    refused(desk.ask("POST", f"{path}/extend", json=late, by="admin"), 403, "forbidden")
    assert desk.post(f"{path}/extend", late)["items"][0]["due"] == "2026-11-25"
    stated = {"dates": {"PF-01": "2026-11-26"}, "stated_by": "Mr Lu"}
    refused(desk.ask("POST", f"{path}/dates", json=stated), 422, "date_not_asked")


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("deliveries", {"mode": "implied", "received_by": "x"}),
        ("deliveries", {"mode": "post"}),
        ("disputes", {"items": [], "reason": "x", "disputed_by": "x"}),
        ("disputes/settle", {"decision": "perhaps", "reason": "x"}),
        ("dates", {"dates": {}, "stated_by": "x"}),
        ("extend", {"due": {"PF-01": "soon"}, "reason": "x"}),
        ("accept", {"accepted_by": "x", "dated": "2026-11-02T08:00:00"}),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(desk: Desk, route: str, body: dict[str, Any]) -> None:
    path = issued(desk)
    refused(desk.ask("POST", f"{path}/{route}", json=body), 422, "invalid_fields")


def test_a_person_s_specialties_decide_whom_a_reinspection_may_send(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.workflow.closing._by_prefix", lambda: {"PF": "metering"})
    desk.hire("civilian", "inspector")
    etag = {"If-Match": desk.ask("GET", "/users/civilian").headers["ETag"]}
    wrong = desk.ask("PATCH", "/users/civilian", json={"specialties": ["magic"]}, by="admin", headers=etag)
    refused(wrong, 422, "invalid_fields")
    limited = desk.patch("/users/civilian", {"specialties": ["civil", "civil"]}, by="admin", headers=etag)
    assert limited["specialties"] == ["civil"]
    path = issued(desk)
    desk.post(f"{path}/answer", {"items": {"PF-01": {"text": "done"}}, "answered_by": "Mr Lu"})
    alone = desk.ask("POST", f"{path}/reinspect", json={"assignees": ["civilian"]})
    refused(alone, 409, "specialist_missing")
    both = {"assignees": ["civilian", "inspector"], "task_id": "r-1"}
    assert desk.post(f"{path}/reinspect", both)["state"] == "reinspecting"
    task = desk.task(path.split("/")[2], "r-1")
    assert (task["specialties"], task["by_photos"]) == ({"civilian": ["civil"]}, False)


def test_judging_by_photos_takes_the_organisation_s_leave(desk: Desk) -> None:
    path = issued(desk)
    desk.post(f"{path}/answer", {"items": {"PF-01": {"text": "done"}}, "answered_by": "Mr Lu"})
    body = {"assignees": ["inspector"], "by_photos": True}
    refused(desk.ask("POST", f"{path}/reinspect", json=body), 409, "visit_wanted")


def test_works_covered_unseen_wait_for_specialists(desk: Desk) -> None:
    path = issued(desk)
    covered = {"item": "PF-01", "reason": "backfilled over night"}
    notice = desk.post(f"{path}/covered", covered, by="inspector")
    assert notice["specialists_wanted"] == {"covered_unseen": ["PF-01"]}
    assert notice["items"][0]["severity"] == "critical"
    met = {
        "held": desk.clock().isoformat(),
        "participants": ["Zhao", "Qian", "Sun"],
        "decision": "open_up",
        "minutes": "along 12 m",
    }
    refused(desk.ask("POST", f"{path}/specialists", json={**met, "decision": "wait"}), 422, "invalid_fields")
    done = desk.post(f"{path}/specialists", met)
    assert (done["specialists_wanted"], done["specialist_meetings"][0]["decision"]) == ({}, "open_up")


def test_a_notice_shows_what_will_follow_its_deadline(desk: Desk) -> None:
    path = issued(desk)
    shown = desk.get(path)["escalation"]
    assert [(one["step"], one["on"]) for one in shown] == [
        ("before", "2026-11-14"),
        ("manager", "2026-11-18"),
        ("head", "2026-11-20"),
        ("waiting", "2026-11-24"),
    ]
    assert shown[0]["to"] == ["customer", "contractor"]


def test_defects_by_contractor_are_for_the_utility_s_own_eyes(desk: Desk) -> None:
    case, _ = failing(desk)
    path = f"/cases/{case}/notices/1"
    desk.patch(path, {"heading": {"contractor": {"name": "Willow Electric"}}})
    desk.post(f"{path}/issue")
    found = desk.get("/reports/contractors/monthly/2026-11", by="auditor")
    [row] = found["rows"]
    assert (row["contractor"], row["notices"], row["defects"]) == ("Willow Electric", 1, 1)
    refused(desk.ask("GET", "/reports/contractors/yearly/2026"), 404, "not_found")
    refused(desk.ask("GET", "/reports/contractors/monthly/november"), 422, "period_unknown")
    for outsider in ("inspector", "scheduler"):
        answer = desk.ask("GET", "/reports/contractors/monthly/2026-11", by=outsider)
        refused(answer, 403, "forbidden")
