"""Which parts of what was lost are fed again, through which normally open switches: exactly.

Lost branches are trees, each taken over by ties of its own (`branches.py`), and that is the best of all
together unless limits that ties share are reached, open switches could feed one branch from another, or a
customer has meters in several: then an integer model is solved (`resupply_model.py`), unless nobody is dead
anyway. Nothing is lent through a line whose capacity is not known, nor a section fed whose load is not.
"""

from __future__ import annotations

from collections.abc import Iterator

from server.outages.branches import Branches, Fed, TooManyWays, down
from server.outages.grid import Grid, Limit, across, switch_of
from server.outages.resupply_model import NOTHING, Tie, Transfer, Way, solved, spread_over


def transfer(
    grid: Grid, isolated: frozenset[str], lost: frozenset[str], branches: Branches | None = None
) -> Transfer:
    """The best transfer of what was `lost` behind `isolated`: fewest dead by weight, then operations.
    `branches` of the grid remember what was found of them."""
    if not any(grid.points[one] for one in lost) and not spread_over(grid, lost):
        return NOTHING
    ways = list(_ways(grid, isolated, lost))
    if not ways:
        return NOTHING
    found = _by_branches(grid, isolated, lost, ways, branches or Branches(grid))
    return found if found is not None else solved(grid, lost, ways)


def _ways(grid: Grid, isolated: frozenset[str], lost: frozenset[str]) -> Iterator[Way]:
    relief = _relief(grid, isolated)
    for section in sorted(lost):
        for switch in grid.topology.sections[section].switches:
            inner, outer = across(grid.topology, switch, section)
            other = grid.topology.section_of[outer]
            if other in lost or other in isolated or other not in grid.parent:
                continue
            limits = grid.way(outer)
            if limits is None:
                continue
            own = grid.topology.edges[switch].capacity_kva
            here = () if own is None else (Limit(switch, own),)
            relieved = tuple(Limit(one.key, one.spare + relief.get(one.key, 0.0)) for one in limits)
            yield Way(switch, section, inner, outer, (*here, *relieved))


def _relief(grid: Grid, isolated: frozenset[str]) -> dict[str, float]:
    """The load that what is switched off takes from everything above it."""
    relief: dict[str, float] = {}
    for section in isolated:
        if section not in grid.parent or any(one in isolated for one in grid.above(section)):
            continue
        node = grid.entry[section]
        edge = grid.fed.via[node]
        load = grid.fed.load_kva[edge] if edge is not None else 0.0
        while edge is not None:
            relief[edge] = relief.get(edge, 0.0) + load
            node = grid.fed.upstream[node]
            edge = grid.fed.via[node]
        relief[node] = relief.get(node, 0.0) + load
    return relief


def _by_branches(
    grid: Grid, isolated: frozenset[str], lost: frozenset[str], ways: list[Way], branches: Branches
) -> Transfer | None:
    """Each branch by itself; None where that may not be the best of all together."""
    caps = {(way.switch, way.section): min(max(0, down(one.spare)) for one in way.limits) for way in ways}
    try:
        fed = branches.fed(isolated, lost, caps)
    except TooManyWays:
        return None
    several = {one for one in spread_over(grid, lost) if _lost_wholly(grid, one, isolated | lost)}
    if (several or _joined(grid, lost)) and not _least(grid, isolated, lost, fed, several):
        return None
    return _together(grid, branches, fed, ways)


def _lost_wholly(grid: Grid, customer: str, without: frozenset[str]) -> bool:
    """Whether no meter of a customer is fed as it always is."""
    return all(one in without for one in grid.spread[customer] if one in grid.parent)


def _joined(grid: Grid, lost: frozenset[str]) -> bool:
    """Whether a normally open switch lies between lost sections: it could feed one from the other."""
    topology = grid.topology
    for section in lost:
        for switch in topology.sections[section].switches:
            edge = switch_of(topology, switch)
            if not edge.closed and topology.section_of[across(topology, switch, section)[1]] in lost:
                return True
    return False


def _least(grid: Grid, isolated: frozenset[str], lost: frozenset[str], fed: Fed, several: set[str]) -> bool:
    """Whether nobody is dead, by one operation for each branch with anybody in it: nothing is less."""
    dead = lost - fed.live
    if any(grid.points[one] for one in dead) or any(grid.spread[one] & dead for one in several):
        return False
    least = sum(
        any(grid.points[one] for one in _branch(grid, top, lost))
        for top in lost
        if grid.parent[top] in isolated
    )
    return len(fed.cut) + len(fed.closed) <= least


def _branch(grid: Grid, top: str, lost: frozenset[str]) -> list[str]:
    """A lost section and all that hangs on it, up to what is isolated further down."""
    found = [top]
    for section in found:
        found += [one for one in grid.children.get(section, ()) if one in lost]
    return found


def _together(grid: Grid, branches: Branches, fed: Fed, ways: list[Way]) -> Transfer | None:
    """What feeding the branches so comes to; None where a limit that ties share does not allow it."""
    ties, drawn = list[Tie](), dict[str, int]()
    spare = {limit.key: limit.spare for way in ways for limit in way.limits}
    for way in ways:
        if (way.switch, way.section) in fed.closed:
            own = _fed_through(grid, fed, way.section)
            for limit in way.limits:
                drawn[limit.key] = drawn.get(limit.key, 0) + sum(branches.units[one] for one in own)
            kva = sum(grid.topology.sections[one].load_kva for one in own)
            same = grid.fed.root[way.node] == grid.fed.root[way.inner]
            ties.append(Tie(way.switch, way.node, kva, 0.0 if same else kva))
    if any(units > max(0, down(spare[key])) for key, units in drawn.items()):
        return None
    via, entry = grid.fed.via, grid.entry
    opened = sorted(switch for one in fed.cut if (switch := via[entry[one]]) is not None)
    closed = sorted(one.switch for one in ties)
    return Transfer(fed.live, tuple(opened), tuple(closed), tuple(ties))


def _fed_through(grid: Grid, fed: Fed, section: str) -> list[str]:
    """The sections that are fed through a tie at this one: all that is live and not cut off from it."""
    found, seen = [section], {section}
    for here in found:
        above = grid.parent[here]
        beside = [one for one in grid.children.get(here, ()) if one not in fed.cut]
        if above is not None and here not in fed.cut:
            beside.append(above)
        for one in beside:
            if one in fed.live and one not in seen:
                seen.add(one)
                found.append(one)
    return found
