"""What the office still owes around a case, and by which day: what follows energization, and what waits.

A function of the case and of what holds; it depends on no clock, so that a list is right on any day. A duty
shows from its day `since` on, and is overdue after its day `due`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Literal

from msgspec import Struct, field

from server.workflow.approvals.standing import waiting
from server.workflow.approvals.substitutes import escalation
from server.workflow.facts import known
from server.workflow.gates import mid_check_passed
from server.workflow.handlers.handover import passed_at
from server.workflow.handover import HandoverKind
from server.workflow.inforce import InForce
from server.workflow.metering import MeteringPlan
from server.workflow.model import Case, Value
from server.workflow.policy import Policy
from server.workflow.processes import process
from server.workflow.processes.preconditions import on_load_checked
from server.workflow.sheet import on_load_due
from server.workflow.use_rules import line_terms, total_kva, unused
from server.workflow.workdays import Calendar, UnknownYear, add_months

DutyKind = Literal[
    "follow_up",
    "on_load_check",
    "rating_action",
    "customer_inspection",
    "approval",
    "meeting",
    "handover",
    "paper",
    "metering",
    "unused",
    "line_terms",
]
#: Between the names of several who owe one duty.
_AND = ", "


class Duty(Value, frozen=True, kw_only=True):
    """Something to be done. `who`: a person or several, or `role:<role>`; `refs` as in a refusal."""

    kind: DutyKind
    since: date
    due: date
    who: str
    params: Mapping[str, Any] = field(default_factory=dict)
    refs: tuple[str, ...] = ()

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody who owes it."""
        return tuple(self.who.split(_AND))

    @property
    def about(self) -> str:
        """What tells it from the case's other duties of its kind, for as long as it is owed: who is to do it
        and by when may change meanwhile."""
        return str(self.params.get("last") or self.params.get("paper") or " ".join(self.refs))


class _Look(Struct, frozen=True):
    """What a duty is found in. `policy` is what holds now."""

    case: Case
    policy: Policy
    calendar: Calendar

    def after(self, moment: datetime, days: int) -> date:
        """So many working days after a moment; calendar days, which are sooner, of years not announced."""
        day = self.policy.day(moment)
        try:
            return self.calendar.add(day, days)
        except UnknownYear:
            return day + timedelta(days=days)


def duties(case: Case, now: datetime, rules: InForce) -> tuple[Duty, ...]:
    """Every open duty, the earliest due first."""
    look = _Look(case, rules.at(now, case.organisation), rules.calendar(case.organisation))
    found = (duty for find in DUTIES.values() for duty in find(look))
    return tuple(sorted(found, key=lambda one: (one.due, one.kind, one.refs)))


def _follow_up(look: _Look) -> Iterator[Duty]:
    """The customer is called once he is energized, until somebody of his answers."""
    case, record = look.case, look.case.energization.record
    if record is None:
        return
    after = [one for one in case.contacts.values() if one.dated >= record.at]
    if any(one.reached for one in after):
        return
    yield Duty(
        kind="follow_up",
        since=look.policy.day(record.at),
        due=look.after(record.at, look.policy.follow_up_days),
        who=case.manager,
        params={"tried": len(after)},
    )


def _on_load_check(look: _Look) -> Iterator[Duty]:
    """Metering and protection are checked under load, again if something came out wrong."""
    case, record = look.case, look.case.energization.record
    due = on_load_due(case, look.policy)
    if record is None or due is None or _ended(case) or not on_load_checked(case):
        return
    yield Duty(
        kind="on_load_check",
        since=look.policy.day(record.at),
        due=due,
        who=case.manager,
        params={"tried": len(case.on_load_checks)},
    )


def _rating_action(look: _Look) -> Iterator[Duty]:
    for rating in look.case.ratings.values():
        if rating.low and not rating.actions:
            yield Duty(
                kind="rating_action",
                since=look.policy.day(rating.recorded_at),
                due=look.after(rating.recorded_at, look.policy.follow_up_days),
                who=look.case.manager,
                params={"score": rating.score},
                refs=(f"rating:{rating.id}",),
            )


def _customer_inspection(look: _Look) -> Iterator[Duty]:
    """A large customer is inspected within every so many months from his energization on."""
    case, policy, record = look.case, look.policy, look.case.energization.record
    if record is None or case.process == "lv" or total_kva(case) < policy.customer_inspection_kva:
        return
    planned = [one for one in case.customer_inspections.values() if one.open]
    done = [one.done.dated for one in case.customer_inspections.values() if one.done is not None]
    last = policy.day(max([record.at, *done]))
    due = add_months(last, policy.customer_inspection_months)
    first = min(planned, key=lambda one: (one.planned_on, one.id), default=None)
    yield Duty(
        kind="customer_inspection",
        since=max(last, due - timedelta(days=policy.customer_inspection_lead_days)),
        due=due,
        who=_AND.join(first.assignees) if first else case.manager,
        params={"planned_on": first.planned_on.isoformat() if first else None, "last": last.isoformat()},
        refs=(f"inspection:{first.id}",) if first else (),
    )


