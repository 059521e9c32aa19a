"""The day of energization: steps as they are done, switching broken off, and an installation dead again."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from server.workflow.commands import AbortSwitching, RecordIsolation, RecordSteps, StepDone
from server.workflow.draft import Draft
from server.workflow.handlers.energization import put_on_hold, require_gates
from server.workflow.model import Run, Tick
from server.workflow.refusal import Refusal
from server.workflow.switching import (
    abort_rules,
    all_steps,
    closing,
    current_run,
    left_live,
    next_step,
    steps_of,
)


def record_steps(draft: Draft, command: RecordSteps) -> None:
    """Record steps in their order; one that came out badly ends the run and holds energization."""
    known = draft.case.energization.runs[-1:]
    ticks = known[0].ticks if known else ()
    news = [done for done in command.steps if not any(_same(tick, done) for tick in ticks)]
    if not news:
        return
    if draft.again:
        _adopt(draft, news)
        return
    if draft.case.energization.status == "energized":
        raise Refusal("already_energized", facts=("energization",))
    for n, done in enumerate(news, start=1):
        _record(draft, done)
        if not done.good:
            if n < len(news):
                raise Refusal(
                    "step_after_failure", {"step": done.step}, kind="invalid", facts=(f"step:{done.step}",)
                )
            _fail(draft, done)


def _fail(draft: Draft, done: StepDone) -> None:
    """Hold energization for a step that came out badly; a person's hold, and a rule's, stays what it is."""
    hold = draft.case.energization.hold
    if hold is None or hold.cause in {"conflict", "gates_shut", "stage_left"}:
        put_on_hold(draft, "step_failed", reason=done.note)


def _record(draft: Draft, done: StepDone) -> None:
    run = _run(draft, done)
    _require_turn(draft, run, done)
    _require_time(draft, run, done)
    if run.ended_at is None:
        require_gates(draft, done.at)
    if not done.good and not done.note.strip():
        raise Refusal("failure_unexplained", {"step": done.step}, kind="invalid", facts=("field:note",))
    _put(draft, replace(run, ticks=(*run.ticks, _tick(draft, done))))
    _tell(draft, run, done)


def _run(draft: Draft, done: StepDone) -> Run:
    """The run that a step belongs to: that of the standing authorization, or of the one that a hold took back
    after the step was done. What was done while it stood is kept, for nobody may think it dead."""
    energization = draft.case.energization
    runs, hold, authorized_at = energization.runs, energization.hold, energization.authorized_at
    if authorized_at is not None and energization.status == "authorized":
        return current_run(draft.case) or Run(n=len(runs) + 1, authorized_at=authorized_at)
    if authorized_at is not None and hold is not None:
        broken = next((run for run in reversed(runs) if run.authorized_at == authorized_at), None)
        ended = hold.at if broken is None or broken.ended_at is None else broken.ended_at
        if done.at <= ended and broken is not None and broken.isolated_at is None:
            return broken
        if done.at <= ended:
            return Run(n=len(runs) + 1, authorized_at=authorized_at, ended_at=ended)
    raise Refusal("not_authorized", {"status": energization.status}, facts=("energization",))


def _require_turn(draft: Draft, run: Run, done: StepDone) -> None:
    """Refuse a step out of its order."""
    if done.step not in all_steps():
        raise Refusal("step_unknown", {"step": done.step}, kind="invalid", facts=("field:step",))
    expected = next_step(run, steps_of(draft.case, draft.policy))
    if expected is None:
        raise Refusal("steps_done", {"step": done.step}, facts=("command:RecordEnergization",))
    if done.step != expected.id:
        params = {"step": done.step, "next": expected.id}
        raise Refusal("step_out_of_order", params, facts=(f"step:{expected.id}",))


def _require_time(draft: Draft, run: Run, done: StepDone) -> None:
    """Refuse a time before the authorization or the step before, and a closing too soon after the last."""
    draft.require_not_future(done.at, "at")
    last = run.ticks[-1] if run.ticks else None
    earliest = run.authorized_at if last is None else max(run.authorized_at, last.at)
    step = next(one for one in steps_of(draft.case, draft.policy) if one.id == done.step)
    if last is not None and last.step == done.step:
        earliest = last.at + timedelta(minutes=step.minutes)
    if done.at < earliest:
        params = {"field": "at", "at": done.at.isoformat(), "earliest": earliest.isoformat()}
        raise Refusal("time_order", params, kind="invalid", facts=("field:at",))


def _adopt(draft: Draft, news: list[StepDone]) -> None:
    """Keep steps that were done on a branch that lost a conflict: what became live there is live.

    They stand in a run that has ended, so nobody goes on from them; it takes a new authorization.
    """
    runs = draft.case.energization.runs
    if draft.energized:
        raise Refusal("already_energized", facts=("energization",))
    begun = draft.given_at
    run = runs[-1] if runs else Run(n=1, authorized_at=begun)
    if run.isolated_at is not None:
        run = Run(n=len(runs) + 1, authorized_at=begun)
    ticks = (*run.ticks, *(_tick(draft, done) for done in news))
    _put(draft, replace(run, ticks=ticks, ended_at=run.ended_at or draft.now))
    for done in news:
        _tell(draft, run, done)
        if not done.good:
            _fail(draft, done)


def _tell(draft: Draft, run: Run, done: StepDone) -> None:
    draft.tell(
        "step_recorded", run=run.n, step=done.step, at=done.at.isoformat(), good=done.good, note=done.note
    )


def _tick(draft: Draft, done: StepDone) -> Tick:
    return Tick(
        step=done.step,
        at=done.at,
        by=done.by or draft.actor.name,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
        good=done.good,
        readings=done.readings,
        note=done.note,
    )


def _same(tick: Tick, done: StepDone) -> bool:
    """True for a step that is known: sent twice, it happened once."""
    names = ("step", "at", "good", "readings", "note")
    return all(getattr(tick, name) == getattr(done, name) for name in names)


def _put(draft: Draft, run: Run) -> None:
    """Put a run in the place of its number."""
    runs = draft.case.energization.runs
    draft.put_energization(runs=(*(one for one in runs if one.n != run.n), run))


def abort_switching(draft: Draft, command: AbortSwitching) -> None:
    if command.rule not in abort_rules():
        params = {"rule": command.rule, "names": ", ".join(abort_rules())}
        raise Refusal("abort_rule_unknown", params, kind="invalid", facts=("field:rule",))
    going_on = current_run(draft.case) is not None or draft.again
    if not going_on or draft.energized:
        raise Refusal("not_switching", {"status": draft.case.energization.status}, facts=("energization",))
    draft.tell("switching_aborted", rule=command.rule, reason=command.reason)
    put_on_hold(draft, "aborted", reason=command.reason)


def record_isolation(draft: Draft, command: RecordIsolation) -> None:
    """Note that what was left live is dead again. A run that goes on is aborted first."""
    if not left_live(draft.case):
        raise Refusal("not_left_live", facts=("energization",))
    energization = draft.case.energization
    live = [run for run in energization.runs if closing(run) is not None and run.isolated_at is None]
    latest = max(tick.at for run in live for tick in run.ticks)
    if command.at < latest and not draft.again:
        params = {"field": "at", "at": command.at.isoformat(), "earliest": latest.isoformat()}
        raise Refusal("time_order", params, kind="invalid", facts=("field:at",))
    draft.require_not_future(command.at, "at")
    isolated = {"isolated_at": command.at, "isolated_by": draft.actor.name, "isolation": command.evidence}
    runs = tuple(replace(run, **isolated) if run in live else run for run in energization.runs)
    draft.put_energization(runs=runs)
    draft.tell("isolation_recorded", at=command.at.isoformat(), evidence=command.evidence)
