"""Whole outages as columns: for given prices of all that couples outages, the works that ride best on each.

What an outage is in itself (its levels of duration nest, works ride only on as much of it as they last, crews
begin together) is decided here outage by outage and so in whole numbers; all other rows of the model couple
outages and have a price. Any prices give a bound: the price of the rows' limits and, beside it, the least
that each outage could add, of those that clash only one a day.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from server.outages.instance import Part
from server.outages.ledger import Choice, Ledger
from server.outages.model import Model
from server.outages.options import LIVE, Options, Place

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
#: An outage's number, the level up to which it lasts, and its riders' numbers.
Column = tuple[int, int, tuple[int, ...]]
#: What rounding could have added to a sum of minutes.
ROUNDED = 1e-4


@dataclass(frozen=True)
class Priced:
    """What prices come to: the `bound`; `reduced` costs by variable; `values` of outages by level, without
    riders that cost; `riders` in the order in which they are taken, by outage; what each clash adds."""

    bound: float
    reduced: Floats
    values: Floats
    riders: Numbers
    least: Floats


class Columns:
    """The outages of a model built without their own rows (`build(…, blocks=False)`), as arrays.

    By outage: `first` variable of its levels, how many `levels`, its `clash`. By rider, a work on an outage:
    `outage`, `skill`, `level`, `variable`, `limit` of crews.
    """

    def __init__(self, model: Model, parts: Iterable[Part]) -> None:
        self.model = model
        rows, month = model.rows, model.month
        self.most = np.array(rows.most, dtype=np.float64)
        self.cost = np.zeros(len(rows.most))
        for variable, factor in rows.objective(parts).items():
            self.cost[variable] = factor
        self.low = np.array(
            [-math.inf if one.low is None else one.low for one in rows.rows], dtype=np.float64
        )
        self.high = np.array(
            [math.inf if one.high is None else one.high for one in rows.rows], dtype=np.float64
        )
        self._matrix()
        self.places: tuple[Place, ...] = tuple(sorted(model.riders))
        self.number: Mapping[Place, int] = {place: at for at, place in enumerate(self.places)}
        self.first = whole_numbers(rows.number["z", *place, 0] for place in self.places)
        self.levels = whole_numbers(len(model.levels[place]) for place in self.places)
        self.clash = clash_of(model.options, self.places)
        skills = {name: at for at, name in enumerate(sorted({work.skill for work in month.works}))}
        riders = [
            (
                self.number[place],
                skills[month.works[work].skill],
                model.levels[place].index(month.works[work].minutes),
                work,
                model.rides(work, place),
                month.crew(month.works[work].skill, place[1]),
            )
            for work, places in model.question.places.items()
            for place in places
            if place[0] != LIVE
        ]
        table = np.array(sorted(riders), dtype=np.int64).reshape(-1, 6)
        self.outage, self.skill, self.level, self.work, self.variable, self.limit = table.T
        self.skills = max(1, len(skills))
        inside = np.zeros(len(rows.most), dtype=np.bool_)
        inside[self.variable] = True
        for first, levels in zip(self.first, self.levels, strict=True):
            inside[first : first + levels] = True
        #: Variables that belong to no outage.
        self.single: Numbers = np.flatnonzero(~inside)

    def _matrix(self) -> None:
        """The rows by variable: for each its rows and factors, one after the other."""
        rows = self.model.rows.rows
        counts = [len(one.variables) for one in rows]
        row = np.repeat(np.arange(len(rows), dtype=np.int64), counts)
        variable = whole_numbers(one for own in rows for one in own.variables)
        factor = np.fromiter((one for own in rows for one in own.factors), dtype=np.float64)
        order = np.argsort(variable, kind="stable")
        self.row, self.factor, self.of = row[order], factor[order], variable[order]
        self.starts = np.searchsorted(self.of, np.arange(len(self.most) + 1))

    def priced(self, prices: Floats) -> Priced:
        """See the module. Prices of rows that point the wrong way, or are no numbers, count for nothing."""
        limits = np.where(prices > 0, self.low, self.high)
        used = np.where(np.isfinite(prices) & np.isfinite(limits), prices, 0.0)
        earned = float((used * np.where(used == 0, 0.0, limits)).sum())
        reduced = self.cost - np.bincount(
            self.of, weights=self.factor * used[self.row], minlength=len(self.cost)
        )
        earned += float(np.minimum(reduced[self.single] * self.most[self.single], 0.0).sum())
        gain = np.minimum(reduced[self.variable], 0.0)
        wanted = np.flatnonzero(gain < 0)
        riders = wanted[np.lexsort((gain[wanted], self.skill[wanted], self.outage[wanted]))]
        values = self._values(reduced, gain, riders)
        least = np.zeros(int(self.clash.max(initial=-1)) + 1)
        if len(self.places):
            np.minimum.at(least, self.clash, values.min(axis=1))
        return Priced(earned + float(least.sum()), reduced, values, riders, least)

    def _values(self, reduced: Floats, gain: Floats, riders: Numbers) -> Floats:
        """By outage and level: lasting so long, with the riders that gain most and that have crews."""
        count, deepest = len(self.places), int(self.levels.max(initial=0))
        values = np.full((count, deepest), np.inf)
        lasting = np.zeros(count)
        for level in range(deepest):
            has = self.levels > level
            lasting[has] += reduced[self.first[has] + level]
            taken = riders[self.level[riders] <= level]
            team = self.outage[taken] * self.skills + self.skill[taken]
            begins = np.ones(len(taken), dtype=np.bool_)
            begins[1:] = team[1:] != team[:-1]
            at = np.arange(len(taken))
            taken = taken[at - np.maximum.accumulate(np.where(begins, at, 0)) < self.limit[taken]]
            gained = np.bincount(self.outage[taken], weights=gain[taken], minlength=count)
            values[has, level] = (lasting + gained)[has]
        return values

    def floor(self, priced: Priced) -> float:
        """The bound in whole minutes."""
        return max(0.0, math.ceil(priced.bound - ROUNDED)) if math.isfinite(priced.bound) else 0.0

    def extras(self, priced: Priced) -> dict[int, tuple[float, ...]]:
        """For each work what every plan with it at a place lies above the bound at least, by place."""
        own = {(work, place): extra for work, place, extra in self._extras(priced)}
        return {
            work: tuple(own[work, place] for place in places)
            for work, places in self.model.question.places.items()
        }

    def _extras(self, priced: Priced) -> Iterator[tuple[int, Place, float]]:
        """That of each rider, and of each work done live."""
        if len(self.places):
            # The least of an outage that lasts to a level or longer.
            longer = np.minimum.accumulate(priced.values[:, ::-1], axis=1)[:, ::-1]
            extra = longer[self.outage, self.level] + np.maximum(priced.reduced[self.variable], 0.0)
            extra = np.maximum(0.0, extra - priced.least[self.clash[self.outage]] - ROUNDED)
            for work, outage, more in zip(self.work, self.outage, extra, strict=True):
                yield int(work), self.places[int(outage)], float(more)
        for work, places in self.model.question.places.items():
            for place in places:
                if place[0] == LIVE:
                    more = float(priced.reduced[self._done_live(work, place)])
                    yield work, place, max(0.0, more - ROUNDED)

    def _done_live(self, work: int, place: Place) -> int:
        """The variable that says that a work is done live there."""
        return self.model.rides(work, place)

    def gaining(self, priced: Priced, least: float, most: int, a_work: int) -> Iterator[Column]:
        """Columns that gain more than `least`, the best first, at most so many, and of those in which a work
        rides only the best few unless another of their works has fewer."""
        if not len(self.places):
            return
        best = priced.values.argmin(axis=1)
        values = priced.values[np.arange(len(best)), best]
        found = np.flatnonzero(values < -least)
        ends = np.searchsorted(self.outage[priced.riders], np.arange(len(self.places) + 1))
        given: Counter[int] = Counter()
        for outage in found[np.argsort(values[found], kind="stable")]:
            level = int(best[outage])
            riders = self._riders(priced.riders[ends[outage] : ends[outage + 1]], level)
            works = [int(self.work[one]) for one in riders]
            if works and all(given[work] >= a_work for work in works):
                continue
            given.update(works)
            most -= 1
            yield int(outage), level, riders
            if most <= 0:
                return

    def _riders(self, ordered: Numbers, level: int) -> tuple[int, ...]:
        used: Counter[int] = Counter()
        found = []
        for rider in ordered:
            if self.level[rider] <= level and used[int(self.skill[rider])] < self.limit[rider]:
                used[int(self.skill[rider])] += 1
                found.append(int(rider))
        return tuple(sorted(found))

    def of_choice(self, options: Options, choice: Choice) -> Iterator[Column]:
        """The outages of a choice."""
        return self.of_outages(Ledger(self.model.month, options, choice).riders.items())

    def of_outages(self, outages: Iterable[tuple[Place, Sequence[int]]]) -> Iterator[Column]:
        """Outages by their places and the works on them."""
        numbers = {
            (int(work), int(outage)): at
            for at, (work, outage) in enumerate(zip(self.work, self.outage, strict=True))
        }
        for place, works in outages:
            outage = self.number[place]
            riders = tuple(sorted(numbers[work, outage] for work in works))
            yield outage, max(int(self.level[one]) for one in riders), riders

    def placed(self, column: Column) -> tuple[Place, tuple[int, ...]]:
        """Where an outage is, and the works on it."""
        outage, _, riders = column
        return self.places[outage], tuple(int(self.work[one]) for one in riders)

    def variables(self, column: Column) -> list[int]:
        """The variables that a column sets."""
        outage, level, riders = column
        first = int(self.first[outage])
        return [*range(first, first + level + 1), *(int(self.variable[one]) for one in riders)]

    def entries(self, variables: Iterable[int]) -> tuple[float, dict[int, float]]:
        """What these variables together cost, and their factors by row."""
        cost, factors = 0.0, dict[int, float]()
        for one in variables:
            cost += float(self.cost[one])
            for at in range(int(self.starts[one]), int(self.starts[one + 1])):
                row = int(self.row[at])
                factors[row] = factors.get(row, 0.0) + float(self.factor[at])
        return cost, {row: factor for row, factor in factors.items() if factor}


def whole_numbers(numbers: Iterable[Any]) -> Numbers:
    """Numbers as an array."""
    return np.fromiter(numbers, dtype=np.int64)


def clash_of(options: Options, places: Iterable[Place]) -> Numbers:
    """For each outage a number that it shares only with such as clash with it on its day."""
    group: dict[int, int] = {}
    for number, members in enumerate(options.clashes):
        for member in members:
            group.setdefault(member, number)
    known: dict[tuple[int, int], int] = {}
    return whole_numbers(
        known.setdefault((group.get(number, -1 - number), day), len(known)) for number, day in places
    )
