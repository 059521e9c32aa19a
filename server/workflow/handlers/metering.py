"""Which instruments a case needs, and when."""

from __future__ import annotations

from msgspec.structs import replace

from server.workflow.draft import Draft
from server.workflow.metering import MeteringPlan
from server.workflow.metering_commands import PlanMetering
from server.workflow.refusal import Refusal


def plan_metering(draft: Draft, command: PlanMetering) -> None:
    plan = MeteringPlan(
        connect_on=command.connect_on,
        lines=command.lines,
        note=command.note,
        planned_at=draft.now,
        planned_by=draft.actor.name,
    )
    known = draft.case.metering
    if known is not None and replace(plan, planned_at=known.planned_at, planned_by=known.planned_by) == known:
        return
    draft.require_running()
    if draft.energized and not draft.again:
        raise Refusal("already_energized", facts=("energization",))
    draft.require_not_before(plan.connect_on, "connect_on", draft.case.history[0].begun)
    draft.case = replace(draft.case, metering=plan)
    draft.tell(
        "metering_planned",
        connect_on=plan.connect_on.isoformat(),
        quantity=sum(line.quantity for line in plan.lines),
        note=plan.note,
    )
