"""A bound that no plan goes below, from the linear relaxation, however badly that was solved.

The solver's dual values need not be exact, nor even feasible: any multipliers of the rows give a bound, since
every variable lies between 0 and its most. So what is returned holds, and is merely lower where the solver
ran out of time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import timedelta

from server.outages.instance import Part
from server.outages.model import Model
from server.outages.rows import Rows


def relaxed_bound(model: Model, parts: Iterable[Part], *, seconds: float | None) -> float:
    """The bound of a model's relaxation, in weighted customer-minutes, found in so many seconds, or in all
    that it takes."""
    factors = model.rows.objective(parts)
    if not factors or (seconds is not None and seconds <= 0):
        return 0.0
    duals = _duals(model.rows, factors, seconds)
    return max(0.0, math.ceil(safe(model.rows, factors, duals) - 1e-6))


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


def _duals(rows: Rows, factors: dict[int, int], seconds: float | None) -> list[float]:
    """Multipliers of the rows from a linear solver; zeros where it had no time for any."""
    from ortools.math_opt.python import mathopt  # noqa: PLC0415

    linear = mathopt.Model()
    variables = [linear.add_variable(lb=0.0, ub=float(most)) for most in rows.most]
    made = []
    for row in rows.rows:
        low = -math.inf if row.low is None else row.low
        high = math.inf if row.high is None else row.high
        constraint = linear.add_linear_constraint(lb=low, ub=high)
        for one, factor in zip(row.variables, row.factors, strict=True):
            constraint.set_coefficient(variables[one], factor)
        made.append(constraint)
    for one, factor in factors.items():
        linear.objective.set_linear_coefficient(variables[one], factor)
    limit = None if seconds is None else timedelta(seconds=seconds)
    parameters = mathopt.SolveParameters(time_limit=limit)
    # Of those that come along it is the quickest here: HiGHS 3 s, GLOP 9 s at 500 works, PDLP far behind.
    solutions = mathopt.solve(linear, mathopt.SolverType.HIGHS, params=parameters).solutions
    dual = solutions[0].dual_solution if solutions else None
    return [0.0 if dual is None else dual.dual_values[one] for one in made]
