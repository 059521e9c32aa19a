"""What follows energization: calls, visits 回访, the customer's rating 满意度, inspections of customers.

What of it is due, and when, is said in `duties`.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

from server.workflow.vocabulary import Id, Moment, Name, Reason, Value, Words

__all__ = [
    "Contact",
    "ContactKind",
    "CustomerInspection",
    "InspectionDone",
    "Rating",
    "RatingAction",
    "RatingMode",
    "Score",
]

ContactKind = Literal["call", "visit"]
#: On the customer's own page, in a call or visit, or on paper.
RatingMode = Literal["link", "call", "visit", "paper"]
#: Five is best.
Score = Annotated[int, Meta(ge=1, le=5)]


class Contact(Value, frozen=True, kw_only=True):
    """A call to the customer or a visit. `reached`: somebody of his answered; else it is tried again."""

    id: Id
    kind: ContactKind
    dated: Moment
    by: Name
    reached: bool
    recorded_at: Moment
    recorded_by: Name
    words: Words = ""


class RatingAction(Value, frozen=True, kw_only=True):
    """What was done about a low rating."""

    text: Reason
    by: Name
    at: Moment


class Rating(Value, frozen=True, kw_only=True):
    """How content the customer was, in his words. `low`: by the setting of the day an action is asked for."""

    id: Id
    score: Score
    mode: RatingMode
    dated: Moment
    low: bool
    recorded_at: Moment
    recorded_by: Name
    words: Words = ""
    actions: tuple[RatingAction, ...] = ()


class InspectionDone(Value, frozen=True, kw_only=True):
    """What an inspection of a customer came to."""

    dated: Moment
    inspectors: Annotated[tuple[Name, ...], Meta(min_length=1)]
    findings: Words
    evidence: Reason
    recorded_at: Moment
    recorded_by: Name


class CustomerInspection(Value, frozen=True, kw_only=True):
    """People are to inspect a customer's installation on a day. What endangers is reported as a hazard.

    `task`: the field work that it is, if its form comes from a tablet; what fails goes on a notice then.
    """

    id: Id
    planned_on: date
    assignees: Annotated[tuple[Name, ...], Meta(min_length=1)]
    planned_at: Moment
    planned_by: Name
    note: Words = ""
    task: Id | None = None
    done: InspectionDone | None = None
    cancelled: Words = ""

    @property
    def open(self) -> bool:
        return self.done is None and not self.cancelled
