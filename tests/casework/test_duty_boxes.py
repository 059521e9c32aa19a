"""Duties in inboxes: there on their day for whoever owes them, told once, gone when done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from server.casework.duty_boxes import PREFIX, DutyBoxes
from server.casework.reminders import Round
from server.workflow import commands as c
from server.workflow.model import Actor
from tests.api.test_approvals import opened, proposed
from tests.desk import START, Desk, open_desk

MANAGER = Actor("manager", ("manager",))
PEOPLE = [{"name": "x", "department": "marketing"}]


def held(desk: Desk, user: str) -> list[tuple[str, str, str]]:
    return sorted((one["kind"], one["due"], one["in_place_of"]) for one in desk.inbox(user, PREFIX))


def called(desk: Desk, case: str, meeting: str, by: str = "manager") -> None:
    body = {"kind": "joint_survey", "at": START.isoformat(), "place": "x", "invited": PEOPLE, "id": meeting}
    desk.post(f"/cases/{case}/meetings", body, by=by)


def planned(desk: Desk, connect_on: str = "2026-12-20") -> str:
    """A case whose instruments are to be there by a day; that is owed from thirty days before it on."""
    case = desk.open_case()
    lines = [{"instrument": {"kind": "meter", "type": "DTZ341"}, "quantity": 2}]
    answer = desk.ask("PUT", f"/cases/{case}/metering-plan", json={"connect_on": connect_on, "lines": lines})
    assert answer.status_code == 200
    return case


def test_a_duty_comes_on_its_day_and_is_told_once(desk: Desk) -> None:
    case = planned(desk)
    boxes = DutyBoxes(desk.made)
    assert boxes.run_once() == 0
    desk.clock.forward(days=17)
    assert (boxes.run_once(), held(desk, "manager")) == (0, []), "19 November is the day before it"
    desk.clock.forward(days=1)
    assert (boxes.run_once(), boxes.run_once()) == (1, 0)
    [document] = desk.inbox("manager", PREFIX)
    assert document["_rev"].startswith("1-")
    assert (document["case"], document["due"], document["params"]) == (case, "2026-12-20", {"instruments": 2})
    assert document["text"] == {"zh-CN": "领用计量器具", "en": "Have the instruments on site"}
    desk.clock.forward(days=40)
    assert boxes.run_once() == 0, "an overdue duty is the same duty"


def test_a_duty_goes_when_it_is_done_without_anybody_waiting_for_the_round(desk: Desk) -> None:
    case = desk.open_case()
    called(desk, case, "m-1")
    desk.intake()
    assert held(desk, "manager") == [("meeting", "2026-11-02", "")]
    desk.post(f"/cases/{case}/meetings/m-1/cancel", {"reason": "flood"})
    desk.intake()
    assert held(desk, "manager") == []
    assert DutyBoxes(desk.made).run_once() == 0


def test_a_duty_moves_with_the_manager_and_a_day_that_changes_changes_the_same_document(desk: Desk) -> None:
    desk.hire("second", "manager")
    case = planned(desk, "2026-11-20")
    boxes = DutyBoxes(desk.made)
    boxes.run_once()
    [before] = desk.inbox("manager", PREFIX)
    plan = {"connect_on": "2026-11-25", "lines": [{"instrument": {"kind": "meter"}, "quantity": 1}]}
    desk.ask("PUT", f"/cases/{case}/metering-plan", json=plan)
    boxes.run_once()
    [after] = desk.inbox("manager", PREFIX)
    assert (after["_id"], after["due"]) == (before["_id"], "2026-11-25")
    desk.made.cases.apply(case, c.AmendCase(manager="second", reason="moved"), MANAGER)
    desk.intake()
    assert (held(desk, "manager"), held(desk, "second")) == ([], [("metering", "2026-11-25", "")])


def test_a_substitute_has_it_for_as_long_as_he_stands_in(desk: Desk) -> None:
    for name in ("deputy", "third"):
        desk.hire(name, "manager")
    planned(desk, "2026-11-20")
    away = {"id": "a-1", "person": "manager", "substitute": "deputy", "reason": "leave"}
    desk.post("/absences", {**away, "since": "2026-11-03", "until": "2026-11-05"})
    boxes = DutyBoxes(desk.made)
    boxes.run_once()
    assert (held(desk, "manager"), held(desk, "deputy")) == ([("metering", "2026-11-20", "")], [])
    desk.clock.forward(days=1)
    boxes.run_once()
    assert held(desk, "deputy") == [("metering", "2026-11-20", "manager")]
    assert held(desk, "manager") == [("metering", "2026-11-20", "")], "his own stays with him"
    desk.clock.forward(days=3)
    boxes.run_once()
    assert (held(desk, "deputy"), held(desk, "third")) == ([], [])


def test_a_proposal_goes_to_its_role_then_to_the_substitutes_and_never_to_who_made_it(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "schema: 1\nsettings:\n  - {key: scheme_approval_required, from: 2026-01-01, value: true}\n"
    )
    (tmp_path / "data").mkdir()
    with open_desk(tmp_path / "data", policy_file=str(own)) as desk:
        for name in ("deputy", "third"):
            desk.hire(name, "manager")
        case = opened(desk)
        approval = proposed(desk, case, standard=False)["id"]
        desk.intake()
        assert (held(desk, "manager"), held(desk, "admin")) == ([], [])
        assert held(desk, "deputy") == held(desk, "third") == [("approval", "2026-11-03", "")]
        desk.clock.forward(days=2)
        DutyBoxes(desk.made).run_once()
        assert held(desk, "admin") == [("approval", "2026-11-03", "role:manager")]
        assert held(desk, "manager") == [], "who proposed it decides in nobody's place"
        away = {"substitute": "manager", "since": "2026-11-01", "until": "2026-11-30", "reason": "leave"}
        desk.post("/absences", away, by="deputy")
        desk.post(f"/cases/{case}/approvals/{approval}/approver", {"person": "deputy"}, by="admin")
        desk.intake()
        assert (held(desk, "manager"), held(desk, "third")) == ([], [])
        assert held(desk, "deputy") == [("approval", "2026-11-03", "")]


def test_what_somebody_owed_who_is_gone_is_the_administrators(desk: Desk) -> None:
    planned(desk, "2026-11-20")
    boxes = DutyBoxes(desk.made)
    boxes.run_once()
    assert held(desk, "admin") == []
    desk.made.people.disable("manager")
    assert boxes.run_once() == 1
    assert held(desk, "admin") == [("metering", "2026-11-20", "manager")]
    assert held(desk, "manager") == []


def test_the_console_shows_what_the_inbox_says(desk: Desk) -> None:
    case = planned(desk, "2026-11-20")
    DutyBoxes(desk.made).run_once()
    desk.clock.forward(days=19)
    [row] = desk.get("/me/duties")["items"]
    assert (row["case_id"], row["due"], row["overdue"], row["title"]) == (
        case,
        "2026-11-20",
        True,
        "领用计量器具",
    )
    assert desk.get("/me/duties", by="inspector")["items"] == []


def test_a_case_that_cannot_be_read_holds_up_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _second = sorted((planned(desk, "2026-11-20"), planned(desk, "2026-11-20")))
    boxes: Any = DutyBoxes(desk.made)
    real = boxes.tell

    def tell(case: Any, also: Any = ()) -> int:
        if case.id == first:
            raise ValueError("unreadable")
        return int(real(case, also))

    monkeypatch.setattr(boxes, "tell", tell)
    looked: Round = boxes
    assert looked.run_once() == 1
    assert len(held(desk, "manager")) == 1
