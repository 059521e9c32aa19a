"""Meetings around a case: joint survey 联合勘查, scheme review 会审, drawing review 联合审图, with minutes.

Who was called, who came, what was said and decided. Which meetings a case calls for is said in
`processes.called`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, field

from server.workflow.vocabulary import Count, Id, Moment, Name, Reason, Value, Words

__all__ = [
    "Department",
    "Meeting",
    "MeetingDecision",
    "MeetingKind",
    "MeetingOutcome",
    "Minutes",
    "Participant",
]

#: Joint survey; review of the scheme; the leaders' meeting on a large customer; review of the drawings.
MeetingKind = Literal["joint_survey", "scheme_review", "leaders_review", "drawing_review"]
MeetingOutcome = Literal["agreed", "agreed_with_changes", "not_agreed"]
#: For whom somebody comes: the utility's departments, its design office, its leaders, and those outside.
Department = Literal[
    "marketing",
    "maintenance",
    "dispatch",
    "metering",
    "planning",
    "design",
    "safety",
    "station",
    "leaders",
    "customer",
    "contractor",
]


class Participant(Value, frozen=True, kw_only=True):
    """Somebody at a meeting, and for whom he is there. `role`: his part in it, in words."""

    name: Name
    department: Department
    organisation: Words = ""
    role: Words = ""


class MeetingDecision(Value, frozen=True, kw_only=True):
    """What was decided, who sees to it, and until when."""

    text: Reason
    responsible: Words = ""
    due: date | None = None


class Minutes(Value, frozen=True, kw_only=True):
    """What a meeting came to. `excused`: why a department that is asked for was not there.

    `visit`: at which entry of the case's history it was recorded, counted from 1: a scheme that is drafted
    anew is reviewed anew.
    """

    held_at: Moment
    place: Words
    attended: Annotated[tuple[Participant, ...], Meta(min_length=1)]
    text: Reason
    outcome: MeetingOutcome
    recorded_at: Moment
    recorded_by: Name
    visit: Count
    decisions: tuple[MeetingDecision, ...] = ()
    excused: Mapping[Department, Reason] = field(default_factory=dict)


class Meeting(Value, frozen=True, kw_only=True):
    """One meeting: called for a time and place, and held once it has minutes."""

    id: Id
    kind: MeetingKind
    at: Moment
    place: Reason
    invited: Annotated[tuple[Participant, ...], Meta(min_length=1)]
    called_at: Moment
    called_by: Name
    agenda: Words = ""
    minutes: Minutes | None = None
    cancelled: Words = ""
