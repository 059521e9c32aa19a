"""The day of energization over HTTP: steps, what breaks them off, the check under load, and the file."""

from __future__ import annotations

import pytest

from tests.desk import Desk, refused
from tests.ready import ready, record, switch


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_the_steps_and_the_rules_speak_the_readers_language(desk: Desk, lang: str) -> None:
    case = ready(desk)
    day = desk.get(f"/cases/{case}/energization/steps", headers={"Accept-Language": lang})
    assert [step["id"] for step in day["steps"]] == ["energize-incoming", "lv-phase-voltage"]
    for row in (*day["steps"], *day["aborts"]):
        chinese = any("\u4e00" <= char <= "\u9fff" for char in row["title"])
        assert chinese == (lang == "zh-CN"), row


def test_steps_are_recorded_once_with_their_readings(desk: Desk) -> None:
    case = ready(desk)
    path = f"/cases/{case}/energization/steps"
    at = desk.clock().isoformat()
    first = {"steps": [{"step": "energize-incoming", "at": at, "readings": {"V": 402.5, "sky": "clear"}}]}
    refused(desk.ask("POST", path, json=first), 409, "not_authorized")
    desk.post(f"/cases/{case}/energization/authorize")
    for wrong in ({"V": True}, {"V": [1]}, {"": 1}):
        body = {"steps": [{**first["steps"][0], "readings": wrong}]}
        refused(desk.ask("POST", path, json=body), 422, "invalid_fields")
    refused(desk.ask("POST", path, json={"steps": []}), 422, "invalid_fields")
    for _ in range(2):
        day = desk.post(path, first, by="inspector")
    [tick] = day["steps"][0]["ticks"]
    assert (tick["by"], tick["readings"]) == ("inspector", {"V": 402.5, "sky": "clear"})
    refused(desk.ask("POST", f"/cases/{case}/energization/record", json=record(desk)), 409, "steps_missing")


def test_what_was_left_live_is_seen_dead_before_anybody_goes_on(desk: Desk) -> None:
    case = ready(desk)
    path = f"/cases/{case}/energization"
    at = desk.clock().isoformat()
    desk.post(f"{path}/authorize")
    desk.post(f"{path}/steps", {"steps": [{"step": "energize-incoming", "at": at}]})
    refused(desk.ask("POST", f"{path}/abort", json={"rule": "whim", "reason": "x"}), 422, "invalid_fields")
    held = desk.post(f"{path}/abort", {"rule": "weather", "reason": "thunder"}, by="inspector")
    assert (held["status"], held["hold"]["cause"], held["left_live"]) == ("on_hold", "aborted", True)
    refused(desk.ask("POST", f"{path}/release", json={"reason": "over"}), 409, "left_live")
    dead = desk.post(f"{path}/isolation", {"at": at, "evidence": "open and earthed"}, by="inspector")
    assert dead["left_live"] is False
    assert desk.post(f"{path}/release", {"reason": "over"})["status"] == "none"
    assert len(desk.get(path)["runs"]) == 1


def test_a_case_is_archived_when_the_file_is_complete(desk: Desk) -> None:
    case = ready(desk)
    desk.post(f"/cases/{case}/energization/authorize")
    switch(desk, case)
    done = desk.post(f"/cases/{case}/energization/record", record(desk))
    assert done["record"]["readings_by"] == "Red Maple Textiles"
    on_load = desk.get(f"/cases/{case}/on-load-checks")
    assert (on_load["points"], on_load["due"], on_load["overdue"]) == ([], None, False)
    closing = {"to": "archived"}
    refused(desk.ask("POST", f"/cases/{case}/transitions", json=closing), 409, "precondition_unmet")
    path = f"/cases/{case}/file"
    assert [one["refs"] for one in desk.get(path)["owed"]] == [["paper:supply-contract"]]
    copy = {"state": "in", "reference": "box 3"}
    refused(desk.ask("PUT", f"{path}/supply-contract", json=copy), 422, "original_missing")
    answer = desk.ask("PUT", f"{path}/supply-contract", json={**copy, "original": True})
    assert (answer.status_code, answer.get_json()["owed"]) == (200, [])
    paper = next(one for one in answer.get_json()["papers"] if one["id"] == "supply-contract")
    assert (paper["state"], paper["original"], paper["recorded_by"]) == ("in", True, "manager")
    assert desk.post(f"/cases/{case}/transitions", closing)["stage"] == "archived"
