"""What a notice is completed with, and what is said and done over it: recorded once and never changed."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, field

from server.workflow.vocabulary import MAX_NAME, Count, Id, Moment, Name, Reason, Severity, Value, Words

#: Where a day comes from: asked for in a draft, set with the issue, stated by the customer, given later by a
#: manager, or following from another severity.
DueKind = Literal["asked", "issued", "stated", "extended", "regraded"]
#: How a notice reached the customer: handed over on site or at the counter, by post, through the customer's
#: own link; left before a witness with somebody who would not take it 留置送达; or known from what was said
#: to it.
DeliveryMode = Literal["on_site", "counter", "post", "electronic", "left", "implied"]
Party = Literal["customer", "contractor"]
DisputeDecision = Literal["upheld", "regraded", "withdrawn"]
#: What specialists demand: open up what was covered, stop covering more, build it anew.
SpecialistsDecision = Literal["open_up", "stop_cover", "rework"]
#: What follows a deadline: a word before it, then the manager, the head of the centre, the case that waits.
ReminderStep = Literal["before", "manager", "head", "waiting"]
#: Where nothing is printed on more than a line.
Line = Annotated[str, Meta(max_length=MAX_NAME)]


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
