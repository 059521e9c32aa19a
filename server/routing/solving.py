"""Which calls in which order: an orienteering problem with time windows, given to CP-SAT.

The calls of most weight come on the route, then the shortest way decides. The solver is loaded when a route
is looked for, so that whoever only reads routes does without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from server.routing.model import Call, Day, Order, Route
from server.routing.timing import fitting, route_of, seconds


def find_route(order: Order) -> Route:
    """The best route that was found, with a reason for each call that is not on it."""
    calls = {call.id: call for call in order.calls}
    if len(calls) < len(order.calls):
        raise ValueError("a call comes twice")
    possible = list(fitting(order.day, order.calls))
    chosen, proven = _solved(order.day, possible, order.effort) if possible else ([], True)
    return route_of(order.day, calls, chosen, proven=proven)


def _solved(day: Day, calls: Sequence[Call], effort: float) -> tuple[list[str], bool]:
    """The ids of the calls on the route in their order, and whether none is better."""
    from ortools.sat.python import cp_model  # noqa: PLC0415

    model = cp_model.CpModel()
    stops: list[Call | None] = [None, *calls]
    begins = [_begin(model, day, call) for call in calls]
    arcs: list[tuple[int, int, Any]] = []
    cost: list[Any] = []
    spent: list[Any] = []
    longest = 0
    for here, start in enumerate(stops):
        for there, end in enumerate(stops):
            way = seconds(day, start, end)
            if start is not None and end is not None and here != there:
                earliest = _first(day, start) + start.stay_s + way
                if earliest > _last(day, end):
                    continue
            taken = model.new_bool_var("")
            arcs.append((here, there, taken))
            if here == there:
                continue
            longest = max(longest, way)
            cost.append(way * taken)
            spent.append((way + (start.stay_s if start else 0)) * taken)
            if start is not None and end is not None:
                after = begins[here - 1] + start.stay_s + way
                model.add(begins[there - 1] >= after).only_enforce_if(taken)
    # A call that leads to itself is left out; the start does if all are.
    model.add_circuit(arcs)
    # It follows from the rest, and no proof is found without it: ways and work are not longer than the day.
    model.add(cp_model.LinearExpr.sum(spent) <= day.ends_s - day.begins_s)
    worth = (len(stops) + 1) * longest + 1
    skipped = {here: taken for here, there, taken in arcs if here == there and here}
    cost += [worth * calls[here - 1].weight * taken for here, taken in skipped.items()]
    model.minimize(cp_model.LinearExpr.sum(cost))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.linearization_level = 2
    solver.parameters.max_deterministic_time = effort
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return [], False
    following = {here: there for here, there, taken in arcs if solver.value(taken)}
    chosen, here = [], following[0]
    while here != 0:
        chosen.append(calls[here - 1].id)
        here = following[here]
    return chosen, status == cp_model.OPTIMAL


def _begin(model: Any, day: Day, call: Call) -> Any:
    return model.new_int_var(_first(day, call), _last(day, call), "")


def _first(day: Day, call: Call) -> int:
    """When work at a call may begin at the earliest, coming from the start."""
    return max(day.begins_s + seconds(day, None, call), call.opens_s or 0)


def _last(day: Day, call: Call) -> int:
    """When it may begin at the latest, so that one is back in time."""
    last = day.ends_s - call.stay_s - seconds(day, call, None)
    return last if call.closes_s is None else min(last, call.closes_s)
