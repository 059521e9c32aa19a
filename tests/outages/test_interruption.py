"""What an outage comes to is what trying every position of every switch finds."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import product
from typing import Any

import msgspec
import pytest

from geo.network.checks import check
from geo.network.model import Line
from geo.network.topology import Supply, Topology, isolating, supply
from server.outages import resupply
from server.outages.branches import Branches, TooManyWays
from server.outages.grid import Grid, make_grid
from server.outages.instance import Rules
from server.outages.interruption import Outcome, outcome
from server.outages.resupply import transfer
from server.outages.resupply_model import Transfer, solved
from tests.outages.nets import small_network

RULES = Rules()


def overloaded(topology: Topology, fed: Supply) -> bool:
    limits = {one.id: one.capacity_kva for one in topology.edges.values()}
    heads = {one.head: one.capacity_kva for one in topology.network.feeders}
    for edge, load in fed.load_kva.items():
        if any(limit is not None and load > limit + 1e-6 for limit in (limits[edge], heads.get(edge))):
            return True
    for node, sources in topology.sources.items():
        drawn = sum(fed.load_kva[edge] for edge, other in topology.arms[node] if fed.via.get(other) == edge)
        if drawn > sum(one.capacity_kva or 0.0 for one in sources) + 1e-6:
            return True
    return False


def weight_dead(grid: Grid, before: Supply, after: Supply) -> int:
    """The weight of the customers who had supply before and have none after, node by node."""
    topology, total = grid.topology, 0
    for node, transformers in topology.transformers.items():
        if node in before.root and node not in after.root:
            total += sum(one.customers for one in transformers)
    for customer, nodes in topology.nodes_of.items():
        if any(node in before.root for node in nodes) and not any(node in after.root for node in nodes):
            total += grid.weight[customer]
    return total


def every_position(grid: Grid, sections: frozenset[str]) -> tuple[int, int]:
    """The fewest dead by weight, then the fewest operations one way, over all positions of the switches that
    touch what was lost."""
    topology = grid.topology
    opened = dict.fromkeys(isolating(topology, sections), False)
    normal, isolated = supply(topology), supply(topology, opened)
    lost = {
        one.id
        for one in topology.sections.values()
        if normal.live(one) and not isolated.live(one) and one.id not in sections
    }
    around = {switch for section in sections for switch in topology.sections[section].switches}
    free = sorted({switch for one in lost for switch in topology.sections[one].switches} - around)
    best = (10**9, 10**9)
    for choice in product((False, True), repeat=len(free)):
        positions = {**opened, **dict(zip(free, choice, strict=True))}
        fed = supply(topology, positions)
        if fed.meshes or overloaded(topology, fed):
            continue
        if any(
            normal.live(one) and one.id not in lost | sections and not fed.live(one)
            for one in topology.sections.values()
        ) or any(not normal.live(one) and fed.live(one) for one in topology.sections.values()):
            continue
        # Between two dead sections a switch may stay as it is.
        changed = sum(
            positions[one] != _closed(topology, one)
            and (positions[one] or any(_live(topology, fed, end) for end in _ends(topology, one)))
            for one in free
        )
        best = min(best, (weight_dead(grid, normal, fed), changed + len(opened)))
    return best


def _closed(topology: Topology, switch: str) -> bool:
    edge = topology.edges[switch]
    return isinstance(edge, Line) or edge.closed


def _ends(topology: Topology, switch: str) -> tuple[str, str]:
    edge = topology.edges[switch]
    return edge.start, edge.end


def _live(topology: Topology, fed: Supply, node: str) -> bool:
    return node in fed.root


def positions_after(found: Outcome, steps: int) -> Mapping[str, bool]:
    return dict((*found.there, *found.back)[:steps])


def sets_of_sections(grid: Grid) -> list[frozenset[str]]:
    own = sorted(one for one in grid.parent if grid.parent[one] is not None)
    single = [frozenset({one}) for one in own]
    pairs = [
        frozenset({a, b})
        for a in own
        for b in own
        if a < b and (b in grid.below({a}) or a in grid.below({b}))
    ]
    return single + pairs


@pytest.mark.parametrize("seed", range(60))
def test_no_position_of_the_switches_leaves_fewer_dead_or_takes_fewer_operations(seed: int) -> None:
    network = small_network(seed, feeders=2 + seed % 2, ties=1 + seed % 4, tight=seed % 3 > 0)
    grid = make_grid(network, important_as=5, life_support_as=8)
    assert not any(one.grave for one in check(grid.topology))
    for sections in sets_of_sections(grid):
        found = outcome(grid, sections, RULES)
        assert (found.points_dead, len(found.there)) == every_position(grid, sections), (seed, sections)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_isolated_further_down_parts_what_was_lost(seed: int) -> None:
    """Long feeders, two places isolated on one of them, ties enough for what lies between and behind."""
    grid = make_grid(small_network(seed, feeders=2, sections=6, ties=3, tight=seed % 2 > 0))
    pairs = [one for one in sets_of_sections(grid) if len(one) == 2]
    for sections in random.Random(seed).sample(pairs, min(6, len(pairs))):
        found = outcome(grid, sections, RULES)
        assert (found.points_dead, len(found.there)) == every_position(grid, sections), (seed, sections)


@pytest.mark.parametrize("seed", range(16))
def test_branch_by_branch_comes_to_what_the_model_of_all_at_once_does(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Larger networks than can be tried out, what is below a place remembered from one outage to the next;
    and the model alone where a branch has more ways than are kept."""
    network = small_network(
        seed, feeders=3, sections=9, ties=4 + seed % 6, tight=seed % 4 > 0, named=seed % 3
    )
    grid = make_grid(network, important_as=5, life_support_as=8)
    branches = Branches(grid)
    asked: list[frozenset[str]] = []

    def worth(lost: frozenset[str], found: Transfer) -> tuple[int, int]:
        dead = sum(grid.points[one] for one in lost - found.fed) + sum(
            grid.weight[customer]
            for customer, own in grid.spread.items()
            if len(own) > 1 and all(one in lost - found.fed or one in sections for one in own)
        )
        return dead, len(found.opened) + len(found.closed)

    def noted(own: Grid, lost: frozenset[str], ways: Any) -> Transfer:
        asked.append(lost)
        return solved(own, lost, ways)

    monkeypatch.setattr(resupply, "solved", noted)
    sets = sets_of_sections(grid)
    for sections in random.Random(seed).sample(sets, min(len(sets), 25)):
        lost = grid.below(sections)
        quick = worth(lost, transfer(grid, sections, lost, branches))
        asked.clear()
        with monkeypatch.context() as without:
            without.setattr(Branches, "fed", _gives_up)
            assert quick == worth(lost, transfer(grid, sections, lost)), (seed, sections)
        assert asked or not quick[1]


