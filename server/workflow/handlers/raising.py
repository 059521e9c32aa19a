"""Failures become notices: a draft for what a form brought, a supplement for what came afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from server.workflow.closing import covered_unseen
from server.workflow.draft import Draft
from server.workflow.model import ItemResult, Notice, NoticeItem, NoticeStage, Submission, Task
from server.workflow.rectification import Covered, Heading, last_contractor
from server.workflow.refusal import Refusal
from server.workflow.unsafe import specialists_wanted


def raise_failures(draft: Draft, task: Task, submission: Submission, news: Sequence[ItemResult]) -> None:
    """Put new failures on the task's draft notice, or on a new one if that has gone out already."""
    if not news:
        return
    items = tuple(
        NoticeItem(
            result=result,
            raised_by=submission.submitted_by,
            raised_at=draft.now,
            task_id=task.id,
            submission=submission.n,
        )
        for result in news
    )
    waiting = next((notice for notice in _of_task(draft, task) if notice.state == "draft"), None)
    if (
        waiting is not None
        and waiting.operational == draft.energized
        and not any(waiting.item(item.code) for item in items)
    ):
        extend(draft, waiting, items)
        return
    stage, supplement_of = _origin(draft, task)
    open_notice(
        draft,
        Notice(
            n=next_number(draft),
            state="draft",
            stage=stage,
            checklist=task.checklist,
            items=items,
            created_at=draft.now,
            task_id=task.id,
            supplement_of=supplement_of,
            operational=draft.energized,
            heading=Heading(
                inspected_on=draft.policy.day(submission.submitted_at),
                contractor=last_contractor(draft.case.notices),
            ),
        ),
    )


def _of_task(draft: Draft, task: Task) -> list[Notice]:
    return [notice for notice in draft.case.notices.values() if notice.task_id == task.id]


def _origin(draft: Draft, task: Task) -> tuple[NoticeStage, int | None]:
    """The stage a new notice belongs to, and the notice it supplements."""
    if task.kind == "reinspection":
        assert task.notice is not None  # noqa: S101  (a re-inspection is made for a notice)
        return draft.notice(task.notice).stage, task.notice
    earlier = _of_task(draft, task)
    return task.kind, earlier[0].n if earlier else None


def next_number(draft: Draft) -> int:
    """Notices are numbered from 1 in the order in which they were opened; none is ever removed."""
    return len(draft.case.notices) + 1


def open_notice(draft: Draft, notice: Notice) -> None:
    """Add a new draft notice."""
    notice = replace(notice, items=tuple(_seen_covered(item) for item in notice.items))
    draft.put_notice(notice)
    draft.tell(
        "notice_drafted",
        n=notice.n,
        stage=notice.stage,
        items=[item.code for item in notice.items],
        task=notice.task_id,
        hazard=notice.hazard_id,
        supplement_of=notice.supplement_of,
        operational=notice.operational,
    )
    tell_specialists(draft, notice)


def _seen_covered(item: NoticeItem) -> NoticeItem:
    """The item; one that asks for hidden works to be open says with its failure that they are not."""
    if not covered_unseen(item.code) or item.covered is not None:
        return item
    return replace(item, covered=Covered(reason=item.result.note, by=item.raised_by, at=item.raised_at))


def tell_specialists(draft: Draft, notice: Notice) -> None:
    """Say that specialists have to meet, if they have."""
    wanted = specialists_wanted(notice, draft.policy)
    if wanted:
        draft.tell(
            "specialists_wanted",
            n=notice.n,
            round=notice.round,
            why={cause: list(codes) for cause, codes in wanted.items()},
        )


def extend(draft: Draft, notice: Notice, items: tuple[NoticeItem, ...]) -> None:
    """Add items to a draft. A withdrawal proposed before knew nothing of them, nor did who signed it."""
    notice = void_withdrawal(draft, notice)
    void = [one.by for one in notice.cosigned]
    items = tuple(map(_seen_covered, items))
    notice = replace(notice, items=(*notice.items, *items), cosigned=())
    draft.put_notice(notice)
    draft.tell("notice_extended", n=notice.n, items=[item.code for item in items], unsigned=void)
    if any(item.covered for item in items):
        tell_specialists(draft, notice)


def void_withdrawal(draft: Draft, notice: Notice) -> Notice:
    """The notice without a proposed withdrawal: it has changed since somebody proposed that."""
    if notice.withdrawal is None:
        return notice
    draft.tell("withdrawal_voided", n=notice.n, proposed_by=notice.withdrawal.proposed_by)
    return replace(notice, withdrawal=None)


def wrong_state(code: str, notice: Notice) -> Refusal:
    """A refusal of what does not go with the state that the notice is in."""
    return Refusal(code, {"n": notice.n, "state": notice.state}, facts=(f"notice:{notice.n}",))
