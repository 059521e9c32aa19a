"""The gate sheet and the switching sheet of a case, as people read and print them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from server.workflow.facts import known
from server.workflow.gates import evaluate_gates, gate_table, standing_words
from server.workflow.model import Case, Entry, GateStatus, Run, Tick, Value, Waiver
from server.workflow.policy import Policy
from server.workflow.switching import closed_at, on_load_points, steps_of
from server.workflow.waivers import last_waiver


class GateLine(Value, frozen=True, kw_only=True):
    """One condition. `words` are those that decide it: who said so, when, with what evidence.

    `asks`: the facts by which it is asked for, with what is known of them. `waiver`: the last that was not
    withdrawn, whether it stands or waits for its second person. `waivable`: today's settings allow one.
    """

    status: GateStatus
    words: tuple[Entry, ...] = ()
    asks: Mapping[str, bool | None]
    waiver: Waiver | None = None
    waivable: bool = False


class StepLine(Value, frozen=True, kw_only=True):
    """One step of the day: how often it is to be done, and when it was, in the last run."""

    id: str
    closes: bool
    times: int
    minutes: int
    ticks: tuple[Tick, ...] = ()


def gate_sheet(case: Case, policy: Policy, at: datetime) -> tuple[GateLine, ...]:
    """Every condition of the case as it is at a moment, in the order of the gate sheet."""
    table = gate_table()
    closed = closed_at(case)
    day = policy.day(at if closed is None else min(at, closed))
    lines = []
    for status in evaluate_gates(case, policy, at):
        gate = table[status.id]
        words = case.entries.get(gate.id, ())
        lines.append(
            GateLine(
                status=status,
                words=standing_words(case, gate, policy, day) or words[-1:],
                asks={name: known(case, name) for name in gate.needs},
                waiver=last_waiver(case, gate.id),
                waivable=gate.waivable and gate.id in policy.waivers,
            )
        )
    return tuple(lines)


def switching_sheet(case: Case, policy: Policy) -> tuple[StepLine, ...]:
    """The steps of the day in their order, with what the last run did of each."""
    run: Run | None = case.energization.runs[-1] if case.energization.runs else None
    ticks = () if run is None else run.ticks
    return tuple(
        StepLine(
            id=step.id,
            closes=step.closes,
            times=step.times,
            minutes=step.minutes,
            ticks=tuple(tick for tick in ticks if tick.step == step.id),
        )
        for step in steps_of(case, policy)
    )


def on_load_due(case: Case, policy: Policy) -> date | None:
    """The day by which the check under load is due; None before energization and where none is asked for."""
    record = case.energization.record
    if record is None or not on_load_points(case):
        return None
    return policy.day(record.at) + timedelta(days=policy.on_load_check_days)
