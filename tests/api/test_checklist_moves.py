"""Moving a task to a newer version of its checklist, and the form that was begun before anybody heard."""

from __future__ import annotations

from typing import Any

import pytest

from server.intake.forms import Forms
from server.workflow import commands
from server.workflow.model import Actor, ChecklistRef
from tests.desk import JSON, MINI, Desk, refused
from tests.drafting import published

NEWER = {"id": "mini", "version": 2}


@pytest.fixture
def office(desk: Desk) -> Desk:
    published(desk)
    return desk


def move(desk: Desk, case: str, task: str, **sent: Any) -> Any:
    return desk.ask("POST", f"/cases/{case}/tasks/{task}/checklist", json=sent)


def given(desk: Desk) -> tuple[str, str]:
    """A case with a task that is bound to the first version."""
    case = desk.open_case()
    return case, desk.assign(case)


def on_tablet(desk: Desk, case: str) -> JSON:
    [told] = desk.inbox("inspector", f"assignment:{case}")
    [task] = told["tasks"]
    checklist: JSON = task["checklist"]
    return checklist


def test_an_unstarted_task_moves_and_its_tablet_hears_of_it(office: Desk) -> None:
    case, task = given(office)
    assert on_tablet(office, case) == MINI
    moved = move(office, case, task, reason="new rules")
    assert moved.get_json()["checklist"] == NEWER
    assert on_tablet(office, case) == NEWER
    assert move(office, case, task).headers["ETag"] == moved.headers["ETag"], "again, it changes nothing"
    events = [entry["event"] for entry in office.get(f"/cases/{case}/log")["items"]]
    assert events.count("task_checklist_changed") == 1


def test_a_form_of_the_new_version_is_judged_by_it(office: Desk) -> None:
    case, task = given(office)
    move(office, case, task)
    office.shoot(case, task)
    office.submit(case, task, checklist=NEWER)
    office.intake()
    assert office.task(case, task)["status"] == "accepted"


def test_a_form_that_was_begun_keeps_its_version(office: Desk) -> None:
    """A draft with one answer is on the server, its tablet is out of coverage."""
    case, task = given(office)
    draft = office.form(task, status="draft")
    del draft["submitted"]
    draft["answers"] = {"PF-01": draft["answers"]["PF-01"]}
    office.write("inspector", office.forms(case), draft)
    problem = refused(move(office, case, task), 409, "task_begun")
    assert problem["facts"] == [f"task:{task}"]
    assert office.task(case, task)["checklist"] == MINI


def test_an_empty_draft_does_not_count_as_begun(office: Desk) -> None:
    case, task = given(office)
    draft = office.form(task, status="draft", answers={})
    del draft["submitted"]
    office.write("inspector", office.forms(case), draft)
    assert move(office, case, task).get_json()["checklist"] == NEWER


def test_what_was_handed_in_and_not_yet_judged_keeps_its_version(office: Desk) -> None:
    case, task = given(office)
    office.submit(case, task)
    refused(move(office, case, task), 409, "task_begun")
    office.intake()
    office.shoot(case, task)
    office.intake()
    assert office.task(case, task)["status"] == "accepted"
    refused(move(office, case, task), 409, "task_settled")


def test_a_form_made_offline_from_the_old_version_comes_back(office: Desk) -> None:
    """The race: begun without coverage, moved in the office, handed in afterwards. Nothing of it is lost."""
    case, task = given(office)
    offline = office.form(task, PF_01=office.answer("fail", note="loose"))
    office.shoot(case, task)
    move(office, case, task)
    office.write("inspector", office.forms(case), offline)
    office.intake()
    [receipt] = office.receipts(case, task)
    assert receipt["status"] == "returned"
    assert [(one["code"], one["params"]) for one in receipt["reasons"]] == [
        ("checklist_mismatch", {"sent": "mini@1", "wanted": "mini@2"})
    ]
    form = office.document(office.forms(case), f"inspection:{task}")
    assert (form["status"], form["answers"]["PF-01"]["note"]) == ("returned", "loose")
    again = {**form, "checklist": NEWER, "status": "submitted", "submitted": offline["submitted"]}
    office.write("inspector", office.forms(case), again)
    office.intake()
    assert (office.task(case, task)["status"], office.task(case, task)["failed"]) == ("accepted", ["PF-01"])


def test_a_form_that_was_being_judged_when_its_task_moved_is_judged_anew(
    office: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Intake has read the old version; between its judgement and its word to the case the office moves it."""
    case, task = given(office)
    office.shoot(case, task)
    office.submit(case, task)
    moving = commands.ChangeChecklist(task_id=task, checklist=ChecklistRef("mini", 2), answers=0)
    whole = Forms.judge
    times: list[Any] = []

    def judge(forms: Forms, *given: Any) -> Any:
        judged = whole(forms, *given)
        if not times:
            office.made.cases.apply(case, moving, Actor("manager", ("manager",)))
        times.append(judged.outcome)
        return judged

    monkeypatch.setattr(Forms, "judge", judge)
    office.intake()
    assert len(times) >= 2
    assert office.task(case, task)["checklist"] == NEWER
    assert {one["reasons"][0]["code"] for one in office.receipts(case, task)} == {"checklist_mismatch"}


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"version": 9}, 422, "checklist_unknown"),
        ({"version": 0}, 422, "invalid_fields"),
        ({"reason": "x" * 4001}, 422, "invalid_fields"),
        ({"id": "other"}, 422, "invalid_fields"),
    ],
)
def test_what_is_no_move_is_refused(office: Desk, sent: JSON, status: int, code: str) -> None:
    case, task = given(office)
    refused(move(office, case, task, **sent), status, code)


def test_a_task_does_not_go_back(office: Desk) -> None:
    case = office.open_case()
    task = office.assign(case, checklist=NEWER)
    assert refused(move(office, case, task, version=1), 422, "checklist_not_newer")["facts"] == [
        "field:checklist"
    ]
    refused(move(office, case, "none"), 404, "not_found")


def test_a_reinspection_keeps_the_rules_that_its_items_failed_by(office: Desk) -> None:
    case, task = given(office)
    office.shoot(case, task)
    office.submit(case, task, PF_01=office.answer("fail", note="loose"))
    office.intake()
    office.post(f"/cases/{case}/notices/1/issue")
    office.post(
        f"/cases/{case}/notices/1/answer", {"items": {"PF-01": {"text": "fixed"}}, "answered_by": "Red Maple"}
    )
    office.post(f"/cases/{case}/notices/1/reinspect", {"assignees": ["inspector"]})
    [again] = [one for one in office.case(case).tasks if one != task]
    refused(move(office, case, again), 409, "checklist_differs")
