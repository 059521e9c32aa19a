"""A rectification notice and its items through the rounds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from msgspec import Meta

from server.workflow.vocabulary import (
    ChecklistRef,
    Count,
    Id,
    ItemResult,
    ItemState,
    Moment,
    Name,
    NoticeStage,
    NoticeState,
    Reason,
    Severity,
    Value,
    Verdict,
    Words,
)

__all__ = [
    "Answer",
    "Issue",
    "ItemAnswer",
    "ItemRound",
    "Notice",
    "NoticeItem",
    "Withdrawal",
]


class ItemRound(Value, frozen=True, kw_only=True):
    """What a re-inspection saw of one notice item in one round."""

    round: Count
    task_id: Id
    submission: Count
    verdict: Verdict
    submitted_by: Name
    by: str = ""
    at: Moment | None = None
    value: Any = None
    note: str = ""
    photos: tuple[Id, ...] = ()


class NoticeItem(Value, frozen=True, kw_only=True):
    """A failure on a notice. `result` is its first text and never changes; `rounds` is its history."""

    result: ItemResult
    raised_by: Name
    raised_at: Moment
    task_id: str | None = None
    submission: int | None = None
    state: ItemState = "open"
    due: date | None = None
    rounds: tuple[ItemRound, ...] = ()

    @property
    def code(self) -> str:
        return self.result.code

    @property
    def severity(self) -> Severity:
        return self.result.severity

    @property
    def raisers(self) -> frozenset[str]:
        """Whoever saw the failure and whoever signed for it."""
        return frozenset({self.raised_by, self.result.by}) - {""}


class ItemAnswer(Value, frozen=True):
    """What the customer says of one item, with photo ids as evidence."""

    text: Words = ""
    photos: tuple[Id, ...] = ()


class Answer(Value, frozen=True, kw_only=True):
    """One answer of the customer. `recorded_by` differs from `answered_by` when it came on paper, which then
    may be `dated` before it was recorded."""

    round: Count
    at: Moment
    answered_by: Name
    recorded_by: Name
    items: Mapping[str, ItemAnswer]
    text: Words = ""
    dated: Moment | None = None

    @property
    def given(self) -> datetime:
        """When the customer gave it."""
        return self.at if self.dated is None else min(self.at, self.dated)


class Withdrawal(Value, frozen=True, kw_only=True):
    """A proposal to withdraw a notice; complete once another person confirmed it."""

    proposed_by: Name
    proposed_at: Moment
    reason: Reason
    confirmed_by: str | None = None
    confirmed_at: Moment | None = None


class Issue(Value, frozen=True):
    """When a round was issued, and by whom; `system` issues again after a failed re-inspection."""

    round: Count
    at: Moment
    by: Name


class Notice(Value, frozen=True, kw_only=True):
    """A rectification notice 缺陷整改通知单. `operational`: raised after energization."""

    n: Count
    state: NoticeState
    stage: NoticeStage
    checklist: ChecklistRef
    items: tuple[NoticeItem, ...]
    created_at: Moment
    round: Annotated[int, Meta(ge=0)] = 0
    task_id: str | None = None
    hazard_id: str | None = None
    supplement_of: int | None = None
    operational: bool = False
    issues: tuple[Issue, ...] = ()
    answers: tuple[Answer, ...] = ()
    reinspections: tuple[str, ...] = ()
    withdrawal: Withdrawal | None = None
    closed_at: Moment | None = None
    closed_by: str | None = None

    @property
    def open(self) -> bool:
        return self.state not in {"closed", "withdrawn"}

    def item(self, code: str) -> NoticeItem | None:
        return next((item for item in self.items if item.code == code), None)
