"""Makes the plans that are queued, one at a time, each in a process of its own that may die without harm."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from server.scheduling.claims import begin, is_free
from server.scheduling.confined import ORDER, RESULT, Wish, confined
from server.scheduling.networks import Networks
from server.scheduling.plans import PlanRecord, Plans, Progress, Summary
from server.scheduling.solver import Order, Result
from server.scheduling.turns import work_through

SOLVER = "server.scheduling.solver"


@dataclass(frozen=True)
class Terms:
    """What a plan may take. `grace_seconds`: for starting, reading, and ending once the search is over.

    A plan of which nothing was heard for `abandoned_seconds` is begun anew, `attempts` times at most.
    """

    memory_bytes: int
    explain_seconds: float
    grace_seconds: float
    beat_seconds: float
    abandoned_seconds: float
    attempts: int
    #: How often it is looked for plans that nobody told of.
    pause_seconds: float


class Planner:
    """Run it in a thread; `wake` it when plans have changed."""

    def __init__(
        self,
        plans: Plans,
        networks: Networks,
        terms: Terms,
        clock: Callable[[], datetime],
        spool_dir: Path,
    ) -> None:
        self._plans = plans
        self._networks = networks
        self._terms = terms
        self._clock = clock
        self._spool_dir = spool_dir
        self._woken = threading.Event()

    def wake(self) -> None:
        """Some plan was changed."""
        self._woken.set()

    def run(self, stop: threading.Event) -> None:
        """Make plans until `stop`; what fails is told and tried again later."""
        work_through(
            self.run_once,
            stop=stop,
            woken=self._woken,
            pause_seconds=self._terms.pause_seconds,
            name="planning",
        )

    def run_once(self, stop: threading.Event | None = None) -> bool:
        """Make the plan that waits longest; False if none does."""
        now = self._clock()
        for record in self._plans.all():
            if self._free(record, now):
                taken = self._take(record, now)
                if taken is not None:
                    self._make(taken, stop or threading.Event())
                    return True
        return False

    def _free(self, record: PlanRecord, now: datetime) -> bool:
        return is_free(record, now, self._terms.abandoned_seconds)

    def _take(self, record: PlanRecord, now: datetime) -> PlanRecord | None:
        """The plan as ours to make; None where somebody was faster, or it has died too often."""

        def take(known: PlanRecord) -> PlanRecord:
            return begin(known, now, self._terms.attempts) if self._free(known, now) else known

        taken = self._plans.change(record.organisation, record.id, take)
        return taken if taken.state == "running" and taken.beat_at == now else None

    def _make(self, record: PlanRecord, stop: threading.Event) -> None:
        with tempfile.TemporaryDirectory(dir=self._spool_dir, prefix="plan-") as folder:
            head = self._networks.get(record.organisation, record.network, record.version)
            order = Order(
                instance=msgspec.json.decode(self._plans.instance(record)),
                network=msgspec.json.decode(self._networks.body(head)),
                effort=record.effort,
                explain_seconds=self._terms.explain_seconds,
                near=record.near,
                near_plan=self._near(record),
            )
            (Path(folder) / ORDER).write_bytes(msgspec.json.encode(order))
            del order  # the child has it, and it may be large
            fault = self._watched(record, Path(folder), stop)
            if stop.is_set():
                self._change(record, lambda known: replace(known, state="queued", begun=known.begun - 1))
            elif fault:
                self._change(record, lambda known: replace(known, state="failed", fault=fault))
            else:
                kept = self._plans.keep_result(record, (Path(folder) / RESULT).read_bytes())
                summary = summary_of(msgspec.json.decode(kept, type=Result))
                self._change(record, lambda known: replace(known, state="made", summary=summary))

    def _near(self, record: PlanRecord) -> dict[str, Any] | None:
        """The plan that this one is to stay near."""
        if record.near is None:
            return None
        known = self._plans.get(record.organisation, record.near.plan)
        found: dict[str, Any] = msgspec.json.decode(self._plans.result(known))["plan"]
        return found

    def _change(self, record: PlanRecord, change: Callable[[PlanRecord], PlanRecord]) -> PlanRecord:
        """Write on, as long as the plan is still ours."""

        def ours(known: PlanRecord) -> PlanRecord:
            own = known.state == "running" and known.begun == record.begun
            return change(known) if own else known

        return self._plans.change(record.organisation, record.id, ours)

    def _watched(self, record: PlanRecord, folder: Path, stop: threading.Event) -> str:
        """Let the child work; why nothing came of it, or nothing."""
        terms = self._terms

        def beat(line: bytes | None) -> Wish:
            now = self._clock()
            progress = None if line is None else msgspec.json.decode(line, type=Progress)
            told = self._change(record, lambda known: replace(known, beat_at=now, progress=progress))
            if told.state != "running" or told.begun != record.begun:
                return "leave"
            return "end" if told.cancel else "on"

        return confined(
            SOLVER,
            folder,
            memory_bytes=terms.memory_bytes,
            seconds=record.effort.seconds + terms.explain_seconds + terms.grace_seconds,
            beat_seconds=terms.beat_seconds,
            stop=stop,
            beat=beat,
        )


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
