"""Work in the field: tasks, forms that arrive in any order, photos, hazards."""

from __future__ import annotations

from typing import Any

from server.workflow import commands as c
from server.workflow.model import ChecklistRef, ItemResult, Severity, Verdict
from tests.workflow.builders import (
    CHECKLIST,
    HAZARD_CHECKLIST,
    INTAKE,
    accepted,
    awaiting,
    item,
    returned,
    text,
)
from tests.workflow.histories.history import FIELD, History
from tests.workflow.histories.moves.cases import OFFICE

TASKS = ("t-acc", "t-1", "t-2")
VERDICTS: tuple[Verdict, ...] = ("pass", "pass", "pass", "fail", "warning", "not_judged")
SEVERITIES: tuple[Severity, ...] = ("critical", "major", "minor")
CODES = ("A", "B", "HZ-01")


def judged(h: History, by: str, *codes: str) -> list[ItemResult]:
    wanted = codes or h.random.sample(CODES, h.random.randint(0, len(CODES)))
    return [item(code, h.pick(VERDICTS), h.pick(SEVERITIES), by=by) for code in wanted]


def outcome(h: History, *codes: str) -> c.Outcome:
    if h.chance():
        return accepted(*judged(h, h.pick(FIELD), *codes))
    return awaiting() if h.chance() else returned()


def assign(h: History) -> None:
    kind: Any = h.pick(["survey", "intermediate", "acceptance"])
    checklist = h.pick([CHECKLIST, HAZARD_CHECKLIST])
    h.give(c.AssignTask(task_id=h.pick(TASKS), kind=kind, checklist=checklist, assignees=h.people()), *OFFICE)


def reassign(h: History) -> None:
    h.give(c.Reassign(task_id=h.some_task(), assignees=h.people(), reason="x"), *OFFICE)


def cancel(h: History) -> None:
    h.give(c.CancelTask(task_id=h.some_task(), reason="x"), *OFFICE)


def change_checklist(h: History) -> None:
    known = h.case.tasks.get(h.some_task())
    before = CHECKLIST if known is None else known.checklist
    newer = ChecklistRef(before.id, h.pick([1, 2, 3]))
    task = "t-none" if known is None else known.id
    h.give(c.ChangeChecklist(task_id=task, checklist=newer, answers=h.pick([0, 0, 1]), reason="newer"))


def submit(h: History) -> None:
    """A form by whomever, of whatever leaves; old ones and unsent ones too."""
    h.give(
        c.RecordSubmission(
            task_id=h.some_task(),
            revs=(f"{h.serial if h.chance() else h.number()}-a", "1-b"),
            outcome=outcome(h),
            submitted_by=h.pick(FIELD),
            submitted_at=h.moment(),
            unsent_id="u-1" if h.chance(0.3) else None,
        ),
        INTAKE,
    )


def answer_what_was_asked(h: History) -> None:
    """A form of an assigned task, or a late branch of one, that answers exactly what was asked."""
    if h.case.tasks:
        task = h.case.tasks[h.some_task()]
        h.hand_in(task, outcome(h, *(task.items or ())), h.pick(FIELD))


def give_up(h: History) -> None:
    h.give(c.SettleLateBranch(task_id=h.some_task(), reason="lost"), *OFFICE)


def judge_photo(h: History) -> None:
    photo = h.pick([*sorted(h.case.photos), "p-none"])
    h.give(c.RecordPhoto(photo_id=photo, verified=h.chance()), INTAKE)


def hazard(h: History) -> None:
    report_hazard(h, f"h-{h.random.randint(1, 4)}")


def report_hazard(h: History, hazard_id: str) -> None:
    known = set(h.case.hazards)
    command = c.ReportHazard(
        hazard_id=hazard_id,
        description="pit",
        at=h.moment(),
        by=h.pick(FIELD),
        checklist=HAZARD_CHECKLIST,
        text=text("hazard removed"),
        severity=h.pick(SEVERITIES),
        unsent_id="u-1" if h.chance(0.2) else None,
    )
    if h.give(command):
        assert hazard_id not in known
        assert h.desk.notice(h.case.hazards[hazard_id].notice).state == "draft"


MOVES = [assign, reassign, cancel, change_checklist, submit, submit, answer_what_was_asked]
MOVES += [answer_what_was_asked, give_up, judge_photo, hazard, hazard]
