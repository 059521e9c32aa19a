"""What the search calls optimal is the best that trying everything finds, on many small months."""

from __future__ import annotations

import pytest

from server.outages.measure import costs_of, total
from server.outages.month import make_month
from server.outages.options import make_options
from server.outages.search import search
from server.outages.solving import Limits
from tests.outages.brute import Brute
from tests.outages.months import tiny

LIMITS = Limits(seconds=60, workers=1)


@pytest.mark.parametrize("seed", range(240))
def test_the_search_finds_what_trying_everything_finds(seed: int) -> None:
    instance, network = tiny(seed)
    month = make_month(instance, network)
    options = make_options(month)
    found = search(month, options, LIMITS)
    stage = found.stages[0]
    assert stage.value == Brute(instance, network).solve(), seed
    assert stage.bound == pytest.approx(stage.value)
    assert total(costs_of(month, options, found.choice), stage.parts) == stage.value
