"""Many things of few kinds, each done in one of its ways, within limits: an integer program.

How many of a kind go which way is all that matters, so a day of two hundred outages is a model of some dozen
whole numbers. The solver is loaded when it is needed, as in `solving.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from server.outages.instance import Half

#: A skill, or a group of works that one crew does, in a half of the day.
Demand = tuple[str, Half]
#: The ways of a thing: what each demands, how much of it, and what it costs.
Kind = tuple[tuple[tuple[tuple[Demand, int], ...], int], ...]


def packed(things: Mapping[Kind, int], limits: Mapping[Demand, int]) -> dict[Kind, list[int]] | None:
    """How many of each kind go each of its ways, at the least cost; None where they do not fit. The same
    again for the same things in the same order."""
    from ortools.sat.python import cp_model  # noqa: PLC0415

    model = cp_model.CpModel()
    counts: dict[Kind, list[cp_model.IntVar]] = {}
    for kind, number in things.items():
        counts[kind] = [model.new_int_var(0, number, "") for _ in kind]
        model.add(cp_model.LinearExpr.sum(counts[kind]) == number)
    for name, limit in limits.items():
        used = [
            count * amount
            for kind, own in counts.items()
            for (demand, _), count in zip(kind, own, strict=True)
            for other, amount in demand
            if other == name
        ]
        model.add(cp_model.LinearExpr.sum(used) <= limit)
    model.minimize(
        cp_model.LinearExpr.sum(
            [
                count * cost
                for kind, own in counts.items()
                for (_, cost), count in zip(kind, own, strict=True)
                if cost
            ]
        )
    )
    solver = cp_model.CpSolver()
    # One worker, and no limit of time: whether a day packs depends on no clock.
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    if solver.solve(model) != cp_model.OPTIMAL:
        return None
    return {kind: [solver.value(count) for count in own] for kind, own in counts.items()}
