"""Commands on what follows energization: contacts, ratings, inspections of customers. See `commands`."""

from __future__ import annotations

from datetime import date

from server.workflow.aftercare import ContactKind, RatingMode, Score
from server.workflow.case_commands import CommandBase, People
from server.workflow.vocabulary import ChecklistRef, Id, Moment, Name, Reason, Words


class RecordContact(CommandBase, frozen=True, kw_only=True):
    """Record a call or a visit, and the rating that the customer gave then, under the same id."""

    contact_id: Id
    kind: ContactKind
    dated: Moment
    by: Name
    reached: bool
    words: Words = ""
    score: Score | None = None


class RateService(CommandBase, frozen=True, kw_only=True):
    """Record the customer's rating. Every one stays, and the last counts. `dated`: now if it says nothing."""

    rating_id: Id
    score: Score
    words: Words = ""
    mode: RatingMode = "link"
    dated: Moment | None = None


class RecordRatingAction(CommandBase, frozen=True, kw_only=True):
    """Record what was done about a rating."""

    rating_id: Id
    text: Reason


class PlanCustomerInspection(CommandBase, frozen=True, kw_only=True):
    """Send people to inspect an energized customer's installation. `inspection_id` is new.

    With a `checklist` it is a task of theirs under the same id, and done when its form is accepted.
    """

    inspection_id: Id
    planned_on: date
    assignees: People
    note: Words = ""
    checklist: ChecklistRef | None = None


class RecordCustomerInspection(CommandBase, frozen=True, kw_only=True):
    """Record what an inspection of a customer came to. The next one is due a year after (a setting)."""

    inspection_id: Id
    dated: Moment
    inspectors: People
    evidence: Reason
    findings: Words = ""


class CancelCustomerInspection(CommandBase, frozen=True, kw_only=True):
    """Take a planned inspection of a customer back; it stays due."""

    inspection_id: Id
    reason: Reason
