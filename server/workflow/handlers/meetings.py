"""Meetings: called, called off, and held."""

from __future__ import annotations

from msgspec.structs import replace

from server.workflow.draft import Draft
from server.workflow.meeting_commands import CallMeeting, CancelMeeting, RecordMinutes
from server.workflow.meetings import Meeting, Minutes
from server.workflow.processes.called import missing_departments
from server.workflow.refusal import Refusal


def call_meeting(draft: Draft, command: CallMeeting) -> None:
    known = draft.case.meetings.get(command.meeting_id)
    meeting = Meeting(
        id=command.meeting_id,
        kind=command.kind,
        at=command.at,
        place=command.place,
        invited=command.invited,
        agenda=command.agenda,
        called_at=draft.now,
        called_by=draft.actor.name,
    )
    if known is not None:
        again = replace(
            meeting,
            called_at=known.called_at,
            called_by=known.called_by,
            minutes=known.minutes,
            cancelled=known.cancelled,
        )
        if again == known:
            return
        raise Refusal("meeting_exists", {"meeting": known.id}, facts=("field:meeting_id",))
    draft.require_running()
    draft.require_not_before(draft.policy.day(meeting.at), "at", draft.case.history[0].begun)
    _put(draft, meeting)
    draft.tell(
        "meeting_called",
        meeting=meeting.id,
        kind=meeting.kind,
        at=meeting.at.isoformat(),
        place=meeting.place,
        invited=[one.name for one in meeting.invited],
    )


def cancel_meeting(draft: Draft, command: CancelMeeting) -> None:
    meeting = _meeting(draft, command.meeting_id)
    if meeting.cancelled:
        return
    _require_not_held(meeting)
    _put(draft, replace(meeting, cancelled=command.reason))
    draft.tell("meeting_cancelled", meeting=meeting.id, kind=meeting.kind, reason=command.reason)


def record_minutes(draft: Draft, command: RecordMinutes) -> None:
    meeting = _meeting(draft, command.meeting_id)
    minutes = Minutes(
        held_at=command.held_at,
        place=command.place or meeting.place,
        attended=command.attended,
        text=command.text,
        outcome=command.outcome,
        decisions=command.decisions,
        excused=command.excused,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
        visit=len(draft.case.history),
    )
    if meeting.minutes is not None and _same(meeting.minutes, minutes):
        return
    _require_not_held(meeting)
    if meeting.cancelled:
        raise Refusal("meeting_called_off", {"meeting": meeting.id}, facts=("field:meeting_id",))
    draft.require_running()
    draft.require_dated(command.held_at, "held_at", earliest=draft.case.history[0].begun)
    present = {one.department for one in command.attended}
    missing = [name for name in missing_departments(meeting, present) if name not in command.excused]
    if missing and not draft.again:
        raise Refusal(
            "departments_missing",
            {"names": ", ".join(missing), "departments": missing},
            kind="invalid",
            facts=tuple(f"department:{name}" for name in missing),
        )
    _put(draft, replace(meeting, minutes=minutes))
    draft.tell(
        "minutes_recorded",
        meeting=meeting.id,
        kind=meeting.kind,
        held_at=minutes.held_at.isoformat(),
        outcome=minutes.outcome,
        attended=[one.name for one in minutes.attended],
        decisions=[one.text for one in minutes.decisions],
    )


def _same(known: Minutes, given: Minutes) -> bool:
    """Whether these are the same minutes again, whenever and by whomever they are sent."""
    kept = {name: getattr(known, name) for name in ("recorded_at", "recorded_by", "visit")}
    return replace(given, **kept) == known


def _meeting(draft: Draft, meeting_id: str) -> Meeting:
    meeting = draft.case.meetings.get(meeting_id)
    if meeting is None:
        raise Refusal("meeting_unknown", {"meeting": meeting_id}, kind="not_found")
    return meeting


def _require_not_held(meeting: Meeting) -> None:
    if meeting.minutes is not None:
        raise Refusal("minutes_recorded", {"meeting": meeting.id}, facts=("command:CallMeeting",))


def _put(draft: Draft, meeting: Meeting) -> None:
    draft.case = replace(draft.case, meetings={**draft.case.meetings, meeting.id: meeting})
