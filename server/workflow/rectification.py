"""A rectification notice and its items through the rounds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, field

from server.workflow.notice_words import (
    Acceptance,
    Contractor,
    Cosignature,
    Covered,
    Delivery,
    DeliveryMode,
    Dispute,
    DisputeDecision,
    DueDate,
    DueKind,
    Heading,
    Party,
    Regrade,
    Reminder,
    ReminderStep,
    Settlement,
    Signed,
    SpecialistMeeting,
    SpecialistsDecision,
    Withdrawal,
    Wording,
)
from server.workflow.vocabulary import (
    SEVERITY_RANK,
    ChecklistRef,
    Count,
    Id,
    ItemResult,
    ItemState,
    Moment,
    Name,
    NoticeStage,
    NoticeState,
    Severity,
    Value,
    Verdict,
    Words,
)

#: What an item that was seen good lacks to be closed: somebody else than its raiser, somebody of its
#: specialty, a photo as it is now, a visit.
Lack = Literal["second_person", "specialty", "after_photo", "on_site"]
#: Why specialists have to meet over a notice: works were covered before anybody saw them, or it fails again
#: and again.
SpecialistsCause = Literal["covered_unseen", "rounds_failed"]
#: 整改合格前不得覆盖 / 不得送电.
Caution = Literal["no_cover", "no_energization"]

__all__ = [
    "Acceptance",
    "Answer",
    "Caution",
    "Contractor",
    "Cosignature",
    "Covered",
    "Delivery",
    "DeliveryMode",
    "Dispute",
    "DisputeDecision",
    "DueDate",
    "DueKind",
    "Heading",
    "Issue",
    "ItemAnswer",
    "ItemRound",
    "Lack",
    "Notice",
    "NoticeItem",
    "Party",
    "Regrade",
    "Reminder",
    "ReminderStep",
    "Settlement",
    "Signed",
    "SpecialistMeeting",
    "SpecialistsCause",
    "SpecialistsDecision",
    "Withdrawal",
    "Wording",
    "last_contractor",
]


class ItemRound(Value, frozen=True, kw_only=True):
    """What a re-inspection saw of one notice item in one round. `lacking`: why a pass did not close it."""

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
    lacking: tuple[Lack, ...] = ()


class NoticeItem(Value, frozen=True, kw_only=True):
    """A failure on a notice. `result` is its first text and never changes; `rounds` is its history.

    `due` is the day that holds now, `dues` is how it came about, round by round. `withdrawn`: by whom and why
    it was withdrawn by itself.
    """

    result: ItemResult
    raised_by: Name
    raised_at: Moment
    task_id: str | None = None
    submission: int | None = None
    state: ItemState = "open"
    due: date | None = None
    rounds: tuple[ItemRound, ...] = ()
    wording: Wording = field(default_factory=Wording)
    dues: tuple[DueDate, ...] = ()
    regrades: tuple[Regrade, ...] = ()
    covered: Covered | None = None
    withdrawn: Withdrawal | None = None

    @property
    def settled(self) -> bool:
        """Whether nothing is left to be done about it: it passed, or was withdrawn."""
        return self.state in {"passed", "withdrawn"}

    @property
    def code(self) -> str:
        return self.result.code

    @property
    def severity(self) -> Severity:
        """As it stands: the form's, or what was decided last."""
        return self.regrades[-1].severity if self.regrades else self.result.severity

    @property
    def gravest(self) -> Severity:
        """The gravest that it was ever said to be; what is no graver has been heard and is no news."""
        said = (self.result.severity, *(one.severity for one in self.regrades))
        return max(said, key=SEVERITY_RANK.__getitem__)

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


class Issue(Value, frozen=True):
    """When a round was issued, and by whom; `system` issues again after a failed re-inspection.

    `issuers` are all of the utility who stand for it: who raised its items, who signed, who issued it.
    `delivery_counts`: the customer has it from its delivery on, and not from the issue.
    """

    round: Count
    at: Moment
    by: Name
    issuers: tuple[Name, ...] = ()
    delivery_counts: bool = False


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
    heading: Heading = field(default_factory=Heading)
    cosigned: tuple[Cosignature, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    acceptances: tuple[Acceptance, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    specialist_meetings: tuple[SpecialistMeeting, ...] = ()
    reminders: tuple[Reminder, ...] = ()

    def received(self, issue: Issue) -> datetime | None:
        """When the customer had what was issued: at the round's earliest delivery; None if none is known."""
        if not issue.delivery_counts:
            return issue.at
        return min((one.at for one in self.deliveries if one.round == issue.round), default=None)

    @property
    def dispute(self) -> Dispute | None:
        """The dispute that is not settled."""
        return next((one for one in self.disputes if one.settlement is None), None)

    @property
    def caution(self) -> Caution | None:
        """What every notice of its kind forbids until it is closed; a catalogue code `notice_caution.…`."""
        if self.operational:
            return None
        return "no_cover" if self.stage == "intermediate" else "no_energization"

    @property
    def open(self) -> bool:
        return self.state not in {"closed", "withdrawn"}

    def item(self, code: str) -> NoticeItem | None:
        return next((item for item in self.items if item.code == code), None)


def last_contractor(notices: Mapping[int, Notice]) -> Contractor:
    """Whoever the last of a case's notices names: a contractor seldom changes between two inspections."""
    named = (notices[n].heading.contractor for n in sorted(notices, reverse=True))
    return next((one for one in named if one != Contractor()), Contractor())
