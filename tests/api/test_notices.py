"""From a failure to a closed breaker over HTTP: notices, gates, authorization, holds."""

from __future__ import annotations

import io
from typing import Any

import pytest

from server.workflow.gates import gate_table
from tests.desk import Desk, picture, refused
from tests.ready import ready, record, switch


def failing(desk: Desk) -> tuple[str, str]:
    """A case whose acceptance found one major failure."""
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.intake()
    desk.submit(case, task, PF_01=desk.answer("fail", note="rust"))
    desk.intake()
    return case, task


def evidence(desk: Desk, case: str, seed: int = 3) -> str:
    fields = {"photo": (io.BytesIO(picture(seed)), "x.jpg"), "purpose": "notice:1"}
    return str(desk._good(desk.ask("POST", f"/cases/{case}/photos", data=fields))["id"])


def answered(desk: Desk, case: str) -> str:
    """Issue the notice and answer it; returns the evidence's photo."""
    desk.post(f"/cases/{case}/notices/1/issue")
    photo = evidence(desk, case)
    body = {"items": {"PF-01": {"text": "repainted", "photos": [photo]}}, "answered_by": "Red Maple"}
    notice = desk.post(f"/cases/{case}/notices/1/answer", body)
    assert notice["state"] == "answered"
    return photo


def test_a_notice_goes_round_until_its_item_passes(desk: Desk) -> None:
    desk.hire("colleague", "inspector")
    case, _ = failing(desk)
    for round_, verdict in ((1, "fail"), (2, "pass")):
        if round_ == 1:
            answered(desk, case)
        else:
            body = {"items": {"PF-01": {"text": "again"}}, "answered_by": "Red Maple"}
            desk.post(f"/cases/{case}/notices/1/answer", body)
        notice = desk.post(
            f"/cases/{case}/notices/1/reinspect", {"assignees": ["colleague"], "task_id": f"r-{round_}"}
        )
        assert notice["state"] == "reinspecting"
        task = desk.task(case, f"r-{round_}")
        assert (task["kind"], task["items"], task["notice"]) == ("reinspection", ["PF-01"], 1)
        said = desk.answer(verdict, by="colleague", note="looked again")
        desk.submit(case, f"r-{round_}", by="colleague", answers={"PF-01": said})
        desk.intake()
    notice = desk.get(f"/cases/{case}/notices/1")
    assert (notice["state"], notice["round"], notice["closed_by"]) == ("closed", 2, "colleague")
    assert [seen["verdict"] for seen in notice["items"][0]["rounds"]] == ["fail", "pass"]


def test_an_issue_sets_dates_and_refuses_what_has_gone_out(desk: Desk) -> None:
    case, _ = failing(desk)
    path = f"/cases/{case}/notices/1/issue"
    refused(desk.ask("POST", path, json={"due": {"PF-01": "2026-10-01"}}), 422, "due_in_past")
    refused(desk.ask("POST", path, json={"due": {"XX-01": "2026-12-01"}}), 422, "item_unknown")
    refused(desk.ask("POST", path, json={"due": {"PF-01": "soon"}}), 422, "invalid_fields")
    late = {"due": {"PF-01": "2026-12-01"}}
    problem = refused(desk.ask("POST", path, json=late), 422, "due_reason_missing")
    assert problem["facts"] == ["field:reason"]
    notice = desk.post(path, {**late, "reason": "the maker delivers in November"})
    assert (notice["state"], notice["round"], notice["items"][0]["due"]) == ("issued", 1, "2026-12-01")
    problem = refused(desk.ask("POST", path, json={}), 409, "notice_not_draft")
    assert problem["facts"] == ["notice:1"]
    assert desk.get("/cases")["items"][0]["next_due"] == "2026-12-01"
    for n in ("2", "999999"):
        refused(desk.ask("POST", f"/cases/{case}/notices/{n}/issue", json={}), 404, "not_found")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"items": {}, "answered_by": "x"}, 422, "invalid_fields"),
        ({"items": {"PF-01": {"text": "done"}}}, 422, "invalid_fields"),
        ({"items": {"PF-01": {"text": " "}}, "answered_by": "x"}, 422, "answer_empty"),
        ({"items": {"NR-01": {"text": "done"}}, "answered_by": "x"}, 422, "item_not_open"),
        ({"items": {"PF-01": {"photos": ["none"]}}, "answered_by": "x"}, 422, "photo_unknown"),
        ({"items": {"PF-01": {"text": "x" * 4001}}, "answered_by": "x"}, 422, "invalid_fields"),
        ({"items": {"PF-01": {"photos": ["p"] * 51}}, "answered_by": "x"}, 422, "invalid_fields"),
    ],
)
def test_what_is_no_answer_is_refused(desk: Desk, body: dict[str, Any], status: int, code: str) -> None:
    case, _ = failing(desk)
    desk.post(f"/cases/{case}/notices/1/issue")
    refused(desk.ask("POST", f"/cases/{case}/notices/1/answer", json=body), status, code)
    assert desk.get(f"/cases/{case}/notices/1")["answers"] == []


