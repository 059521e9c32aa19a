"""What the relaxation does is dealt out as a plan that keeps every rule."""

from __future__ import annotations

import pytest

from server.outages.bound import relaxed
from server.outages.checking import check
from server.outages.dealing import dealt
from server.outages.greedy import merged
from server.outages.measure import costs_of, total
from server.outages.model import whole
from server.outages.month import make_month
from server.outages.options import make_options
from server.outages.plan import Proof, Stage
from server.outages.planning import write_plan
from tests.outages.demo import demo
from tests.outages.months import tiny


@pytest.mark.parametrize("seed", range(0, 240, 4))
def test_a_dealt_plan_keeps_every_rule_and_lies_above_the_bound(seed: int) -> None:
    instance, network = demo() if seed % 24 == 0 else tiny(seed)
    month = make_month(instance, network)
    options, parts = make_options(month), instance.objective.stages[0]
    found = relaxed(month, options, whole(month, options), parts, merged(month, options), seconds=None)
    assert all(0 < share <= 1 + 1e-6 for share, _, _ in found.outages)
    assert all(place in options.places[work] for _, place, works in found.outages for work in works)

    choice = dealt(month, options, found.outages, dict(enumerate(options.places)))

    value = total(costs_of(month, options, choice), parts)
    assert value >= found.bound
    stage = Stage(parts=parts, value=value / 60, bound=found.bound / 60)
    gap = 0.0 if value == 0 else (value - found.bound) / value
    proof = Proof(
        status="feasible",
        stages=(stage,),
        gap=gap,
        seconds=0.0,
        method="neighbourhoods",
        sections_per_outage=instance.rules.sections_per_outage,
        seed=0,
        workers=1,
    )
    assert check(instance, network, write_plan(month, options, choice, proof)) == ()


def test_outages_that_the_relaxation_has_whole_are_in_the_plan() -> None:
    instance, network = demo()
    month = make_month(instance, network)
    options, parts = make_options(month), instance.objective.stages[0]
    found = relaxed(month, options, whole(month, options), parts, merged(month, options), seconds=None)
    choice = dealt(month, options, found.outages, dict(enumerate(options.places)))
    certain = [(place, works) for share, place, works in found.outages if share > 1 - 1e-6]
    assert certain
    for place, works in certain:
        assert all(choice[work] == place for work in works)
