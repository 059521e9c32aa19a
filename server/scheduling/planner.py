"""Makes the plans that are queued, one at a time, each in a process of its own that may die without harm."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from server.scheduling.jobs import Jobs, JobTerms
from server.scheduling.networks import Networks
from server.scheduling.plans import PlanRecord, Plans, Progress, Summary
from server.scheduling.solver import Order, Result

SOLVER = "server.scheduling.solver"


@dataclass(frozen=True, kw_only=True)
class Terms(JobTerms):
    """What a plan may take. `grace_seconds`: for starting, reading, and ending once the search is over."""

    explain_seconds: float
    grace_seconds: float


class Planner(Jobs[PlanRecord]):
    """Wake it when plans have changed."""

    module, kind = SOLVER, "planning"

    def __init__(
        self,
        plans: Plans,
        networks: Networks,
        terms: Terms,
        clock: Callable[[], datetime],
        spool_dir: Path,
    ) -> None:
        super().__init__(terms, clock, spool_dir)
        self._plans = plans
        self._networks = networks
        self._terms = terms

    def _known(self, _now: datetime) -> Iterable[PlanRecord]:
        return self._plans.all()

    def _put(self, job: PlanRecord, change: Callable[[PlanRecord], PlanRecord]) -> PlanRecord:
        return self._plans.change(job.organisation, job.id, change)

    def _order(self, job: PlanRecord) -> bytes:
        head = self._networks.get(job.organisation, job.network, job.version)
        order = Order(
            instance=msgspec.json.decode(self._plans.instance(job)),
            network=msgspec.json.decode(self._networks.body(head)),
            effort=job.effort,
            explain_seconds=self._terms.explain_seconds,
            near=job.near,
            near_plan=self._near(job),
        )
        return msgspec.json.encode(order)

    def _near(self, record: PlanRecord) -> dict[str, Any] | None:
        """The plan that this one is to stay near."""
        if record.near is None:
            return None
        known = self._plans.get(record.organisation, record.near.plan)
        found: dict[str, Any] = msgspec.json.decode(self._plans.result(known))["plan"]
        return found

    def _seconds(self, job: PlanRecord) -> float:
        return job.effort.seconds + self._terms.explain_seconds + self._terms.grace_seconds

    def _heard(self, known: PlanRecord, line: bytes | None) -> PlanRecord:
        progress = None if line is None else msgspec.json.decode(line, type=Progress)
        return replace(known, progress=progress)

    def _to_end(self, known: PlanRecord) -> bool:
        return known.cancel

    def _finished(self, job: PlanRecord, result: bytes) -> Callable[[PlanRecord], PlanRecord]:
        kept = self._plans.keep_result(job, result)
        summary = summary_of(msgspec.json.decode(kept, type=Result))
        return lambda known: replace(known, state="made", summary=summary)


def summary_of(result: Result) -> Summary:
    """A result in short."""
    plan, proof = result.plan, result.plan["proof"]
    riding = sum(len(one["works"]) for one in plan["outages"])
    return Summary(
        status=proof["status"],
        customer_hours=plan["customer_hours"],
        value=proof["stages"][0]["value"],
        bound=proof["stages"][0]["bound"],
        gap=proof["gap"],
        seconds=proof["seconds"],
        outages=len(plan["outages"]),
        placed=riding + len(plan.get("live", ())),
        unplaced=len(plan.get("unplaced", ())),
        wrong=len(result.findings),
    )
