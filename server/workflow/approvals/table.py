"""The approval rules as data: `rules.yaml`, read and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
import yaml

from server.workflow.approvals.values import Subject
from server.workflow.policy import Policy
from server.workflow.vocabulary import ProcessName, Role


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"expected": "is"}):
    """What a rule asks: exactly one kind, and what it is expected to be."""

    expected: bool
    fact: str | None = None
    size: str | None = None
    process: ProcessName | None = None
    scheme: str | None = None
    change: str | None = None

    @property
    def kinds(self) -> Mapping[str, str]:
        """The kinds that it names; one in a rule that is sound."""
        named = {"fact": self.fact, "size": self.size, "process": self.process}
        named |= {"scheme": self.scheme, "change": self.change}
        return {kind: name for kind, name in named.items() if name is not None}


class RouteRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """To which role; the days are names of settings."""

    role: Role
    substitute: Role
    remind_after: str
    substitute_after: str


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rule: it approves, or it routes."""

    id: str
    subject: Subject
    when: tuple[Condition, ...]
    source: str
    approve: Literal[True] | None = None
    route: RouteRule | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal[1]
    rules: tuple[Rule, ...]


@cache
def approval_rules() -> tuple[Rule, ...]:
    """Every rule, in the order in which they are asked. Raises ValueError with all that is wrong."""
    text = (resources.files(__package__) / "rules.yaml").read_text("utf-8")
    rules = msgspec.convert(yaml.safe_load(text), _File).rules
    if complaints := list(lint(rules)):
        raise ValueError("; ".join(complaints))
    return rules


@cache
def scheme_facts() -> frozenset[str]:
    """The facts that rules on schemes look at."""
    schemes = (rule for rule in approval_rules() if rule.subject == "scheme")
    return frozenset(one.fact for rule in schemes for one in rule.when if one.fact is not None)


def lint(rules: Sequence[Rule]) -> Iterator[str]:
    """What is wrong with a table, in words. Names of functions are checked where these are (`rules`)."""
    ids = [rule.id for rule in rules]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        yield f"two rules of one name: {', '.join(twice)}"
    for rule in rules:
        if (rule.approve is None) == (rule.route is None):
            yield f"{rule.id}: a rule approves or routes"
        if any(len(one.kinds) != 1 for one in rule.when):
            yield f"{rule.id}: a condition is of one kind"
        if rule.approve and not rule.when:
            yield f"{rule.id}: nothing passes without a condition"
        route = rule.route
        if route and {route.remind_after, route.substitute_after} - set(Policy.__struct_fields__):
            yield f"{rule.id}: unknown settings"
    for subject in ("scheme", "change"):
        last = [rule for rule in rules if rule.subject == subject][-1:]
        if not last or last[0].route is None or last[0].when:
            yield f"{subject}: the last rule routes whatever is left"
