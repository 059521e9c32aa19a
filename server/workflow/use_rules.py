"""What the size and the use of a connection lead to: functions of the case and a policy, of no clock.

* From so many kVA, what is planned within some years of the application counted, a customer may ask for a
  line of his own (S3 4.5).
* Such a line is held by terms: so much at first, so much within a year, so much in use within two. Who does
  not keep them may have it taken back as a public line (S3 4.6). The years count from energization: no other
  day tells when the line was built.
* A large customer who uses nothing for some calendar months, and has not suspended his supply, may have his
  account closed (S3 4.11). Nothing is concluded from silence: somebody has to have seen that nothing is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Literal

from server.workflow.facts import known
from server.workflow.model import Case, Value
from server.workflow.policy import Policy
from server.workflow.power_use import UseReport
from server.workflow.workdays import add_months

TermId = Literal["first", "full", "in_use"]


class LineTerm(Value, frozen=True, kw_only=True):
    """`kva` by a day, or the line may be taken back. `reached_on`: the first day on which it is known to be
    so, if one is."""

    id: TermId
    kva: float
    by: date
    reached_on: date | None = None

    @property
    def kept(self) -> bool:
        return self.reached_on is not None and self.reached_on <= self.by


class Unused(Value, frozen=True, kw_only=True):
    """Nothing is used since a day, by a report; from `closable_on` on the account may be closed."""

    since: date
    closable_on: date
    report: str


def total_kva(case: Case) -> float:
    """What the site will have in all."""
    return case.supply.capacity_kva + (case.supply.existing_kva or 0.0)


def planned_kva(case: Case, policy: Policy) -> float:
    """What the site will have in all, with what is to be added within `growth_years` of the application."""
    until = add_months(policy.day(case.history[0].begun), 12 * policy.growth_years)
    added = () if case.growth is None else (step.kva for step in case.growth.steps if step.by <= until)
    return total_kva(case) + sum(added)


def line_terms(case: Case, policy: Policy) -> tuple[LineTerm, ...]:
    """The terms of an energized customer's own line; none once it was taken back."""
    record = case.energization.record
    if record is None or known(case, "dedicated") is not True or _ever(case, "line_public", "account_closed"):
        return ()
    begun = policy.day(record.at)
    full = add_months(begun, policy.dedicated_full_months)
    used = add_months(begun, policy.dedicated_use_months)
    first_kva, full_kva = policy.dedicated_first_kva, policy.dedicated_line_kva
    return (
        LineTerm(id="first", kva=first_kva, by=begun, reached_on=_connected(case, first_kva, policy)),
        LineTerm(id="full", kva=full_kva, by=full, reached_on=_connected(case, full_kva, policy)),
        LineTerm(id="in_use", kva=full_kva, by=used, reached_on=_used(case, full_kva, policy)),
    )


def _connected(case: Case, kva: float, policy: Policy) -> date | None:
    """When so much was connected: with the energization, by the case itself, else by the first report."""
    record = case.energization.record
    if record is not None and total_kva(case) >= kva:
        return policy.day(record.at)
    told = (one.dated for one in case.use_reports.values() if (one.connected_kva or 0.0) >= kva)
    return min(map(policy.day, told), default=None)


def _used(case: Case, kva: float, policy: Policy) -> date | None:
    told = (one.dated for one in case.use_reports.values() if (one.used_kva or 0.0) >= kva)
    return min(map(policy.day, told), default=None)


def unused(case: Case, policy: Policy) -> Unused | None:
    """Whether a large customer's installation stands unused, since when, and what may follow on which day."""
    if case.energization.record is None or case.process == "lv":
        return None
    if total_kva(case) < policy.large_customer_kva:
        return None
    begun: UseReport | None = None
    for report in _in_order(case):
        if report.state == "not_in_use":
            begun = begun or report
        elif report.state != "line_public":
            begun = None
    if begun is None or _ever(case, "account_closed"):
        return None
    since = policy.day(begun.dated)
    return Unused(since=since, closable_on=add_months(since, policy.unused_months), report=begun.id)


def _in_order(case: Case) -> Iterator[UseReport]:
    """By the day of which they speak; of two of one moment, that nothing is used counts least."""
    reports = case.use_reports.values()
    yield from sorted(reports, key=lambda one: (one.dated, one.state != "not_in_use", one.id))


def _ever(case: Case, *states: str) -> bool:
    return any(one.state in states for one in case.use_reports.values())
