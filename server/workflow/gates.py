"""Gates: what must hold before the breaker is closed 送电条件.

The table is `gates.yaml`. A gate is decided either by a small function of the case (`computed`), or by an
entry: somebody's word with evidence, the last of which counts. In doubt a gate is shut: a fact that nobody
has settled does not let a condition fall away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
import yaml

from server.workflow.facts import known, workflow_facts
from server.workflow.model import (
    Case,
    Entry,
    GateReason,
    GateStatus,
    Notice,
    NoticeStage,
    ProcessName,
    Role,
    TaskKind,
)
from server.workflow.policy import Policy


class EntryRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may confirm a gate. `persons` names the setting with the number of different persons it takes."""

    roles: tuple[Role, ...]
    not_applicable: bool = False
    persons: str | None = None


class Gate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One row of the table: `computed` or `entry`, never both."""

    id: str
    code: str
    processes: tuple[ProcessName, ...]
    source: str
    computed: str | None = None
    entry: EntryRule | None = None
    needs: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal[1]
    gates: tuple[Gate, ...]


@cache
def gate_table() -> Mapping[str, Gate]:
    """Every gate by its id, in the order of the gate sheet. Raises ValueError for a table that cannot be."""
    text = (resources.files(__package__) / "gates.yaml").read_text("utf-8")
    gates = msgspec.convert(yaml.safe_load(text), _File).gates
    for gate in gates:
        if (gate.computed is None) == (gate.entry is None):
            raise ValueError(f"{gate.id}: a gate is either computed or confirmed by an entry")
        if gate.computed is not None and gate.computed not in COMPUTED:
            raise ValueError(f"{gate.id}: no function {gate.computed}")
        if unknown := set(gate.needs) - set(workflow_facts()):
            raise ValueError(f"{gate.id}: unknown facts {sorted(unknown)}")
    return {gate.id: gate for gate in gates}


def find_gate(name: str) -> Gate | None:
    """The gate of this id or E-code."""
    table = gate_table()
    return table.get(name) or next((gate for gate in table.values() if name and gate.code == name), None)


def evaluate_gates(case: Case, policy: Policy) -> tuple[GateStatus, ...]:
    """Every gate of the case's process, in the order of the gate sheet."""
    return tuple(
        _evaluate(gate, case, policy) for gate in gate_table().values() if case.process in gate.processes
    )


def ready(case: Case) -> bool:
    """True if no gate is shut, as last computed."""
    return bool(case.gates) and not unmet(case)


def unmet(case: Case) -> tuple[GateStatus, ...]:
    """The gates that are shut, as last computed."""
    return tuple(status for status in case.gates if status.status == "unmet")


def _evaluate(gate: Gate, case: Case, policy: Policy) -> GateStatus:
    if gate.computed is not None:
        reasons = COMPUTED[gate.computed](case)
        if reasons is None:
            return GateStatus(gate.id, gate.code, "not_applicable")
        return _status(gate, tuple(reasons))
    settled = {name: known(case, name) for name in gate.needs}
    if gate.needs and not any(settled.values()):
        unknown = [name for name, value in settled.items() if value is None]
        if not unknown:
            return GateStatus(gate.id, gate.code, "not_applicable")
        return _status(gate, tuple(_fact_unknown(name) for name in unknown))
    assert gate.entry is not None  # noqa: S101  (gate_table checks it)
    return _by_entry(gate, gate.entry, case.entries.get(gate.id, ()), policy)


def _by_entry(gate: Gate, rule: EntryRule, entries: tuple[Entry, ...], policy: Policy) -> GateStatus:
    if not entries:
        return _status(gate, (GateReason("not_recorded"),))
    last = entries[-1]
    if last.status == "not_applicable":
        return GateStatus(gate.id, gate.code, "not_applicable")
    if last.status == "unmet":
        return _status(gate, (GateReason("recorded_unmet", {"by": last.by, "note": last.note}),))
    needed = 1 if rule.persons is None else getattr(policy, rule.persons)
    persons = sorted({entry.by for entry in _standing(entries)})
    if len(persons) < needed:
        return _status(gate, (GateReason("persons_missing", {"needed": needed, "have": len(persons)}),))
    return _status(gate, ())


def _standing(entries: tuple[Entry, ...]) -> Iterator[Entry]:
    """The words of `met` since somebody last said anything else."""
    for entry in reversed(entries):
        if entry.status != "met":
            return
        yield entry