def test_an_answer_comes_after_the_issue_and_a_reinspection_after_the_answer(desk: Desk) -> None:
    case, _ = failing(desk)
    body = {"items": {"PF-01": {"text": "done"}}, "answered_by": "x"}
    refused(desk.ask("POST", f"/cases/{case}/notices/1/answer", json=body), 409, "notice_not_issued")
    people = {"assignees": ["inspector"]}
    refused(desk.ask("POST", f"/cases/{case}/notices/1/reinspect", json=people), 409, "notice_not_answered")
    nobody = {"assignees": ["manager"]}
    refused(desk.ask("POST", f"/cases/{case}/notices/1/reinspect", json=nobody), 422, "not_an_inspector")


def test_a_withdrawal_takes_two_persons(desk: Desk) -> None:
    desk.hire("deputy", "manager")
    case, _ = failing(desk)
    path = f"/cases/{case}/notices/1/withdraw"
    refused(desk.ask("POST", f"{path}/confirm", by="deputy"), 409, "no_withdrawal_proposed")
    proposed = desk.post(path, {"reason": "raised in error"})
    assert proposed["withdrawal"]["proposed_by"] == "manager"
    refused(desk.ask("POST", f"{path}/confirm"), 403, "second_person_withdraws")
    desk.post(f"{path}/reject", {"reason": "it stands"}, by="deputy")
    desk.post(path, {"reason": "raised in error"}, by="inspector")
    withdrawn = desk.post(f"{path}/confirm", by="deputy")
    assert (withdrawn["state"], withdrawn["withdrawal"]["confirmed_by"]) == ("withdrawn", "deputy")


def test_an_item_is_withdrawn_by_itself_and_the_rest_goes_on(desk: Desk) -> None:
    desk.hire("deputy", "manager")
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.intake()
    desk.submit(case, task, PF_01=desk.answer("fail", note="rust"), NR_01=desk.answer(9.0))
    desk.intake()
    path = f"/cases/{case}/notices/1"
    refused(
        desk.ask("POST", f"{path}/withdraw", json={"reason": "x", "items": ["ZZ-01"]}), 422, "item_unknown"
    )
    proposed = desk.post(f"{path}/withdraw", {"reason": "another site", "items": ["PF-01"]}, by="inspector")
    assert proposed["withdrawal"]["items"] == ["PF-01"]
    told = desk.post(f"{path}/withdraw/confirm")
    assert (told["state"], told["withdrawal"]) == ("draft", None)
    assert {one["result"]["code"]: one["state"] for one in told["items"]} == {
        "PF-01": "withdrawn",
        "NR-01": "open",
    }
    [gone] = [one["withdrawn"] for one in told["items"] if one["withdrawn"] is not None]
    assert (gone["proposed_by"], gone["confirmed_by"], gone["reason"]) == (
        "inspector",
        "manager",
        "another site",
    )
    settled = desk.ask("POST", f"{path}/withdraw", json={"reason": "x", "items": ["PF-01"]})
    refused(settled, 422, "item_settled")


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_gates_speak_the_readers_language(desk: Desk, lang: str) -> None:
    case, _ = failing(desk)
    sheet = desk.get(f"/cases/{case}/gates", headers={"Accept-Language": lang})
    assert sheet["ready"] is False
    assert [gate["id"] for gate in sheet["gates"]] == [
        gate.id for gate in gate_table().values() if "hv" in gate.processes
    ]
    for gate in sheet["gates"]:
        chinese = any("\u4e00" <= char <= "\u9fff" for char in gate["title"])
        assert chinese == (lang == "zh-CN"), gate
        for reason in gate["reasons"]:
            assert reason["text"]
            assert "{" not in reason["text"]
            assert not reason["text"].startswith("gate_reason.")
    notices = next(gate for gate in sheet["gates"] if gate["id"] == "notices-closed")
    assert (notices["status"], notices["refs"]) == ("unmet", ["notice:1"])


