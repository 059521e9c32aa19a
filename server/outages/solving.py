"""Rows handed to CP-SAT, and how it is run.

The solver is loaded when something is solved, so that whoever only reads plans does without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from server.outages.instance import Part
from server.outages.rows import Rows

#: Told the value of every better plan, infinite where only the bound is better, and the bound; False ends it.
Watch = Callable[[float, float], bool]
#: Told the values of every plan that is better; False ends the search.
Seen = Callable[[dict[int, int]], bool]


@dataclass(frozen=True)
class Limits:
    """How long a search may take, and how it is run.

    `seconds` of wall clock; with `effort`, the solver's own measure of work (about a second each) ends it
    instead, and the same instance, seed and workers give the same plan on any machine. `gap` ends it once the
    plan is proven that near to the best.

    With more than `warm_works` that could be in several places, up to `bound_share` of the time goes to a
    bound, which ends within `bound_gap` of what it can be, in parts of up to `bound_works`. In a single part
    the best plan of the outages found is looked for, each time for `pool_seconds`, and up to `cut_share` of
    what is left goes to the bound again, held to what days can have at once, in up to `cut_rounds` rounds,
    where a better plan could use no more than `cut_places` and more than `cut_least`. Then `warm_share` of
    what is left goes to neighbourhoods, each for `piece_seconds`, or less after `patience` of them without
    anything better. They begin with `near_places` for each work. The rest goes to the model of all places
    that a better plan could use, once those are no more than `whole_places`, until then to neighbourhoods. A
    plan that cannot be split into halves of days is mended at once, and the model told of those days after
    `split_share` of the time.
    """

    seconds: float = 60.0
    workers: int = 2
    seed: int = 0
    effort: float | None = None
    gap: float = 0.0
    bound_share: float = 0.5
    bound_gap: float = 0.002
    bound_works: int = 1_500
    pool_seconds: float = 6.0
    cut_share: float = 0.6
    cut_rounds: int = 12
    cut_places: int = 120_000
    cut_least: int = 1_000
    warm_works: int = 25
    warm_share: float = 0.4
    patience: int = 30
    piece_seconds: float = 3.0
    near_places: int = 15
    whole_places: int = 8_000
    split_share: float = 0.1
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class Solved:
    """`values` by variable, None where none were found; nothing lies below `bound`."""

    values: dict[int, int] | None
    bound: float
    status: Literal["optimal", "feasible", "unknown", "impossible"]


def solve(
    rows: Rows,
    parts: Iterable[Part],
    hint: Mapping[int, int],
    limits: Limits,
    *,
    seconds: float,
    effort: float | None = None,
    watch: Watch | None = None,
    seen: Seen | None = None,
) -> Solved:
    """The values that make some parts of the objective least."""
    from ortools.sat.python import cp_model  # noqa: PLC0415

    model = cp_model.CpModel()
    variables = [
        model.new_bool_var("") if most == 1 else model.new_int_var(0, most, "") for most in rows.most
    ]
    for row in rows.rows:
        _add(cp_model, model, [variables[one] for one in row.variables], row.factors, row.low, row.high)
    factors = rows.objective(parts)
    terms = cp_model.LinearExpr.weighted_sum([variables[one] for one in factors], list(factors.values()))
    model.minimize(terms)
    for number, value in hint.items():
        model.add_hint(variables[number], value)
    solver = cp_model.CpSolver()
    _set(solver.parameters, limits, seconds, effort)
    if watch is not None:
        solver.best_bound_callback = _bound_callback(watch, solver)
    status = solver.solve(model, _callback(cp_model, variables, watch, seen))
    if status == cp_model.INFEASIBLE:
        return Solved(None, float("inf"), "impossible")
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Solved(None, solver.best_objective_bound, "unknown")
    values = {number: solver.value(one) for number, one in enumerate(variables)}
    found: Literal["optimal", "feasible"] = "optimal" if status == cp_model.OPTIMAL else "feasible"
    return Solved(values, solver.best_objective_bound, found)


def _add(
    cp_model: Any, model: Any, own: list[Any], factors: tuple[int, ...], low: int | None, high: int | None
) -> None:
    ones = all(factor == 1 for factor in factors)
    if ones and low == 1 and high == 1:
        model.add_exactly_one(own)
    elif ones and low is None and high == 1 and len(own) > 1:
        model.add_at_most_one(own)
    else:
        terms = cp_model.LinearExpr.weighted_sum(own, list(factors))
        least = cp_model.INT32_MIN * 2**20 if low is None else low
        most = cp_model.INT32_MAX * 2**20 if high is None else high
        model.add_linear_constraint(terms, least, most)


def _set(parameters: Any, limits: Limits, seconds: float, effort: float | None) -> None:
    parameters.random_seed = limits.seed
    parameters.num_workers = limits.workers
    parameters.relative_gap_limit = limits.gap
    if effort is None:
        parameters.max_time_in_seconds = max(0.01, seconds)
    else:
        parameters.max_deterministic_time = max(0.01, effort)
        # Otherwise the order in which threads answer decides.
        parameters.interleave_search = limits.workers > 1
    if limits.workers > 1:
        # Of few workers none would have the strong relaxation, which is what proves anything here.
        parameters.ignore_subsolvers.append("default_lp")
        parameters.extra_subsolvers.append("max_lp")
    else:
        parameters.linearization_level = 2


def _bound_callback(watch: Watch, solver: Any) -> Callable[[float], None]:
    def heard(bound: float) -> None:
        if not watch(float("inf"), bound):
            solver.stop_search()

    return heard


def _callback(cp_model: Any, variables: list[Any], watch: Watch | None, seen: Seen | None) -> Any:
    if watch is None and seen is None:
        return None

    class Watcher(cp_model.CpSolverSolutionCallback):  # type: ignore[misc]
        def on_solution_callback(self) -> None:
            more = watch is None or watch(self.objective_value, self.best_objective_bound)
            if more and seen is not None:
                more = seen({number: self.value(one) for number, one in enumerate(variables)})
            if not more:
                self.stop_search()

    return Watcher()
