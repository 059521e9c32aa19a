"""Meetings, papers handed over, and what approval asks for."""

from __future__ import annotations

from typing import Any, get_args

from server.workflow import commands as c
from server.workflow.approvals.values import ProposedChange, Scheme, Source
from server.workflow.meetings import Department, MeetingKind, MeetingOutcome, Participant
from tests.workflow.builders import ADMIN, DEPUTY, MANAGER
from tests.workflow.histories.history import History

_OFFICE = (MANAGER, DEPUTY, ADMIN)
_MEETINGS = ("m-1", "m-2")
_APPROVALS = ("ap-1", "ap-2")
_EVERYBODY = tuple(Participant(name=f"of {one}", department=one) for one in get_args(Department))


def call_meeting(h: History) -> None:
    kind: Any = h.pick(get_args(MeetingKind))
    at = h.moment()
    h.give(c.CallMeeting(meeting_id=h.pick(_MEETINGS), kind=kind, at=at, place="room 3", invited=_EVERYBODY))


def cancel_meeting(h: History) -> None:
    h.give(c.CancelMeeting(meeting_id=h.pick(_MEETINGS), reason="nobody can come"))


def record_minutes(h: History) -> None:
    outcome: Any = h.pick(get_args(MeetingOutcome))
    attended = _EVERYBODY if h.chance(0.8) else _EVERYBODY[:2]
    h.give(
        c.RecordMinutes(
            meeting_id=h.pick(_MEETINGS),
            held_at=h.pick([h.desk.now, h.moment()]),
            attended=attended,
            text="as proposed",
            outcome=outcome,
        )
    )


def propose_scheme(h: History) -> None:
    kva = h.pick([400.0, 800.0, 2500.0])
    scheme = Scheme(
        sources=(Source(line="Canal line 12", voltage_kv=10.0, capacity_kva=kva),),
        boundary="the first pole",
        metering="HV, at the switch-room",
        standard=h.chance(),
    )
    h.give(c.ProposeScheme(approval_id=h.pick(_APPROVALS), scheme=scheme))


def propose_change(h: History) -> None:
    change = h.pick(
        [
            ProposedChange(title=f"title {h.number()}"),
            ProposedChange(facts={"dual": h.chance()}),
            ProposedChange(manager=DEPUTY.name),
        ]
    )
    h.give(c.ProposeChange(approval_id=h.pick(_APPROVALS), change=change, reason="as agreed"))


def name_approver(h: History) -> None:
    person = h.pick(_OFFICE).name
    h.give(c.NameApprover(approval_id=h.pick(_APPROVALS), person=person, reason="knows the site"))


def decide_approval(h: History) -> None:
    outcome: Any = h.pick(["approved", "approved", "rejected"])
    h.give(c.DecideApproval(approval_id=h.pick(_APPROVALS), outcome=outcome, reason="as the rule says"))


def withdraw_proposal(h: History) -> None:
    h.give(c.WithdrawProposal(approval_id=h.pick(_APPROVALS), reason="not now"))


def propose_and_decide(h: History) -> None:
    h.pick([propose_scheme, propose_change])(h)
    h.pick([name_approver, withdraw_proposal, decide_approval])(h)
    decide_approval(h)


MOVES = [
    propose_and_decide,
    call_meeting,
    call_meeting,
    cancel_meeting,
    record_minutes,
    record_minutes,
    propose_scheme,
]
MOVES += [propose_change, propose_change, name_approver, decide_approval, decide_approval, withdraw_proposal]
