"""The bound lies below every plan whatever the prices, and what a place costs beyond it is never too much."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.outages.bound import Relaxed, relaxed
from server.outages.columns import Columns
from server.outages.greedy import merged
from server.outages.instance import Part
from server.outages.model import build, whole
from server.outages.month import Month, make_month
from server.outages.options import LIVE, Options, make_options
from server.outages.parts import parts_of
from server.outages.search import search
from server.outages.solving import Limits
from tests.outages.brute import Brute
from tests.outages.demo import LIMITS, demo
from tests.outages.months import tiny

PRICES = st.floats(-1e6, 1e6) | st.sampled_from((0.0, math.inf, -math.inf, math.nan))


@cache
def month_of(seed: int) -> tuple[Month, Options, tuple[Part, ...], int]:
    """A tiny month with the cost of its best plan, by trying everything."""
    instance, network = tiny(seed)
    month = make_month(instance, network)
    return month, make_options(month), instance.objective.stages[0], Brute(instance, network).solve()


def bounded(month: Month, options: Options, parts: tuple[Part, ...], seconds: float | None = None) -> Relaxed:
    return relaxed(month, options, whole(month, options), parts, merged(month, options), seconds=seconds)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 239), st.lists(PRICES, min_size=1, max_size=12))
def test_any_prices_give_a_bound(seed: int, cycle: list[float]) -> None:
    month, options, parts, best = month_of(seed)
    columns = Columns(build(month, options, whole(month, options), blocks=False), parts)
    priced = columns.priced(np.resize(np.array(cycle), len(columns.low)))
    assert columns.floor(priced) <= best


@pytest.mark.parametrize("seed", range(0, 240, 6))
def test_the_bound_lies_below_what_trying_everything_finds(seed: int) -> None:
    month, options, parts, best = month_of(seed)
    assert bounded(month, options, parts).bound <= best
    assert bounded(month, options, parts, seconds=0.0).bound <= best


@pytest.mark.parametrize("seed", range(0, 240, 6))
def test_so_does_the_sum_of_the_bounds_of_parts(seed: int) -> None:
    month, options, parts, best = month_of(seed)
    every, start = whole(month, options), merged(month, options)
    found = relaxed(month, options, every, parts, start, seconds=None, most=1)
    assert found.bound <= best
    assert {work: len(extras) for work, extras in found.extras.items()} == {
        work: len(places) for work, places in every.places.items()
    }
    in_parts = Limits(seconds=60, workers=1, warm_works=0, near_places=1, bound_works=1)
    assert search(month, options, in_parts).stages[0].value == best


@pytest.mark.parametrize("seed", range(0, 240, 12))
def test_parts_that_there_is_no_time_for_or_that_nobody_wants_are_bounded_by_nothing(seed: int) -> None:
    month, options, parts, best = month_of(seed)
    every, start = whole(month, options), merged(month, options)
    late = relaxed(month, options, every, parts, start, seconds=0.0, most=1)
    assert (late.bound, set().union(*late.extras.values())) == (0.0, {0.0} if any(options.places) else set())
    heard: list[float] = []

    def ended(bound: float) -> bool:
        heard.append(bound)
        return False

    given_up = relaxed(month, options, every, parts, start, seconds=None, most=1, heard=ended)
    assert given_up.bound <= best
    assert len(heard) <= 1
    for found in (late, given_up):
        assert {work: len(own) for work, own in found.extras.items()} == {
            work: len(places) for work, places in every.places.items()
        }


def test_parts_keep_together_what_could_share_an_outage() -> None:
    month = make_month(*demo())
    options = make_options(month)
    every = whole(month, options)
    assert parts_of(options, every, len(every.places)) == [list(every.places)]
    for most in (1, 4, 8):
        parts = parts_of(options, every, most)
        assert sorted(work for part in parts for work in part) == sorted(every.places)
        sets = [{number for work in part for number, _ in every.places[work]} - {LIVE} for part in parts]
        assert sum(map(len, sets)) == len(set().union(*sets))
    assert len(parts_of(options, every, 1)) > len(parts_of(options, every, 8)) > 1


def test_the_bound_is_near() -> None:
    """On the demo month within a twentieth of the best plan, on most tiny months it is the best plan."""
    month = make_month(*demo())
    options, parts = make_options(month), month.instance.objective.stages[0]
    assert bounded(month, options, parts).bound >= 0.95 * search(month, options, LIMITS).stages[0].value
    months = [month_of(seed) for seed in range(0, 240, 6)]
    assert sum(bounded(*own).bound >= best - 1 for *own, best in months) > len(months) / 2  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(0, 240, 10))
def test_no_plan_with_a_work_at_a_place_costs_less_than_said(seed: int) -> None:
    month, options, parts, _ = month_of(seed)
    found = bounded(month, options, parts)
    every = whole(month, options)
    for work, places in every.places.items():
        for place, extra in zip(places, found.extras[work], strict=True):
            forced = replace(every, places={**every.places, work: (place,)}, may=every.may - {work})
            start = dict.fromkeys(every.places)
            best = search(month, options, LIMITS, question=forced, start=start)
            # Elsewhere no plan has it there.
            if best.choice[work] == place:
                assert best.stages[0].value >= found.base + extra - 1e-6


@pytest.mark.parametrize("seed", range(0, 240, 4))
def test_a_search_that_looks_only_at_places_worth_it_misses_nothing(seed: int) -> None:
    month, options, _, best = month_of(seed)
    found = search(month, options, Limits(seconds=60, workers=1, warm_works=0, near_places=1))
    assert found.stages[0].value == best
    assert found.stages[0].bound == pytest.approx(best)
