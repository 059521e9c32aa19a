# mypy: disable-error-code="untyped-decorator"
"""Meetings around a case: which ones it calls for, who is called, who came, and what was decided."""

from __future__ import annotations

from typing import Any, get_args

import marshmallow as ma

from server.api.base import Schema, blueprint, roles
from server.api.casework import ReasonIn, act, command, etag, plain, visible
from server.api.keys import IDEMPOTENCY_HEADER, created_id, own_id
from server.casework.cases import Loaded
from server.problems import language
from server.services import services
from server.texts import text
from server.workflow import commands
from server.workflow.meetings import Department, Meeting, MeetingKind, MeetingOutcome
from server.workflow.model import Case
from server.workflow.processes.called import called_for, meeting_table, standing_minutes

blp = blueprint("meetings", "Meetings 会审、联合勘查.")

_LINE = ma.validate.Length(min=1, max=200)
_WORDS = ma.validate.Length(max=4000)
_TEXT = ma.validate.Length(min=1, max=4000)
_DEPARTMENT = ma.validate.OneOf(get_args(Department))


class ParticipantSchema(Schema):
    name = ma.fields.String(required=True, validate=_LINE)
    department = ma.fields.String(required=True, validate=_DEPARTMENT)
    organisation = ma.fields.String(validate=_WORDS)
    role = ma.fields.String(validate=_WORDS)


class MeetingIn(Schema):
    id = own_id()
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(get_args(MeetingKind)))
    at = ma.fields.AwareDateTime(required=True)
    place = ma.fields.String(required=True, validate=_TEXT)
    invited = ma.fields.List(
        ma.fields.Nested(ParticipantSchema), required=True, validate=ma.validate.Length(min=1, max=100)
    )
    agenda = ma.fields.String(validate=_WORDS)


class DecisionSchema(Schema):
    text = ma.fields.String(required=True, validate=_TEXT)
    responsible = ma.fields.String(validate=_WORDS)
    due = ma.fields.Date(allow_none=True)


class MinutesIn(Schema):
    held_at = ma.fields.AwareDateTime(required=True)
    place = ma.fields.String(validate=_WORDS, metadata={"description": "Default: where it was called to."})
    attended = ma.fields.List(
        ma.fields.Nested(ParticipantSchema), required=True, validate=ma.validate.Length(min=1, max=100)
    )
    text = ma.fields.String(required=True, validate=_TEXT)
    outcome = ma.fields.String(required=True, validate=ma.validate.OneOf(get_args(MeetingOutcome)))
    decisions = ma.fields.List(ma.fields.Nested(DecisionSchema), validate=ma.validate.Length(max=100))
    excused = ma.fields.Dict(
        keys=ma.fields.String(validate=_DEPARTMENT),
        values=ma.fields.String(validate=_TEXT),
        metadata={"description": "Why a department that is asked for was not there."},
    )


class MeetingOut(ma.Schema):
    id = ma.fields.String()
    kind = ma.fields.String()
    title = ma.fields.String()
    at = ma.fields.String()
    place = ma.fields.String()
    agenda = ma.fields.String()
    invited = ma.fields.List(ma.fields.Dict())
    called_at = ma.fields.String()
    called_by = ma.fields.String()
    minutes = ma.fields.Dict(allow_none=True)
    cancelled = ma.fields.String()


class CalledOut(ma.Schema):
    """A meeting that the case calls for. `outcome` is that of the last minutes which still stand."""

    kind = ma.fields.String()
    title = ma.fields.String()
    departments = ma.fields.List(ma.fields.String())
    outcome = ma.fields.String(allow_none=True)


class MeetingList(ma.Schema):
    called_for = ma.fields.List(ma.fields.Nested(CalledOut))
    items = ma.fields.List(ma.fields.Nested(MeetingOut))


Answer = tuple[dict[str, Any], dict[str, str]]


def _view(meeting: Meeting) -> dict[str, Any]:
    return {**plain(meeting), "title": text(f"meeting.{meeting.kind}", language())}


def _answer(known: Loaded, meeting_id: str) -> Answer:
    return _view(known.case.meetings[meeting_id]), etag(known)


def _called(case: Case) -> list[dict[str, Any]]:
    found = []
    for kind in called_for(case, services().cases.policy(case.organisation)):
        minutes = standing_minutes(case, kind)
        row = {
            "kind": kind,
            "title": text(f"meeting.{kind}", language()),
            "departments": list(meeting_table()[kind].departments),
            "outcome": minutes.outcome if minutes else None,
        }
        found.append(row)
    return found


@blp.route("/cases/<case_id>/meetings", methods=["GET"])
@roles()
@blp.response(200, MeetingList)
def list_meetings(case_id: str) -> Answer:
    """The meetings that a case calls for, and every one that was called, in the order of their times."""
    known = visible(case_id)
    meetings = sorted(known.case.meetings.values(), key=lambda one: (one.at, one.id))
    return {"called_for": _called(known.case), "items": [_view(one) for one in meetings]}, etag(known)


@blp.route("/cases/<case_id>/meetings", methods=["POST"])
@roles("manager", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(MeetingIn)
@blp.response(201, MeetingOut)
def call_meeting(body: dict[str, Any], case_id: str) -> Answer:
    """Call people to a meeting at a time and place."""
    meeting_id = created_id(body)
    return _answer(act(case_id, command(commands.CallMeeting, meeting_id=meeting_id, **body)), meeting_id)


@blp.route("/cases/<case_id>/meetings/<meeting_id>/minutes", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(MinutesIn)
@blp.response(201, MeetingOut)
def record_minutes(body: dict[str, Any], case_id: str, meeting_id: str) -> Answer:
    """Record who came, what was said and decided. Minutes stand: to correct them, hold another meeting."""
    given = command(commands.RecordMinutes, meeting_id=meeting_id, **body)
    return _answer(act(case_id, given), meeting_id)


@blp.route("/cases/<case_id>/meetings/<meeting_id>/cancel", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ReasonIn)
@blp.response(200, MeetingOut)
def cancel_meeting(body: dict[str, Any], case_id: str, meeting_id: str) -> Answer:
    """Call a meeting off that was not held."""
    given = command(commands.CancelMeeting, meeting_id=meeting_id, **body)
    return _answer(act(case_id, given), meeting_id)
