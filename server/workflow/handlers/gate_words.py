"""What people say of the conditions for energization: words on gates, and waivers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from msgspec.structs import replace

from server.workflow.commands import ApproveWaiver, ProposeWaiver, RecordEntry, WithdrawWaiver
from server.workflow.draft import Draft
from server.workflow.gates import (
    Gate,
    evaluate_gates,
    expires_on,
    find_gate,
    inspected_by,
    rests_on,
    unknown_facts,
)
from server.workflow.model import Entry, Waiver
from server.workflow.refusal import Refusal
from server.workflow.waivers import last_waiver


def record_entry(draft: Draft, command: RecordEntry) -> None:
    draft.require_running()
    gate = _gate(draft, command.gate)
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
    _require_evidence(gate, command)
    _require_other_than_inspector(draft, gate, command)
    entries = draft.case.entries.get(gate.id, ())
    entry = Entry(
        command.status,
        draft.actor.name,
        draft.now,
        command.evidence,
        command.note,
        photos=tuple(dict.fromkeys(photo.id for photo in command.photos)),
        documents=tuple(dict.fromkeys(command.documents)),
        dated=command.dated or (draft.policy.day(draft.given_at) if draft.again else None),
        until=command.until,
        roles=draft.actor.roles,
    )
    _require_in_date(draft, gate, entry)
    if entries and _says_the_same(draft, entries[-1], entry):
        return
    draft.rely_on(command.photos, f"gate:{gate.id}")
    draft.case = replace(draft.case, entries={**draft.case.entries, gate.id: (*entries, entry)})
    draft.tell(
        "entry_recorded",
        gate=gate.id,
        status=entry.status,
        evidence=entry.evidence,
        note=entry.note,
        photos=list(entry.photos),
        documents=list(entry.documents),
        dated=_day(entry.dated),
        until=_day(entry.until),
    )


def _says_the_same(draft: Draft, known: Entry, entry: Entry) -> bool:
    """True for a repeat. On a later day the same word is news: it was looked at again."""
    same_day = draft.policy.day(known.at) == draft.policy.day(entry.at)
    # Who says it again in other roles, or after roles were not kept yet, says something new.
    return same_day and replace(known, at=entry.at) == entry


def _gate(draft: Draft, name: str) -> Gate:
    gate = find_gate(name)
    if gate is None or draft.case.process not in gate.processes:
        raise Refusal("gate_unknown", {"gate": name}, kind="not_found", facts=("field:gate",))
    return gate


def _require_evidence(gate: Gate, command: RecordEntry) -> None:
    """A word that opens a gate takes evidence: words, a photo or a document."""
    shown = command.evidence.strip() or command.photos or any(one.strip() for one in command.documents)
    if command.status != "unmet" and not shown:
        raise Refusal("evidence_missing", {"gate": gate.id}, kind="invalid", facts=("field:evidence",))


def _require_in_date(draft: Draft, gate: Gate, entry: Entry) -> None:
    """Refuse evidence of a day to come, and a `met` that would not hold today."""
    if draft.again:
        return
    today = draft.policy.day(draft.now)
    if entry.dated is not None and entry.dated > today:
        params = {"gate": gate.id, "day": entry.dated.isoformat(), "today": today.isoformat()}
        raise Refusal("evidence_in_future", params, kind="invalid", facts=("field:dated",))
    ends = expires_on(entry, gate.entry, draft.policy)
    if entry.status == "met" and ends is not None and ends < today:
        params = {"gate": gate.id, "day": ends.isoformat(), "today": today.isoformat()}
        raise Refusal("evidence_expired", params, kind="invalid", facts=("field:dated", "field:until"))


def _require_other_than_inspector(draft: Draft, gate: Gate, command: RecordEntry) -> None:
    """Refuse a `met` of who inspected what the gate rests on. A gate does not count it either, whenever the
    form came."""
    if command.status != "met" or draft.again:
        return
    if draft.actor.name in inspected_by(draft.case, rests_on(gate)):
        params = {"gate": gate.id, "by": draft.actor.name}
        raise Refusal("own_inspection", params, facts=("person:another",))


def propose_waiver(draft: Draft, command: ProposeWaiver) -> None:
    draft.require_running()
    gate = _waivable(draft, command.gate)
    waiver = Waiver(
        reason=command.reason,
        until=command.until,
        proposed_by=draft.actor.name,
        proposed_at=draft.now,
        conditions=command.conditions,
    )
    known = last_waiver(draft.case, gate.id)
    today = draft.policy.day(draft.now)
    if known is not None and _same_proposal(known, waiver):
        return
    if known is not None and today <= known.until:
        params = {"gate": gate.id, "by": known.proposed_by, "until": known.until.isoformat()}
        raise Refusal("waiver_stands", params, facts=(f"waiver:{gate.id}",))
    latest = today + timedelta(days=draft.policy.waiver_max_days)
    if not today <= waiver.until <= latest and not draft.again:
        params = {"until": waiver.until.isoformat(), "from": today.isoformat(), "latest": latest.isoformat()}
        raise Refusal("waiver_out_of_range", params, kind="invalid", facts=("field:until",))
    _require_shut(draft, gate)
    _put(draft, gate, (*draft.case.waivers.get(gate.id, ()), waiver))
    draft.tell(
        "waiver_proposed",
        gate=gate.id,
        until=waiver.until.isoformat(),
        reason=waiver.reason,
        conditions=waiver.conditions,
    )


def approve_waiver(draft: Draft, command: ApproveWaiver) -> None:
    draft.require_running()
    gate = _waivable(draft, command.gate)
    waiver = _proposed(draft, gate)
    if waiver.approved_by is not None:
        if waiver.approved_by == draft.actor.name:
            return
        params = {"gate": gate.id, "by": waiver.approved_by, "until": waiver.until.isoformat()}
        raise Refusal("waiver_stands", params, facts=(f"waiver:{gate.id}",))
    if waiver.proposed_by == draft.actor.name:
        params = {"gate": gate.id, "proposed_by": waiver.proposed_by}
        raise Refusal("second_person_waives", params, facts=("person:another",))
    if draft.policy.day(draft.now) > waiver.until:
        params = {"gate": gate.id, "until": waiver.until.isoformat()}
        raise Refusal("waiver_lapsed", params, facts=(f"waiver:{gate.id}",))
    _require_shut(draft, gate)
    words = len(draft.case.entries.get(gate.id, ()))
    _replace_last(draft, gate, waiver, approved_by=draft.actor.name, approved_at=draft.now, words=words)
    draft.tell(
        "waiver_approved", gate=gate.id, proposed_by=waiver.proposed_by, until=waiver.until.isoformat()
    )


def withdraw_waiver(draft: Draft, command: WithdrawWaiver) -> None:
    gate = _gate(draft, command.gate)
    waiver = _proposed(draft, gate)
    _replace_last(
        draft,
        gate,
        waiver,
        withdrawn_by=draft.actor.name,
        withdrawn_at=draft.now,
        withdrawn_reason=command.reason,
    )
    draft.tell("waiver_withdrawn", gate=gate.id, reason=command.reason)


def _waivable(draft: Draft, name: str) -> Gate:
    """The gate, if two persons may waive it by the settings of today."""
    gate = _gate(draft, name)
    if not gate.waivable:
        raise Refusal("never_waived", {"gate": gate.id}, facts=(f"gate:{gate.id}",))
    if gate.id not in draft.policy.waivers:
        params = {"gate": gate.id, "setting": f"waiver.{gate.id}"}
        raise Refusal("waiver_not_allowed", params, facts=(f"setting:waiver.{gate.id}",))
    return gate


def _require_shut(draft: Draft, gate: Gate) -> None:
    status = next(one for one in evaluate_gates(draft.case, draft.policy, draft.now) if one.id == gate.id)
    if status.status != "unmet":
        params = {"gate": gate.id, "status": status.status}
        raise Refusal("waiver_not_needed", params, facts=(f"gate:{gate.id}",))
    unknown = unknown_facts(status)
    if unknown:
        params = {"gate": gate.id, "names": ", ".join(unknown)}
        raise Refusal("waiver_of_unknown", params, facts=tuple(f"fact:{name}" for name in unknown))


def _proposed(draft: Draft, gate: Gate) -> Waiver:
    waiver = last_waiver(draft.case, gate.id)
    if waiver is None:
        raise Refusal("no_waiver", {"gate": gate.id}, facts=(f"waiver:{gate.id}",))
    return waiver


def _same_proposal(known: Waiver, waiver: Waiver) -> bool:
    names = ("reason", "until", "proposed_by", "conditions")
    return all(getattr(known, name) == getattr(waiver, name) for name in names)


def _replace_last(draft: Draft, gate: Gate, waiver: Waiver, **changes: Any) -> None:
    _put(draft, gate, (*draft.case.waivers[gate.id][:-1], replace(waiver, **changes)))


def _put(draft: Draft, gate: Gate, waivers: tuple[Waiver, ...]) -> None:
    draft.case = replace(draft.case, waivers={**draft.case.waivers, gate.id: waivers})


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
