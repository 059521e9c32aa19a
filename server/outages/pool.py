"""A plan out of outages that the relaxation found worth having: of these, an integer program picks the best.

They are few, and priced against one another, so it is soon solved; and as it tells mornings from afternoons,
its days split. It bounds nothing: a better plan may need an outage that was not found.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from server.outages.columns import Columns
from server.outages.halves import Event, Step, live_step_of, step_of
from server.outages.instance import Part
from server.outages.ledger import Choice
from server.outages.model import values_of
from server.outages.options import LIVE, Place
from server.outages.packing import Demand
from server.outages.rest import limit_of
from server.outages.rows import Rows, Terms


@dataclass(frozen=True)
class Pool:
    """The program, with a `hint` for every variable; `outages` are the places and works of its first ones,
    `live` the works done live by variable."""

    rows: Rows
    hint: Mapping[int, int]
    works: Sequence[int]
    outages: Sequence[tuple[Place, tuple[int, ...]]]
    live: Mapping[int, tuple[int, Place]]

    def choice(self, values: Mapping[int, int]) -> Choice:
        """The choice that values come to."""
        choice: Choice = dict.fromkeys(self.works)
        for variable, (place, works) in enumerate(self.outages):
            if values[variable]:
                choice.update(dict.fromkeys(works, place))
        for variable, (work, place) in self.live.items():
            if values[variable]:
                choice[work] = place
        return choice


def pool_of(
    columns: Columns, outages: Iterable[tuple[Place, tuple[int, ...]]], choice: Choice, part: Part
) -> Pool:
    """The program over some outages and those of a choice; all that it costs counts as one part."""
    model, rows = columns.model, Rows()
    own = list(columns.of_choice(model.options, choice))
    every = list(dict.fromkeys([*own, *columns.of_outages(outages)]))
    terms: dict[int, Terms] = {}
    hint: dict[int, int] = {}

    def variable(name: int, origin: Iterable[int], most: int, value: int) -> int:
        made = rows.variable(name, most=most)
        cost, factors = columns.entries(origin)
        rows.cost(part, made, round(cost))
        for row, factor in factors.items():
            terms.setdefault(row, []).append((made, round(factor)))
        hint[made] = value
        return made

    for column in every:
        variable(len(hint), columns.variables(column), 1, int(column in own))
    values = values_of(model, choice)
    singles = {}
    for single in columns.single:
        one = int(single)
        singles[one] = variable(len(hint), [one], int(columns.most[one]), values[one])
    for row, own_terms in terms.items():
        low, high = columns.low[row], columns.high[row]
        rows.row(
            own_terms,
            low=None if math.isinf(low) else round(low),
            high=None if math.isinf(high) else round(high),
        )
    live = {
        singles[model.rides(work, place)]: (work, place)
        for work, places in model.question.places.items()
        for place in places
        if place[0] == LIVE
    }
    placed = [columns.placed(column) for column in every]
    _halves(columns, rows, hint, placed, live)
    return Pool(rows, hint, list(model.question.places), placed, live)


def _halves(
    columns: Columns,
    rows: Rows,
    hint: dict[int, int],
    outages: Sequence[tuple[Place, tuple[int, ...]]],
    live: Mapping[int, tuple[int, Place]],
) -> None:
    """What crews can do in each half of each day: a variable for each way of an outage or a live work."""
    month, options = columns.model.month, columns.model.options
    demands: dict[tuple[int, Demand], Terms] = {}

    def shared_out(variable: int, day: int, step: Step) -> None:
        ways = step[1]
        chosen = [(variable, 1)]
        if len(ways) != 1:
            chosen = [(rows.variable(variable, way), 1) for way in range(len(ways))]
            rows.row([*chosen, (variable, -1)], low=0, high=0)
        for at, ((one, _), way) in enumerate(zip(chosen, ways, strict=True)):
            # Which one does not matter to what it costs: the solver mends it.
            hint.setdefault(one, hint[variable] if at == 0 else 0)
            for name, count in way.demand.items():
                demands.setdefault((day, name), []).append((one, count))

    for variable, ((number, day), works) in enumerate(outages):
        step = step_of(month, day, Event(number, options.sets[number], works))
        shared_out(variable, day, step)
    for variable, (work, place) in live.items():
        shared_out(variable, place[1], live_step_of(month, place[1], work))
    for (day, (resource, _)), own in demands.items():
        rows.row(own, high=limit_of(month, resource, day))
