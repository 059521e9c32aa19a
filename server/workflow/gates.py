"""Gates: what must hold before the breaker is closed 送电条件.

The table is `gates.yaml`. A gate is decided either by a small function of the case (`computed`), or by an
entry: somebody's word with evidence, the last of which counts. In doubt a gate is shut: a fact that nobody
has settled does not let a condition fall away.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cache

from msgspec.structs import replace

from server.workflow.approvals.standing import waiting
from server.workflow.facts import known
from server.workflow.gate_rows import EntryRule, Gate, find_gate, gate_rows
from server.workflow.model import (
    Case,
    Entry,
    GateReason,
    GateStatus,
    Notice,
    NoticeStage,
    TaskKind,
)
from server.workflow.policy import Policy
from server.workflow.switching import closed_at
from server.workflow.vocabulary import SETTLED_TASKS
from server.workflow.waivers import behind_waivers, standing_waiver

__all__ = [
    "COMPUTED",
    "Gate",
    "evaluate_gates",
    "expires_on",
    "find_gate",
    "gate_table",
    "inspected_by",
    "lapsed",
    "ready",
    "ready_until",
    "rests_on",
    "standing_words",
    "unmet",
]

#: Inspections of the works; who handed one in does not decide on them.
INSPECTIONS: frozenset[TaskKind] = frozenset({"intermediate", "acceptance", "reinspection"})


@cache
def gate_table() -> Mapping[str, Gate]:
    """Every gate by its id, in the order of the gate sheet. Raises ValueError for a table that cannot be."""
    for gate in gate_rows().values():
        if gate.computed is not None and gate.computed not in COMPUTED:
            raise ValueError(f"{gate.id}: no function {gate.computed}")
        for setting in (gate.entry.persons, gate.entry.ages) if gate.entry is not None else ():
            if setting is not None and setting not in Policy.__struct_fields__:
                raise ValueError(f"{gate.id}: no setting {setting}")
    return gate_rows()


def evaluate_gates(case: Case, policy: Policy, at: datetime) -> tuple[GateStatus, ...]:
    """Every gate of the case's process, in the order of the gate sheet, as it is at a moment.

    What ages is looked at as it was when the breaker was closed, if it is: it ages no more.
    """
    closed = closed_at(case)
    day = policy.day(at if closed is None else min(at, closed))
    return tuple(
        _waived(_evaluate(gate, case, policy, day), gate, case, policy, day)
        for gate in gate_table().values()
        if case.process in gate.processes
    )


def ready(case: Case) -> bool:
    """True if no gate is shut, as last computed. On later days see `ready_until`."""
    return bool(case.gates) and not unmet(case)


def ready_until(case: Case) -> date | None:
    """The last day on which every gate that is open stays so by itself; None if none ages any more."""
    if closed_at(case) is not None:
        return None
    return min((one.until for one in case.gates if one.until is not None), default=None)


def lapsed(case: Case, policy: Policy, at: datetime) -> bool:
    """True if the case is authorized and a gate has aged since: nothing is done on that authorization."""
    if case.energization.status != "authorized":
        return False
    return bool(unmet(replace(case, gates=evaluate_gates(case, policy, at))))


def unmet(case: Case) -> tuple[GateStatus, ...]:
    """The gates that are shut, as last computed. One that is waived is so for him alone who let it go."""
    by = case.energization.authorized_by
    own = behind_waivers(case, by) if by is not None else ()
    return tuple(status for status in case.gates if status.status == "unmet" or status.id in own)


def inspected_by(case: Case, kinds: Collection[TaskKind] = INSPECTIONS) -> frozenset[str]:
    """Whoever handed in an accepted form of an inspection of these kinds."""
    return frozenset(
        form.submitted_by
        for task in case.tasks.values()
        if task.kind in kinds
        for form in task.submissions
        if form.outcome == "accepted"
    )


def _evaluate(gate: Gate, case: Case, policy: Policy, day: date) -> GateStatus:
    if gate.computed is not None:
        reasons = COMPUTED[gate.computed](case)
        if reasons is None:
            fact = _FALLS_AWAY[gate.computed]
            return GateStatus(gate.id, gate.code, "not_applicable", (_fact_false(fact),))
        return _status(gate, tuple(reasons))
    assert gate.entry is not None  # noqa: S101  (gate_rows checks it)
    words = case.entries.get(gate.id, ())
    settled = {name: known(case, name) for name in gate.needs}
    if gate.needs and not any(settled.values()):
        unknown = [name for name, value in settled.items() if value is None]
        if not unknown:
            return GateStatus(gate.id, gate.code, "not_applicable", tuple(map(_fact_false, settled)))
        if not (words and gate.entry.not_applicable):
            return _status(gate, tuple(_fact_unknown(name) for name in unknown))
    applies = [name for name, value in settled.items() if value]
    return _by_entry(gate, gate.entry, case, policy, day, applies)


def _by_entry(
    gate: Gate, rule: EntryRule, case: Case, policy: Policy, day: date, applies: list[str]
) -> GateStatus:
    """The gate by what was said of it. `applies`: the facts that ask for it."""
    words = case.entries.get(gate.id, ())
    if not words:
        return _status(gate, (GateReason("not_recorded"),))
    last = words[-1]
    if last.status == "not_applicable":
        if applies:
            facts = (GateReason("fact_true", {"fact": name}, (f"fact:{name}",)) for name in applies)
            return _status(gate, tuple(facts))
        return GateStatus(gate.id, gate.code, "not_applicable", (_said(last),))
    if last.status == "unmet":
        return _status(gate, (GateReason("recorded_unmet", {"by": last.by, "note": last.note}),))
    counted = standing_words(case, gate, policy, day)
    discounted = () if counted else _discounted(case, gate, policy, day)
    reasons = (*discounted, *_people_missing(rule, counted, policy))
    if reasons:
        return _status(gate, reasons)
    ends = (expires_on(word, rule, policy) for word in _bearing(rule, counted, policy))
    return replace(_status(gate, ()), until=min((day for day in ends if day is not None), default=None))


def _bearing(rule: EntryRule, counted: tuple[Entry, ...], policy: Policy) -> tuple[Entry, ...]:
    """The last words that are enough: those before them may end without shutting the gate."""
    parts = (counted[:n] for n in range(1, len(counted) + 1))
    return next(part for part in parts if not any(_people_missing(rule, part, policy)))


def _people_missing(rule: EntryRule, counted: tuple[Entry, ...], policy: Policy) -> Iterator[GateReason]:
    needed = 1 if rule.persons is None else getattr(policy, rule.persons)
    have = len({word.by for word in counted})
    if have < needed > 1:
        yield GateReason("persons_missing", {"needed": needed, "have": have}, ("person:another",))
    if rule.among is not None and not any(rule.among in word.roles for word in counted):
        yield GateReason("role_among_missing", {"role": rule.among}, (f"role:{rule.among}",))


def _discounted(case: Case, gate: Gate, policy: Policy, day: date) -> Iterator[GateReason]:
    """Why words of `met` do not count, where none is left that does."""
    inspectors = inspected_by(case, rests_on(gate))
    for word in _met(case.entries.get(gate.id, ())):
        ends = expires_on(word, gate.entry, policy)
        if ends is not None and ends < day:
            yield GateReason("entry_expired", {"by": word.by, "until": ends.isoformat()})
        elif word.by in inspectors:
            yield GateReason("own_inspection", {"by": word.by}, ("person:another",))


def standing_words(case: Case, gate: Gate, policy: Policy, day: date) -> tuple[Entry, ...]:
    """The words of `met` that count on a day, the last first: one for each person, his last.

    Those since somebody last said anything else, and since the last that has aged: newer evidence stands in
    the place of older. An inspector's does not count where the gate rests on what he found.
    """
    inspectors = inspected_by(case, rests_on(gate))
    counted: dict[str, Entry] = {}
    for word in _met(case.entries.get(gate.id, ())):
        if word.by in inspectors:
            continue
        ends = expires_on(word, gate.entry, policy)
        if ends is not None and ends < day:
            break
        counted.setdefault(word.by, word)
    return tuple(counted.values())


def rests_on(gate: Gate) -> frozenset[TaskKind]:
    """Re-inspections say of the works what an inspection had not."""
    return frozenset({*gate.rests_on, "reinspection"}) if gate.rests_on else frozenset()


def expires_on(word: Entry, rule: EntryRule | None, policy: Policy) -> date | None:
    """The last day on which a word holds: by its gate's setting, or by its own; None if it does not age."""
    ends = [] if word.until is None else [word.until]
    if rule is not None and rule.ages is not None:
        ends.append((word.dated or policy.day(word.at)) + timedelta(days=getattr(policy, rule.ages)))
    return min(ends, default=None)


