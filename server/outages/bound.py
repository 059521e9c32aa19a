"""A bound that no plan goes below, from the linear relaxation, however badly that was solved.

The solver's dual values need not be exact, nor even feasible: any multipliers of the rows give a bound, since
every variable lies between 0 and its most. So what is returned holds, and is merely lower where the solver
ran out of time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from server.outages.instance import Part
from server.outages.model import Model
from server.outages.rows import Rows


def relaxed_bound(model: Model, parts: Iterable[Part], *, seconds: float) -> float:
    """The bound of a model's relaxation, in weighted customer-minutes, found in so many seconds."""
    factors, besides = model.rows.objective(parts)
    if not factors or seconds <= 0:
        return float(besides)
    duals = _duals(model.rows, factors, seconds)
    return besides + max(0.0, math.ceil(safe(model.rows, factors, duals) - 1e-6))


def safe(rows: Rows, factors: dict[int, int], duals: list[float]) -> float:
    """The bound that multipliers of the rows give: what they earn at the rows' limits, and what each variable
    can take back of it between 0 and its most."""
    import numpy as np  # noqa: PLC0415

    reduced = np.zeros(len(rows.most))
    for variable, factor in factors.items():
        reduced[variable] = factor
    earned = 0.0
    for row, dual in zip(rows.rows, duals, strict=True):
        limit = row.low if dual > 0 else row.high
        if dual == 0 or limit is None or not math.isfinite(dual):
            continue
        earned += dual * limit
        for variable, factor in zip(row.variables, row.factors, strict=True):
            reduced[variable] -= dual * factor
    return earned + float(np.minimum(reduced * np.array(rows.most), 0.0).sum())


def _duals(rows: Rows, factors: dict[int, int], seconds: float) -> list[float]:
    from ortools.linear_solver.python import model_builder  # noqa: PLC0415

    linear = model_builder.Model()  # type: ignore[no-untyped-call]
    variables = [linear.new_num_var(0.0, float(most), "") for most in rows.most]
    made = [_row(model_builder, linear, variables, row) for row in rows.rows]
    linear.minimize(
        model_builder.LinearExpr.weighted_sum([variables[one] for one in factors], list(factors.values()))
    )
    solver = model_builder.Solver("PDLP")
    solver.set_time_limit_in_seconds(seconds)
    solver.solve(linear)
    return [solver.dual_value(one) for one in made]


def _row(model_builder: Any, linear: Any, variables: list[Any], row: Any) -> Any:
    terms = model_builder.LinearExpr.weighted_sum(
        [variables[one] for one in row.variables], list(row.factors)
    )
    low = -math.inf if row.low is None else row.low
    high = math.inf if row.high is None else row.high
    return linear.add_linear_constraint(terms, low, high)
