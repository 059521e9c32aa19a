"""Commands on the meetings around a case. See `commands`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, field

from server.workflow.case_commands import CommandBase
from server.workflow.meetings import (
    Department,
    MeetingDecision,
    MeetingKind,
    MeetingOutcome,
    Participant,
)
from server.workflow.vocabulary import Id, Moment, Reason, Words

Participants = Annotated[tuple[Participant, ...], Meta(min_length=1, max_length=100)]


class CallMeeting(CommandBase, frozen=True, kw_only=True):
    """Call people to a meeting. `meeting_id` is new; the same meeting again changes nothing."""

    meeting_id: Id
    kind: MeetingKind
    at: Moment
    place: Reason
    invited: Participants
    agenda: Words = ""


class CancelMeeting(CommandBase, frozen=True, kw_only=True):
    """Call a meeting off that was not held."""

    meeting_id: Id
    reason: Reason


class RecordMinutes(CommandBase, frozen=True, kw_only=True):
    """Record what a meeting came to. Minutes stand: what they got wrong, another meeting corrects.

    Every department that the kind of meeting asks for attended, or is excused with a reason. `place`: where
    it was held, if not where it was called to.
    """

    meeting_id: Id
    held_at: Moment
    attended: Participants
    text: Reason
    outcome: MeetingOutcome
    decisions: Annotated[tuple[MeetingDecision, ...], Meta(max_length=100)] = ()
    excused: Mapping[Department, Reason] = field(default_factory=dict)
    place: Words = ""
