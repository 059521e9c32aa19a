"""What follows a deadline that nears or passes: whom to tell on which day. Functions of notice and day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal

from server.workflow.model import Notice, NoticeItem, Value
from server.workflow.policy import Policy
from server.workflow.rectification import ReminderStep

Addressee = Literal["customer", "contractor", "manager", "head"]
#: In the order of their days. The letter of the last step goes to the customer.
ADDRESSEES: Mapping[ReminderStep, tuple[Addressee, ...]] = {
    "before": ("customer", "contractor"),
    "manager": ("manager",),
    "head": ("head",),
    "waiting": ("customer", "manager"),
}


class Step(Value, frozen=True, kw_only=True):
    """A step that is to be taken from the day `on`, for the items that are due on the day `due`."""

    round: int
    step: ReminderStep
    due: date
    on: date
    items: tuple[str, ...]

    @property
    def to(self) -> tuple[Addressee, ...]:
        return ADDRESSEES[self.step]


def steps(notice: Notice, policy: Policy) -> tuple[Step, ...]:
    """Every step of the present round, by its day, told or not.

    Only what the customer has to deal with is due: not what was answered in this round, nor what he disputes.
    """
    if notice.state != "issued":
        return ()
    by_due: dict[date, list[str]] = {}
    for item in notice.items:
        if item.due is not None and _waits(notice, item):
            by_due.setdefault(item.due, []).append(item.code)
    offsets: Mapping[ReminderStep, int] = {
        "before": -policy.reminder_before_days,
        "manager": policy.reminder_manager_days,
        "head": policy.reminder_head_days,
        "waiting": policy.reminder_waiting_days,
    }
    found = [
        Step(round=notice.round, step=step, due=due, on=due + timedelta(days=days), items=tuple(codes))
        for due, codes in by_due.items()
        for step, days in offsets.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.on, one.due, list(ADDRESSEES).index(one.step))))


def due_steps(notice: Notice, today: date, policy: Policy) -> tuple[Step, ...]:
    """The steps to be taken today: their day has come and nobody was told. A word before the day is of no use
    after it."""
    told = {(one.round, one.step, one.due) for one in notice.reminders}
    return tuple(
        one
        for one in steps(notice, policy)
        if one.on <= today
        and (one.round, one.step, one.due) not in told
        and (one.step != "before" or today <= one.due)
    )


def _waits(notice: Notice, item: NoticeItem) -> bool:
    dispute = notice.dispute
    disputed = dispute is not None and item.code in dispute.items
    answered = any(one.round == notice.round and item.code in one.items for one in notice.answers)
    return item.state == "open" and not disputed and not answered
