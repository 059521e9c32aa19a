"""The field work of a customer's inspection: what becomes of its task becomes of the inspection."""

from __future__ import annotations

from msgspec.structs import replace

from server.workflow.aftercare import CustomerInspection, InspectionDone
from server.workflow.draft import Draft
from server.workflow.model import Submission, Task


def inspection_of(draft: Draft, task: Task) -> CustomerInspection | None:
    """The open inspection that a task is of."""
    found = (one for one in draft.case.customer_inspections.values() if one.task == task.id and one.open)
    return next(found, None)


def put_inspection(draft: Draft, inspection: CustomerInspection) -> None:
    inspections = {**draft.case.customer_inspections, inspection.id: inspection}
    draft.case = replace(draft.case, customer_inspections=inspections)


def given_to(draft: Draft, task: Task, assignees: tuple[str, ...]) -> None:
    """Other people go."""
    inspection = inspection_of(draft, task)
    if inspection is not None:
        put_inspection(draft, replace(inspection, assignees=assignees))


def called_off(draft: Draft, task: Task, reason: str) -> None:
    """Nobody goes; the inspection stays due."""
    inspection = inspection_of(draft, task)
    if inspection is not None:
        put_inspection(draft, replace(inspection, cancelled=reason))
        draft.tell("customer_inspection_cancelled", inspection=inspection.id, reason=reason)


def came_back(draft: Draft, task: Task, submission: Submission) -> None:
    """Its form was accepted: the customer was inspected, and no later than now, whatever a tablet's
    clock said. What failed is on a notice."""
    inspection = inspection_of(draft, task)
    if inspection is None:
        return
    done = InspectionDone(
        dated=min(submission.submitted_at, draft.now),
        inspectors=task.assignees,
        findings=", ".join(submission.failed),
        evidence=f"task:{task.id}",
        recorded_at=draft.now,
        recorded_by=submission.submitted_by,
    )
    put_done(draft, inspection, done)


def put_done(draft: Draft, inspection: CustomerInspection, done: InspectionDone) -> None:
    put_inspection(draft, replace(inspection, done=done))
    draft.tell(
        "customer_inspected",
        inspection=inspection.id,
        dated=done.dated.isoformat(),
        inspectors=list(done.inspectors),
        findings=done.findings,
    )