def _approval(look: _Look) -> Iterator[Duty]:
    """A proposal waits: reminded of from one day on, and from another the substitute may decide."""
    for approval in waiting(look.case):
        proposed_on = look.policy.day(approval.proposed_at)
        steps = escalation(approval, proposed_on, look.calendar)
        route = approval.route
        yield Duty(
            kind="approval",
            since=proposed_on,
            due=steps.remind_on or proposed_on,
            who=approval.approver or (f"role:{route.role}" if route else ""),
            params={
                "subject": approval.subject,
                "proposed_by": approval.proposed_by,
                "substitute": route.substitute if route else "",
                "substitute_from": steps.substitute_from.isoformat() if steps.substitute_from else None,
            },
            refs=(f"approval:{approval.id}",),
        )


def _meeting(look: _Look) -> Iterator[Duty]:
    """A meeting that was called and has neither minutes nor been called off."""
    for meeting in look.case.meetings.values():
        if meeting.minutes is None and not meeting.cancelled:
            yield Duty(
                kind="meeting",
                since=look.policy.day(meeting.called_at),
                due=max(look.policy.day(meeting.at), look.policy.day(meeting.called_at)),
                who=meeting.called_by,
                params={"meeting": meeting.kind},
                refs=(f"meeting:{meeting.id}",),
            )


def _handover(look: _Look) -> Iterator[Duty]:
    """The handbook, and where relays protect the setting sheet, go over once the mid-check has passed."""
    case, policy = look.case, look.policy
    if case.energization.record is not None or case.stage not in _BUILDING or mid_check_passed(case) != []:
        return
    owed: list[HandoverKind] = ["acceptance_handbook"]
    if known(case, "relay"):
        owed.append("setting_sheet")
    handed = {one.kind for one in case.handovers.values()}
    passed = passed_at(case)
    for kind in owed:
        if kind not in handed:
            yield Duty(
                kind="handover",
                since=policy.day(passed),
                due=look.after(passed, policy.handover_days),
                who=case.manager,
                params={"paper": kind},
            )


def _paper(look: _Look) -> Iterator[Duty]:
    """A paper was promised for a day."""
    for paper in look.case.papers.values():
        if paper.state == "owed" and paper.due is not None and not _ended(look.case):
            promised = look.policy.day(paper.recorded_at)
            yield Duty(
                kind="paper",
                since=promised,
                due=max(promised, paper.due),
                who=look.case.manager,
                params={"title": paper.title},
                refs=(f"paper:{paper.id}",),
            )


def _metering(look: _Look) -> Iterator[Duty]:
    """The instruments of the plan are wanted on site by the day on which the case is to connect."""
    plan = wanted_instruments(look.case)
    if plan is None:
        return
    planned = look.policy.day(plan.planned_at)
    lead = timedelta(days=look.policy.metering_lead_days)
    yield Duty(
        kind="metering",
        since=max(planned, plan.connect_on - lead),
        due=max(planned, plan.connect_on),
        who=look.case.manager,
        params={"instruments": sum(line.quantity for line in plan.lines)},
    )


def _unused(look: _Look) -> Iterator[Duty]:
    """Nobody uses what was connected: whoever may close the account looks, and asks, before he may."""
    found = unused(look.case, look.policy)
    if found is not None:
        lead = timedelta(days=look.policy.unused_lead_days)
        yield Duty(
            kind="unused",
            since=max(found.since, found.closable_on - lead),
            due=found.closable_on,
            who=look.case.manager,
            params={"since": found.since.isoformat()},
            refs=(f"use:{found.report}",),
        )


def _line_terms(look: _Look) -> Iterator[Duty]:
    """What a line of the customer's own is held by is looked at by its day, until it is known to be so."""
    lead = timedelta(days=look.policy.unused_lead_days)
    for term in line_terms(look.case, look.policy):
        record = look.case.energization.record
        if term.reached_on is None and record is not None:
            yield Duty(
                kind="line_terms",
                since=max(look.policy.day(record.at), term.by - lead),
                due=term.by,
                who=look.case.manager,
                params={"term": term.id, "kva": term.kva},
                refs=(f"line:{term.id}",),
            )


def wanted_instruments(case: Case) -> MeteringPlan | None:
    """What is planned and not fitted; nothing of a case that was energized or has ended."""
    fitted = any(gate.id == _FITTED and gate.status == "met" for gate in case.gates)
    return None if fitted or case.energization.record is not None or _ended(case) else case.metering


def _ended(case: Case) -> bool:
    return process(case.process).stages[case.stage].final


#: The gate that says that the instruments are fitted.
_FITTED = "metering-fitted"
#: Stages in which papers for the acceptance are still of use.
_BUILDING = frozenset({"construction", "intermediate", "completion_applied", "acceptance"})
DUTIES: Mapping[DutyKind, Callable[[_Look], Iterator[Duty]]] = {
    "follow_up": _follow_up,
    "on_load_check": _on_load_check,
    "rating_action": _rating_action,
    "customer_inspection": _customer_inspection,
    "approval": _approval,
    "meeting": _meeting,
    "handover": _handover,
    "paper": _paper,
    "metering": _metering,
    "unused": _unused,
    "line_terms": _line_terms,
}
