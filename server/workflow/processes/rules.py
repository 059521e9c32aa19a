"""What a case's size and kind ask for: facts that a rule settles, and the sizes at which more is asked.

The sizes differ by province and year, so each is a dated setting. A rule stands until a manager says
otherwise with a reason; what it does not know it takes for the stricter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from server.workflow.facts import known
from server.workflow.model import Case
from server.workflow.policy import Policy
from server.workflow.use_rules import planned_kva, total_kva


class SizeRule(Struct, frozen=True, kw_only=True):
    """A size from which more is asked. `kva`: the limit; `case_kva`: what it is held against."""

    id: str
    kva: float
    case_kva: float
    applies: bool


def size_rules(case: Case, policy: Policy) -> tuple[SizeRule, ...]:
    """Every size rule of the case's process; none at low voltage."""
    if case.process == "lv":
        return ()
    asked, total = case.supply.capacity_kva, total_kva(case)
    held_against = {
        "scheme_review": (policy.scheme_review_kva, asked),
        "scheme_extension": (policy.scheme_extension_kva, asked),
        "joint_drawing_review": (policy.joint_drawing_review_kva, asked),
        "large_customer": (policy.large_customer_kva, total),
        "dedicated_line": (policy.dedicated_line_kva, planned_kva(case, policy)),
    }
    return tuple(
        SizeRule(id=name, kva=limit, case_kva=kva, applies=kva >= limit)
        for name, (limit, kva) in held_against.items()
    )


def _scheme_review(case: Case, policy: Policy) -> bool:
    """From a size on; and at any size a large customer, a line of its own, or a second source."""
    return (
        case.supply.capacity_kva >= policy.scheme_review_kva
        or total_kva(case) >= policy.large_customer_kva
        or known(case, "dedicated") is True
        or known(case, "dual") is True
    )


def _by_scope(scope: str, case: Case) -> bool:
    """`always`; or `important`: important customers and special loads, and whoever may be one."""
    return scope == "always" or not (
        known(case, "important") is False and known(case, "special_load") is False
    )


RULES: Mapping[str, Callable[[Case, Policy], bool]] = {
    "scheme_review_by_size": _scheme_review,
    "design_review_by_scope": lambda case, policy: _by_scope(policy.design_review_scope, case),
    "mid_check_by_scope": lambda case, policy: _by_scope(policy.mid_check_scope, case),
}
