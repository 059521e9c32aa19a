"""The relaxation held to what days can have at once: a bound for months whose outages crowd one another.

Outages with their windows (`timed.py`) are priced as without; where the relaxation has more of a day's
outages than go together, a row is added that it breaks (`packs.py`). Such a row counts how many of a skill
ride on an outage, so the works that ride best are found outage by outage over the numbers of each skill: only
for outages that gain something without it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from server.outages.bound import GAINS, NEW, NEW_A_WORK, STEADY, Master, Relaxed, Warm
from server.outages.columns import Column, Columns, Floats, Numbers, Priced
from server.outages.options import Place
from server.outages.packs import Loads, Member, Pack, Present, broken, fits
from server.outages.timed import Known, TimedColumns

#: Rounds of prices before days are looked at again, and the share of the relaxation that they may lack.
_ROUNDS, _NEAR = 8, 3e-4
#: An outage on which works can ride in more numbers than this is priced as if no day's row were there.
_MOST_NUMBERS = 20_000


@dataclass(frozen=True)
class _Touched:
    """A row of a day, by its number, with the loads and weights of its members that an outage comes up to."""

    row: int
    members: tuple[tuple[Loads, float], ...]

    def weight(self, loads: Loads) -> float:
        """How much an outage with such loads counts."""
        return max((own for least, own in self.members if fits(least, loads)), default=0.0)


class CutColumns(TimedColumns):
    """Outages with their windows under rows of days, which come after all others."""

    def __init__(self, base: Columns, kept: Callable[[int, Place], bool]) -> None:
        super().__init__(base, kept)
        self.linear = len(self.low)
        sets = self.model.options.sets
        names = sorted(frozenset().union(*(outcome.blocked for outcome in sets)))
        section = {name: at for at, name in enumerate(names)}
        self.blocked = [frozenset(section[name] for name in outcome.blocked) for outcome in sets]
        self.begins = np.searchsorted(self.outage, np.arange(len(self.places) + 1))
        self._of_day: dict[int, list[int]] = {}
        for outage, (_, day) in enumerate(self.places):
            self._of_day.setdefault(day, []).append(outage)
        self.touched: dict[int, list[_Touched]] = {}
        self._riding: dict[int, dict[int, tuple[int, ...]]] = {}

    def limits(self, day: int) -> tuple[int, ...]:
        """The crews of a day by skill and half."""
        return tuple(self.month.crew(skill, day) for skill, _ in self.loads_of)

    def add(self, day: int, pack: Pack) -> int:
        """Hold a day to a pack; returns the row."""
        row = len(self.high)
        self.low, self.high = np.append(self.low, -math.inf), np.append(self.high, pack.most)
        members: dict[int, list[Member]] = {}
        for outage in self._of_day.get(day, ()):
            name = self.places[outage][0]
            if name not in members:
                members[name] = [one for one in pack.members if one.core <= self.blocked[name]]
            if members[name]:
                own = tuple((one.loads, one.weight) for one in members[name])
                self.touched.setdefault(outage, []).append(_Touched(row, own))
        return row

    def loads(self, column: Column) -> Loads:
        """The crews that an outage needs, by skill and half."""
        return tuple(self.bound_halves[list(column[2])].sum(axis=0).tolist())

    def weights(self, column: Column) -> Iterator[tuple[int, float]]:
        """The rows of its day that an outage counts in, and how much."""
        if column[0] in self.touched:
            loads = self.loads(column)
            for one in self.touched[column[0]]:
                if weight := one.weight(loads):
                    yield one.row, weight

    def weights_in(self, row: int, columns: Iterable[Column]) -> Iterator[tuple[Column, float]]:
        """Which of some outages count in the row that was added last, and how much."""
        for column in columns:
            own = self.touched.get(column[0])
            if own and own[-1].row == row and (weight := own[-1].weight(self.loads(column))):
                yield column, weight

    def packs(self, shares: Iterable[tuple[Column, float]]) -> list[tuple[int, Pack]]:
        """What each day of a relaxation breaks."""
        days: dict[int, dict[tuple[int, Loads], float]] = {}
        for column, share in shares:
            name, day = self.places[column[0]]
            kind = name, self.loads(column)
            own = days.setdefault(day, {})
            own[kind] = own.get(kind, 0.0) + share
        found = []
        for day, kinds in sorted(days.items()):
            present = [Present(self.blocked[name], loads, share) for (name, loads), share in kinds.items()]
            if (pack := broken(present, self.limits(day))) is not None:
                found.append((day, pack))
        return found

    def priced(self, prices: Floats) -> Priced:
        """As without rows of days, and beside it what these cost the outages that gain something."""
        low, high = self.low, self.high
        self.low, self.high = low[: self.linear], high[: self.linear]
        priced = super().priced(prices[: self.linear])
        self.low, self.high = low, high
        paid = np.where(np.isfinite(prices), np.minimum(prices, 0.0), 0.0)
        values, self._riding = priced.values, {}
        for outage in np.flatnonzero(values.min(axis=1, initial=math.inf) < -GAINS):
            rows = self.touched.get(int(outage), ())
            live = [(-float(paid[one.row]), one.members) for one in rows if paid[one.row] < 0]
            if live:
                self._exactly(int(outage), live, priced)
        least = np.zeros(len(priced.least))
        if len(self.places):
            np.minimum.at(least, self.clash, values.min(axis=1))
        earned = float((paid[self.linear :] * self.high[self.linear :]).sum())
        bound = priced.bound - float(priced.least.sum()) + float(least.sum()) + earned
        return replace(priced, bound=bound, least=least)

    def _exactly(
        self, outage: int, rows: Sequence[tuple[float, Sequence[tuple[Loads, float]]]], priced: Priced
    ) -> None:
        """The best works of an outage by level, going through how many of each kind ride. A level that gains
        nothing even without rows of days is left as it is."""
        begin, end = int(self.begins[outage]), int(self.begins[outage + 1])
        gain = priced.reduced[self.variable[begin:end]]
        order = [begin + int(at) for at in np.argsort(gain, kind="stable") if gain[at] < 0]
        limits = np.array(self.limits(self.places[outage][1]))
        needed = np.array([least for _, members in rows for least, _ in members]).any(axis=0)
        found = self._riding[outage] = {}
        lasting = 0.0
        for level in range(int(self.levels[outage])):
            lasting += float(priced.reduced[self.first[outage] + level])
            if priced.values[outage, level] >= -GAINS:
                continue
            riders = [rider for rider in order if self.level[rider] <= level]
            tight = needed | (self.bound_halves[riders].sum(axis=0) > limits)
            kinds: dict[tuple[int, ...], list[int]] = {}
            for rider in riders:
                kinds.setdefault(tuple(self.bound_halves[rider].tolist()), []).append(rider)
            # All of those ride that neither crews nor rows of days keep from it.
            sure = {kind: own for kind, own in kinds.items() if not tight[np.flatnonzero(kind)].any()}
            counted = {kind: own for kind, own in kinds.items() if kind not in sure}
            shape = tuple(len(own) + 1 for own in counted.values())
            if math.prod(shape) > _MOST_NUMBERS:
                continue
            numbers = np.indices(shape).reshape(len(shape), math.prod(shape))
            loads = np.array(list(counted), dtype=np.int64).reshape(len(shape), len(limits)).T @ numbers
            total = np.full(numbers.shape[1], lasting)
            taken = [rider for own in sure.values() for rider in own]
            total += gain[np.array(taken, dtype=np.int64) - begin].sum()
            for own, number in zip(counted.values(), numbers, strict=True):
                total += np.concatenate([[0.0], np.cumsum(gain[np.array(own) - begin])])[number]
            total[(loads > limits[:, None]).any(axis=0)] = math.inf
            for price, members in rows:
                total += price * _weights_of(loads, members)
            best = int(total.argmin())
            priced.values[outage, level] = total[best]
            chosen = zip(counted.values(), numbers[:, best], strict=True)
            found[level] = tuple(sorted([*taken, *(one for own, number in chosen for one in own[:number])]))

    def gaining(self, priced: Priced, least: float, most: int, a_work: int) -> Iterator[Column]:
        """As without rows of days, with the works that ride best under these."""
        for outage, level, riders in super().gaining(priced, least, most, a_work):
            yield outage, level, self._riding.get(outage, {}).get(level, riders)


class _CutMaster(Master):
    """The linear program, with a row for each pack."""

    columns: CutColumns

    def add(self, column: Column) -> bool:
        new = super().add(column)
        if new:
            for row, weight in self.columns.weights(column):
                self.rows[row].set_coefficient(self.known[column], weight)
        return new

    def add_row(self, row: int) -> None:
        """Take in a row that the columns have."""
        self.rows.append(self.model.add_linear_constraint(lb=-math.inf, ub=float(self.columns.high[row])))
        for column, weight in self.columns.weights_in(row, self.known):
            self.rows[row].set_coefficient(self.known[column], weight)


class Cutting:
    """Rounds of rows and prices over the places that a plan better than `value` could use. What is said holds
    for every plan: one that uses another place comes to `cutoff` at least."""

    def __init__(self, relaxed: Relaxed, warm: Warm, value: float) -> None:
        self.before, self.warm = relaxed, warm
        places = warm.columns.model.question.places
        beyond = max(0.0, value - relaxed.base)
        kept = {
            (work, place)
            for work, own in places.items()
            for place, extra in zip(own, relaxed.extras[work], strict=True)
            if extra < beyond
        }
        self.columns = CutColumns(warm.columns, lambda work, place: (work, place) in kept)
        left_out = [
            extra
            for work, own in places.items()
            for place, extra in zip(own, relaxed.extras[work], strict=True)
            if (work, place) not in kept
        ]
        self.cutoff = relaxed.base + min(left_out, default=math.inf)
        self.master = _CutMaster(self.columns)
        for known in warm.known:
            for column in self.columns.in_windows(warm.columns.placed(known)):
                self.master.add(column)
        self.steady = _longer(warm.prices, len(self.columns.low))
        self.best = self.columns.priced(self.steady)
        self.crowded: dict[int, None] = {}
        self.solved: float = math.inf

    @property
    def places(self) -> int:
        """How many places are open, each counted for each window."""
        return len(self.columns.work)

    def round(self, seconds: Callable[[], float]) -> bool:
        """Hold the days that break a pack to it, then price anew; False where nothing is broken, or `seconds`
        are over."""
        if self.solved < math.inf:
            packs = self.columns.packs(self.master.shares())
            if not packs:
                return False
            self.crowded.update(dict.fromkeys(day for day, _ in packs))
            for day, pack in packs:
                # What crowds one day would only move to the next.
                for other in self.crowded:
                    if self.columns.limits(other) == self.columns.limits(day):
                        self.master.add_row(self.columns.add(other, pack))
            self.steady = _longer(self.steady, len(self.columns.low))
            self.best = self.columns.priced(self.steady)
        for _ in range(_ROUNDS):
            found = self.master.solved(seconds())
            if found is None:
                return False
            self.solved, prices = found
            added = 0
            for tried in (STEADY * self.steady + (1 - STEADY) * prices, prices):
                priced = self.columns.priced(tried)
                if priced.bound > self.best.bound:
                    self.best, self.steady = priced, tried
                added = sum(map(self.master.add, self.columns.gaining(priced, GAINS, NEW, NEW_A_WORK)))
                if added:
                    break
            if not added or self.solved - self.best.bound <= _NEAR * abs(self.solved):
                break
        return True

    def outages(self, value: float) -> list[Known]:
        """The outages in the program that a plan of less than `value` could have, without their windows."""
        columns, best = self.columns, self.best
        found = dict[Known, None]()
        for column in self.master.known:
            extra = (
                float(best.reduced[columns.variables(column)].sum()) - best.least[columns.clash[column[0]]]
            )
            if best.bound + extra < value:
                found[columns.known(column)] = None
        return list(found)

    def relaxed(self) -> Relaxed:
        """What is known now: as before, where that was better."""
        before = self.before
        base = min(max(before.base, self.best.bound), self.cutoff)
        known = self.columns.extras(self.best) if self.best.bound >= base else {}
        raised, extras = base - before.base, {}
        for work, own in before.extras.items():
            more = known.get(work, (0.0,) * len(own))
            # Of a place that was not taken over, what was known before counts.
            extras[work] = tuple(
                max(0.0, min(max(one - raised, 0.0 if math.isinf(other) else other), self.cutoff - base))
                for one, other in zip(own, more, strict=True)
            )
        bound = max(before.bound, min(self.columns.floor(self.best), self.cutoff))
        return replace(before, bound=bound, base=base, extras=extras)


def _weights_of(loads: Numbers, members: Sequence[tuple[Loads, float]]) -> Floats:
    """What an outage counts with each of many loads, one a column."""
    weights = np.zeros(loads.shape[1])
    for least, weight in members:
        reached = np.ones(loads.shape[1], dtype=np.bool_)
        for at, load in enumerate(least):
            if load:
                reached &= loads[at] >= load
        weights[reached] = np.maximum(weights[reached], weight)
    return weights


def _longer(prices: Floats, length: int) -> Floats:
    return np.concatenate([prices, np.zeros(length - len(prices))])
