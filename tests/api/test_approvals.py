"""Approval by rule over HTTP: proposals, absences, substitutes, and the rules themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desk import Clock, Desk, open_desk, refused

SCHEME: dict[str, Any] = {
    "sources": [{"line": "运河 12 线", "voltage_kv": 10, "capacity_kva": 400}],
    "boundary": "第一断路器",
    "metering": "高供高计",
    "standard": True,
}
FACTS = dict.fromkeys(["dual", "gen", "dispatched", "important", "special_load"], False)


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Desk]:
    """A desk of an organisation that asks for every approval."""
    own = tmp_path / "own.yaml"
    own.write_text(
        "schema: 1\nsettings:\n"
        "  - {key: scheme_approval_required, from: 2026-01-01, value: true}\n"
        "  - {key: change_approval_required, from: 2026-01-01, value: true}\n"
    )
    folder = tmp_path / "data"
    folder.mkdir()
    with open_desk(folder, policy_file=str(own)) as desk:
        desk.hire("deputy", "manager")
        yield desk


@pytest.fixture
def clock(strict: Desk) -> Clock:
    return strict.made.clock  # type: ignore[return-value]


def opened(desk: Desk) -> str:
    return desk.open_case(supply={"voltage_kv": 10.0, "capacity_kva": 400.0}, facts=FACTS)


def proposed(desk: Desk, case: str, **changes: Any) -> dict[str, Any]:
    return desk.post(f"/cases/{case}/scheme/proposals", {"scheme": {**SCHEME, **changes}})


def decide(desk: Desk, case: str, approval: str, by: str, outcome: str = "approved") -> Any:
    path = f"/cases/{case}/approvals/{approval}/decide"
    return desk.ask("POST", path, json={"outcome": outcome, "reason": "已核"}, by=by)


def test_a_clear_cut_scheme_passes_at_once_with_its_rule_in_words(strict: Desk) -> None:
    case = opened(strict)
    approval = proposed(strict, case)
    assert (approval["state"], approval["rule"]) == ("approved", "scheme-clear-cut")
    assert approval["rule_title"].startswith("低于会审容量的典型方案")
    events = [entry["event"] for entry in strict.get(f"/cases/{case}/log")["items"]]
    assert events[-2:] == ["proposed", "passed_by_rule"]
    assert strict.get(f"/cases/{case}/approvals/{approval['id']}") == approval


def test_another_scheme_waits_for_another_manager(strict: Desk) -> None:
    case = opened(strict)
    approval = proposed(strict, case, standard=False)
    assert (approval["state"], approval["route"]["role"]) == ("waiting", "manager")
    assert (approval["remind_on"], approval["substitute_from"]) == ("2026-11-03", "2026-11-04")
    refused(decide(strict, case, approval["id"], "manager"), 403, "own_work")
    refused(decide(strict, case, approval["id"], "scheduler"), 403, "not_the_approver")
    assert decide(strict, case, approval["id"], "deputy").get_json()["decided"]["by"] == "deputy"
    [row] = strict.get(f"/cases/{case}/approvals")["items"]
    assert row["state_title"] == "已批准"


def test_who_stands_in_for_an_absent_approver_decides_and_it_is_on_record(strict: Desk, clock: Clock) -> None:
    strict.hire("third", "manager")
    case = opened(strict)
    approval = proposed(strict, case, standard=False)["id"]
    path = f"/cases/{case}/approvals/{approval}/approver"
    refused(strict.ask("POST", path, json={"person": "deputy"}), 403, "own_work")
    refused(strict.ask("POST", path, json={"person": "inspector"}, by="admin"), 422, "not_a_decider")
    assert strict.post(path, {"person": "deputy"}, by="admin")["approver"] == "deputy"
    refused(decide(strict, case, approval, "third"), 403, "not_the_approver")
    away = {"substitute": "third", "since": "2026-11-02", "until": "2026-11-06", "reason": "培训"}
    refused(strict.ask("POST", "/absences", json={**away, "person": "deputy"}, by="third"), 403, "forbidden")
    absence = strict.post("/absences", away, by="deputy")
    body = decide(strict, case, approval, "third").get_json()
    assert body["decided"]["stand_in"]["absence"] == absence["id"]
    assert body["decided"]["stand_in"]["person"] == "deputy"


def test_an_absence_does_not_let_anybody_decide_on_his_own_proposal(strict: Desk) -> None:
    case = opened(strict)
    approval = proposed(strict, case, standard=False)["id"]
    strict.post(f"/cases/{case}/approvals/{approval}/approver", {"person": "deputy"}, by="admin")
    away = {"substitute": "manager", "since": "2026-11-01", "until": "2026-11-30", "reason": "休假"}
    strict.post("/absences", away, by="deputy")
    refused(decide(strict, case, approval, "manager"), 403, "own_work")


def test_what_waits_too_long_goes_to_the_substitute_role(strict: Desk, clock: Clock) -> None:
    case = opened(strict)
    approval = proposed(strict, case, standard=False)["id"]
    clock.forward(days=1)
    refused(decide(strict, case, approval, "admin"), 403, "not_the_approver")
    clock.forward(days=1)
    assert decide(strict, case, approval, "admin").get_json()["decided"]["stand_in"]["why"] == "late"


def test_a_change_is_made_when_it_is_approved(strict: Desk) -> None:
    case = opened(strict)
    direct = strict.ask("POST", f"/cases/{case}/facts", json={"facts": {"dual": True}})
    refused(direct, 409, "approval_required")
    body = {"change": {"facts": {"dual": True}}, "reason": "第二电源"}
    key = {"Idempotency-Key": "one"}
    change, again = (strict.post(f"/cases/{case}/changes", body, headers=key) for _ in range(2))
    assert change == again
    assert strict.get(f"/cases/{case}")["facts"]["dual"]["value"] is False
    assert decide(strict, case, change["id"], "deputy").status_code == 200
    assert strict.get(f"/cases/{case}")["facts"]["dual"]["value"] is True
    refused(strict.ask("POST", f"/cases/{case}/changes", json={**body, "change": {}}), 422, "change_empty")
    wrong = {"change": {"facts": {"luck": 1}}, "reason": "x"}
    refused(strict.ask("POST", f"/cases/{case}/changes", json=wrong), 422, "fact_not_known")


def test_a_proposal_may_be_taken_back(strict: Desk) -> None:
    case = opened(strict)
    approval = proposed(strict, case, standard=False)["id"]
    path = f"/cases/{case}/approvals/{approval}/withdraw"
    refused(strict.ask("POST", path, json={"reason": "x"}, by="deputy"), 403, "not_the_proposer")
    assert strict.post(path, {"reason": "另拟"})["state"] == "withdrawn"
    refused(strict.ask("GET", f"/cases/{case}/approvals/none"), 404, "not_found")


def test_where_approvals_are_not_asked_for_nothing_waits(desk: Desk) -> None:
    case = opened(desk)
    assert proposed(desk, case, standard=False)["state"] == "recorded"
    rules = desk.get("/approval-rules")
    assert rules["required"] == {"scheme": False, "change": False}
    assert rules["items"][0]["when"][0] == {"scheme": "standard", "is": True}
    assert rules["items"][-1]["route"]["role"] == "manager"


def test_an_absence_is_ended_early_and_never_made_longer(desk: Desk) -> None:
    desk.hire("deputy", "manager")
    desk.hire("northern", "manager", organisation="north")
    body = {"substitute": "deputy", "since": "2026-11-02", "until": "2026-11-06", "reason": "x", "id": "a-1"}
    made = desk.post("/absences", body)
    assert desk.post("/absences", body) == made
    refused(desk.ask("POST", "/absences", json={**body, "reason": "y"}), 409, "absence_exists")
    for wrong, code in (
        ({"substitute": "manager"}, "own_substitute"),
        ({"substitute": "northern"}, "not_a_decider"),
        ({"substitute": "inspector"}, "not_a_decider"),
        ({"until": "2026-11-01"}, "ends_before_it_begins"),
    ):
        refused(desk.ask("POST", "/absences", json={**body, "id": "a-2", **wrong}), 422, code)
    assert desk.post("/absences/a-1/end", {"until": "2026-11-20"})["until"] == "2026-11-06"
    ended = desk.post("/absences/a-1/end", {"until": "2026-11-03"}, by="admin")
    assert (ended["until"], ended["ended_by"]) == ("2026-11-03", "admin")
    refused(
        desk.ask("POST", "/absences/a-1/end", json={"until": "2026-11-02"}, by="deputy"), 403, "forbidden"
    )
    refused(
        desk.ask("POST", "/absences/a-1/end", json={"until": "2026-11-02"}, by="northern"), 404, "not_found"
    )
    refused(desk.ask("POST", "/absences/none/end", json={"until": "2026-11-02"}), 404, "not_found")
    assert [one["id"] for one in desk.get("/absences")["items"]] == ["a-1"]
    assert desk.get("/absences", by="northern")["items"] == []
