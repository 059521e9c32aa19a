"""A notice before the customer has it: completed, signed by a second person, issued. Then its words stand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from msgspec.structs import replace

from server.workflow.commands import AmendNotice, CosignNotice, IssueNotice
from server.workflow.draft import Draft
from server.workflow.handlers.deadlines import Asked, default_due, issue_round, require_day
from server.workflow.handlers.raising import void_withdrawal, wrong_state
from server.workflow.model import Notice, NoticeItem
from server.workflow.rectification import Cosignature, DueDate
from server.workflow.refusal import Refusal


def amend_notice(draft: Draft, command: AmendNotice) -> None:
    notice = _draft_notice(draft, command.n)
    for code in (*command.items, *command.due):
        _require_item(notice, code, "items" if code in command.items else "due")
    _require_days(draft, notice, command.due, command.reason)
    amended = replace(
        notice,
        heading=notice.heading if command.heading is None else command.heading,
        items=tuple(_amended(draft, item, command) for item in notice.items),
    )
    if amended == notice:
        return
    amended = void_withdrawal(draft, replace(amended, cosigned=()))
    draft.put_notice(amended)
    draft.tell(
        "notice_amended",
        n=notice.n,
        heading=amended.heading != notice.heading,
        items=[
            new.code
            for old, new in zip(notice.items, amended.items, strict=True)
            if old.wording != new.wording
        ],
        due={code: day.isoformat() if day else None for code, day in command.due.items()},
        reason=command.reason,
        unsigned=[one.by for one in notice.cosigned],
    )


def _amended(draft: Draft, item: NoticeItem, command: AmendNotice) -> NoticeItem:
    item = replace(item, wording=command.items.get(item.code, item.wording))
    if item.code not in command.due:
        return item
    day = command.due[item.code]
    if day == item.due:
        return item
    if day is None:
        return replace(item, due=None, dues=())
    asked = DueDate(round=1, due=day, kind="asked", at=draft.now, by=draft.actor.name, reason=command.reason)
    return replace(item, due=day, dues=(asked,))


def cosign_notice(draft: Draft, command: CosignNotice) -> None:
    notice = _draft_notice(draft, command.n)
    if draft.actor.name in {one.by for one in notice.cosigned}:
        return
    draft.put_notice(replace(notice, cosigned=(*notice.cosigned, Cosignature(draft.actor.name, draft.now))))
    draft.tell("notice_cosigned", n=notice.n)


def issue_notice(draft: Draft, command: IssueNotice) -> None:
    notice = _draft_notice(draft, command.n)
    for code in command.due:
        _require_item(notice, code, "due")
    _require_days(draft, notice, command.due, command.reason)
    asked = {
        item.code: Asked(item.due, item.dues[-1].reason if item.dues else "")
        for item in notice.items
        if item.due is not None
    }
    asked |= {code: Asked(day, command.reason) for code, day in command.due.items()}
    for code, one in asked.items():
        # A draft may have lain for so long that the day asked for in it has gone by.
        require_day(draft, code, one.day)
    issuers = _issuers(draft, notice)
    # A withdrawal proposed while it was a draft would now withdraw what the customer has been told.
    issue_round(draft, void_withdrawal(draft, notice), asked, issuers)


def _issuers(draft: Draft, notice: Notice) -> tuple[str, ...]:
    """Who stands for the notice, each once. Refuses too few: a notice is not one person's word."""
    raisers = (item.raised_by for item in notice.items)
    issuers = tuple(dict.fromkeys((*raisers, *(one.by for one in notice.cosigned), draft.actor.name)))
    if len(issuers) < draft.policy.notice_issuers:
        raise Refusal(
            "cosignature_missing",
            {"n": notice.n, "have": len(issuers), "needed": draft.policy.notice_issuers},
            facts=("person:another",),
        )
    return issuers


def _draft_notice(draft: Draft, n: int) -> Notice:
    notice = draft.notice(n)
    if notice.state != "draft":
        raise wrong_state("notice_not_draft", notice)
    return notice


def _require_item(notice: Notice, code: str, field: str) -> None:
    if notice.item(code) is None:
        params = {"n": notice.n, "item": code}
        raise Refusal("item_unknown", params, kind="invalid", facts=(f"field:{field}",))


def _require_days(
    draft: Draft, notice: Notice, due: Mapping[str, date] | Mapping[str, date | None], reason: str
) -> None:
    """Refuse a day gone by, and without a reason one that is later than what holds for the severity."""
    for item in notice.items:
        day = due.get(item.code)
        if day is None:
            continue
        require_day(draft, item.code, day)
        usual = default_due(draft, item)
        if day > usual and not reason.strip():
            params = {"item": item.code, "due": day.isoformat(), "usual": usual.isoformat()}
            raise Refusal("due_reason_missing", params, kind="invalid", facts=("field:reason",))
