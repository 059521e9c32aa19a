"""Waivers: a condition that is not met, and that two named persons let go for a time.

Which conditions may be is a dated setting of the organisation, `waiver.<gate>`, off unless it says otherwise.
Those on which lives hang have no such setting (gates.yaml). A waiver covers what its approver knew: a word
of `unmet` that comes afterwards voids it.
"""

from __future__ import annotations

from datetime import date

from server.workflow.gate_rows import Gate
from server.workflow.model import Case, Waiver
from server.workflow.policy import Policy


def last_waiver(case: Case, gate: str) -> Waiver | None:
    """The waiver that was spoken of last, unless it was withdrawn."""
    waivers = case.waivers.get(gate, ())
    return waivers[-1] if waivers and waivers[-1].withdrawn_at is None else None


def standing_waiver(case: Case, gate: Gate, policy: Policy, day: date) -> Waiver | None:
    """The waiver that holds on this day, by the settings of this day."""
    waiver = last_waiver(case, gate.id)
    if waiver is None or waiver.approved_by is None or not gate.waivable or gate.id not in policy.waivers:
        return None
    said_since = case.entries.get(gate.id, ())[waiver.words :]
    if day > waiver.until or any(entry.status == "unmet" for entry in said_since):
        return None
    return waiver


def behind_waivers(case: Case, name: str) -> tuple[str, ...]:
    """The gates, as last evaluated, that are waived and that this person stands behind."""
    found = []
    for status in case.gates:
        waiver = last_waiver(case, status.id) if status.status == "waived" else None
        if waiver is not None and name in waiver.names:
            found.append(status.id)
    return tuple(found)