def _gives_up(*_: object) -> None:
    raise TooManyWays


@pytest.mark.parametrize("seed", range(30))
def test_the_sequence_does_what_it_says_and_never_closes_a_ring(seed: int) -> None:
    grid = make_grid(small_network(seed, feeders=3, sections=3 + seed % 5, ties=5, tight=seed % 2 > 0))
    topology, normal = grid.topology, supply(grid.topology)
    for sections in sets_of_sections(grid):
        found = outcome(grid, sections, RULES)
        for steps in range(len(found.there) + len(found.back) + 1):
            assert not supply(topology, positions_after(found, steps)).meshes
        fed = supply(topology, dict(found.there))
        assert not overloaded(topology, fed)
        for one in topology.sections.values():
            if normal.live(one):
                assert fed.live(one) == (one.id not in found.dead), one.id
            moved = normal.live(one) and fed.live(one) and fed.root[one.nodes[0]] != normal.root[one.nodes[0]]
            assert not moved or one.id in found.moved
        assert positions_after(found, len(found.there) * 2) == {
            switch: _closed(topology, switch) for switch, _ in found.there
        }
        assert found.customers_before >= found.customers_dead


def test_a_section_with_a_source_in_it_is_refused() -> None:
    grid = make_grid(small_network(1))
    with pytest.raises(ValueError, match="source"):
        outcome(grid, frozenset({grid.topology.section_of["bar0"]}), RULES)


def test_a_customer_with_two_sources_is_interrupted_only_where_both_are() -> None:
    network = next(
        made
        for seed in range(200)
        if (made := small_network(seed, ties=0, feeders=2))
        and len({one.at.split(".")[0] for one in made.boundaries}) == 2
    )
    grid = make_grid(network)
    sections = grid.spread["C0"]
    for one in sections:
        if not sections <= outcome(grid, frozenset({one}), RULES).dead:
            assert "C0" not in outcome(grid, frozenset({one}), RULES).named
    assert "C0" in outcome(grid, sections, RULES).named


def test_nothing_is_lent_through_what_is_not_known() -> None:
    """A line without a capacity on the lender's way, and a section with a load that nobody knows."""
    grids = (make_grid(small_network(seed, ties=3, tight=False)) for seed in range(100))
    whole = next(
        grid for grid in grids if any(outcome(grid, one, RULES).moved for one in sets_of_sections(grid))
    )
    network = whole.topology.network
    replace = msgspec.structs.replace
    blind = replace(network, sources=tuple(replace(one, capacity_kva=None) for one in network.sources))
    loads = replace(network, transformers=tuple(replace(one, load_kva=None) for one in network.transformers))
    for unknown in (make_grid(blind), make_grid(loads)):
        for sections in sets_of_sections(unknown):
            moved = outcome(unknown, sections, RULES).moved
            assert not moved & unknown.unknown
            assert unknown.unknown or not moved
