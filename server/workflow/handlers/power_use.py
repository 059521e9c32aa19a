"""Whether customers use what they were connected for, and what they mean to add."""

from __future__ import annotations

from msgspec.structs import replace

from server.workflow.draft import Draft
from server.workflow.handlers.records import known_already
from server.workflow.power_use import GrowthPlan, UseReport
from server.workflow.power_use_commands import DeclareGrowth, RecordUse
from server.workflow.refusal import Refusal


def record_use(draft: Draft, command: RecordUse) -> None:
    """It goes on after the case has ended: a customer is one for years."""
    report = UseReport(
        id=command.report_id,
        dated=command.dated,
        state=command.state,
        evidence=command.evidence,
        connected_kva=command.connected_kva,
        used_kva=command.used_kva,
        words=command.words,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
    )
    if known_already(draft.case.use_reports, report):
        return
    record = draft.case.energization.record
    if record is None:
        params = {"status": draft.case.energization.status}
        raise Refusal("customer_not_energized", params, facts=("energization",))
    if (report.used_kva or 0.0) > 0 and report.state != "in_use":
        raise Refusal("use_contradicts", {"state": report.state}, kind="invalid", facts=("field:used_kva",))
    draft.require_dated(command.dated, "dated", earliest=record.at)
    draft.case = replace(draft.case, use_reports={**draft.case.use_reports, report.id: report})
    draft.tell(
        "use_recorded",
        report=report.id,
        state=report.state,
        dated=report.dated.isoformat(),
        connected_kva=report.connected_kva,
        used_kva=report.used_kva,
    )


def declare_growth(draft: Draft, command: DeclareGrowth) -> None:
    plan = GrowthPlan(
        steps=command.steps,
        evidence=command.evidence,
        declared_at=draft.now,
        declared_by=draft.actor.name,
    )
    known = draft.case.growth
    if known is not None and (known.steps, known.evidence) == (plan.steps, plan.evidence):
        return
    draft.require_running()
    begun = draft.case.history[0].begun
    draft.require_not_before(min((step.by for step in plan.steps), default=None), "steps", begun)
    draft.case = replace(draft.case, growth=plan)
    steps = [{"by": step.by.isoformat(), "kva": step.kva} for step in plan.steps]
    draft.tell("growth_declared", steps=steps, evidence=plan.evidence)
