"""Rectification notices on their way to the customer and back, and their withdrawal by two persons."""

from __future__ import annotations

from msgspec.structs import replace

from server.workflow.commands import (
    AnswerNotice,
    ConfirmWithdrawal,
    IssueNotice,
    ProposeWithdrawal,
    RejectWithdrawal,
)
from server.workflow.draft import Draft
from server.workflow.handlers.raising import void_withdrawal
from server.workflow.handlers.reinspections import issue_round
from server.workflow.model import Answer, ItemAnswer, Notice, Withdrawal
from server.workflow.refusal import Refusal


def issue_notice(draft: Draft, command: IssueNotice) -> None:
    notice = draft.notice(command.n)
    if notice.state != "draft":
        raise _wrong_state("notice_not_draft", notice)
    today = draft.policy.day(draft.now)
    for code, day in command.due.items():
        if notice.item(code) is None:
            raise Refusal("item_unknown", {"n": notice.n, "item": code}, kind="invalid", facts=("field:due",))
        if day < today:
            raise Refusal(
                "due_in_past",
                {"item": code, "due": day.isoformat(), "today": today.isoformat()},
                kind="invalid",
                facts=("field:due",),
            )
    # A withdrawal proposed while it was a draft would now withdraw what the customer has been told.
    issue_round(draft, void_withdrawal(draft, notice), command.due)


def answer_notice(draft: Draft, command: AnswerNotice) -> None:
    notice = draft.notice(command.n)
    answer = Answer(
        round=max(notice.round, 1),
        at=draft.now,
        answered_by=command.answered_by,
        recorded_by=draft.actor.name,
        items={
            code: ItemAnswer(item.text, tuple(photo.id for photo in item.photos))
            for code, item in command.items.items()
        },
        text=command.text,
        dated=command.dated,
    )
    if notice.answers and replace(answer, at=notice.answers[-1].at) == notice.answers[-1]:
        return
    if notice.state not in {"issued", "answered"}:
        raise _wrong_state("notice_not_issued", notice)
    if command.dated is not None and notice.issues:
        draft.require_dated(command.dated, "dated", earliest=notice.issues[-1].at)
    to_answer = {item.code for item in notice.items if item.state == "open"}
    for code, said in answer.items.items():
        if code not in to_answer:
            params = {"n": notice.n, "item": code}
            raise Refusal("item_not_open", params, kind="invalid", facts=(f"field:items.{code}",))
        if not said.text.strip() and not said.photos:
            params = {"n": notice.n, "item": code}
            raise Refusal("answer_empty", params, kind="invalid", facts=(f"field:items.{code}",))
    photos = tuple(photo for item in command.items.values() for photo in item.photos)
    draft.rely_on(photos, f"notice:{notice.n}")
    answers = (*notice.answers, answer)
    answered = {code for given in answers if given.round == notice.round for code in given.items}
    left = sorted(to_answer - answered)
    draft.put_notice(replace(notice, answers=answers, state="issued" if left else "answered"))
    draft.tell(
        "notice_answered",
        n=notice.n,
        round=notice.round,
        items=sorted(answer.items),
        left=left,
        answered_by=answer.answered_by,
    )


def propose_withdrawal(draft: Draft, command: ProposeWithdrawal) -> None:
    notice = draft.notice(command.n)
    if notice.withdrawal is not None and notice.open:
        if (notice.withdrawal.proposed_by, notice.withdrawal.reason) == (draft.actor.name, command.reason):
            return
        params = {"n": notice.n, "proposed_by": notice.withdrawal.proposed_by}
        raise Refusal("withdrawal_proposed", params, facts=(f"notice:{notice.n}",))
    _require_withdrawable(notice)
    withdrawal = Withdrawal(proposed_by=draft.actor.name, proposed_at=draft.now, reason=command.reason)
    draft.put_notice(replace(notice, withdrawal=withdrawal))
    draft.tell("withdrawal_proposed", n=notice.n, reason=command.reason)


def confirm_withdrawal(draft: Draft, command: ConfirmWithdrawal) -> None:
    notice = draft.notice(command.n)
    withdrawal = _proposed(notice)
    _require_withdrawable(notice)
    if withdrawal.proposed_by == draft.actor.name:
        raise Refusal(
            "second_person_withdraws",
            {"n": notice.n, "proposed_by": withdrawal.proposed_by},
            kind="forbidden",
            facts=("person:another",),
        )
    confirmed = replace(withdrawal, confirmed_by=draft.actor.name, confirmed_at=draft.now)
    draft.put_notice(replace(notice, state="withdrawn", withdrawal=confirmed))
    draft.tell("notice_withdrawn", n=notice.n, proposed_by=withdrawal.proposed_by, reason=withdrawal.reason)


def reject_withdrawal(draft: Draft, command: RejectWithdrawal) -> None:
    notice = draft.notice(command.n)
    withdrawal = _proposed(notice)
    draft.put_notice(replace(notice, withdrawal=None))
    draft.tell("withdrawal_rejected", n=notice.n, proposed_by=withdrawal.proposed_by, reason=command.reason)


def _proposed(notice: Notice) -> Withdrawal:
    if not notice.open or notice.withdrawal is None:
        raise _wrong_state("no_withdrawal_proposed", notice)
    return notice.withdrawal


def _require_withdrawable(notice: Notice) -> None:
    """A notice under re-inspection is not withdrawn: the form on the tablet would come back to nothing."""
    if not notice.open or notice.state == "reinspecting":
        raise _wrong_state("notice_not_withdrawable", notice)


def _wrong_state(code: str, notice: Notice) -> Refusal:
    return Refusal(code, {"n": notice.n, "state": notice.state}, facts=(f"notice:{notice.n}",))
