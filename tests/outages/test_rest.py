"""A model of some works with the rest held says of them what the model of all works says."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from server.outages.measure import costs_of, total
from server.outages.model import Question, build, choice_of, values_of, whole
from server.outages.month import make_month
from server.outages.neighbours import open_places
from server.outages.options import make_options
from server.outages.rest import Rest
from server.outages.search import search
from server.outages.solving import solve
from server.outages.task import Task
from server.outages.watch import Watcher
from tests.outages.demo import LIMITS, demo
from tests.outages.months import tiny


@pytest.mark.parametrize("seed", range(0, 240, 4))
@pytest.mark.parametrize("exact", [False, True])
def test_the_best_places_of_some_works_are_found_without_those_that_stay(seed: int, exact: bool) -> None:
    month = make_month(*(demo() if seed % 24 == 0 else tiny(seed)))
    options, chance = make_options(month), random.Random(seed)
    parts, days = month.instance.objective.stages[0], frozenset(range(len(month.days)))
    asked = replace(whole(month, options), exact=days if exact else frozenset())
    choice = search(month, options, replace(LIMITS, gap=0.5)).choice
    value = total(costs_of(month, options, choice), parts)
    asked = replace(
        asked, caps=((("lateness",), costs_of(month, options, choice)["lateness"]), (parts, value))
    )
    task = Task(month, options, asked, parts, choice, Watcher(LIMITS, None))
    freed = frozenset(chance.sample(range(len(month.works)), len(month.works) // 2))

    places = open_places(task, freed, float("inf"))
    rest = {work: place for work, place in choice.items() if work not in places}
    held = {work: (place,) if place else () for work, place in choice.items() if work not in freed}
    may = frozenset(freed | {work for work, place in choice.items() if place is None})
    few = replace(asked, places=places, may=may & places.keys(), rest=Rest(month, options, rest))
    every = {**held, **places}
    all_ = replace(asked, places=dict(sorted(every.items())), may=may)

    found = [_solved(task, question) for question in (few, all_)]
    spent = total(costs_of(month, options, rest), parts)
    assert found[0] + spent == found[1] <= value


def _solved(task: Task, question: Question) -> int:
    """What its best choice comes to; the present one, as values, keeps every row and tells its own cost."""
    month, options, parts = task.month, task.options, task.parts
    model = build(month, options, question)
    values = values_of(model, task.choice)
    for row in model.rows.rows:
        reached = sum(factor * values[one] for one, factor in zip(row.variables, row.factors, strict=True))
        assert row.low is None or reached >= row.low
        assert row.high is None or reached <= row.high
    out = {} if question.rest is None else question.rest.choice
    told = model.rows.value(parts, values) + total(costs_of(month, options, out), parts)
    assert told == total(costs_of(month, options, task.choice), parts)
    solved = solve(model.rows, parts, values, LIMITS, seconds=60, effort=60)
    assert solved.values is not None
    assert solved.status == "optimal"
    chosen = {**task.choice, **choice_of(model, solved.values)}
    assert total(costs_of(month, options, chosen), parts) == model.rows.value(parts, solved.values) + total(
        costs_of(month, options, out), parts
    )
    return model.rows.value(parts, solved.values)