def test_an_entry_needs_its_role_and_evidence(desk: Desk) -> None:
    case = desk.open_case()
    gate = next(one for one in gate_table().values() if one.entry and "hv" in one.processes)
    path = f"/cases/{case}/gates/{gate.id}/entries"
    refused(desk.ask("POST", path, json={"status": "met"}), 422, "evidence_missing")
    refused(desk.ask("POST", path, json={"status": "perhaps"}), 422, "invalid_fields")
    answer = desk.ask("POST", path, json={"status": "met", "evidence": "sheet 7"})
    assert answer.status_code == 201
    computed = desk.ask(
        "POST", f"/cases/{case}/gates/notices-closed/entries", json={"status": "met", "evidence": "x"}
    )
    refused(computed, 422, "gate_computed")
    unknown = desk.ask("POST", f"/cases/{case}/gates/none/entries", json={"status": "met", "evidence": "x"})
    refused(unknown, 404, "gate_unknown")


def test_the_breaker_closes_when_every_gate_is_met(desk: Desk) -> None:
    case = ready(desk)
    assert desk.get(f"/cases/{case}/gates")["ready"] is True
    path = f"/cases/{case}/energization"
    refused(desk.ask("POST", f"{path}/record", json=record(desk)), 409, "not_authorized")
    assert desk.post(f"{path}/authorize")["status"] == "authorized"
    assert desk.get("/cases?energization=authorized")["total"] == 1
    for wrong, code in (
        ({"at": "2026-11-02T08:00:00"}, "invalid_fields"),
        ({"at": "2030-01-01T00:00:00Z"}, "in_future"),
        ({"at": "2020-01-01T00:00:00Z"}, "time_order"),
        ({"participants": ["manager"]}, "participants_missing"),
        ({"participants": []}, "invalid_fields"),
        ({"impulse_closings": -1}, "invalid_fields"),
    ):
        refused(desk.ask("POST", f"{path}/record", json=record(desk, **wrong)), 422, code)
    refused(desk.ask("POST", f"{path}/record", json=record(desk)), 409, "steps_missing")
    switch(desk, case)
    unsigned: tuple[tuple[dict[str, Any], str], ...] = (
        ({"readings": {}}, "readings_missing"),
        ({"readings_by": ""}, "readings_missing"),
        ({"signatures": []}, "signatures_missing"),
    )
    for lacking, code in unsigned:
        refused(desk.ask("POST", f"{path}/record", json=record(desk, **lacking)), 422, code)
    done = desk.post(f"{path}/record", record(desk, readings={"kWh": 0.0}))
    assert (done["status"], done["stage"]) == ("energized", "energized")
    assert desk.post(f"{path}/record", record(desk, readings={"kWh": 0.0}))["status"] == "energized"
    assert desk.get(f"/cases/{case}/log")["verified"] is True


def test_what_a_tablet_was_told_is_stored_counts_before_the_breaker_is_decided_on(desk: Desk) -> None:
    """The worker has not seen the hazard yet, and the authorization must not overtake it."""
    case = ready(desk)
    hazard = {"_id": "hazard:h-1", "type": "hazard", "schema": 1, "by": "inspector", "description": "a pit"}
    desk.write("inspector", desk.forms(case), {**hazard, "at": desk.clock().isoformat()})
    problem = refused(desk.ask("POST", f"/cases/{case}/energization/authorize", json={}), 409, "gates_unmet")
    assert "gate:notices-closed" in problem["facts"]


def test_a_late_failure_takes_the_authorization_back(desk: Desk) -> None:
    case = ready(desk)
    desk.post(f"/cases/{case}/energization/authorize")
    late = desk.form("t-a", photo="p-1", PF_01=desk.answer("fail", note="rust"))
    desk.graft("inspector", desk.forms(case), late, "ff")
    desk.intake()
    state = desk.get(f"/cases/{case}/energization")
    assert (state["status"], state["hold"]["cause"]) == ("on_hold", "gates_shut")
    assert "notices-closed" in state["hold"]["gates"]


def test_a_hold_voids_the_authorization_until_a_manager_releases_it(desk: Desk) -> None:
    case = ready(desk)
    path = f"/cases/{case}/energization"
    desk.post(f"{path}/authorize")
    held = desk.post(f"{path}/hold", {"reason": "storm"}, by="admin")
    assert (held["status"], held["hold"]["reason"]) == ("on_hold", "storm")
    refused(desk.ask("POST", f"{path}/record", json=record(desk)), 409, "not_authorized")
    refused(desk.ask("POST", f"{path}/hold", json={"reason": "again"}), 409, "cannot_hold")
    released = desk.post(f"{path}/release", {"reason": "over"})
    assert (released["status"], released["hold"]) == ("none", None)
