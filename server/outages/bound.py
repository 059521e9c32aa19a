"""A bound that no plan goes below, and what each place costs beyond it.

The linear relaxation over whole outages (`columns.py`): a linear program over those found so far gives
prices, the prices give better ones, until there are none. Whatever the prices, and however badly they were
solved, the bound holds (`Columns.priced`): a search that ends early has a lower one. So does what a place
costs beyond it, which tells the places that no better plan uses.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np

from server.outages.columns import Column, Columns, Floats, Priced
from server.outages.instance import Part
from server.outages.ledger import Choice
from server.outages.model import Question, build
from server.outages.month import Month
from server.outages.options import Options, Place
from server.outages.parts import parts_of

#: New outages a round, of them at most so many better than others of the same work.
NEW, NEW_A_WORK = 5_000, 5
#: In minutes: an outage that gains less than this is none to add.
GAINS = 1e-3
#: Outages kept, for each row.
_KEPT = 2
#: Where time ended the rounds early, prices that gain too much are tried smaller.
_SHRUNK = (0.98, 0.95, 0.9, 0.8, 0.65, 0.5, 0.3)
#: How near the prices tried stay to the best so far: those of the program alone swing.
STEADY = 0.8
#: Less than so much of an outage is none.
_SHARE = 1e-4
#: A bound of less than this share of what the relaxation comes to is not used to tell places apart.
_GOOD = 0.9


#: How much of an outage the relaxation has, its place, the works on it.
Shared = tuple[float, Place, tuple[int, ...]]


@dataclass(frozen=True)
class Warm:
    """The outages of a month as columns, all that were found worth having, and the best prices."""

    columns: Columns
    known: tuple[Column, ...]
    prices: Floats


@dataclass(frozen=True)
class Relaxed:
    """`bound` in weighted customer-minutes; by work, for each of its places in the question, by how much
    every plan with the work there lies above `base`, which is the bound before rounding, unless the rounds
    ended too early: then the last prices tell better which places are cheap, though their bound is low.
    `outages` are those of the last relaxation; `warm` is where one can go on, of a month in one part."""

    bound: float
    base: float
    extras: Mapping[int, tuple[float, ...]]
    outages: tuple[Shared, ...] = ()
    warm: Warm | None = field(default=None, compare=False)


#: Told of a better bound; False ends the rounds.
Heard = Callable[[float], bool]


def relaxed(
    month: Month,
    options: Options,
    question: Question,
    parts: Iterable[Part],
    start: Choice,
    *,
    seconds: float | None,
    rounds: int = 400,
    gap: float = 0.0,
    most: int = 1500,
    heard: Heard | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Relaxed:
    """The bound of a question. `start` is a choice within it. Ends after so many seconds, or each part of the
    month (`parts_of`, of at most so many works) after so many rounds, or once its bound is within `gap` of
    what its relaxation comes to; parts for which no time is left, or that nobody wants, are bounded by 0."""
    ends = None if seconds is None else clock() + seconds
    bound, base, extras, outages = 0.0, 0.0, dict[int, tuple[float, ...]](), list[Shared]()
    left, stages, warm = len(question.places), tuple(parts), None
    groups = parts_of(options, question, most)
    on = True

    def told(more: float) -> bool:
        nonlocal on
        on = on and (heard is None or heard(bound + more))
        return on

    for works in groups:
        if not on or (ends is not None and clock() >= ends):
            # Nothing lies below nothing: for a part that there is no time for, that is its bound.
            extras.update({work: (0.0,) * len(question.places[work]) for work in works})
            continue
        asked = replace(question, places={work: question.places[work] for work in works})
        own = {work: start.get(work) for work in works}
        columns = Columns(build(month, options, asked, blocks=False), stages)
        share = None if ends is None else max(0.0, ends - clock()) * len(works) / left
        found = _of_part(columns, options, own, _Limits(share, rounds, gap, clock), told)
        bound, base, left = bound + found.bound, base + found.base, left - len(works)
        extras.update(found.extras)
        outages += found.outages
        warm = found.warm if len(groups) == 1 else None
    return Relaxed(bound, base, extras, tuple(outages), warm)


@dataclass(frozen=True)
class _Limits:
    seconds: float | None
    rounds: int
    gap: float
    clock: Callable[[], float]


def _of_part(columns: Columns, options: Options, start: Choice, limits: _Limits, heard: Heard) -> Relaxed:
    master = Master(columns)
    for column in columns.of_choice(options, start):
        master.add(column)
    ends = math.inf if limits.seconds is None else limits.clock() + limits.seconds
    prices = steady = np.zeros(len(columns.low))
    best = priced = columns.priced(prices)
    value = math.inf
    for turn in range(limits.rounds):
        solved = master.solved(ends - limits.clock())
        if solved is None:
            break
        value, prices = solved
        added = 0
        # The prices themselves count where nothing is gained by those near the best.
        for tried in (STEADY * steady + (1 - STEADY) * prices, prices) if turn else (prices,):
            priced = columns.priced(tried)
            if priced.bound > best.bound:
                best, steady = priced, tried
            added = sum(master.add(one) for one in columns.gaining(priced, GAINS, NEW, NEW_A_WORK))
            if added:
                break
        if not added or not heard(columns.floor(best)) or value - best.bound <= limits.gap * abs(value):
            break
    if best.bound <= 0:
        best = max([best, *(columns.priced(share * prices) for share in _SHRUNK)], key=_bound_of)
    guide = best if best.bound >= _GOOD * value else priced
    outages = tuple((share, *columns.placed(column)) for column, share in master.shares())
    warm = Warm(columns, tuple(master.known), steady)
    return Relaxed(columns.floor(best), guide.bound, columns.extras(guide), outages, warm)


def _bound_of(priced: Priced) -> float:
    return priced.bound


class Master:
    """The linear program over the outages found so far."""

    def __init__(self, columns: Columns) -> None:
        from ortools.math_opt.python import mathopt  # noqa: PLC0415

        self.columns, self.mathopt = columns, mathopt
        self.model = mathopt.Model()
        self.rows: list[Any] = [
            self.model.add_linear_constraint(lb=float(low), ub=float(high))
            for low, high in zip(columns.low, columns.high, strict=True)
        ]
        self.known: dict[Column, Any] = {}
        self.result: Any = None
        for one in columns.single:
            self._variable([int(one)], float(columns.most[one]))

    def add(self, column: Column) -> bool:
        """Take in an outage; False if it is known."""
        if column in self.known:
            return False
        self.known[column] = self._variable(self.columns.variables(column), math.inf)
        return True

    def _variable(self, variables: list[int], most: float) -> Any:
        cost, factors = self.columns.entries(variables)
        made = self.model.add_variable(lb=0.0, ub=most)
        for row, factor in factors.items():
            self.rows[row].set_coefficient(made, factor)
        self.model.objective.set_linear_coefficient(made, cost)
        return made

    def _forget(self, result: Any) -> None:
        """Leave out the outages that are furthest from being used; whatever is missed comes again."""
        if len(self.known) <= _KEPT * len(self.rows):
            return
        reduced = result.reduced_costs(list(self.known.values()))
        middle = float(np.median(reduced))
        for column, extra in zip(list(self.known), reduced, strict=True):
            if extra > max(middle, GAINS):
                self.model.delete_variable(self.known.pop(column))

    def shares(self) -> Iterator[tuple[Column, float]]:
        """How much of each outage the last solution has; nothing where there was none."""
        if self.result is None:
            return
        values = self.result.variable_values([variable for _, variable in self.told])
        for (column, _), share in zip(self.told, values, strict=True):
            if share > _SHARE:
                yield column, share

    def solved(self, seconds: float) -> tuple[float, Floats] | None:
        """Its value and the prices of its rows; None where the time was too short."""
        if seconds <= 0:
            return None
        limit = None if math.isinf(seconds) else timedelta(seconds=seconds)
        # From scratch each time, and yet quicker than GLOP going on from where it was: 0.3 to 2 s a round at
        # 200 to 1,000 works, where the other comes to ten.
        result = self.mathopt.solve(
            self.model,
            self.mathopt.SolverType.HIGHS,
            params=self.mathopt.SolveParameters(time_limit=limit),
        )
        if result.termination.reason != self.mathopt.TerminationReason.OPTIMAL:
            return None
        self._forget(result)
        self.result, self.told = result, list(self.known.items())
        return result.objective_value(), np.array(result.dual_values(self.rows), dtype=np.float64)