def _met(words: tuple[Entry, ...]) -> Iterator[Entry]:
    """The words of `met` since somebody last said anything else, the last first."""
    for word in reversed(words):
        if word.status != "met":
            return
        yield word


def _waived(status: GateStatus, gate: Gate, case: Case, policy: Policy, day: date) -> GateStatus:
    # Two may let a condition go; whether it is one at all, somebody has to find out first.
    if status.status != "unmet" or unknown_facts(status):
        return status
    waiver = standing_waiver(case, gate, policy, day)
    if waiver is None:
        return status
    told = {
        "names": ", ".join(waiver.names),
        "until": waiver.until.isoformat(),
        "reason": waiver.reason,
        "conditions": waiver.conditions,
    }
    reasons = (*status.reasons, GateReason("waived", told, (f"waiver:{gate.id}",)))
    return replace(status, status="waived", reasons=reasons, until=waiver.until)


def unknown_facts(status: GateStatus) -> tuple[str, ...]:
    """The facts that nobody has settled, for which the gate is shut."""
    return tuple(reason.params["fact"] for reason in status.reasons if reason.code == "fact_unknown")


def _status(gate: Gate, reasons: tuple[GateReason, ...]) -> GateStatus:
    return GateStatus(gate.id, gate.code, "unmet" if reasons else "met", reasons)


