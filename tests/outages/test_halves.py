"""A day is packed exactly, by whichever way its size asks for."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache

import msgspec
import pytest

from server.outages.halves import Event, Halves, split
from server.outages.instance import Crew, Half
from server.outages.ledger import Ledger
from server.outages.month import Month, make_month
from server.outages.options import LIVE, Options, make_options
from tests.outages.demo import demo


@cache
def _month(line: int, cable: int) -> tuple[Month, Options]:
    """The demo month on days without further rules, with so many crews."""
    instance, network = demo()
    crews = (Crew(skill="line", count=line), Crew(skill="cable", count=cable))
    made = make_month(msgspec.structs.replace(instance, crews=crews), network)
    return made, make_options(made)


def _events(chance: random.Random, month: Month, options: Options, most: int) -> list[Event]:
    """Outages with some of the works that could ride on them, one of each work; whether they clash is not
    what is asked here."""
    left = [work for work, places in enumerate(options.places) if any(one != LIVE for one, _ in places)]
    chance.shuffle(left)
    events: dict[int, list[int]] = {}
    for work in left[:most]:
        number = chance.choice([one for one, _ in options.places[work] if one != LIVE])
        events.setdefault(number, []).append(work)
    return [Event(one, options.sets[one], tuple(works)) for one, works in sorted(events.items())]


def _needs(month: Month, found: Halves) -> Counter[tuple[str, Half]]:
    needs: Counter[tuple[str, Half]] = Counter()
    for work, bound in found.bound.items():
        needs.update((month.works[work].skill, half) for half in bound)
    return needs


@pytest.mark.parametrize("seed", range(60))
def test_packed_by_kinds_a_day_costs_what_it_does_by_loads(seed: int) -> None:
    chance = random.Random(seed)
    month, options = _month(chance.randint(1, 4), chance.randint(1, 3))
    events = _events(chance, month, options, chance.randint(2, 10))
    day = chance.randrange(len(month.days))
    dear = {work: chance.choice((("morning",), ("afternoon",))) for work in range(len(month.works))}

    def prefer(work: int, bound: tuple[Half, ...]) -> int:
        return int(bound == dear[work])

    cheapest = split(month, day, events, (), prefer), split(month, day, events, (), prefer, most_loads=0)
    any_way = split(month, day, events, ()), split(month, day, events, (), most_loads=0)
    for loads, kinds in (cheapest, any_way):
        assert (loads is None) == (kinds is None)
        if loads is None or kinds is None:
            continue
        assert kinds.bound.keys() == loads.bound.keys() == {work for one in events for work in one.works}
        assert all(count <= month.crew(skill, day) for (skill, _), count in _needs(month, kinds).items())
        for one in events:
            window = kinds.windows[one.number]
            assert all(month.binds(work, one.outcome, window) == kinds.bound[work] for work in one.works)
    costs = [sum(prefer(*one) for one in found.bound.items()) for found in cheapest if found is not None]
    assert len(set(costs)) <= 1


def test_both_ends_come_up_among_those_days() -> None:
    """Else the days above would show nothing."""
    found = set()
    for seed in range(60):
        chance = random.Random(seed)
        month, options = _month(chance.randint(1, 4), chance.randint(1, 3))
        events = _events(chance, month, options, chance.randint(2, 10))
        found.add(split(month, chance.randrange(len(month.days)), events, (), most_loads=0) is None)
    assert found == {True, False}


def test_what_a_ledger_keeps_of_outages_follows_their_works() -> None:
    """Put, take and put again: a day splits as one that is looked at for the first time."""
    month, options = _month(2, 2)
    chance = random.Random(7)
    ledger = Ledger(month, options)
    works = [work for work, places in enumerate(options.places) if places]
    for _ in range(200):
        work = chance.choice(works)
        before = ledger.places[work]
        if before is None:
            ledger.put(work, chance.choice(options.places[work]))
        else:
            ledger.take(work)
        day = (before or ledger.places[work] or (0, 0))[1]
        assert ledger.halves(day) == Ledger(month, options, ledger.places).halves(day)
