"""The last steps: holds, the authorization, and the record of the breaker closed."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec.structs import replace

from server.workflow.commands import Authorize, Hold, RecordEnergization, ReleaseHold
from server.workflow.draft import Draft
from server.workflow.gates import evaluate_gates, inspected_by, unmet
from server.workflow.handlers.tasks import distinct
from server.workflow.model import (
    Energization,
    EnergizationRecord,
    GateStatus,
    HoldCause,
    HoldRecord,
    Run,
)
from server.workflow.refusal import Refusal
from server.workflow.switching import closing, current_run, done, left_live, steps_of
from server.workflow.waivers import behind_waivers


def hold(draft: Draft, command: Hold) -> None:
    energization = draft.case.energization
    status = energization.status
    # A person's word outlives the hold of a conflict, which Hezha ends by itself.
    outranked = draft.again and energization.hold is not None and energization.hold.cause != "person"
    if status == "energized" or (status == "on_hold" and not outranked):
        raise Refusal("cannot_hold", {"status": status}, facts=("energization",))
    put_on_hold(draft, "person", reason=command.reason)


def put_on_hold(
    draft: Draft, cause: HoldCause, *, reason: str = "", shut: tuple[GateStatus, ...] = ()
) -> None:
    """Void an authorization if there is one, and break switching off. `shut` are the gates that did it."""
    gates = tuple(status.id for status in shut)
    record = HoldRecord(draft.now, draft.actor.name, cause, reason, gates)
    runs, run = draft.case.energization.runs, current_run(draft.case)
    if run is not None:
        runs = (*runs[:-1], replace(run, ended_at=draft.now))
    draft.put_energization(status="on_hold", hold=record, gates=(), runs=runs)
    draft.tell("energization_held", cause=cause, reason=reason, gates=list(gates))


def release_hold(draft: Draft, command: ReleaseHold) -> None:
    if draft.case.energization.status != "on_hold":
        raise Refusal("not_on_hold", {"status": draft.case.energization.status}, facts=("energization",))
    if left_live(draft.case):
        raise Refusal("left_live", facts=("command:RecordIsolation",))
    draft.put_energization(
        status="none", hold=None, authorized_by=None, authorized_at=None, note="", gates=()
    )
    draft.tell("hold_released", reason=command.reason)


def authorize(draft: Draft, command: Authorize) -> None:
    energization = draft.case.energization
    if energization.status == "energized":
        raise Refusal("already_energized", facts=("energization",))
    if energization.status == "authorized":
        return
    gates = require_gates(draft, draft.now)
    _require_other_hands(draft)
    draft.require_not_paused()
    if draft.case.stage != draft.process.ready:
        raise Refusal(
            "not_at_ready_stage",
            {"stage": draft.case.stage, "ready": draft.process.ready},
            facts=(f"stage:{draft.process.ready}",),
        )
    draft.put_energization(
        status="authorized",
        authorized_by=draft.actor.name,
        authorized_at=draft.now,
        note=command.note,
        gates=gates,
        hold=None,
    )
    draft.tell("energization_authorized", note=command.note)


def _require_other_hands(draft: Draft) -> None:
    """Refuse whoever inspected the works, or stands behind a waiver that the authorization would rest on."""
    name = draft.actor.name
    if name in inspected_by(draft.case):
        raise Refusal("own_inspection", {"gate": "acceptance-passed", "by": name}, facts=("person:another",))
    waived = behind_waivers(draft.case, name)
    if waived:
        raise Refusal("own_waiver", {"by": name, "names": ", ".join(waived)}, facts=("person:another",))


def require_gates(draft: Draft, at: datetime) -> tuple[GateStatus, ...]:
    """Every gate, evaluated as of a moment. Refuses with those that are shut."""
    gates = evaluate_gates(draft.case, draft.policy, at)
    draft.case = replace(draft.case, gates=gates)
    shut = unmet(draft.case)
    if shut:
        raise Refusal(
            "gates_unmet",
            {
                "count": len(shut),
                "names": ", ".join(status.id for status in shut),
                "gates": msgspec.to_builtins(shut),
            },
            facts=tuple(f"gate:{status.id}" for status in shut),
        )
    return gates


def record_energization(draft: Draft, command: RecordEnergization) -> None:
    energization = draft.case.energization
    record = EnergizationRecord(
        at=command.at,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
        phase_check=command.phase_check,
        impulse_closings=command.impulse_closings or _impulse_closings(draft),
        participants=distinct(command.participants),
        transformer_start_at=command.transformer_start_at,
        readings=command.readings,
        note=command.note,
        readings_by=command.readings_by,
        signatures=command.signatures,
    )
    if energization.record is not None:
        known = energization.record
        if replace(record, recorded_at=known.recorded_at, recorded_by=known.recorded_by) == known:
            return
        raise Refusal("already_energized", facts=("energization",))
    if energization.status != "authorized" or energization.authorized_at is None:
        raise Refusal("not_authorized", {"status": energization.status}, facts=("energization",))
    _require_order(draft, command, energization.authorized_at)
    require_gates(draft, command.at)
    if draft.process.phase_check and command.phase_check != "consistent":
        raise Refusal(
            "phase_check_failed",
            {"phase_check": command.phase_check},
            kind="invalid",
            facts=("field:phase_check",),
        )
    needed = draft.policy.energization_min_people
    if len(record.participants) < needed:
        raise Refusal(
            "participants_missing",
            {"needed": needed, "have": len(record.participants)},
            kind="invalid",
            facts=("field:participants",),
        )
    _require_steps(draft, record)
    _require_customers_hand(draft, record)
    draft.put_energization(status="energized", record=record)
    draft.enter_stage(draft.process.energized, command.note)
    _tell_record(draft, record)


def _impulse_closings(draft: Draft) -> int:
    """How often the breaker was closed onto the transformer, by the steps of the run."""
    run = current_run(draft.case)
    return 0 if run is None else done(run.ticks, "impulse-closing")


def _require_steps(draft: Draft, record: EnergizationRecord) -> None:
    """Every step was done, the breaker was closed by then, and the record says the same of it."""
    run = current_run(draft.case)
    ticks = () if run is None else run.ticks
    missing = [step.id for step in steps_of(draft.case, draft.policy) if done(ticks, step.id) < step.times]
    if missing or run is None:
        params = {"count": len(missing), "names": ", ".join(missing)}
        raise Refusal("steps_missing", params, facts=tuple(f"step:{name}" for name in missing))
    closed = closing(run)
    if closed is not None and record.at < closed.at:
        raise _out_of_order("at", record.at, closed.at)
    if record.impulse_closings != _impulse_closings(draft):
        params = {"given": record.impulse_closings, "done": _impulse_closings(draft)}
        facts = ("field:impulse_closings",)
        raise Refusal("impulse_closings_differ", params, kind="invalid", facts=facts)


def _require_customers_hand(draft: Draft, record: EnergizationRecord) -> None:
    """The customer copied the register values himself, and the record is signed."""
    if draft.policy.energization_readings and not (record.readings and record.readings_by.strip()):
        raise Refusal("readings_missing", kind="invalid", facts=("field:readings", "field:readings_by"))
    needed, have = draft.policy.energization_signatures, len({one.ref for one in record.signatures})
    if have < needed:
        params = {"needed": needed, "have": have}
        raise Refusal("signatures_missing", params, kind="invalid", facts=("field:signatures",))


def adopt_record(draft: Draft, known: Energization) -> None:
    """Take over the fact that the breaker was closed, from a branch that lost a conflict.

    It is not decided on again: it happened. What was still to be mended is now to be mended under voltage.
    """
    record = known.record
    if record is None:
        return
    if draft.case.energization.record is not None:
        raise Refusal("already_energized", facts=("energization",))
    for notice in draft.case.notices.values():
        if notice.open:
            draft.put_notice(replace(notice, operational=True))
    draft.case = replace(draft.case, energization=replace(known, runs=_all_runs(draft, known)))
    draft.enter_stage(draft.process.energized, record.note)
    _tell_record(draft, record)


def _all_runs(draft: Draft, known: Energization) -> tuple[Run, ...]:
    """The runs of both branches, each step once; the one on which the breaker was closed is the last."""
    there = {(tick.step, tick.at) for run in known.runs for tick in run.ticks}
    own = (
        run
        for run in draft.case.energization.runs
        if any((tick.step, tick.at) not in there for tick in run.ticks)
    )
    return (*own, *known.runs)


def _tell_record(draft: Draft, record: EnergizationRecord) -> None:
    draft.tell(
        "energized",
        at=record.at.isoformat(),
        phase_check=record.phase_check,
        impulse_closings=record.impulse_closings,
        participants=list(record.participants),
    )


def _require_order(draft: Draft, command: RecordEnergization, authorized_at: datetime) -> None:
    """The breaker is closed after the authorization, and transformers start after the breaker is closed."""
    if command.at < authorized_at:
        raise _out_of_order("at", command.at, authorized_at)
    draft.require_not_future(command.at, "at")
    if command.transformer_start_at is not None:
        if command.transformer_start_at < command.at:
            raise _out_of_order("transformer_start_at", command.transformer_start_at, command.at)
        draft.require_not_future(command.transformer_start_at, "transformer_start_at")


def _out_of_order(field: str, moment: datetime, earliest: datetime) -> Refusal:
    return Refusal(
        "time_order",
        {"field": field, "at": moment.isoformat(), "earliest": earliest.isoformat()},
        kind="invalid",
        facts=(f"field:{field}",),
    )
