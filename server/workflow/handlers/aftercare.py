"""What follows energization. All of it goes on after the case has ended: a customer is one for years."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from server.workflow.aftercare import (
    Contact,
    CustomerInspection,
    InspectionDone,
    Rating,
    RatingAction,
    RatingMode,
)
from server.workflow.aftercare_commands import (
    CancelCustomerInspection,
    PlanCustomerInspection,
    RateService,
    RecordContact,
    RecordCustomerInspection,
    RecordRatingAction,
)
from server.workflow.draft import Draft
from server.workflow.field_commands import CancelTask
from server.workflow.handlers.customer_inspections import put_done, put_inspection
from server.workflow.handlers.records import known_already
from server.workflow.handlers.tasks import cancel_task, distinct, tell_assigned
from server.workflow.model import ChecklistRef, Task
from server.workflow.refusal import Refusal


def record_contact(draft: Draft, command: RecordContact) -> None:
    contact = Contact(
        id=command.contact_id,
        kind=command.kind,
        dated=command.dated,
        by=command.by,
        reached=command.reached,
        words=command.words,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
    )
    if known_already(draft.case.contacts, contact):
        return
    draft.require_dated(command.dated, "dated", earliest=draft.case.history[0].begun)
    if command.score is not None and not command.reached:
        raise Refusal("rating_of_nobody", kind="invalid", facts=("field:score",))
    draft.case = replace(draft.case, contacts={**draft.case.contacts, contact.id: contact})
    draft.tell(
        "customer_contacted",
        contact=contact.id,
        kind=contact.kind,
        by=contact.by,
        dated=contact.dated.isoformat(),
        reached=contact.reached,
        words=contact.words,
    )
    if command.score is not None:
        _rate(draft, contact.id, command.score, contact.kind, contact.dated, contact.words)


def rate_service(draft: Draft, command: RateService) -> None:
    if command.mode == "link" and "customer" not in draft.actor.roles:
        raise Refusal("rating_not_by_link", kind="invalid", facts=("field:mode",))
    dated = command.dated or draft.given_at
    known = draft.case.ratings.get(command.rating_id)
    if known is not None:
        same = (known.score, known.words, known.mode) == (command.score, command.words, command.mode)
        if same and command.dated in {None, known.dated}:
            return
        raise Refusal("record_exists", {"id": known.id}, facts=("field:id",))
    draft.require_dated(dated, "dated", earliest=draft.case.history[0].begun)
    _rate(draft, command.rating_id, command.score, command.mode, dated, command.words)


def record_rating_action(draft: Draft, command: RecordRatingAction) -> None:
    rating = draft.case.ratings.get(command.rating_id)
    if rating is None:
        raise Refusal("rating_unknown", {"id": command.rating_id}, kind="not_found")
    if any((one.text, one.by) == (command.text, draft.actor.name) for one in rating.actions):
        return
    action = RatingAction(text=command.text, by=draft.actor.name, at=draft.now)
    _put_rating(draft, replace(rating, actions=(*rating.actions, action)))
    draft.tell("rating_acted_on", rating=rating.id, score=rating.score, text=action.text)


def plan_customer_inspection(draft: Draft, command: PlanCustomerInspection) -> None:
    if not draft.energized:
        raise Refusal(
            "customer_not_energized", {"status": draft.case.energization.status}, facts=("energization",)
        )
    inspection = CustomerInspection(
        id=command.inspection_id,
        planned_on=command.planned_on,
        assignees=distinct(command.assignees),
        note=command.note,
        planned_at=draft.now,
        planned_by=draft.actor.name,
        task=None if command.checklist is None else command.inspection_id,
    )
    known = draft.case.customer_inspections.get(inspection.id)
    if known is not None:
        same = replace(
            inspection,
            planned_at=known.planned_at,
            planned_by=known.planned_by,
            done=known.done,
            cancelled=known.cancelled,
        )
        task = draft.case.tasks.get(inspection.id) if known.task is not None else None
        if same == known and command.checklist == (None if task is None else task.checklist):
            return
        raise Refusal("record_exists", {"id": known.id}, facts=("field:id",))
    if draft.case.energization.record is not None:
        draft.require_not_before(inspection.planned_on, "planned_on", draft.case.energization.record.at)
    if command.checklist is not None:
        _assign(draft, inspection, command.checklist)
    put_inspection(draft, inspection)
    draft.tell(
        "customer_inspection_planned",
        inspection=inspection.id,
        planned_on=inspection.planned_on.isoformat(),
        assignees=list(inspection.assignees),
    )


def _assign(draft: Draft, inspection: CustomerInspection, checklist: ChecklistRef) -> None:
    """Make the inspection a task of its people: their tablets learn of it as of any other."""
    if inspection.id in draft.case.tasks:
        raise Refusal("task_exists", {"task": inspection.id}, facts=("field:id",))
    task = Task(
        id=inspection.id,
        kind="customer_inspection",
        checklist=checklist,
        assignees=inspection.assignees,
        status="assigned",
        created_at=draft.now,
        created_by=draft.actor.name,
        due=inspection.planned_on,
        note=inspection.note,
    )
    draft.put_task(task)
    tell_assigned(draft, task)


def record_customer_inspection(draft: Draft, command: RecordCustomerInspection) -> None:
    inspection = _inspection(draft, command.inspection_id)
    done = InspectionDone(
        dated=command.dated,
        inspectors=distinct(command.inspectors),
        findings=command.findings,
        evidence=command.evidence,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
    )
    known = inspection.done
    if known is not None and done == replace(
        known, recorded_at=done.recorded_at, recorded_by=done.recorded_by
    ):
        return
    _require_open(inspection)
    if inspection.task is not None:
        # Its form says what was found; a word beside it would end the inspection without one.
        params = {"id": inspection.id, "task": inspection.task}
        raise Refusal("customer_inspection_by_task", params, facts=(f"task:{inspection.task}",))
    record = draft.case.energization.record
    draft.require_dated(command.dated, "dated", earliest=record.at if record else draft.case.history[0].begun)
    put_done(draft, inspection, done)


def cancel_customer_inspection(draft: Draft, command: CancelCustomerInspection) -> None:
    inspection = _inspection(draft, command.inspection_id)
    if inspection.cancelled:
        return
    _require_open(inspection)
    if inspection.task is not None:
        cancel_task(draft, CancelTask(task_id=inspection.task, reason=command.reason))
        return
    put_inspection(draft, replace(inspection, cancelled=command.reason))
    draft.tell("customer_inspection_cancelled", inspection=inspection.id, reason=command.reason)


def _rate(draft: Draft, id_: str, score: int, mode: RatingMode, dated: datetime, words: str) -> None:
    rating = Rating(
        id=id_,
        score=score,
        mode=mode,
        dated=dated,
        low=score <= draft.policy.rating_low,
        words=words,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
    )
    if id_ in draft.case.ratings:
        raise Refusal("record_exists", {"id": id_}, facts=("field:id",))
    _put_rating(draft, rating)
    draft.tell(
        "service_rated",
        rating=id_,
        score=score,
        low=rating.low,
        mode=mode,
        words=words,
        dated=dated.isoformat(),
    )


def _inspection(draft: Draft, inspection_id: str) -> CustomerInspection:
    inspection = draft.case.customer_inspections.get(inspection_id)
    if inspection is None:
        raise Refusal("customer_inspection_unknown", {"id": inspection_id}, kind="not_found")
    return inspection


def _require_open(inspection: CustomerInspection) -> None:
    if not inspection.open:
        state = "cancelled" if inspection.cancelled else "done"
        params = {"id": inspection.id, "state": state}
        raise Refusal("customer_inspection_settled", params, facts=("command:PlanCustomerInspection",))


def _put_rating(draft: Draft, rating: Rating) -> None:
    draft.case = replace(draft.case, ratings={**draft.case.ratings, rating.id: rating})