def _status(gate: Gate, reasons: tuple[GateReason, ...]) -> GateStatus:
    return GateStatus(gate.id, gate.code, "unmet" if reasons else "met", reasons)


def _fact_unknown(name: str) -> GateReason:
    return GateReason("fact_unknown", {"fact": name}, (f"fact:{name}",))


def notice_reason(notice: Notice) -> GateReason:
    """An open notice, as a reason."""
    params = {"n": notice.n, "state": notice.state, "round": notice.round}
    return GateReason("notice_open", params, (f"notice:{notice.n}",))


def inspection_passed(case: Case, kind: TaskKind, stage: NoticeStage) -> list[GateReason]:
    """Why an inspection is not passed: none accepted, or failures it raised still open. Empty if it is."""
    accepted = [task for task in case.tasks.values() if task.kind == kind and task.status == "accepted"]
    reasons = [] if accepted else [GateReason("none_accepted", {"kind": kind})]
    open_notices = (notice for notice in case.notices.values() if notice.open and notice.stage == stage)
    return reasons + [notice_reason(notice) for notice in open_notices]


def acceptance_passed(case: Case) -> list[GateReason]:
    return inspection_passed(case, "acceptance", "acceptance")


def mid_check_passed(case: Case) -> list[GateReason] | None:
    """Not applicable only once somebody has settled that no mid-check is required."""
    required = known(case, "mid_check_required")
    if required is False:
        return None
    reasons = inspection_passed(case, "intermediate", "intermediate")
    if reasons and required is None:
        reasons.append(_fact_unknown("mid_check_required"))
    return reasons


def notices_closed(case: Case) -> list[GateReason]:
    """Drafts count: a failure that the customer has not been told of is a failure."""
    return [notice_reason(notice) for notice in case.notices.values() if notice.open]


def field_work_complete(case: Case) -> list[GateReason]:
    """No task unsettled, no late branch unsettled, nothing in quarantine."""
    reasons = []
    for task in case.tasks.values():
        if task.status not in {"accepted", "cancelled"}:
            params = {"task": task.id, "kind": task.kind, "status": task.status}
            reasons.append(GateReason("task_open", params, (f"task:{task.id}",)))
        elif task.open_branch is not None:
            params = {"task": task.id, "kind": task.kind, "status": task.open_branch.kind}
            reasons.append(GateReason("late_branch_open", params, (f"task:{task.id}",)))
    for unsent in case.quarantine.values():
        if unsent.state in {"waiting", "accepted"}:
            params = {"id": unsent.id, "by": unsent.by, "state": unsent.state}
            reasons.append(GateReason("quarantine_open", params, (f"quarantine:{unsent.id}",)))
    return reasons


def photos_verified(case: Case) -> list[GateReason]:
    """Photos of accepted forms, and of the answers that stand for an item of a notice not withdrawn."""
    relied_on = {
        photo
        for notice in case.notices.values()
        if notice.state != "withdrawn"
        for photo in standing_answer_photos(notice)
    }
    reasons = []
    for photo_id, photo in case.photos.items():
        if photo.state == "verified":
            continue
        if photo_id in relied_on or any(use.startswith("task:") for use in photo.used_by):
            params = {"photo": photo_id, "state": photo.state}
            reasons.append(GateReason("photo_unverified", params, (f"photo:{photo_id}", *photo.used_by)))
    return reasons


def standing_answer_photos(notice: Notice) -> tuple[str, ...]:
    """Photo ids of the last answer given for each item."""
    standing: dict[str, tuple[str, ...]] = {}
    for answer in notice.answers:
        standing.update({code: item.photos for code, item in answer.items.items()})
    return tuple(dict.fromkeys(photo for photos in standing.values() for photo in photos))


def no_hold(case: Case) -> list[GateReason]:
    hold = case.energization.hold
    if case.energization.status != "on_hold" or hold is None:
        return []
    return [GateReason("on_hold", {"by": hold.by, "cause": hold.cause, "reason": hold.reason})]


#: The functions a row of the table may name: reasons why the gate is shut, or None for "not applicable".
COMPUTED: Mapping[str, Callable[[Case], list[GateReason] | None]] = {
    "acceptance_passed": acceptance_passed,
    "mid_check_passed": mid_check_passed,
    "notices_closed": notices_closed,
    "field_work_complete": field_work_complete,
    "photos_verified": photos_verified,
    "no_hold": no_hold,
}
