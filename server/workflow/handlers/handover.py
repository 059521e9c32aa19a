"""Papers handed over to the customer, his own checks, and looks ahead of the completion inspection."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec.structs import replace

from server.workflow.draft import Draft
from server.workflow.gates import mid_check_passed
from server.workflow.handlers.records import known_already
from server.workflow.handlers.tasks import distinct
from server.workflow.handover import Handover, PreInspection, SelfCheck
from server.workflow.handover_commands import HandOver, RecordPreInspection, RecordSelfCheck
from server.workflow.model import Case
from server.workflow.refusal import Refusal


def hand_over(draft: Draft, command: HandOver) -> None:
    handover = Handover(
        id=command.handover_id,
        kind=command.kind,
        version=command.version,
        received_by=command.received_by,
        dated=command.dated,
        mode=command.mode,
        receipt=command.receipt,
        document=command.document,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
    )
    if known_already(draft.case.handovers, handover):
        return
    draft.require_running()
    if not draft.again:
        _require_mid_check(draft)
    draft.require_dated(command.dated, "dated", earliest=passed_at(draft.case))
    draft.case = replace(draft.case, handovers={**draft.case.handovers, handover.id: handover})
    draft.tell(
        "handed_over",
        handover=handover.id,
        kind=handover.kind,
        version=handover.version,
        received_by=handover.received_by,
        dated=handover.dated.isoformat(),
        mode=handover.mode,
        receipt=handover.receipt,
    )


def record_self_check(draft: Draft, command: RecordSelfCheck) -> None:
    check = SelfCheck(
        id=command.check_id,
        dated=command.dated,
        by=command.by,
        finished=command.finished,
        findings=command.findings,
        evidence=command.evidence,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
    )
    if known_already(draft.case.self_checks, check):
        return
    draft.require_running()
    draft.require_dated(command.dated, "dated", earliest=draft.case.history[0].begun)
    draft.case = replace(draft.case, self_checks={**draft.case.self_checks, check.id: check})
    draft.tell(
        "self_check_recorded",
        check=check.id,
        by=check.by,
        dated=check.dated.isoformat(),
        finished=check.finished,
        findings=check.findings,
    )


def record_pre_inspection(draft: Draft, command: RecordPreInspection) -> None:
    look = PreInspection(
        id=command.check_id,
        dated=command.dated,
        inspectors=distinct(command.inspectors),
        advice=command.advice,
        evidence=command.evidence,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
    )
    if known_already(draft.case.pre_inspections, look):
        return
    draft.require_running()
    if draft.energized and not draft.again:
        raise Refusal("already_energized", facts=("energization",))
    draft.require_dated(command.dated, "dated", earliest=draft.case.history[0].begun)
    draft.case = replace(draft.case, pre_inspections={**draft.case.pre_inspections, look.id: look})
    draft.tell(
        "pre_inspection_recorded",
        check=look.id,
        inspectors=list(look.inspectors),
        dated=look.dated.isoformat(),
        advice=list(look.advice),
    )


def passed_at(case: Case) -> datetime:
    """When the intermediate inspection had passed; the case's beginning where none was made."""
    accepted = [
        form.received_at
        for task in case.tasks.values()
        if task.kind == "intermediate"
        for form in task.submissions
        if form.outcome == "accepted"
    ]
    closed = [one.closed_at for one in case.notices.values() if one.stage == "intermediate" and one.closed_at]
    return max([case.history[0].begun, *accepted[:1], *closed])


def _require_mid_check(draft: Draft) -> None:
    reasons = mid_check_passed(draft.case) or []
    if reasons:
        raise Refusal(
            "handover_too_early",
            {"reasons": msgspec.to_builtins(reasons)},
            facts=tuple(dict.fromkeys(ref for reason in reasons for ref in reason.refs))
            or ("stage:intermediate",),
        )
