"""What is approved, by whom, and on what: schemes 供电方案 and changes, proposed and decided on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, field

from server.workflow.vocabulary import (
    Count,
    Customer,
    FactValue,
    Id,
    Moment,
    Name,
    ProcessName,
    Reason,
    Role,
    Site,
    Supply,
    Value,
    Words,
)

__all__ = [
    "Absence",
    "Approval",
    "ApprovalState",
    "ContractChange",
    "Decided",
    "Fee",
    "Naming",
    "ProposedChange",
    "Route",
    "Scheme",
    "Source",
    "StandIn",
    "Subject",
]

Subject = Literal["scheme", "change"]
#: `recorded`: proposed while the organisation asks for no approval; it never counts as one.
ApprovalState = Literal["waiting", "approved", "rejected", "withdrawn", "recorded"]


class Source(Value, frozen=True, kw_only=True):
    """One source of a scheme: the line or station, its voltage in kV and what it carries in kVA."""

    line: Name
    voltage_kv: Annotated[float, Meta(gt=0)]
    capacity_kva: Annotated[float, Meta(gt=0)]
    standby: bool = False


class Fee(Value, frozen=True, kw_only=True):
    """A fee, in yuan, and the rule that it rests on: only lawful items are charged."""

    item: Name
    amount: Annotated[float, Meta(ge=0)]
    basis: Reason


class Scheme(Value, frozen=True, kw_only=True):
    """A supply scheme as it is to be replied. `standard`: it is one of the standard schemes 典型供电方案."""

    sources: Annotated[tuple[Source, ...], Meta(min_length=1, max_length=10)]
    boundary: Reason
    metering: Reason
    standard: bool
    tariff: Words = ""
    protection: Words = ""
    compensation: Words = ""
    fees: Annotated[tuple[Fee, ...], Meta(max_length=50)] = ()
    note: Words = ""


class ContractChange(Value, frozen=True, kw_only=True):
    """A change of the supply contract: which clause, what it said, what it is to say."""

    clause: Name
    before: Words
    after: Reason
    contract_no: Words = ""


class ProposedChange(Value, frozen=True, kw_only=True):
    """What is to be changed: facts, parts of the case, the process, the contract; None leaves a part."""

    facts: Mapping[str, FactValue] = field(default_factory=dict)
    process: ProcessName | None = None
    customer: Customer | None = None
    site: Site | None = None
    supply: Supply | None = None
    manager: Name | None = None
    title: Words | None = None
    contract: ContractChange | None = None


class Route(Value, frozen=True, kw_only=True):
    """To whom it goes: a role, and another that may decide after so many working days; see `substitutes`."""

    role: Role
    substitute: Role
    remind_days: int
    substitute_days: int


class Naming(Value, frozen=True, kw_only=True):
    """Somebody was named as the one to decide."""

    person: Name
    by: Name
    at: Moment
    reason: Words = ""


class Absence(Value, frozen=True, kw_only=True):
    """Somebody is away from the day `since` through `until`, and who decides in his place."""

    id: Id
    person: Name
    substitute: Name
    since: date
    until: date


class StandIn(Value, frozen=True, kw_only=True):
    """By what right somebody decides in another's place: his recorded absence, or because it waited too long.

    `since`, `until`: the days on which it holds; None: no end.
    """

    why: Literal["absence", "late"]
    person: Name | None
    since: date
    until: date | None = None
    absence: Id | None = None


class Decided(Value, frozen=True, kw_only=True):
    """How it was decided: by a rule, where `by` is who proposed it; else by a person, with a reason."""

    by: Name
    at: Moment
    reason: Words = ""
    rule: Words = ""
    stand_in: StandIn | None = None


class Approval(Value, frozen=True, kw_only=True):
    """One proposal and what became of it. `n` counts the case's proposals.

    `visit`: at which entry of the case's history it was proposed. `basis`: the digest of what it was judged
    on; what has changed since then was not approved. `rule`: the rule that passed or routed it.
    """

    id: Id
    n: Count
    subject: Subject
    state: ApprovalState
    proposed_by: Name
    proposed_at: Moment
    visit: Count
    basis: str
    reason: Words = ""
    rule: Words = ""
    scheme: Scheme | None = None
    change: ProposedChange | None = None
    route: Route | None = None
    named: tuple[Naming, ...] = ()
    decided: Decided | None = None

    @property
    def approver(self) -> str | None:
        """The person who is to decide; None: anybody of the route's role."""
        return self.named[-1].person if self.named else None
