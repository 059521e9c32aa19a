"""Days on which the items of a notice are due, and the issue of a round, which sets them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from msgspec import Struct
from msgspec.structs import replace

from server.workflow.draft import Draft
from server.workflow.model import Issue, Notice, NoticeItem
from server.workflow.rectification import DueDate
from server.workflow.refusal import Refusal


class Asked(Struct, frozen=True):
    """A day that somebody wants an item to be due on, and why."""

    day: date
    reason: str = ""


def issue_round(
    draft: Draft, notice: Notice, asked: Mapping[str, Asked], issuers: tuple[str, ...] = ()
) -> None:
    """Issue the next round: every item still open is due anew, by its severity or as `asked` says."""
    round_ = notice.round + 1
    items = tuple(
        item if item.state != "open" else _due_anew(draft, item, round_, asked.get(item.code))
        for item in notice.items
    )
    issue = Issue(round_, draft.now, draft.actor.name, issuers)
    draft.put_notice(
        replace(notice, state="issued", round=round_, items=items, issues=(*notice.issues, issue))
    )
    draft.tell(
        "notice_issued",
        n=notice.n,
        round=round_,
        due={item.code: item.due.isoformat() for item in items if item.due and item.state == "open"},
    )


def default_due(draft: Draft, item: NoticeItem) -> date:
    """The day on which an item is due that is issued today, by its severity."""
    return draft.policy.day(draft.now) + timedelta(days=draft.policy.notice_days(item.severity))


def _due_anew(draft: Draft, item: NoticeItem, round_: int, asked: Asked | None) -> NoticeItem:
    wanted = asked or Asked(default_due(draft, item))
    return with_due(
        item,
        DueDate(
            round=round_,
            due=wanted.day,
            kind="issued",
            at=draft.now,
            by=draft.actor.name,
            reason=wanted.reason,
        ),
    )


def with_due(item: NoticeItem, due: DueDate) -> NoticeItem:
    """The item due on another day, how it came about kept."""
    return replace(item, due=due.due, dues=(*item.dues, due))


def require_day(draft: Draft, code: str, day: date) -> None:
    """Refuse a day gone by."""
    today = draft.policy.day(draft.now)
    if day < today:
        raise Refusal(
            "due_in_past",
            {"item": code, "due": day.isoformat(), "today": today.isoformat()},
            kind="invalid",
            facts=("field:due",),
        )
