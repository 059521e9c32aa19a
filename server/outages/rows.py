"""A linear model in whole numbers, before it goes to a solver: variables by name, rows, an objective by part.

It goes to CP-SAT as it is, and without its wholeness to the solver of linear programs whose duals bound what
is too large for the other.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field

from server.outages.instance import Part

Name = tuple[Hashable, ...]
Terms = list[tuple[int, int]]


@dataclass(frozen=True)
class Row:
    """low <= sum of coefficient * variable <= high; None is no limit."""

    variables: tuple[int, ...]
    factors: tuple[int, ...]
    low: int | None
    high: int | None


@dataclass
class Rows:
    """Variables run from 0 to `most`, by number; `number` finds them by name. `costs` is each part's sum
    over variables."""

    number: dict[Name, int] = field(default_factory=dict)
    most: list[int] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    costs: dict[Part, Terms] = field(default_factory=dict)

    def variable(self, *name: Hashable, most: int = 1) -> int:
        """The variable of that name, made where there is none yet."""
        if name not in self.number:
            self.number[name] = len(self.most)
            self.most.append(most)
        return self.number[name]

    def row(
        self, terms: Iterable[tuple[int, int]], *, low: int | None = None, high: int | None = None
    ) -> None:
        """Add a row, unless no values could break it."""
        given = list(terms)
        least = sum(factor * self.most[one] for one, factor in given if factor < 0)
        largest = sum(factor * self.most[one] for one, factor in given if factor > 0)
        if (low is None or least >= low) and (high is None or largest <= high):
            return
        variables = tuple(one for one, _ in given)
        self.rows.append(Row(variables, tuple(factor for _, factor in given), low, high))

    def cost(self, part: Part, variable: int, cost: int) -> None:
        if cost:
            self.costs.setdefault(part, []).append((variable, cost))

    def objective(self, parts: Iterable[Part]) -> dict[int, int]:
        """The sum of some parts: factors by variable."""
        factors: dict[int, int] = {}
        for part in parts:
            for variable, cost in self.costs.get(part, ()):
                factors[variable] = factors.get(variable, 0) + cost
        return factors

    def value(self, parts: Iterable[Part], values: Mapping[int, int]) -> int:
        """What some parts come to for given values."""
        return sum(factor * values.get(one, 0) for one, factor in self.objective(parts).items())
