"""What rules may ask of a proposal itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from server.workflow.approvals.values import ProposedChange, Scheme
from server.workflow.model import Case
from server.workflow.processes import process


def touched(change: ProposedChange) -> frozenset[str]:
    """The parts of a case that a change speaks of."""
    names = ("process", "customer", "site", "supply", "manager", "title", "contract")
    parts = {name for name in names if getattr(change, name) is not None}
    return frozenset(parts | ({"facts"} if change.facts else set()))


def standard(_case: Case, scheme: Scheme) -> bool:
    return scheme.standard


def one_source(_case: Case, scheme: Scheme) -> bool:
    return len(scheme.sources) == 1


def as_applied(case: Case, scheme: Scheme) -> bool:
    """The scheme gives what was applied for: the same voltage, and just the capacity of all."""
    asked = case.supply.capacity_kva + (case.supply.existing_kva or 0.0)
    main = [source for source in scheme.sources if not source.standby]
    return (
        bool(main)
        and all(source.voltage_kv == case.supply.voltage_kv for source in main)
        and sum(source.capacity_kva for source in main) == asked
    )


def free_of_fees(_case: Case, scheme: Scheme) -> bool:
    return not scheme.fees


def particulars_only(case: Case, change: ProposedChange) -> bool:
    """How to reach the customer, his account number, the title; and nothing else of him."""
    if not touched(change) <= {"title", "customer"}:
        return False
    if change.customer is None:
        return True
    known = case.customer
    kept = {name: getattr(change.customer, name) for name in ("contact", "phone", "account_no")}
    return replace(known, **kept) == change.customer


def stricter_only(case: Case, change: ProposedChange) -> bool:
    """It asks for what a rule of the process could ask for, and takes nothing back."""
    rules = process(case.process).rules
    return touched(change) == {"facts"} and all(
        name in rules and value is True for name, value in change.facts.items()
    )


def first_words_only(case: Case, change: ProposedChange) -> bool:
    """It settles facts that nobody had settled and that no rule of the process settles."""
    rules = process(case.process).rules
    return touched(change) == {"facts"} and all(
        name not in rules and value is not None and _unsaid(case, name)
        for name, value in change.facts.items()
    )


def _unsaid(case: Case, name: str) -> bool:
    """Whether nobody ever said what the fact is: one that was taken back was said."""
    return name not in case.facts


def of_process_or_supply(_case: Case, change: ProposedChange) -> bool:
    return bool(touched(change) & {"process", "supply"})


#: The functions that a rule may name, by the kind of condition.
SCHEME_CHECKS: Mapping[str, Callable[[Case, Scheme], bool]] = {
    "standard": standard,
    "one_source": one_source,
    "as_applied": as_applied,
    "free_of_fees": free_of_fees,
}
CHANGE_CHECKS: Mapping[str, Callable[[Case, ProposedChange], bool]] = {
    "particulars_only": particulars_only,
    "stricter_only": stricter_only,
    "first_words_only": first_words_only,
    "of_process_or_supply": of_process_or_supply,
}
