"""What a published plan means: its works are planned, and the cases that waited for them are told.

Works are taken before the plan is published, each by compare and swap, so that no work stands in two
published plans. What comes after can be done again: cut off in between, whoever sees the plan next ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from server.casework.cases import SYSTEM, Cases
from server.scheduling.approving import PlanRefused
from server.scheduling.months import days_in
from server.scheduling.plans import PlanRecord, Plans, number_of
from server.scheduling.requests import Request
from server.scheduling.works import StaleWork, Works
from server.texts import text
from server.workflow.commands import RecordEntry
from server.workflow.refusal import Refusal
from sync.store import NotFound

log = structlog.get_logger()

GATE = "outage-approved"
_TRIES = 12


class Told(Struct, frozen=True, kw_only=True):
    """What became of a case that waited for a work: `refused` is the rule that kept its gate as it was."""

    case: str
    work: str
    refused: str | None = None


class Publishing:
    """Publishes plans; holds nothing of its own."""

    def __init__(self, plans: Plans, works: Works, cases: Cases) -> None:
        self.plans = plans
        self._works = works
        self._cases = cases

    def publish(
        self,
        record: PlanRecord,
        change: Callable[[PlanRecord], PlanRecord],
    ) -> tuple[PlanRecord, list[Told]]:
        """Publish by `change`, which decides whether it may be. Raises what that raises, and PlanRefused if a
        work is no longer as it was planned."""
        change(record)
        asked = {one["id"]: one for one in msgspec.json.decode(self.plans.instance(record))["works"]}
        placed = sorted(days_in(self.plan(record)))
        for work in placed:
            self._check(record, work, asked[work])
        for work in placed:
            self._take(record, work, asked[work])
        published = self.plans.change(record.organisation, record.id, change)
        return published, self.settle(published)

    def plan(self, record: PlanRecord) -> dict[str, Any]:
        """The plan that was made, as `outage-plan-1`."""
        found: dict[str, Any] = msgspec.json.decode(self.plans.result(record))["plan"]
        return found

    def settle(self, record: PlanRecord) -> list[Told]:
        """Tell the cases that waited for a published plan's works, each once."""
        told = []
        for work, day in sorted(days_in(self.plan(record)).items()):
            known, _ = self._works.get(record.organisation, work)
            told += [self._tell(record, case, work, day) for case in known.asked.cases]
        return told

    def _check(self, record: PlanRecord, work: str, asked: Mapping[str, Any]) -> Request:
        known, _ = self._works.get(record.organisation, work)
        ours = known.state == "planned" and known.plan == record.id
        if not (ours or known.state == "approved") or _own(msgspec.to_builtins(known.asked.work)) != _own(
            asked
        ):
            raise PlanRefused("plan_work_changed", work=work, state=known.state)
        return known

    def _take(self, record: PlanRecord, work: str, asked: Mapping[str, Any]) -> None:
        """Have a work be this plan's."""
        for _ in range(_TRIES):
            _, rev = self._works.get(record.organisation, work)
            try:
                self._works.change(
                    record.organisation,
                    work,
                    lambda _known: replace(self._check(record, work, asked), state="planned", plan=record.id),
                    if_rev=rev,
                )
            except StaleWork:
                continue
            return
        raise StaleWork(work)

    def _tell(self, record: PlanRecord, case_id: str, work: str, day: str) -> Told:
        number = number_of(record)
        try:
            case = self._cases.load(case_id).case
            if any(number in word.documents for word in case.entries.get(GATE, ())):
                return Told(case=case_id, work=work)  # told before; what anybody said since counts
            # One language for all who read the case: the papers' own.
            evidence = text("plan_evidence", "zh-CN", number=number, work=work, date=day)
            command = RecordEntry(gate=GATE, status="met", evidence=evidence, documents=(number,))
            self._cases.apply(case_id, command, SYSTEM)
        except (Refusal, NotFound) as refusal:
            code = refusal.code if isinstance(refusal, Refusal) else "not_found"
            log.warning("outage_gate_refused", case=case_id, plan=record.id, code=code)
            return Told(case=case_id, work=work, refused=code)
        return Told(case=case_id, work=work)


def _own(work: Mapping[str, Any]) -> dict[str, Any]:
    """A work without the scheduler's hand, which is of one plan and not of the work."""
    return {name: value for name, value in work.items() if name not in ("pin", "forbid")}
