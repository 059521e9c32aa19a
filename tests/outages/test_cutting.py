"""Rows of days hold for every plan, so the bound under them does too, whatever the prices."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.outages.bound import Relaxed, relaxed
from server.outages.columns import Columns
from server.outages.cutting import CutColumns, Cutting
from server.outages.greedy import merged
from server.outages.ledger import Ledger
from server.outages.measure import costs_of, total
from server.outages.model import build, whole
from server.outages.month import make_month
from server.outages.options import make_options
from server.outages.packs import Pack, Present, broken, fits
from server.outages.pool import pool_of
from server.outages.search import search
from server.outages.solving import Limits, solve
from tests.outages.demo import LIMITS, demo
from tests.outages.test_bound import PRICES, month_of

LIMIT = (3, 2)

OUTAGES = st.builds(
    Present,
    st.frozensets(st.integers(0, 5), min_size=1, max_size=4),
    st.tuples(st.integers(0, 3), st.integers(0, 2)),
    st.floats(0.05, 1.0),
)


def weight(pack: Pack, outage: Present) -> float:
    """How much an outage counts."""
    return max(
        (
            member.weight
            for member in pack.members
            if member.core <= outage.blocked and fits(member.loads, outage.loads)
        ),
        default=0.0,
    )


def together(outages: tuple[Present, ...]) -> bool:
    apart = all(one.blocked.isdisjoint(other.blocked) for one, other in combinations(outages, 2))
    return apart and all(sum(own) <= most for own, most in zip(_loads(outages), LIMIT, strict=True))


def _loads(outages: tuple[Present, ...]) -> list[tuple[int, ...]]:
    return [tuple(one.loads[at] for one in outages) for at in range(len(LIMIT))]


@settings(max_examples=150, deadline=None)
@given(st.lists(OUTAGES, min_size=2, max_size=7), st.lists(OUTAGES, max_size=6))
def test_no_outages_that_go_together_weigh_more_than_a_pack_allows(
    shared: list[Present], others: list[Present]
) -> None:
    """Neither those that it was made of nor any others."""
    pack = broken(shared, LIMIT)
    if pack is None:
        return
    assert sum(weight(pack, one) * one.share for one in shared) > pack.most
    every = [*shared, *others]
    for count in range(1, 5):
        for group in combinations(every, count):
            if together(group):
                assert sum(weight(pack, one) for one in group) <= pack.most + 1e-9


def test_outages_that_need_too_many_crews_together_are_told_apart_by_what_they_need() -> None:
    """Two that clash with nothing but need four of three crews; with less they may both be."""
    first, second = Present(frozenset({1}), (2, 0), 0.9), Present(frozenset({2}), (2, 0), 0.9)
    pack = broken([first, second], LIMIT)
    assert pack is not None
    assert weight(pack, first) == weight(pack, second) == 1.0
    assert (
        weight(pack, replace(first, loads=(1, 0))) == 0.0
        or weight(pack, replace(second, loads=(1, 0))) == 0.0
    )
    assert broken([replace(first, loads=(1, 0)), second], LIMIT) is None


def warmed(seed: int) -> tuple[Relaxed, int]:
    month, options, parts, best = month_of(seed)
    found = relaxed(month, options, whole(month, options), parts, merged(month, options), seconds=None)
    return found, best


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 239), st.lists(PRICES, min_size=1, max_size=12), st.integers(0, 10**6))
def test_any_prices_of_any_packs_give_a_bound(seed: int, cycle: list[float], draw: int) -> None:
    month, options, parts, best = month_of(seed)
    base = Columns(build(month, options, whole(month, options), blocks=False), parts)
    columns = CutColumns(base, lambda work, place: True)
    chance = random.Random(draw)
    shares = [
        ((int(outage), int(columns.level[rider]), (rider,)), chance.random())
        for rider, outage in enumerate(columns.outage)
    ]
    for day, pack in columns.packs(shares):
        columns.add(day, pack)
    priced = columns.priced(np.resize(np.array(cycle), len(columns.low)))
    assert columns.floor(priced) <= best


@pytest.mark.parametrize("seed", range(0, 240, 6))
def test_the_bound_under_rows_of_days_lies_below_what_trying_everything_finds(seed: int) -> None:
    """And above the one without."""
    found, best = warmed(seed)
    assert found.warm is not None
    cutting = Cutting(found, found.warm, best + 1)
    for _ in range(6):
        if not cutting.round(lambda: math.inf):
            break
    held = cutting.relaxed()
    assert found.bound <= held.bound <= best


@pytest.mark.parametrize("seed", range(0, 240, 10))
def test_no_plan_with_a_work_at_a_place_costs_less_than_said_then(seed: int) -> None:
    """Places that were left out are told no dearer than any better plan is."""
    month, options, _, _ = month_of(seed)
    found, best = warmed(seed)
    assert found.warm is not None
    cutting = Cutting(found, found.warm, best + 60)
    while cutting.round(lambda: math.inf):
        pass
    held = cutting.relaxed()
    every = whole(month, options)
    for work, places in every.places.items():
        for place, extra in zip(places, held.extras[work], strict=True):
            forced = replace(every, places={**every.places, work: (place,)}, may=every.may - {work})
            other = search(month, options, LIMITS, question=forced, start=dict.fromkeys(every.places))
            if other.choice[work] == place:
                assert other.stages[0].value >= held.base + extra - 1e-6


@pytest.mark.parametrize("seed", range(0, 240, 6))
def test_the_best_of_some_outages_keeps_every_rule_and_is_no_worse(seed: int) -> None:
    month, options, parts, best = month_of(seed)
    found, _ = warmed(seed)
    assert found.warm is not None
    start, columns = merged(month, options), found.warm.columns
    known = [own for own in map(columns.placed, found.warm.known) if own[1]]
    pool = pool_of(columns, known, start, parts[0])
    assert set(pool.hint) == set(range(len(pool.rows.most)))
    solved = solve(pool.rows, parts[:1], pool.hint, LIMITS, seconds=30)
    assert solved.values is not None
    choice = pool.choice(solved.values)
    ledger = Ledger(month, options, choice)
    assert all(ledger.halves(day) is not None for day in ledger.by_day.keys() | ledger.live.keys())
    value = total(costs_of(month, options, choice), parts)
    assert best <= value <= total(costs_of(month, options, start), parts)
    assert round(solved.bound) == value


@pytest.mark.parametrize("seed", range(0, 240, 12))
def test_a_search_held_to_its_days_finds_the_same(seed: int) -> None:
    """Where the places left are never few enough until days have been looked at."""
    month, options, _, best = month_of(seed)
    limits = Limits(
        seconds=60, workers=1, warm_works=0, near_places=1, whole_places=-1, patience=2, effort=2.0
    )
    found = search(month, options, limits)
    assert found.stages[0].bound <= best <= found.stages[0].value


@pytest.mark.parametrize("workers", [1, 2])
def test_it_repeats_itself_under_a_limit_of_effort(workers: int) -> None:
    month = make_month(*demo())
    options = make_options(month)
    limits = Limits(effort=1.0, workers=workers, seed=3, whole_places=-1, patience=2)

    def made() -> tuple[object, ...]:
        found = search(month, options, limits)
        return found.choice, found.stages

    assert made() == made()
