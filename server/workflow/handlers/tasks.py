"""Field work: who is sent where, with which checklist."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from server.workflow.closing import specialty_of, without_specialist
from server.workflow.commands import AssignTask, CancelTask, ChangeChecklist, Reassign, SettleLateBranch
from server.workflow.draft import Draft
from server.workflow.handlers.customer_inspections import called_off, given_to
from server.workflow.model import ChecklistRef, Notice, Task
from server.workflow.refusal import Refusal
from server.workflow.vocabulary import SETTLED_TASKS


def distinct(people: tuple[str, ...]) -> tuple[str, ...]:
    """The same people, each once, in the order given."""
    return tuple(dict.fromkeys(people))


def assign_task(draft: Draft, command: AssignTask) -> None:
    draft.require_running()
    known = draft.case.tasks.get(command.task_id)
    task = Task(
        id=command.task_id,
        kind=command.kind,
        checklist=command.checklist,
        assignees=distinct(command.assignees),
        status="assigned",
        created_at=draft.now,
        created_by=draft.actor.name,
        due=command.due,
        note=command.note,
    )
    if known is not None:
        if _same_order(known, task):
            return
        raise Refusal("task_exists", {"task": command.task_id}, facts=("field:task_id",))
    draft.require_not_before(task.due, "due", draft.case.history[0].begun)
    draft.put_task(task)
    tell_assigned(draft, task)


def tell_assigned(draft: Draft, task: Task) -> None:
    """Say whom a new task was given to."""
    draft.tell(
        "task_assigned",
        task=task.id,
        kind=task.kind,
        checklist=_named(task.checklist),
        assignees=list(task.assignees),
        due=task.due.isoformat() if task.due else None,
    )


def _same_order(known: Task, task: Task) -> bool:
    """True if a repeated order asks for what stands already, whatever became of the task since."""
    return all(
        getattr(known, name) == getattr(task, name)
        for name in ("kind", "checklist", "assignees", "due", "note", "notice", "items")
    )


def reassign(draft: Draft, command: Reassign) -> None:
    task = draft.task(command.task_id)
    assignees = distinct(command.assignees)
    if assignees == task.assignees:
        return
    require_unsettled(task)
    if task.notice is not None:
        require_second_person(draft, draft.notice(task.notice), assignees)
        require_specialists(draft, task.notice, task.items or (), assignees, command.specialties)
    draft.put_task(replace(task, assignees=assignees, specialties=command.specialties))
    given_to(draft, task, assignees)
    draft.tell(
        "task_reassigned",
        task=task.id,
        before=list(task.assignees),
        after=list(assignees),
        reason=command.reason,
    )


def cancel_task(draft: Draft, command: CancelTask) -> None:
    task = draft.task(command.task_id)
    if task.status == "cancelled":
        return
    require_unsettled(task)
    draft.put_task(replace(task, status="cancelled", cancelled_reason=command.reason))
    draft.tell("task_cancelled", task=task.id, reason=command.reason)
    called_off(draft, task, command.reason)
    if task.notice is not None:
        # The notice stays open and asks for another re-inspection: cancelling must not end its loop.
        notice = draft.notice(task.notice)
        draft.put_notice(replace(notice, state="answered"))
        draft.tell("notice_awaits_reinspection", n=notice.n, round=notice.round)


def change_checklist(draft: Draft, command: ChangeChecklist) -> None:
    task = draft.task(command.task_id)
    if command.checklist == task.checklist:
        return
    draft.require_running()
    require_unsettled(task)
    before, after = _named(task.checklist), _named(command.checklist)
    if task.notice is not None:
        # It looks again at what failed, by the words and limits that it failed by.
        params = {"n": task.notice, "checklist": before}
        raise Refusal("checklist_differs", params, facts=(f"notice:{task.notice}",))
    if task.submissions or command.answers:
        params = {"task": task.id, "answers": command.answers, "checklist": before}
        raise Refusal("task_begun", params, facts=(f"task:{task.id}",))
    if not _newer(command.checklist, task.checklist):
        params = {"task": task.id, "checklist": before, "given": after}
        raise Refusal("checklist_not_newer", params, kind="invalid", facts=("field:checklist",))
    draft.put_task(replace(task, checklist=command.checklist))
    draft.tell("task_checklist_changed", task=task.id, before=before, after=after, reason=command.reason)


def _named(checklist: ChecklistRef) -> str:
    return f"{checklist.id}@{checklist.version}"


def _newer(new: ChecklistRef, old: ChecklistRef) -> bool:
    """Whether `new` is a later version of the same checklist; versions that are no numbers have no order."""
    try:
        return new.id == old.id and int(new.version) > int(old.version)
    except ValueError:
        return False


def settle_late_branch(draft: Draft, command: SettleLateBranch) -> None:
    task = draft.task(command.task_id)
    if task.open_branch is None:
        raise Refusal("no_late_branch", {"task": task.id}, facts=(f"task:{task.id}",))
    if task.open_branch.submitted_by == draft.actor.name:
        raise Refusal("own_work", {"by": draft.actor.name}, kind="forbidden", facts=("person:another",))
    draft.put_task(replace(task, open_branch=None))
    draft.tell(
        "late_branch_given_up",
        task=task.id,
        submission=task.open_branch.submission,
        submitted_by=task.open_branch.submitted_by,
        reason=command.reason,
    )


def require_specialists(
    draft: Draft,
    n: int,
    items: tuple[str, ...],
    assignees: tuple[str, ...],
    limited: Mapping[str, tuple[str, ...]],
) -> None:
    """Refuse to send people of whom none may close an item."""
    missing = without_specialist(items, assignees, limited) if draft.policy.closing_by_specialty else []
    if missing and not draft.again:
        params = {"n": n, "item": missing[0], "specialty": specialty_of(missing[0])}
        raise Refusal("specialist_missing", params, facts=("person:another",))


def require_unsettled(task: Task) -> None:
    if task.status in SETTLED_TASKS:
        params = {"task": task.id, "status": task.status}
        raise Refusal("task_settled", params, facts=(f"task:{task.id}",))


def require_second_person(draft: Draft, notice: Notice, assignees: tuple[str, ...]) -> None:
    """Refuse a re-inspection that only people who raised a critical item would make."""
    if not draft.policy.two_person_critical:
        return
    for item in notice.items:
        if item.severity == "critical" and not item.settled and item.raisers >= set(assignees):
            raise Refusal(
                "second_person_needed",
                {"n": notice.n, "item": item.code, "names": ", ".join(sorted(item.raisers))},
                kind="forbidden",
                facts=("person:another",),
            )
