"""The last steps: the word on each condition, holds, the authorization, and the breaker closed."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec.structs import replace

from server.workflow.commands import Authorize, Hold, RecordEnergization, RecordEntry, ReleaseHold
from server.workflow.draft import Draft
from server.workflow.gates import evaluate_gates, find_gate
from server.workflow.handlers.tasks import distinct
from server.workflow.model import (
    Energization,
    EnergizationRecord,
    Entry,
    GateStatus,
    HoldCause,
    HoldRecord,
)
from server.workflow.refusal import Refusal


def record_entry(draft: Draft, command: RecordEntry) -> None:
    draft.require_running()
    gate = find_gate(command.gate)
    if gate is None or draft.case.process not in gate.processes:
        raise Refusal("gate_unknown", {"gate": command.gate}, kind="not_found", facts=("field:gate",))
    if gate.entry is None:
        raise Refusal("gate_computed", {"gate": gate.id}, kind="invalid", facts=(f"gate:{gate.id}",))
    if not set(gate.entry.roles) & set(draft.actor.roles):
        raise Refusal(
            "role_missing",
            {"roles": list(gate.entry.roles), "names": ", ".join(gate.entry.roles)},
            kind="forbidden",
            facts=tuple(f"role:{role}" for role in gate.entry.roles),
        )
    if command.status == "not_applicable" and not gate.entry.not_applicable:
        raise Refusal("not_applicable_refused", {"gate": gate.id}, kind="invalid", facts=("field:status",))
    if command.status != "unmet" and not command.evidence.strip():
        raise Refusal("evidence_missing", {"gate": gate.id}, kind="invalid", facts=("field:evidence",))
    entries = draft.case.entries.get(gate.id, ())
    entry = Entry(command.status, draft.actor.name, draft.now, command.evidence, command.note)
    if entries and replace(entries[-1], at=entry.at) == entry:
        return
    draft.case = replace(draft.case, entries={**draft.case.entries, gate.id: (*entries, entry)})
    draft.tell("entry_recorded", gate=gate.id, status=entry.status, evidence=entry.evidence, note=entry.note)


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
    """Void an authorization if there is one. `shut` are the gates that did it."""
    gates = tuple(status.id for status in shut)
    record = HoldRecord(draft.now, draft.actor.name, cause, reason, gates)
    draft.put_energization(status="on_hold", hold=record, gates=())
    draft.tell("energization_held", cause=cause, reason=reason, gates=list(gates))


def release_hold(draft: Draft, command: ReleaseHold) -> None:
    if draft.case.energization.status != "on_hold":
        raise Refusal("not_on_hold", {"status": draft.case.energization.status}, facts=("energization",))
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
    gates = require_gates(draft)
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


def require_gates(draft: Draft) -> tuple[GateStatus, ...]:
    """Every gate, evaluated now. Refuses with those that are shut."""
    gates = evaluate_gates(draft.case, draft.policy)
    shut = [status for status in gates if status.status == "unmet"]
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
        impulse_closings=command.impulse_closings,
        participants=distinct(command.participants),
        transformer_start_at=command.transformer_start_at,
        readings=command.readings,
        note=command.note,
    )
    if energization.record is not None:
        known = energization.record
        if replace(record, recorded_at=known.recorded_at, recorded_by=known.recorded_by) == known:
            return
        raise Refusal("already_energized", facts=("energization",))
    if energization.status != "authorized" or energization.authorized_at is None:
        raise Refusal("not_authorized", {"status": energization.status}, facts=("energization",))
    require_gates(draft)
    _require_order(draft, command, energization.authorized_at)
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
    draft.put_energization(status="energized", record=record)
    draft.enter_stage(draft.process.energized, command.note)
    _tell_record(draft, record)


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
    draft.case = replace(draft.case, energization=known)
    draft.enter_stage(draft.process.energized, record.note)
    _tell_record(draft, record)


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
