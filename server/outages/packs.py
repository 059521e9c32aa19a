"""What a day can have at once, as rows that hold the relaxation to it.

Outages of a day that clash, or need more crews in a half than there are, cannot all be; the relaxation has a
share of each. A pack is a row that it breaks and no day does: members, each a few sections that an outage
must change and loads that it must reach to count, weighed so that no members that go together weigh more
than the row's limit. An outage counts as the heaviest member that it comes up to. Any two that come up to
one member, or to two that clash, share a section and so clash themselves, and what goes together in outages
goes together in members: so the row holds on every day, whatever outages there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from server.outages.columns import Floats

#: Crews needed by skill and half, in one order.
Loads = tuple[int, ...]
#: A row must be broken by more than this share of its limit.
_BROKEN = 0.02
#: What a share or a weight must come to at least, and what sums of weights may be off by.
_SOME, _OFF = 1e-5, 1e-9
#: Of more outages than this on one day the smallest shares are not looked at; nor is a day on which more
#: groups of them than this go together.
_MOST, _MOST_GROUPS = 30, 5_000


@dataclass(frozen=True)
class Member:
    """Outages that change, or block, all of `core`, and need `loads` at least."""

    core: frozenset[int]
    loads: Loads
    weight: float


@dataclass(frozen=True)
class Pack:
    """No members that a day can have at once weigh more than `most`."""

    members: tuple[Member, ...]
    most: float


@dataclass(frozen=True)
class Present:
    """An outage of the relaxation: the sections it blocks, what it needs, and the share that there is."""

    blocked: frozenset[int]
    loads: Loads
    share: float


def broken(day: Sequence[Present], limits: Loads) -> Pack | None:
    """A pack that a day of the relaxation breaks, as wide as it can be made; None where there is none."""
    own = sorted((one for one in day if one.share > _SOME), key=lambda one: -one.share)[:_MOST]
    if all(one.share > 1 - _SOME for one in own):
        return None
    members = [Member(one.blocked, one.loads, 1.0) for one in own]
    groups = list(islice(_together(members, limits), _MOST_GROUPS + 1))
    if len(groups) > _MOST_GROUPS:
        return None
    weights = _weights(groups, [one.share for one in own])
    found = [
        replace(member, weight=float(weight))
        for member, weight in zip(members, weights, strict=True)
        if weight > _SOME
    ]
    most = heaviest(found, limits)
    reached = sum(weight * one.share for weight, one in zip(weights, own, strict=True))
    if reached <= most * (1 + _BROKEN):
        return None
    return Pack(tuple(_widened(found, limits, most)), most + _OFF)


def _together(members: Sequence[Member], limits: Loads) -> Iterator[tuple[int, ...]]:
    """Members that a day can have at once, the largest such groups among others."""

    def grown(first: int, group: tuple[int, ...], loads: Loads) -> Iterator[tuple[int, ...]]:
        largest = True
        for at in range(first, len(members)):
            more = _added(loads, members[at].loads)
            if fits(more, limits) and all(members[at].core.isdisjoint(members[one].core) for one in group):
                largest = False
                yield from grown(at + 1, (*group, at), more)
        if largest:
            yield group

    return grown(0, (), (0,) * len(limits))


def _weights(groups: Sequence[tuple[int, ...]], shares: Sequence[float]) -> Floats:
    """Weights up to one that make most of the shares while no group weighs more than one."""
    from ortools.math_opt.python import mathopt  # noqa: PLC0415

    model = mathopt.Model()
    weights = [model.add_variable(lb=0.0, ub=1.0) for _ in shares]
    for group in groups:
        if len(group) > 1:
            model.add_linear_constraint(mathopt.fast_sum(weights[one] for one in group) <= 1.0)
    model.maximize(mathopt.fast_sum(share * weight for share, weight in zip(shares, weights, strict=True)))
    result = mathopt.solve(model, mathopt.SolverType.GLOP)
    if result.termination.reason != mathopt.TerminationReason.OPTIMAL:
        return np.zeros(len(shares))
    return np.array(result.variable_values(weights), dtype=np.float64)


def heaviest(members: Sequence[Member], limits: Loads) -> float:
    """What members that a day can have at once weigh at most."""
    order = sorted(members, key=lambda one: -one.weight)
    rest = [0.0]
    for one in reversed(order):
        rest.append(rest[-1] + one.weight)
    rest.reverse()
    best = 0.0

    def grown(first: int, group: tuple[Member, ...], loads: Loads, weight: float) -> None:
        nonlocal best
        best = max(best, weight)
        for at in range(first, len(order)):
            if weight + rest[at] <= best:
                return
            one = order[at]
            more = _added(loads, one.loads)
            if fits(more, limits) and all(one.core.isdisjoint(other.core) for other in group):
                grown(at + 1, (*group, one), more, weight + one.weight)

    grown(0, (), (0,) * len(limits), 0.0)
    return best


def _widened(members: list[Member], limits: Loads, most: float) -> list[Member]:
    """Members with the least loads and the fewest sections with which none that go together weigh more."""

    def holds(at: int, other: Member) -> bool:
        return heaviest([*members[:at], other, *members[at + 1 :]], limits) <= most + _OFF

    for at in range(len(members)):
        for name in range(len(limits)):
            while members[at].loads[name]:
                least = _with(members[at], name, 0)
                fewer = least if holds(at, least) else _with(members[at], name, members[at].loads[name] - 1)
                if fewer is not least and not holds(at, fewer):
                    break
                members[at] = fewer
    for at in range(len(members)):
        shared = members[at].core & frozenset().union(*(one.core for one in _others(members, at)))
        for section in sorted(shared):
            fewer = replace(members[at], core=members[at].core - {section})
            if fewer.core and holds(at, fewer):
                members[at] = fewer
        needed = members[at].core & frozenset().union(*(one.core for one in _others(members, at)))
        members[at] = replace(members[at], core=needed or frozenset({min(members[at].core)}))
    return members


def _others(members: Sequence[Member], at: int) -> Sequence[Member]:
    return [*members[:at], *members[at + 1 :]]


def _with(member: Member, name: int, load: int) -> Member:
    return replace(member, loads=(*member.loads[:name], load, *member.loads[name + 1 :]))


def _added(loads: Loads, more: Loads) -> Loads:
    return tuple(one + other for one, other in zip(loads, more, strict=True))


def fits(loads: Loads, limits: Loads) -> bool:
    """Whether no load is more than its limit."""
    return all(load <= limit for load, limit in zip(loads, limits, strict=True))
