"""Re-inspection: the only way in which a failure is found mended.

An item passes when it was judged good (a warning is advice, and good enough); `not_judged` is not good. A
item seen good that lacks something (a second person if it is critical, somebody of its specialty, a photo as
it is now, a visit) is `passed_once`: it takes another visit, and no new round.
"""

from __future__ import annotations

from msgspec.structs import replace

from server.workflow.closing import answered_in_photos, lacks
from server.workflow.commands import ScheduleReinspection
from server.workflow.draft import Draft
from server.workflow.gates import standing_answer_photos
from server.workflow.handlers.deadlines import issue_round
from server.workflow.handlers.deliveries import dispute_open
from server.workflow.handlers.raising import void_withdrawal
from server.workflow.handlers.tasks import distinct, require_second_person, require_specialists
from server.workflow.model import (
    ItemResult,
    ItemRound,
    ItemState,
    Notice,
    NoticeItem,
    Submission,
    Task,
)
from server.workflow.rectification import Lack
from server.workflow.refusal import Refusal
from server.workflow.unsafe import specialists_wanted


def schedule_reinspection(draft: Draft, command: ScheduleReinspection) -> None:
    notice = draft.notice(command.n)
    assignees = distinct(command.assignees)
    known = draft.case.tasks.get(command.task_id)
    if known is not None:
        if known.notice == notice.n and known.assignees == assignees and known.due == command.due:
            return
        raise Refusal("task_exists", {"task": command.task_id}, facts=("field:task_id",))
    _require_answered(draft, notice)
    if command.checklist is not None and command.checklist != notice.checklist:
        raise Refusal(
            "checklist_differs",
            {"n": notice.n, "checklist": f"{notice.checklist.id}@{notice.checklist.version}"},
            kind="invalid",
            facts=("field:checklist",),
        )
    draft.require_not_before(command.due, "due", notice.issues[-1].at)
    wanted = specialists_wanted(notice, draft.policy)
    if wanted:
        params = {"n": notice.n, "names": ", ".join(sorted({code for of in wanted.values() for code in of}))}
        raise Refusal("specialists_first", params, facts=(f"notice:{notice.n}",))
    require_second_person(draft, notice, assignees)
    items = tuple(item.code for item in notice.items if not item.settled)
    require_specialists(draft, notice.n, items, assignees, command.specialties)
    if command.by_photos:
        _require_photos_enough(draft, notice)
    task = Task(
        id=command.task_id,
        kind="reinspection",
        checklist=notice.checklist,
        assignees=assignees,
        status="assigned",
        created_at=draft.now,
        created_by=draft.actor.name,
        due=command.due,
        note=command.note,
        notice=notice.n,
        items=items,
        specialties=command.specialties,
        by_photos=command.by_photos,
    )
    draft.put_task(task)
    notice = void_withdrawal(draft, notice)
    draft.put_notice(replace(notice, state="reinspecting", reinspections=(*notice.reinspections, task.id)))
    draft.tell(
        "reinspection_scheduled",
        n=notice.n,
        round=notice.round,
        task=task.id,
        items=list(task.items or ()),
        assignees=list(assignees),
        by_photos=task.by_photos,
    )


def _require_photos_enough(draft: Draft, notice: Notice) -> None:
    """Refuse to judge by photos what takes a visit, or what no photo shows."""
    if not draft.policy.minor_by_photos:
        raise Refusal("visit_wanted", {"n": notice.n}, facts=("field:by_photos",))
    for item in notice.items:
        if not item.settled and (item.severity != "minor" or not answered_in_photos(notice, item.code)):
            params = {"n": notice.n, "item": item.code}
            raise Refusal("photos_not_enough", params, facts=("field:by_photos",))


def _require_answered(draft: Draft, notice: Notice) -> None:
    if notice.state != "answered":
        raise Refusal(
            "notice_not_answered",
            {"n": notice.n, "state": notice.state},
            facts=(f"notice:{notice.n}",),
        )
    if notice.dispute is not None:
        raise dispute_open(notice)
    unverified = [
        photo for photo in standing_answer_photos(notice) if draft.case.photos[photo].state != "verified"
    ]
    if unverified:
        # Refused here, because after the round the customer could no longer replace a refused photo.
        raise Refusal(
            "answer_photos_unverified",
            {"n": notice.n, "photos": unverified, "names": ", ".join(unverified)},
            facts=tuple(f"photo:{photo}" for photo in unverified),
        )


def close_round(draft: Draft, task: Task, submission: Submission, results: tuple[ItemResult, ...]) -> None:
    """Judge the notice by its accepted re-inspection: closed, or issued again, or for a second person."""
    assert task.notice is not None  # noqa: S101  (only re-inspections come here)
    notice = draft.notice(task.notice)
    by_code = {result.code: result for result in results}

    def judged(item: NoticeItem) -> NoticeItem:
        seen = _seen(notice, by_code.get(item.code), task, submission)
        return _judged(item, seen, lacks(item, seen, task, submission, draft.policy))

    items = tuple(judged(item) if item.code in (task.items or ()) else item for item in notice.items)
    notice = replace(notice, items=items)
    if all(item.settled for item in items):
        notice = replace(notice, state="closed", closed_at=draft.now, closed_by=submission.submitted_by)
        draft.put_notice(notice)
        draft.tell("notice_closed", n=notice.n, round=notice.round, by=submission.submitted_by)
    elif any(item.state == "open" for item in items):
        issue_round(draft, notice, {})
    else:
        draft.put_notice(replace(notice, state="answered"))
        waiting = [item for item in items if item.state == "passed_once"]
        draft.tell(
            "second_person_awaited",
            n=notice.n,
            items=[item.code for item in waiting],
            by=submission.submitted_by,
            lacking={item.code: list(item.rounds[-1].lacking) for item in waiting},
        )


def _seen(notice: Notice, result: ItemResult | None, task: Task, submission: Submission) -> ItemRound:
    """What this re-inspection saw of an item; an item it left out was not judged."""
    seen = ItemRound(
        round=notice.round,
        task_id=task.id,
        submission=submission.n,
        verdict="not_judged" if result is None else result.verdict,
        submitted_by=submission.submitted_by,
    )
    if result is None:
        return seen
    return replace(
        seen, by=result.by, at=result.at, value=result.value, note=result.note, photos=result.photos
    )


def _judged(item: NoticeItem, seen: ItemRound, lacking: tuple[Lack, ...]) -> NoticeItem:
    state: ItemState = "open"
    if seen.verdict in {"pass", "warning"}:
        state = "passed_once" if lacking else "passed"
        seen = replace(seen, lacking=lacking)
    return replace(item, state=state, rounds=(*item.rounds, seen))
