"""Days on which the items of a notice are due: set with each round, stated by the customer, extended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from server.workflow.commands import ExtendDeadlines, StateDates
from server.workflow.draft import Draft
from server.workflow.handlers.deliveries import with_customer
from server.workflow.handlers.raising import tell_specialists, wrong_state
from server.workflow.model import Issue, Notice, NoticeItem
from server.workflow.rectification import DueDate, DueKind
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
    issue = Issue(
        round_, draft.now, draft.actor.name, issuers, delivery_counts=draft.policy.delivery_stops_clock
    )
    notice = replace(notice, state="issued", round=round_, items=items, issues=(*notice.issues, issue))
    draft.put_notice(notice)
    draft.tell(
        "notice_issued",
        n=notice.n,
        round=round_,
        due={item.code: item.due.isoformat() for item in items if item.due and item.state == "open"},
    )
    if round_ > 1:
        tell_specialists(draft, notice)


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


def require_day(draft: Draft, code: str, day: date, field: str = "due") -> None:
    """Refuse a day gone by."""
    today = draft.policy.day(draft.now)
    if day < today:
        raise Refusal(
            "due_in_past",
            {"item": code, "due": day.isoformat(), "today": today.isoformat()},
            kind="invalid",
            facts=(f"field:{field}.{code}",),
        )


def state_dates(draft: Draft, command: StateDates) -> None:
    """The customer's own day for what is critical. Said once; whoever needs longer asks a manager."""
    notice = draft.notice(command.n)
    if _stand(notice, command.dates, "stated"):
        return
    spoken = with_customer(draft, notice, command.stated_by, command.dated)
    notice, at = spoken.notice, spoken.at
    latest = draft.policy.day(notice.issues[-1].at) + timedelta(days=draft.policy.notice_stated_days)
    for code, day in command.dates.items():
        item = open_item(notice, code, "dates")
        if item.severity != "critical":
            params = {"n": notice.n, "item": code}
            raise Refusal("date_not_asked", params, kind="invalid", facts=(f"field:dates.{code}",))
        require_day(draft, code, day, "dates")
        _require_not_after(code, day, latest, "dates")
        stated = [one.due for one in item.dues if one.round == notice.round and one.kind == "stated"]
        if stated and item.due is not None and day > item.due:
            params = {"n": notice.n, "item": code, "due": item.due.isoformat()}
            raise Refusal("date_stated", params, facts=("role:manager",))
    _put_dues(draft, notice, command.dates, "stated", at=at, by=command.stated_by)
    draft.tell(
        "dates_stated",
        n=notice.n,
        round=notice.round,
        due=_isoformat(command.dates),
        stated_by=command.stated_by,
        dated=at.isoformat(),
    )
    spoken.tell(draft)


def extend_deadlines(draft: Draft, command: ExtendDeadlines) -> None:
    notice = draft.notice(command.n)
    if _stand(notice, command.due, "extended"):
        return
    if notice.state != "issued":
        raise wrong_state("notice_not_out", notice)
    latest = draft.policy.day(draft.now) + timedelta(days=draft.policy.notice_extension_days)
    before = {}
    for code, day in command.due.items():
        item = open_item(notice, code, "due")
        require_day(draft, code, day)
        _require_not_after(code, day, latest, "due")
        if item.due is not None and day <= item.due:
            params = {"item": code, "day": day.isoformat(), "due": item.due.isoformat()}
            raise Refusal("due_not_later", params, kind="invalid", facts=(f"field:due.{code}",))
        before[code] = item.due.isoformat() if item.due else None
    _put_dues(
        draft, notice, command.due, "extended", at=draft.now, by=draft.actor.name, reason=command.reason
    )
    draft.tell(
        "deadlines_extended",
        n=notice.n,
        round=notice.round,
        due=_isoformat(command.due),
        before=before,
        reason=command.reason,
    )


def _stand(notice: Notice, days: Mapping[str, date], kind: DueKind) -> bool:
    """Whether all of this has been said already in this round, and holds."""
    items = [notice.item(code) for code in days]
    return all(
        item is not None
        and item.dues
        and (item.dues[-1].round, item.dues[-1].kind, item.due) == (notice.round, kind, days[item.code])
        for item in items
    )


def _put_dues(
    draft: Draft,
    notice: Notice,
    days: Mapping[str, date],
    kind: DueKind,
    *,
    at: datetime,
    by: str,
    reason: str = "",
) -> None:
    items = tuple(
        with_due(
            item, DueDate(round=notice.round, due=days[item.code], kind=kind, at=at, by=by, reason=reason)
        )
        if item.code in days
        else item
        for item in notice.items
    )
    draft.put_notice(replace(notice, items=items))


def open_item(notice: Notice, code: str, field: str) -> NoticeItem:
    """The item, if it is still to be mended."""
    item = notice.item(code)
    if item is None:
        params = {"n": notice.n, "item": code}
        raise Refusal("item_unknown", params, kind="invalid", facts=(f"field:{field}.{code}",))
    if item.state != "open":
        params = {"n": notice.n, "item": code}
        raise Refusal("item_passed", params, kind="invalid", facts=(f"field:{field}.{code}",))
    return item


def _require_not_after(code: str, day: date, latest: date, field: str) -> None:
    if day > latest:
        params = {"item": code, "day": day.isoformat(), "latest": latest.isoformat()}
        raise Refusal("due_too_late", params, kind="invalid", facts=(f"field:{field}.{code}",))


def _isoformat(days: Mapping[str, date]) -> dict[str, str]:
    return {code: day.isoformat() for code, day in days.items()}
