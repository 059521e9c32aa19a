"""Whole outages with their windows: columns that know the half of the day for which each work binds its crew.

An outage of a whole day has all its works begin in the morning, one of half a day those of one half: what
crews do in the morning and in the afternoon couples outages by rows of its own here, where the columns that
these are made from have one row for both. Only places that a better plan could use are taken over.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from server.outages.columns import Column, Columns, Numbers, Priced, clash_of, whole_numbers
from server.outages.instance import HALVES, WINDOWS, Half, Window
from server.outages.interruption import Outcome
from server.outages.month import Month
from server.outages.options import LIVE, Place
from server.outages.rest import Resource, limit_of, resources

#: An outage's set, day and window.
Timed = tuple[int, int, Window]
#: An outage, and the works on it.
Known = tuple[Place, tuple[int, ...]]


@dataclass
class _Ways:
    """What works can do on outages, reckoned once for all days with the same open windows."""

    month: Month
    _windows: dict[tuple[int, int, frozenset[Window]], tuple[Window, ...]] = field(default_factory=dict)
    _binds: dict[tuple[int, int, Window], tuple[Half, ...]] = field(default_factory=dict)

    def windows(self, work: int, outcome: Outcome, place: Place) -> tuple[Window, ...]:
        key = (work, place[0], self.month.open[place[1]])
        if key not in self._windows:
            self._windows[key] = self.month.allowed(work, outcome, place[1])
        return self._windows[key]

    def binds(self, work: int, outcome: Outcome, number: int, window: Window) -> tuple[Half, ...]:
        key = (work, number, window)
        if key not in self._binds:
            self._binds[key] = self.month.binds(work, outcome, window)
        return self._binds[key]


class TimedColumns(Columns):
    """Made from columns without windows: `base` has the rows that both have, `kept` tells the places taken
    over. `timed` are its outages with their windows, `origin` is what a variable is there; `bound_halves` by
    rider are the loads of skills by half, in the order of `loads_of`."""

    def __init__(self, base: Columns, kept: Callable[[int, Place], bool]) -> None:
        self.base, self.model, self.month = base, base.model, base.model.month
        self.ways = _Ways(self.month)
        riders = self._riders_by_window(kept)
        skills = {name: at for at, name in enumerate(sorted({work.skill for work in self.month.works}))}
        self.skills, self.loads_of = max(1, len(skills)), [(one, half) for one in skills for half in HALVES]
        load_at = {name: at for at, name in enumerate(self.loads_of)}
        number, levels_of = self.model.rows.number, self.model.levels
        singles = [int(one) for one in base.single]
        self.single: Numbers = np.arange(len(singles), dtype=np.int64)
        self._single_at = {variable: at for at, variable in enumerate(singles)}
        origin, rows = list(singles), dict[tuple[Resource, int, Half], int]()
        first, levels, table = [], [], []
        beyond: list[tuple[int, int]] = []
        for outage, ((name, day, window), works) in enumerate(riders.items()):
            place, outcome = (name, day), self.model.options.sets[name]
            durations = levels_of[place]
            first.append(len(origin))
            levels.append(1 + max(durations.index(self.month.works[work].minutes) for work in works))
            origin += [number["z", *place, level] for level in range(levels[-1])]
            for work in works:
                own = self.month.works[work]
                halves = self.ways.binds(work, outcome, name, window)
                for resource in resources(self.month, work, place):
                    for half in halves:
                        row = rows.setdefault((resource, day, half), len(rows))
                        beyond.append((len(origin), row))
                level, limit = durations.index(own.minutes), self.month.crew(own.skill, day)
                bits = sum(1 << load_at[own.skill, half] for half in halves)
                table.append((outage, skills[own.skill], level, work, len(origin), limit, bits))
                origin.append(number["x", work, *place])
        self.timed = tuple(riders)
        self.places = tuple((name, day) for name, day, _ in self.timed)
        self.first, self.levels = whole_numbers(first), whole_numbers(levels)
        self.clash = clash_of(self.model.options, self.places)
        sorted_ = np.array(sorted(table), dtype=np.int64).reshape(-1, 7)
        self.outage, self.skill, self.level, self.work, self.variable, self.limit, bits_ = sorted_.T
        self.bound_halves: Numbers = (bits_[:, None] >> np.arange(len(self.loads_of))) & 1
        self.origin = whole_numbers(origin)
        self.cost, self.most = base.cost[self.origin], base.most[self.origin]
        limits = [limit_of(self.month, resource, day) for resource, day, _ in rows]
        self.low = np.concatenate([base.low, np.full(len(rows), -math.inf)])
        self.high = np.concatenate([base.high, np.array(limits, dtype=np.float64)])
        self._entries_of(beyond)
        self._rider = {
            (int(work), int(outage)): at
            for at, (work, outage) in enumerate(zip(self.work, self.outage, strict=True))
        }
        self._at = {place: at for at, place in enumerate(self.timed)}

    def _riders_by_window(self, kept: Callable[[int, Place], bool]) -> dict[Timed, list[int]]:
        """By outage and window the works that can ride. A whole day for works that could all as well be done
        in the morning, binding no less, is left out."""
        found: dict[Timed, list[int]] = {}
        for work, places in self.model.question.places.items():
            for place in places:
                if place[0] != LIVE and kept(work, place):
                    for window in self.ways.windows(work, self.model.options.sets[place[0]], place):
                        found.setdefault((*place, window), []).append(work)
        for timed in [one for one in found if one[2] == "day"]:
            if all(self._as_morning(work, timed[:2]) for work in found[timed]):
                del found[timed]
        return dict(sorted(found.items()))

    def _as_morning(self, work: int, place: Place) -> bool:
        outcome = self.model.options.sets[place[0]]
        if "morning" not in self.ways.windows(work, outcome, place):
            return False
        return self.ways.binds(work, outcome, place[0], "day") == ("morning",)

    def _entries_of(self, beyond: list[tuple[int, int]]) -> None:
        """Rows by variable: those of its origin, and the halves that a rider binds."""
        base, origin = self.base, self.origin
        counts = base.starts[origin + 1] - base.starts[origin]
        before = np.cumsum(counts) - counts
        taken = np.repeat(base.starts[origin] - before, counts) + np.arange(int(counts.sum()))
        more = np.array(beyond, dtype=np.int64).reshape(-1, 2)
        of = np.concatenate([np.repeat(np.arange(len(origin)), counts), more[:, 0]])
        row = np.concatenate([base.row[taken], len(base.low) + more[:, 1]])
        factor = np.concatenate([base.factor[taken], np.ones(len(more))])
        order = np.argsort(of, kind="stable")
        self.of, self.row, self.factor = of[order], row[order], factor[order]
        self.starts = np.searchsorted(self.of, np.arange(len(origin) + 1))

    def in_windows(self, known: Known) -> list[Column]:
        """An outage in every window in which all its works can ride; none without works, which costs more."""
        place, works = known
        found = []
        for window in WINDOWS if works else ():
            outage = self._at.get((*place, window))
            if outage is None or any((work, outage) not in self._rider for work in works):
                continue
            riders = tuple(sorted(self._rider[work, outage] for work in works))
            found.append((outage, max(int(self.level[one]) for one in riders), riders))
        return found

    def known(self, column: Column) -> Known:
        """An outage without its window."""
        outage, _, riders = column
        return self.places[outage], tuple(sorted(int(self.work[one]) for one in riders))

    def extras(self, priced: Priced) -> dict[int, tuple[float, ...]]:
        """As without windows, the least of all windows; without end for places that were not taken over."""
        own: dict[tuple[int, Place], float] = {}
        for work, place, extra in self._extras(priced):
            own[work, place] = min(own.get((work, place), math.inf), extra)
        return {
            work: tuple(own.get((work, place), math.inf) for place in places)
            for work, places in self.model.question.places.items()
        }

    def _done_live(self, work: int, place: Place) -> int:
        return self._single_at[self.model.rides(work, place)]
