"""Gates and waivers over HTTP: the sheet as it is today, evidence, and who may let what go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk import JSON, Desk, open_desk, refused
from tests.ready import ready

SETTINGS = """
schema: 1
settings:
  - {key: waiver.fees-settled, from: 2026-01-01, value: true, organisation: demo}
"""


@pytest.fixture
def lenient(tmp_path: Path) -> Iterator[Desk]:
    """A desk whose organisation lets fees be settled later."""
    own = tmp_path / "policy.yaml"
    own.write_text(SETTINGS, "utf-8")
    data = tmp_path / "data"
    data.mkdir()
    with open_desk(data, policy_file=str(own)) as desk:
        yield desk


def gate(desk: Desk, case: str, name: str) -> JSON:
    rows = desk.get(f"/cases/{case}/gates")["gates"]
    return next(row for row in rows if row["id"] == name)


def test_the_sheet_tells_who_said_what_with_which_evidence(desk: Desk) -> None:
    case = ready(desk)
    path = f"/cases/{case}/gates/E06/entries"
    desk.post(path, {"status": "met", "documents": ["HT-2026-7"], "dated": "2026-11-01", "note": "two seals"})
    row = gate(desk, case, "contract-signed")
    assert (row["status"], row["until"], row["waivable"], row["waiver"]) == ("met", None, False, None)
    assert row["evidence"]
    [word] = row["words"]
    assert (word["by"], word["documents"], word["dated"]) == ("manager", ["HT-2026-7"], "2026-11-01")
    assert gate(desk, case, "dispatch-agreement")["asks"] == {"dispatched": False, "dual": False}
    assert gate(desk, case, "dispatch-agreement")["status"] == "not_applicable"


def test_a_photo_as_evidence_is_one_of_the_case(desk: Desk) -> None:
    case = ready(desk)
    path = f"/cases/{case}/gates/E09/entries"
    refused(desk.ask("POST", path, json={"status": "met", "photos": ["p-none"]}), 422, "photo_unknown")
    desk.post(path, {"status": "met", "photos": ["p-1"]})
    assert gate(desk, case, "metering-fitted")["words"][0]["photos"] == ["p-1"]
    assert desk.case(case).photos["p-1"].used_by == ("task:t-a", "gate:metering-fitted")


def test_the_sheet_ages_without_a_write_to_the_case(desk: Desk) -> None:
    case = ready(desk)
    desk.post(f"/cases/{case}/gates/E06/entries", {"status": "met", "evidence": "x", "until": "2026-11-03"})
    assert gate(desk, case, "contract-signed")["until"] == "2026-11-03"
    assert desk.get("/cases")["items"][0]["ready"] is True
    desk.clock.forward(days=2)
    assert desk.get("/cases")["items"][0]["ready"] is False
    sheet = desk.get(f"/cases/{case}/gates")
    assert sheet["ready"] is False
    row = gate(desk, case, "contract-signed")
    assert (row["status"], [one["code"] for one in row["reasons"]]) == ("unmet", ["entry_expired"])
    refused(desk.ask("POST", f"/cases/{case}/energization/authorize", json={}), 409, "gates_unmet")


def test_an_authorization_that_has_lapsed_says_so(desk: Desk) -> None:
    case = ready(desk)
    desk.post(f"/cases/{case}/gates/E06/entries", {"status": "met", "evidence": "x", "until": "2026-11-03"})
    assert desk.post(f"/cases/{case}/energization/authorize")["lapsed"] is False
    desk.clock.forward(days=2)
    state = desk.get(f"/cases/{case}/energization")
    assert (state["status"], state["lapsed"]) == ("authorized", True)
    steps = {"steps": [{"step": "energize-incoming", "at": desk.clock().isoformat()}]}
    refused(desk.ask("POST", f"/cases/{case}/energization/steps", json=steps), 409, "gates_unmet")


def test_two_persons_waive_and_a_third_authorizes(lenient: Desk) -> None:
    desk = lenient
    for name in ("second", "third"):
        desk.hire(name, "manager")
    case = ready(desk)
    path = f"/cases/{case}/gates/fees-settled"
    desk.post(f"{path}/entries", {"status": "unmet", "note": "cheque on its way"})
    asked = {"reason": "the bank is closed", "until": "2026-11-05", "conditions": "paid by Thursday"}
    refused(desk.ask("POST", f"{path}/waiver/approve", by="second"), 409, "no_waiver")
    desk.post(f"{path}/waiver", asked)
    refused(desk.ask("POST", f"{path}/waiver/approve"), 409, "second_person_waives")
    desk.post(f"{path}/waiver/approve", by="second")
    row = gate(desk, case, "fees-settled")
    assert (row["status"], row["waivable"], row["until"]) == ("waived", True, "2026-11-05")
    assert "manager, second" in row["reasons"][-1]["text"]
    refused(desk.ask("POST", f"/cases/{case}/energization/authorize", json={}), 409, "own_waiver")
    assert desk.post(f"/cases/{case}/energization/authorize", by="third")["status"] == "authorized"
    desk.post(f"{path}/waiver/withdraw", {"reason": "it bounced"}, by="admin")
    assert desk.get(f"/cases/{case}/energization")["status"] == "on_hold"


def test_no_setting_and_no_gate_of_safety_no_waiver(lenient: Desk) -> None:
    case = ready(lenient)
    asked = {"reason": "x", "until": "2026-11-05"}
    for name, status, code in (
        ("E06", 409, "waiver_not_allowed"),
        ("E09", 409, "never_waived"),
        ("acceptance-passed", 409, "never_waived"),
        ("E99", 404, "gate_unknown"),
    ):
        refused(lenient.ask("POST", f"/cases/{case}/gates/{name}/waiver", json=asked), status, code)
