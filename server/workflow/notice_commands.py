"""Commands on rectification notices, from a draft to its end. See `commands`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, field

from server.workflow.case_commands import CommandBase, People
from server.workflow.model import (
    ChecklistRef,
    Count,
    Id,
    Moment,
    Name,
    PhotoRef,
    Reason,
    Severity,
    Value,
    Words,
)
from server.workflow.rectification import Heading, ReminderStep, Signed, SpecialistsDecision, Wording


class AmendNotice(CommandBase, frozen=True, kw_only=True):
    """Complete a draft: its heading, the wording of items, the days on which they are to be due.

    What is named is replaced whole; a day of None leaves the item to the policy again. A later day than the
    policy's takes a reason.
    """

    n: Count
    heading: Heading | None = None
    items: Mapping[str, Wording] = field(default_factory=dict)
    due: Mapping[str, date | None] = field(default_factory=dict)
    reason: Words = ""


class CosignNotice(CommandBase, frozen=True, kw_only=True):
    """Stand for a draft as it is now, beside whoever raised its items and whoever will issue it."""

    n: Count


class IssueNotice(CommandBase, frozen=True, kw_only=True):
    """Send a draft to the customer. `due` overrides the draft's and the policy's day for single item codes;
    a later day than the policy's takes a `reason`."""

    n: Count
    due: Mapping[str, date] = field(default_factory=dict)
    reason: Words = ""


class DeliverNotice(CommandBase, frozen=True, kw_only=True):
    """Record that the notice reached the customer. Of several deliveries of a round the earliest counts.

    `at`: when, now if it says nothing. By post `evidence` is its number, left behind the witness. A customer
    delivers to himself by opening it, now.
    """

    n: Count
    mode: Literal["on_site", "counter", "post", "electronic", "left"]
    received_by: Name
    at: Moment | None = None
    evidence: Words = ""
    signed: tuple[Signed, ...] = ()


class AcceptNotice(CommandBase, frozen=True, kw_only=True):
    """Record that the customer takes the notice as it is."""

    n: Count
    accepted_by: Name
    dated: Moment | None = None


class DisputeNotice(CommandBase, frozen=True, kw_only=True):
    """Record that the customer disputes items. Until a second person has settled it nobody re-inspects."""

    n: Count
    items: Annotated[tuple[Id, ...], Meta(min_length=1)]
    reason: Reason
    disputed_by: Name
    dated: Moment | None = None


class SettleDispute(CommandBase, frozen=True, kw_only=True):
    """Decide on the open dispute: nobody who raised, issued or re-inspected what is disputed.

    `uphold` leaves all as it is; `regrade` gives the items of `severities` another severity; `withdraw`
    proposes to withdraw the whole notice, which takes effect when another person confirms it.
    """

    n: Count
    decision: Literal["uphold", "regrade", "withdraw"]
    reason: Reason
    severities: Mapping[str, Severity] = field(default_factory=dict)


class StateDates(CommandBase, frozen=True, kw_only=True):
    """Record the days on which the customer says that critical items will be mended: they are due then."""

    n: Count
    dates: Annotated[Mapping[str, date], Meta(min_length=1)]
    stated_by: Name
    dated: Moment | None = None


class ExtendDeadlines(CommandBase, frozen=True, kw_only=True):
    """Give items more time. Role: manager."""

    n: Count
    due: Annotated[Mapping[str, date], Meta(min_length=1)]
    reason: Reason


class AnsweredItem(Value, frozen=True):
    """The customer's word on one item, with its evidence."""

    text: Words = ""
    photos: tuple[PhotoRef, ...] = ()


class AnswerNotice(CommandBase, frozen=True, kw_only=True):
    """Record the customer's answer. Once every open item has one in this round, the notice is answered.

    `dated`: when it was given, if it came on paper and before it was recorded.
    """

    n: Count
    items: Annotated[Mapping[str, AnsweredItem], Meta(min_length=1)]
    answered_by: Name
    text: Words = ""
    dated: Moment | None = None


class ScheduleReinspection(CommandBase, frozen=True, kw_only=True):
    """Assign the re-inspection of exactly the items that have not passed. Only for an answered notice.

    `specialties`: those of the assignees who have some set. `by_photos`: nobody goes, what the customer's
    answer shows is judged; for minor items, where the policy allows it.
    """

    n: Count
    task_id: Id
    assignees: People
    due: date | None = None
    checklist: ChecklistRef | None = None
    note: Words = ""
    specialties: Mapping[Name, tuple[Id, ...]] = field(default_factory=dict)
    by_photos: bool = False


class MarkCovered(CommandBase, frozen=True, kw_only=True):
    """Say that the works of an item were covered before they were inspected: it is critical, and specialists
    meet before anybody re-inspects it."""

    n: Count
    item: Id
    reason: Reason


class RecordSpecialists(CommandBase, frozen=True, kw_only=True):
    """Record what specialists decided over what is unsafe on a notice: all that they have to meet over."""

    n: Count
    held: Moment
    participants: People
    decision: SpecialistsDecision
    minutes: Reason


class RecordReminder(CommandBase, frozen=True, kw_only=True):
    """Record that a step of escalation is told, to whose inboxes it goes. Role: system; each step once.

    With the last step the case waits on the customer, until he has answered.
    """

    n: Count
    round: Count
    step: ReminderStep
    due: date
    told: tuple[Name, ...] = ()


class ProposeWithdrawal(CommandBase, frozen=True, kw_only=True):
    """Propose to withdraw a notice that was raised in error, or `items` of it alone. Takes effect when
    another person confirms."""

    n: Count
    reason: Reason
    items: tuple[Id, ...] = ()


class ConfirmWithdrawal(CommandBase, frozen=True, kw_only=True):
    """Withdraw a notice, or items of it, as somebody else proposed. Roles: manager, admin."""

    n: Count


class RejectWithdrawal(CommandBase, frozen=True, kw_only=True):
    """Turn a proposed withdrawal down, or take one's own back."""

    n: Count
    reason: Reason
