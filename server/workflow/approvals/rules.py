"""Evaluates the approval rules on a proposal. In doubt nothing passes by itself."""

from __future__ import annotations

from functools import cache

from msgspec import Struct

from server.workflow.approvals.checks import CHANGE_CHECKS, SCHEME_CHECKS
from server.workflow.approvals.table import Condition, Rule, approval_rules
from server.workflow.approvals.values import ProposedChange, Route, Scheme
from server.workflow.facts import known
from server.workflow.model import Case
from server.workflow.policy import Policy
from server.workflow.processes.rules import size_rules
from server.workflow.vocabulary import Role

#: Roles that may decide on a proposal at all.
DECIDERS: frozenset[Role] = frozenset({"manager", "scheduler", "admin"})


class Ruling(Struct, frozen=True):
    """What the rules say: the rule that decided, and the route if it does not pass by itself."""

    rule: str
    route: Route | None

    @property
    def passes(self) -> bool:
        return self.route is None


def rule_on(case: Case, proposal: Scheme | ProposedChange, policy: Policy) -> Ruling:
    """What becomes of a proposal on the case as it stands."""
    subject = "scheme" if isinstance(proposal, Scheme) else "change"
    for rule in _checked_rules():
        if rule.subject == subject and _applies(rule, case, proposal, policy):
            return Ruling(rule.id, _route(rule, policy))
    raise AssertionError("the last rule of a subject routes whatever is left")


def _applies(rule: Rule, case: Case, proposal: Scheme | ProposedChange, policy: Policy) -> bool:
    """To approve, every condition must surely hold; to route it is enough that none surely does not."""
    held = [_holds(condition, case, proposal, policy) for condition in rule.when]
    return all(held) if rule.approve else False not in held


def _holds(
    condition: Condition, case: Case, proposal: Scheme | ProposedChange, policy: Policy
) -> bool | None:
    """Whether a condition holds; None if nobody can say."""
    found = _found(condition, case, proposal, policy)
    return None if found is None else found == condition.expected


def _found(
    condition: Condition, case: Case, proposal: Scheme | ProposedChange, policy: Policy
) -> bool | None:
    if condition.fact is not None:
        return known(case, condition.fact)
    if condition.size is not None:
        return any(one.id == condition.size and one.applies for one in size_rules(case, policy))
    if condition.process is not None:
        return case.process == condition.process
    if condition.scheme is not None and isinstance(proposal, Scheme):
        return SCHEME_CHECKS[condition.scheme](case, proposal)
    if condition.change is not None and isinstance(proposal, ProposedChange):
        return CHANGE_CHECKS[condition.change](case, proposal)
    return None


def _route(rule: Rule, policy: Policy) -> Route | None:
    if rule.route is None:
        return None
    return Route(
        role=rule.route.role,
        substitute=rule.route.substitute,
        remind_days=getattr(policy, rule.route.remind_after),
        substitute_days=getattr(policy, rule.route.substitute_after),
    )


@cache
def _checked_rules() -> tuple[Rule, ...]:
    """The rules, every function that they name known. Raises ValueError."""
    rules = approval_rules()
    for rule in rules:
        for one in rule.when:
            if one.scheme is not None and (one.scheme not in SCHEME_CHECKS or rule.subject != "scheme"):
                raise ValueError(f"{rule.id}: no function {one.scheme} of schemes")
            if one.change is not None and (one.change not in CHANGE_CHECKS or rule.subject != "change"):
                raise ValueError(f"{rule.id}: no function {one.change} of changes")
        if rule.route and not {rule.route.role, rule.route.substitute} <= DECIDERS:
            raise ValueError(f"{rule.id}: nobody of that role decides")
    return rules
