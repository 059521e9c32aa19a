"""What the customer says to a notice that is out."""

from __future__ import annotations

from msgspec.structs import replace

from server.workflow.commands import AnswerNotice
from server.workflow.draft import Draft
from server.workflow.handlers.deliveries import received
from server.workflow.handlers.raising import wrong_state
from server.workflow.handlers.reminders import end_waiting
from server.workflow.model import Answer, ItemAnswer
from server.workflow.refusal import Refusal


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
        raise wrong_state("notice_not_issued", notice)
    if command.dated is not None and notice.issues:
        draft.require_dated(command.dated, "dated", earliest=notice.issues[-1].at)
    spoken = received(draft, notice, answer.answered_by, answer.given)
    notice = spoken.notice
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
    spoken.tell(draft)
    if not left:
        end_waiting(draft, notice, answer.given)