def _fact_unknown(name: str) -> GateReason:
    return GateReason("fact_unknown", {"fact": name}, (f"fact:{name}",))


def _fact_false(name: str) -> GateReason:
    return GateReason("fact_false", {"fact": name}, (f"fact:{name}",))


def _said(word: Entry) -> GateReason:
    return GateReason("said_not_applicable", {"by": word.by, "evidence": word.evidence})


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
    """No task unsettled, no late branch unsettled, nothing in quarantine. Inspections of a customer who has
    been energized are no condition for it."""
    reasons = []
    for task in case.tasks.values():
        if task.kind == "customer_inspection" and case.energization.record is not None:
            continue
        if task.status not in SETTLED_TASKS:
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
    """Photos of accepted forms, of the answers that stand for an item of a notice not withdrawn, and of the
    words that say that a gate is met."""
    relied_on = {
        photo
        for notice in case.notices.values()
        if notice.state != "withdrawn"
        for photo in standing_answer_photos(notice)
    }
    relied_on |= {photo for words in case.entries.values() for word in _met(words) for photo in word.photos}
    reasons = []
    for photo_id, photo in case.photos.items():
        if photo.state == "verified":
            continue
        if photo_id in relied_on or any(use.startswith("task:") for use in photo.used_by):
            params = {"photo": photo_id, "state": photo.state}
            reasons.append(GateReason("photo_unverified", params, (f"photo:{photo_id}", *photo.used_by)))
    return reasons


def standing_answer_photos(notice: Notice) -> tuple[str, ...]:
    """Photo ids of the last answer given for each item that was not withdrawn."""
    standing: dict[str, tuple[str, ...]] = {}
    for answer in notice.answers:
        standing.update({code: item.photos for code, item in answer.items.items()})
    for item in notice.items:
        if item.state == "withdrawn":
            standing.pop(item.code, None)
    return tuple(dict.fromkeys(photo for photos in standing.values() for photo in photos))


def no_hold(case: Case) -> list[GateReason]:
    hold = case.energization.hold
    if case.energization.status != "on_hold" or hold is None:
        return []
    return [GateReason("on_hold", {"by": hold.by, "cause": hold.cause, "reason": hold.reason})]


def approvals_settled(case: Case) -> list[GateReason]:
    """No proposal waits for its decision: what is about to change is no ground to close a breaker on."""
    return [
        GateReason(
            "approval_waiting",
            {"id": one.id, "subject": one.subject, "by": one.proposed_by},
            (f"approval:{one.id}",),
        )
        for one in waiting(case)
    ]


#: The functions a row of the table may name: reasons why the gate is shut, or None for "not applicable".
COMPUTED: Mapping[str, Callable[[Case], list[GateReason] | None]] = {
    "acceptance_passed": acceptance_passed,
    "mid_check_passed": mid_check_passed,
    "notices_closed": notices_closed,
    "field_work_complete": field_work_complete,
    "photos_verified": photos_verified,
    "no_hold": no_hold,
    "approvals_settled": approvals_settled,
}
#: The fact by which a computed gate is not asked for, once it is settled as false.
_FALLS_AWAY: Mapping[str, str] = {"mid_check_passed": "mid_check_required"}
