"""A rectification notice and its items through the rounds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, field

from server.workflow.vocabulary import (
    MAX_NAME,
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
    Reason,
    Severity,
    Value,
    Verdict,
    Words,
)

#: Where a day comes from: asked for in a draft, set with the issue, stated by the customer, given later by a
#: manager, or following from another severity.
DueKind = Literal["asked", "issued", "stated", "extended", "regraded"]
#: How a notice reached the customer: handed over on site or at the counter, by post, through the customer's
#: own link; left before a witness with somebody who would not take it 留置送达; or known from what was said
#: to it.
DeliveryMode = Literal["on_site", "counter", "post", "electronic", "left", "implied"]
Party = Literal["customer", "contractor"]
DisputeDecision = Literal["upheld", "regraded", "withdrawn"]
#: What an item that was seen good lacks to be closed: somebody else than its raiser, somebody of its
#: specialty, a photo as it is now, a visit.
Lack = Literal["second_person", "specialty", "after_photo", "on_site"]
#: Why specialists have to meet over a notice: works were covered before anybody saw them, or it fails again
#: and again.
SpecialistsCause = Literal["covered_unseen", "rounds_failed"]
#: What specialists demand: open up what was covered, stop covering more, build it anew.
SpecialistsDecision = Literal["open_up", "stop_cover", "rework"]
#: What follows a deadline: a word before it, then the manager, the head of the centre, the case that waits.
ReminderStep = Literal["before", "manager", "head", "waiting"]
#: 整改合格前不得覆盖 / 不得送电.
Caution = Literal["no_cover", "no_energization"]
#: Where nothing is printed on more than a line.
Line = Annotated[str, Meta(max_length=MAX_NAME)]

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


class Contractor(Value, frozen=True, kw_only=True):
    """Who builds for the customer 施工单位: the name, the licence (number and grade), who leads the site."""

    name: Line = ""
    licence: Line = ""
    site_lead: Line = ""


class Heading(Value, frozen=True, kw_only=True):
    """What a notice says before its items. Settled while it is a draft, and never changed after.

    `inspected_on`: the day of the visit; `note`: what is said to all items in common.
    """

    inspected_on: date | None = None
    weather: Line = ""
    contractor: Contractor = field(default_factory=Contractor)
    note: Words = ""


class Wording(Value, frozen=True, kw_only=True):
    """What the office adds to an item's own words while the notice is a draft.

    `place`: where, or at which equipment; `limit`: what the measured value is held against; `standard`: the
    standard or drawing quoted; `demand`: what is asked for beside the checklist's remedy.
    """

    place: Line = ""
    description: Words = ""
    limit: Line = ""
    standard: Line = ""
    demand: Words = ""


class DueDate(Value, frozen=True, kw_only=True):
    """A day on which an item became due, and who said so. `asked`: in the draft, for the round to come."""

    round: Count
    due: date
    kind: DueKind
    at: Moment
    by: Name
    reason: Words = ""


class Cosignature(Value, frozen=True):
    """Somebody of the utility who stands for a draft beside whoever issues it."""

    by: Name
    at: Moment


class Regrade(Value, frozen=True, kw_only=True):
    """Another severity than the form's, decided by a second person."""

    severity: Severity
    reason: Reason
    by: Name
    at: Moment


class Signed(Value, frozen=True, kw_only=True):
    """Who signed for a delivery; `signature` is the id of the signature's document, if it was given on a
    screen."""

    party: Party
    name: Name
    signature: Id | None = None


class Delivery(Value, frozen=True, kw_only=True):
    """That a round's notice reached the customer, when and how. `evidence`: postal number, witness."""

    round: Count
    mode: DeliveryMode
    at: Moment
    received_by: Name
    recorded_at: Moment
    recorded_by: Name
    evidence: Words = ""
    signed: tuple[Signed, ...] = ()


class Acceptance(Value, frozen=True, kw_only=True):
    """The customer takes the notice as it is."""

    round: Count
    at: Moment
    accepted_by: Name
    recorded_at: Moment
    recorded_by: Name


class Settlement(Value, frozen=True, kw_only=True):
    """What a second person made of a dispute."""

    decision: DisputeDecision
    reason: Reason
    by: Name
    at: Moment


class Dispute(Value, frozen=True, kw_only=True):
    """The customer says that items are no defects, or less grave. Open until it is settled."""

    round: Count
    items: tuple[Id, ...]
    reason: Reason
    at: Moment
    disputed_by: Name
    recorded_at: Moment
    recorded_by: Name
    settlement: Settlement | None = None


class Covered(Value, frozen=True, kw_only=True):
    """Works were covered before they were inspected: nobody knows what lies there."""

    reason: Words
    by: Name
    at: Moment


class SpecialistMeeting(Value, frozen=True, kw_only=True):
    """What specialists made of items that are unsafe as they are. `round`: in which it was held."""

    round: Annotated[int, Meta(ge=0)]
    items: tuple[Id, ...]
    held: Moment
    participants: tuple[Name, ...]
    decision: SpecialistsDecision
    minutes: Reason
    recorded_at: Moment
    recorded_by: Name


class Reminder(Value, frozen=True, kw_only=True):
    """A step of escalation that was told, for what is due on a day. `told`: whose inboxes it went to."""

    round: Count
    step: ReminderStep
    due: date
    at: Moment
    told: tuple[Name, ...] = ()


class Withdrawal(Value, frozen=True, kw_only=True):
    """A proposal to withdraw a notice, or some `items` of it; complete once another person confirmed it."""

    proposed_by: Name
    proposed_at: Moment
    reason: Reason
    items: tuple[Id, ...] = ()
    confirmed_by: str | None = None
    confirmed_at: Moment | None = None


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
