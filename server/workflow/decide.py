"""The one door into a case: `decide` carries a command out, or refuses and leaves all as it was.

It is a function of values. The same case, command, actor, policy and moment lead to the same decision, so a
shell may repeat it on a newer revision whenever its write conflicts. After every command the gates are
evaluated anew, and an authorization that no longer rests on all of them is void at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.approvals.rules import DECIDERS
from server.workflow.audit import sealed
from server.workflow.cause import recorded
from server.workflow.draft import Draft
from server.workflow.gates import evaluate_gates, unmet
from server.workflow.handlers import (
    aftercare,
    afterwards,
    approvals,
    cases,
    clocks,
    conflicts,
    customer,
    deadlines,
    deliveries,
    disputes,
    drafting,
    energization,
    explanations,
    gate_words,
    handover,
    hazards,
    meetings,
    metering,
    notices,
    power_use,
    quarantine,
    reinspections,
    reminders,
    submissions,
    switching,
    tasks,
    unsafe,
    withdrawals,
)
from server.workflow.log import canonical
from server.workflow.model import Actor, Case, Cause, Decision, Role
from server.workflow.policy import Policy
from server.workflow.refusal import Refusal

_OFFICE: frozenset[Role] = frozenset({"manager", "admin"})
_INTAKE: frozenset[Role] = frozenset({"system"})
#: Whoever is there when the breaker is closed, or orders it.
_SWITCHING: frozenset[Role] = frozenset({"inspector", "manager", "scheduler"})
#: Whoever may write at all: a hazard is heard from anybody.
_ANYONE: frozenset[Role] = frozenset({"inspector", "manager", "scheduler", "admin", "customer", "system"})

#: Who may give a command. Rules about persons stand with the command's own rules.
ROLES: Mapping[type[c.CommandBase], frozenset[Role]] = {
    c.OpenCase: _OFFICE,
    c.AmendCase: _OFFICE,
    c.SetFacts: _OFFICE,
    c.MoveStage: _OFFICE,
    c.PauseClock: _OFFICE,
    c.ResumeClock: _OFFICE,
    c.DateStage: _OFFICE,
    c.ExtendScheme: _OFFICE,
    c.IssueLink: _OFFICE,
    c.RevokeLink: _OFFICE,
    c.WishAppointment: _OFFICE | {"customer"},
    c.ExplainAnomaly: _OFFICE,
    c.AuditExplanation: _OFFICE,
    c.AssignTask: _OFFICE,
    c.Reassign: _OFFICE,
    c.CancelTask: _OFFICE,
    c.ChangeChecklist: _OFFICE,
    c.RecordSubmission: _INTAKE,
    c.SettleLateBranch: _OFFICE,
    c.RecordPhoto: _INTAKE,
    c.AmendNotice: _OFFICE | {"inspector"},
    c.CosignNotice: _OFFICE | {"inspector"},
    c.IssueNotice: _OFFICE,
    c.DeliverNotice: _OFFICE | {"inspector", "customer"},
    c.AcceptNotice: _OFFICE | {"inspector", "customer"},
    c.DisputeNotice: _OFFICE | {"inspector", "customer"},
    c.SettleDispute: _OFFICE,
    c.StateDates: _OFFICE | {"inspector", "customer"},
    c.ExtendDeadlines: frozenset({"manager"}),
    c.MarkCovered: _OFFICE | {"inspector"},
    c.RecordSpecialists: _OFFICE,
    c.RecordReminder: _INTAKE,
    c.AnswerNotice: _OFFICE | {"customer"},
    c.ScheduleReinspection: _OFFICE,
    c.ProposeWithdrawal: _OFFICE | {"inspector"},
    c.ConfirmWithdrawal: _OFFICE,
    c.RejectWithdrawal: _OFFICE | {"inspector"},
    c.RecordEntry: _ANYONE,  # each gate names its own roles
    c.ReportHazard: _ANYONE,
    c.QuarantineUnsent: _INTAKE,
    c.SettleQuarantine: _OFFICE,
    c.TakeQuarantined: _INTAKE,
    c.ReopenQuarantine: _INTAKE,
    c.SettleConflict: _INTAKE,
    c.Hold: _OFFICE | _INTAKE,
    c.ReleaseHold: frozenset({"manager"}),
    c.Authorize: frozenset({"manager"}),
    c.RecordEnergization: frozenset({"manager"}),
    c.ProposeWaiver: _OFFICE,
    c.ApproveWaiver: _OFFICE,
    c.WithdrawWaiver: _OFFICE,
    c.RecordSteps: _SWITCHING,
    c.AbortSwitching: _SWITCHING | {"admin"},
    c.RecordIsolation: _SWITCHING,
    c.RecordOnLoadCheck: frozenset({"manager", "inspector"}),
    c.RecordPaper: _OFFICE,
    c.CallMeeting: _OFFICE,
    c.CancelMeeting: _OFFICE,
    c.RecordMinutes: _OFFICE,
    c.HandOver: _OFFICE,
    c.RecordSelfCheck: _OFFICE | {"customer"},
    c.RecordPreInspection: _OFFICE | {"inspector"},
    c.ProposeScheme: _OFFICE,
    c.ProposeChange: _OFFICE,
    c.NameApprover: _OFFICE,
    c.DecideApproval: DECIDERS,
    c.WithdrawProposal: _OFFICE,
    c.RecordContact: _OFFICE,
    c.RateService: _OFFICE | {"customer"},
    c.RecordRatingAction: _OFFICE,
    c.PlanCustomerInspection: _OFFICE,
    c.RecordCustomerInspection: _OFFICE,
    c.CancelCustomerInspection: _OFFICE,
    c.PlanMetering: _OFFICE,
    c.RecordUse: _OFFICE,
    c.DeclareGrowth: _OFFICE,
}

_HANDLERS: Mapping[type[c.CommandBase], Callable[[Draft, Any], None]] = {
    c.AmendCase: cases.amend_case,
    c.SetFacts: cases.set_facts,
    c.MoveStage: cases.move_stage,
    c.PauseClock: clocks.pause_clock,
    c.ResumeClock: clocks.resume_clock,
    c.DateStage: clocks.date_stage,
    c.ExtendScheme: clocks.extend_scheme,
    c.IssueLink: customer.issue_link,
    c.RevokeLink: customer.revoke_link,
    c.WishAppointment: customer.wish_appointment,
    c.ExplainAnomaly: explanations.explain_anomaly,
    c.AuditExplanation: explanations.audit_explanation,
    c.AssignTask: tasks.assign_task,
    c.Reassign: tasks.reassign,
    c.CancelTask: tasks.cancel_task,
    c.ChangeChecklist: tasks.change_checklist,
    c.RecordSubmission: submissions.record_submission,
    c.SettleLateBranch: tasks.settle_late_branch,
    c.RecordPhoto: submissions.record_photo,
    c.AmendNotice: drafting.amend_notice,
    c.CosignNotice: drafting.cosign_notice,
    c.IssueNotice: drafting.issue_notice,
    c.DeliverNotice: deliveries.deliver_notice,
    c.AcceptNotice: deliveries.accept_notice,
    c.DisputeNotice: disputes.dispute_notice,
    c.SettleDispute: disputes.settle_dispute,
    c.StateDates: deadlines.state_dates,
    c.ExtendDeadlines: deadlines.extend_deadlines,
    c.MarkCovered: unsafe.mark_covered,
    c.RecordSpecialists: unsafe.record_specialists,
    c.RecordReminder: reminders.record_reminder,
    c.AnswerNotice: notices.answer_notice,
    c.ScheduleReinspection: reinspections.schedule_reinspection,
    c.ProposeWithdrawal: withdrawals.propose_withdrawal,
    c.ConfirmWithdrawal: withdrawals.confirm_withdrawal,
    c.RejectWithdrawal: withdrawals.reject_withdrawal,
    c.RecordEntry: gate_words.record_entry,
    c.ProposeWaiver: gate_words.propose_waiver,
    c.ApproveWaiver: gate_words.approve_waiver,
    c.WithdrawWaiver: gate_words.withdraw_waiver,
    c.ReportHazard: hazards.report_hazard,
    c.QuarantineUnsent: quarantine.quarantine_unsent,
    c.SettleQuarantine: quarantine.settle_quarantine,
    c.TakeQuarantined: quarantine.take_quarantined,
    c.ReopenQuarantine: quarantine.reopen_quarantine,
    c.SettleConflict: conflicts.settle_conflict,
    c.Hold: energization.hold,
    c.ReleaseHold: energization.release_hold,
    c.Authorize: energization.authorize,
    c.RecordSteps: switching.record_steps,
    c.AbortSwitching: switching.abort_switching,
    c.RecordIsolation: switching.record_isolation,
    c.RecordEnergization: energization.record_energization,
    c.RecordOnLoadCheck: afterwards.record_on_load_check,
    c.RecordPaper: afterwards.record_paper,
    c.CallMeeting: meetings.call_meeting,
    c.CancelMeeting: meetings.cancel_meeting,
    c.RecordMinutes: meetings.record_minutes,
    c.HandOver: handover.hand_over,
    c.RecordSelfCheck: handover.record_self_check,
    c.RecordPreInspection: handover.record_pre_inspection,
    c.ProposeScheme: approvals.propose_scheme,
    c.ProposeChange: approvals.propose_change,
    c.NameApprover: approvals.name_approver,
    c.DecideApproval: approvals.decide_approval,
    c.WithdrawProposal: approvals.withdraw_proposal,
    c.RecordContact: aftercare.record_contact,
    c.RateService: aftercare.rate_service,
    c.RecordRatingAction: aftercare.record_rating_action,
    c.PlanCustomerInspection: aftercare.plan_customer_inspection,
    c.RecordCustomerInspection: aftercare.record_customer_inspection,
    c.CancelCustomerInspection: aftercare.cancel_customer_inspection,
    c.PlanMetering: metering.plan_metering,
    c.RecordUse: power_use.record_use,
    c.DeclareGrowth: power_use.declare_growth,
}


def decide(case: Case | None, command: c.Command, *, now: datetime, actor: Actor, policy: Policy) -> Decision:
    """Carry `command` out on `case` (None: only OpenCase) at `now`, an aware datetime.

    Returns the new case with the log entries added; the same case and none if the command changes nothing.
    Raises Refusal, and ValueError for a `now` without a time zone.
    """
    if now.tzinfo is None:
        raise ValueError("now must be an aware datetime")
    now = now.astimezone(UTC)
    command = _sound(command)
    _require_role(command, actor)
    if isinstance(command, c.OpenCase):
        if case is not None:
            raise Refusal("case_exists", {"case": case.id}, facts=("field:id",))
        draft = cases.open_case(command, now=now, actor=actor, policy=policy)
    else:
        if case is None:
            raise Refusal("case_unknown", kind="not_found")
        draft = Draft(case, now=now, actor=actor, policy=policy, cause=recorded(command, actor))
        _HANDLERS[type(command)](draft, command)
    return _decided(case, draft)


def decide_again(
    case: Case, command: c.Command, *, now: datetime, actor: Actor, policy: Policy, cause: Cause
) -> Decision:
    """Carry out on `case` what was admitted on a branch of it that lost a conflict; see `rebase`.

    `cause` goes into the log as it is. Who may give the command was asked when it was given. Raises Refusal.
    """
    command = _sound(command)
    if isinstance(command, c.OpenCase):
        raise Refusal("case_exists", {"case": case.id}, facts=("field:id",))
    return carry_out(
        case,
        lambda draft: _HANDLERS[type(command)](draft, command),
        now=now,
        actor=actor,
        policy=policy,
        cause=cause,
    )


def carry_out(
    case: Case,
    handle: Callable[[Draft], None],
    *,
    now: datetime,
    actor: Actor,
    policy: Policy,
    cause: Cause,
) -> Decision:
    """What `handle` makes of the case as a decision that is carried out again, gates settled."""
    draft = Draft(case, now=now, actor=actor, policy=policy, cause=cause, again=True)
    handle(draft)
    return _decided(case, draft)


def _decided(case: Case | None, draft: Draft) -> Decision:
    if case is not None and not draft.events:
        return Decision(case)
    _settle_gates(draft)
    log = sealed(case, draft.case)
    return Decision(replace(draft.case, log=log), log[-len(draft.events) :])


def _settle_gates(draft: Draft) -> None:
    """Evaluate the gates; void an authorization that one of them, or the stage, no longer bears."""
    draft.case = replace(draft.case, gates=evaluate_gates(draft.case, draft.policy, draft.now))
    if draft.case.energization.status != "authorized":
        return
    shut = unmet(draft.case)
    if shut:
        energization.put_on_hold(draft, "gates_shut", shut=shut)
    elif draft.case.stage != draft.process.ready:
        energization.put_on_hold(draft, "stage_left")
    else:
        return
    draft.case = replace(draft.case, gates=evaluate_gates(draft.case, draft.policy, draft.now))


def _sound(command: c.Command) -> c.Command:
    """The command as its own types demand it: constructors do not check, so this does."""
    try:
        canonical(command)
        return msgspec.convert(msgspec.to_builtins(command, str_keys=True), type(command), str_keys=True)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise Refusal("malformed", {"detail": str(error)}, kind="invalid") from error


def _require_role(command: c.Command, actor: Actor) -> None:
    admitted = ROLES[type(command)]
    if not admitted & set(actor.roles):
        raise Refusal(
            "role_missing",
            {"roles": sorted(admitted), "names": ", ".join(sorted(admitted))},
            kind="forbidden",
            facts=tuple(f"role:{role}" for role in sorted(admitted)),
        )
