"""Forms are judged with the limits that their organisation had in force on the day of the visit."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from checklists.loader import DefinitionError
from checklists.model import Text
from checklists.overrides import Override
from server.intake.forms import Forms
from server.intake.rulebook import Rulebook
from server.workflow.model import ChecklistRef, Task
from sync.store import Document
from tests.desk import START, Desk

BASIS = Text("省公司 2026-12 号文", "circular 2026-12")


def limited(desk: Desk, name: str = "l-1", **changes: Any) -> Override:
    """A limit of 2 Ω beside the checklist's 4 Ω, from the first of November on."""
    fields: dict[str, Any] = {
        "id": name,
        "organisation": "demo",
        "item": "NR-01",
        "since": date(2026, 11, 1),
        "max": 2.0,
        "basis": BASIS,
        "source": "circular 2026-12",
        "checklist": "mini",
    }
    override = Override(**{**fields, **changes})
    desk.made.limits.add(override, by="admin")
    return override


@pytest.fixture(autouse=True)
def _mini_can_be_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lint wants a range that MINI_FORM does without; what it says is tested elsewhere."""
    monkeypatch.setattr("checklists.overrides.lint", lambda definition: [])


def judged(desk: Desk, reading: float = 3.0, *, signed: str | None = None, **opened: Any) -> tuple[str, str]:
    """A form with a reading of NR-01, judged; the case and its task."""
    case = desk.open_case(**opened)
    task = desk.assign(case)
    desk.shoot(case, task)
    changes: Document = {"NR_01": desk.answer(reading)}
    if signed is not None:
        changes["submitted"] = {"by": "inspector", "at": signed, "device": "t-1", "clock_skew_ms": 0}
    desk.submit(case, task, **changes)
    desk.intake()
    return case, task


def test_a_stricter_limit_of_the_organisation_fails_what_the_checklist_passes(desk: Desk) -> None:
    limit = limited(desk)
    case, task = judged(desk)
    submission = desk.case(case).tasks[task].submissions[-1]
    assert submission.failed == ("NR-01",)
    assert submission.limits is not None
    assert (submission.limits.day, submission.limits.ids) == (START.date(), (limit.id,))
    shown = desk.get(f"/cases/{case}/inspections/{task}")
    [named] = shown["limits"]["items"]
    assert (named["id"], named["basis"]["zh-CN"]) == ("l-1", BASIS.zh)
    assert (shown["limits"]["day"], shown["limits"]["whole"]) == ("2026-11-02", True)


@pytest.mark.parametrize(
    "changes",
    [
        {"organisation": "north"},
        {"since": date(2026, 11, 3)},
        {"since": date(2026, 10, 1), "until": date(2026, 11, 1)},
        {"checklist": "mini-survey"},
    ],
)
def test_a_limit_of_others_or_of_another_day_does_not_count(desk: Desk, changes: dict[str, Any]) -> None:
    limited(desk, **changes)
    case, task = judged(desk)
    submission = desk.case(case).tasks[task].submissions[-1]
    assert (submission.failed, submission.limits) == ((), None)
    assert desk.get(f"/cases/{case}/inspections/{task}")["limits"] is None


def test_the_day_is_that_of_the_visit_where_the_customer_lives(desk: Desk) -> None:
    """A form that is signed on the last day of a limit and arrives a week later is judged with it."""
    limited(desk, since=date(2026, 11, 3), until=date(2026, 11, 3))
    desk.clock.forward(days=1, hours=7, minutes=59)  # 15:59 UTC on the third: a minute to midnight in China
    minute_before = desk.clock().isoformat()
    case = desk.open_case()
    tasks = [desk.assign(case), desk.assign(case)]
    after = (desk.clock() + timedelta(minutes=2)).isoformat()
    desk.clock.forward(days=7)
    for task, at in zip(tasks, (minute_before, after), strict=True):
        desk.shoot(case, task, photo=f"p-{at[-8:-6]}-{task[-4:]}")
        signed = {"by": "inspector", "at": at, "device": "t-1", "clock_skew_ms": 0}
        photo = f"p-{at[-8:-6]}-{task[-4:]}"
        desk.submit(case, task, photo=photo, NR_01=desk.answer(3.0), submitted=signed)
    desk.intake()
    assert [desk.case(case).tasks[task].failed for task in tasks] == [("NR-01",), ()]


def test_what_was_judged_keeps_what_it_was_judged_with(desk: Desk) -> None:
    """A limit that is entered late for days that have passed does not reach back into settled forms."""
    case, task = judged(desk)
    before = desk.case(case).tasks[task]
    limited(desk)
    Forms(desk.made).take(case, task)
    assert desk.case(case).tasks[task] == before
    assert (before.status, before.failed) == ("accepted", ())
    shown = desk.get(f"/cases/{case}/inspections/{task}")
    assert shown["limits"] is None
    assert {one["code"]: one["verdict"] for one in shown["items"]}["NR-01"] == "pass"


def test_a_limit_that_ended_still_explains_the_form_it_decided(desk: Desk) -> None:
    limited(desk)
    case, task = judged(desk)
    waiting = desk.made.limits.propose_end(
        "l-1", until=date(2026, 11, 2), reason="x", by="admin", today=START.date(), if_rev=None
    )
    desk.made.limits.confirm_end("l-1", by="manager", today=START.date(), if_rev=waiting.rev)
    desk.clock.forward(days=30)
    shown = desk.get(f"/cases/{case}/inspections/{task}")
    assert shown["limits"]["whole"]
    assert {one["code"]: one["verdict"] for one in shown["items"]}["NR-01"] == "fail"


def test_two_tablets_are_merged_by_the_limit_that_holds(desk: Desk) -> None:
    """Of two readings that the checklist passes, the one that the organisation fails stands."""
    limited(desk)
    case = desk.open_case()
    task = desk.assign(case, "inspector", "colleague")
    desk.shoot(case, task)
    forms = desk.forms(case)
    desk.graft("inspector", forms, desk.form(task, NR_01=desk.answer(1.5)), "a")
    other = desk.form(task, by="colleague", NR_01=desk.answer(3.0, by="colleague"))
    desk.graft("colleague", forms, other, "b")
    desk.intake()
    shown = desk.get(f"/cases/{case}/inspections/{task}")
    assert shown["answers"]["NR-01"]["value"] == 3.0
    assert [one["value"] for one in shown["superseded"]["NR-01"]] == [1.5]
    assert desk.case(case).tasks[task].failed == ("NR-01",)


def test_a_reinspection_is_held_to_what_holds_on_its_own_day(desk: Desk) -> None:
    case, task = judged(desk, 5.0)  # fails the checklist itself
    limited(desk, since=date(2026, 11, 10))
    desk.post(f"/cases/{case}/notices/1/issue")
    answer = {"items": {"NR-01": {"text": "mended"}}, "answered_by": "Red Maple Textiles"}
    desk.post(f"/cases/{case}/notices/1/answer", answer)
    desk.clock.forward(days=10)
    again = desk.post(f"/cases/{case}/notices/1/reinspect", {"assignees": ["colleague"]})
    [name] = [one for one in desk.case(case).tasks if one != task]
    assert again["state"] == "reinspecting"
    document = desk.form(name, by="colleague", NR_01=desk.answer(3.0, by="colleague"))
    document["answers"] = {"NR-01": document["answers"]["NR-01"]}
    desk.write("colleague", desk.forms(case), document)
    desk.intake()
    submission = desk.case(case).tasks[name].submissions[-1]
    assert (submission.failed, submission.limits and submission.limits.ids) == (("NR-01",), ("l-1",))
    assert desk.case(case).notices[1].open


def test_a_case_without_an_organisation_is_the_houses(desk: Desk) -> None:
    limited(desk)
    case = desk.open_case()
    document = desk.document(desk.forms(case), "case")
    desk.made.store.put(desk.forms(case), {**document, "organisation": ""})
    assert desk.case(case).organisation == ""
    form = Task(
        id="t",
        kind="acceptance",
        checklist=ChecklistRef("mini", 1),
        assignees=("inspector",),
        status="assigned",
        created_at=START,
        created_by="manager",
    )
    rules = Rulebook(desk.made).rules(desk.case(case), form, [])
    assert rules is not None
    assert [one.id for one in rules.limits] == ["l-1"]


def test_no_form_is_judged_while_a_limit_cannot_be_read(desk: Desk) -> None:
    """Without it, a failure might pass: the form waits until somebody has mended the library."""
    override = limited(desk)
    library, name = desk.made.names.library, f"checklist-limit:{override.id}"
    good = desk.document(library, name)
    spoilt = {**good, "limit": {**good["limit"], "max": 9.0}}
    rev = desk.made.store.put(library, spoilt)
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.submit(case, task, NR_01=desk.answer(3.0))
    with pytest.raises(AssertionError, match="could not be taken in"):
        desk.intake()
    assert desk.case(case).tasks[task].status == "assigned"
    with pytest.raises(DefinitionError):
        desk.made.library.rules(desk.made.library.get("mini", 1), "demo", START.date())
    desk.made.store.put(library, {**good, "_rev": rev})
    desk.intake()
    assert desk.case(case).tasks[task].failed == ("NR-01",)
