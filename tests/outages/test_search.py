"""A search is any-time, can be ended, repeats itself, and its bounds hold whatever way it takes."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from server.outages.balancing import balance, first_plan, widened
from server.outages.checking import check
from server.outages.greedy import merged
from server.outages.instance import Objective
from server.outages.measure import costs_of, total
from server.outages.model import build, values_of, whole
from server.outages.month import make_month
from server.outages.options import carried_over, make_options
from server.outages.plan import Plan
from server.outages.search import search
from server.outages.solving import Limits
from server.outages.watch import Step
from tests.outages.demo import LIMITS, demo, demo_plan
from tests.outages.months import tiny

PIECES = Limits(seconds=60, workers=1, whole_places=-1, piece_seconds=1.0, effort=3.0)


@pytest.mark.parametrize("seed", range(0, 240, 8))
def test_neighbourhoods_keep_every_rule_and_their_bound_holds(seed: int) -> None:
    instance, network = tiny(seed)
    best = balance(instance, network, limits=LIMITS)
    pieces = balance(instance, network, limits=PIECES)
    assert check(instance, network, pieces) == ()
    assert pieces.proof.method == "neighbourhoods"
    assert pieces.proof.stages[0].bound <= best.proof.stages[0].value + 1e-6
    assert pieces.proof.stages[0].value >= best.proof.stages[0].value - 1e-6
    month = make_month(instance, network)
    options = make_options(month)
    start = total(costs_of(month, options, merged(month, options)), instance.objective.stages[0])
    assert pieces.proof.stages[0].value * 60 <= start + 1e-6


@pytest.mark.parametrize("seed", range(0, 240, 12))
def test_a_choice_as_values_keeps_every_row_and_costs_the_same(seed: int) -> None:
    """The hint names every variable, so the solver has a plan at once."""
    instance, network = tiny(seed)
    month = make_month(instance, network)
    options = make_options(month)
    choice = search(month, options, LIMITS).choice
    asked = replace(whole(month, options), exact=frozenset(range(len(month.days))))
    model = build(month, options, asked)
    values = values_of(model, choice)
    assert set(values) == set(range(len(model.rows.most)))
    for row in model.rows.rows:
        reached = sum(factor * values[one] for one, factor in zip(row.variables, row.factors, strict=True))
        assert row.low is None or reached >= row.low
        assert row.high is None or reached <= row.high
    parts = instance.objective.stages[0]
    assert model.rows.value(parts, values) == total(costs_of(month, options, choice), parts)


@pytest.mark.parametrize("seed", range(0, 240, 8))
def test_a_first_plan_of_single_places_stands_by_itself_and_costs_the_search_nothing(seed: int) -> None:
    """Ended at once it is the plan; taken over into all options it keeps every rule and is no worse."""
    instance, network = tiny(seed)
    large = replace(LIMITS, warm_works=0)
    ended = balance(instance, network, limits=large, progress=lambda step: False)
    assert ended.proof.status in ("cancelled", "empty", "optimal")
    assert check(instance, network, ended) == ()
    month = make_month(instance, network)
    few, first = first_plan(month, large)
    options, start = widened(month, few, first, large)
    parts = instance.objective.stages[0]
    for work, place in start.items():
        assert place is None or place in options.places[work]
    kept = carried_over(first, few, options)
    assert all(start[work] == place for work, place in kept.items() if place is not None)
    assert total(costs_of(month, options, start), parts) <= total(costs_of(month, few, first), parts)
    whole_ = balance(instance, network, limits=large)
    assert check(instance, network, whole_) == ()
    best = balance(instance, network, limits=LIMITS)
    assert whole_.proof.stages[0].value == pytest.approx(best.proof.stages[0].value)


def test_it_tells_of_every_better_plan_and_can_be_ended() -> None:
    instance, network = demo()
    steps: list[Step] = []

    def heard(step: Step) -> bool:
        steps.append(step)
        return len(steps) < 2

    plan = balance(instance, network, limits=LIMITS, progress=heard)
    assert len(steps) == 2
    assert plan.proof.status == "cancelled"
    assert check(instance, network, plan) == ()

    steps.clear()

    def kept(step: Step) -> bool:
        steps.append(step)
        return True

    balance(instance, network, limits=LIMITS, progress=kept)
    assert [one.value for one in steps] == sorted((one.value for one in steps), reverse=True)
    assert [one.bound for one in steps] == sorted(one.bound for one in steps)
    assert steps[-1].bound == pytest.approx(steps[-1].value)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_search_ended_by_effort_repeats_itself(workers: int) -> None:
    limits = Limits(effort=2.0, workers=workers, seed=7)

    def made() -> Plan:
        plan = balance(*demo(), limits=limits)
        return msgspec.structs.replace(plan, proof=msgspec.structs.replace(plan.proof, seconds=0.0))

    assert made() == made()


def test_stages_come_one_after_the_other() -> None:
    """No work is left out for hours, and no hour is given for lateness."""
    instance, network = demo()
    stages = (("unplaced",), ("hours", "repeats", "live"), ("lateness",))
    asked = msgspec.structs.replace(instance, objective=Objective(stages=stages))  # type: ignore[arg-type]
    plan = balance(asked, network, limits=LIMITS)
    assert plan.proof.status == "optimal"
    assert [one.parts for one in plan.proof.stages] == list(stages)
    assert check(asked, network, plan) == ()
    weighted = demo_plan().parts
    assert plan.parts.hours + plan.parts.repeats + plan.parts.live <= (
        weighted.hours + weighted.repeats + weighted.live + 1e-6
    )


def test_a_month_without_works_has_an_empty_plan() -> None:
    instance, network = demo()
    idle = msgspec.structs.replace(instance, works=())
    plan = balance(idle, network, limits=LIMITS)
    assert (plan.proof.status, plan.outages, plan.unplaced) == ("empty", (), ())
    assert check(idle, network, plan) == ()


@pytest.mark.parametrize("seed", range(0, 240, 24))
def test_a_plan_stands_however_little_time_there_is(seed: int) -> None:
    """What is reckoned before counts into the search's seconds; where none are left, the first plan is it."""
    instance, network = tiny(seed)
    late, heard = iter(range(0, 10**6, 100)), list[Step]()
    short = replace(LIMITS, seconds=1.0, warm_works=0, clock=lambda: float(next(late)))

    def hear(step: Step) -> bool:
        heard.append(step)
        return True

    plan = balance(instance, network, limits=short, progress=hear)
    assert check(instance, network, plan) == ()
    assert plan.proof.status in ("feasible", "empty", "optimal")
    assert [one.seconds for one in heard] == sorted(one.seconds for one in heard)
