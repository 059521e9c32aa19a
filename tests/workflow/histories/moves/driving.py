"""Left to chance alone, a case would hardly ever come to an authorization. These moves do what is next
everywhere, with whomever they are given, so that there is one to be lost."""

from __future__ import annotations

from server.workflow import commands as c
from server.workflow.gates import gate_table
from server.workflow.model import Actor, Notice, PhotoRef
from server.workflow.processes import process
from tests.workflow.builders import CUSTOMER, DEPUTY, INSPECTOR, INTAKE, MANAGER, PLAIN_FACTS, accepted, item
from tests.workflow.histories.history import FIELD, History
from tests.workflow.histories.moves.energization import record
from tests.workflow.histories.moves.fieldwork import outcome, report_hazard


def drive(h: History) -> None:
    drive_home(h)


def drive_and_close_the_breaker(h: History) -> None:
    drive_home(h)
    record(h)


def drive_after_a_hazard(h: History) -> None:
    report_hazard(h, "h-1")
    drive_home(h)


def drive_then_late_branch(h: History) -> None:
    drive_home(h)
    for task in list(h.case.tasks.values())[-2:]:
        h.hand_in(task, outcome(h), h.pick(FIELD))
    h.give(c.Authorize(), MANAGER, DEPUTY)


def drive_through_rounds(h: History) -> None:
    drive_home(h, [outcome(h) for _ in range(h.random.randint(1, 3))])


def drive_home(h: History, answers: list[c.Outcome] | None = None) -> None:
    """Settle facts, confirm conditions, close loops, and try for an authorization."""
    people, by, actor = h.people(), h.pick(FIELD), h.pick([MANAGER, DEPUTY])
    h.give(c.SetFacts(facts=PLAIN_FACTS, reason="as surveyed"), actor)
    for unsent in h.case.quarantine:
        h.give(c.SettleQuarantine(unsent_id=unsent, decision="accept", reason="x"), actor)
        h.give(c.TakeQuarantined(unsent_id=unsent), INTAKE)
    for pause in h.case.pauses.values():
        h.give(c.ResumeClock(pause_id=pause.id, dated=h.desk.now, evidence="receipt"), actor)
    for wanted in [*(answers or []), None, None]:
        for notice in h.case.notices.values():
            _drive_notice(h, notice, people, actor)
        for task in h.case.tasks.values():
            if task.status not in {"accepted", "cancelled"} or task.open_branch is not None:
                good = accepted(*(item(code, "pass", by=by) for code in task.items or ()))
                h.hand_in(task, wanted or good, by)
    for gate in sorted(h.desk.red() & {gate.id for gate in gate_table().values() if gate.entry}):
        for person in (MANAGER, INSPECTOR):
            h.give(c.RecordEntry(gate=gate, status="met", evidence="sheet"), person)
    stages = process(h.case.process)
    for stage in ("completion_applied", "acceptance", stages.ready):
        h.give(c.MoveStage(to=stage), actor)
    h.give(c.RecordIsolation(at=h.desk.now, evidence="earthed"), INSPECTOR)
    h.give(c.ReleaseHold(reason="x"), actor)
    h.give(c.Authorize(), actor)


def _drive_notice(h: History, notice: Notice, people: tuple[str, ...], actor: Actor) -> None:
    if notice.state == "draft":
        h.give(c.IssueNotice(n=notice.n), actor)
    photo = PhotoRef(f"p-{notice.n}-{h.number()}", None, verified=False)
    photos = (photo,) if h.chance(0.3) else ()
    items = {one.code: c.AnsweredItem("done", photos) for one in notice.items if one.state == "open"}
    if items:
        h.give(c.AnswerNotice(n=notice.n, items=items, answered_by="customer"), CUSTOMER)
        if photos and h.chance(0.9):
            h.give(c.RecordPhoto(photo_id=photo.id, verified=h.chance(0.9)), INTAKE)
    task_id = f"r-{notice.n}-{len(h.case.tasks)}"
    h.give(c.ScheduleReinspection(n=notice.n, task_id=task_id, assignees=people), actor)


MOVES = [drive, drive, drive_and_close_the_breaker, drive_after_a_hazard, drive_then_late_branch]
MOVES += [drive_through_rounds]
