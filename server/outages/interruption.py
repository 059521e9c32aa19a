"""Who loses supply, and for how long, when sections must be dead.

The closed switches around the sections are opened; all that was fed through them loses supply. Then normally
open switches may feed parts of it again, radially and within every capacity on the way; which ones is
`resupply.py`'s question, answered exactly: fewest customers dead by weight, then fewest operations. Parts fed
again lose supply twice, while switching there and back. What normally stands dead is never made live: it may
be under construction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from geo.network.topology import isolating
from server.outages.branches import Branches
from server.outages.grid import Grid, switch_of
from server.outages.instance import Rules
from server.outages.resupply import transfer
from server.outages.resupply_model import Transfer

Sections = frozenset[str]
#: A switch and whether it is closed thereby.
Step = tuple[str, bool]


class Outcome(Struct, frozen=True):
    """What isolating `sections` comes to.

    `dead` includes them; `moved` is fed by others meanwhile. `minutes` is switching one way. `points` weigh
    customers, `customers` count them. `lends` is the load that each feeder takes on, `draws` what each source
    node takes on from others. `blocked`: no other outage of the day may change these sections: what this one
    changes, and all of every feeder that lends.
    """

    sections: tuple[str, ...]
    dead: frozenset[str]
    moved: frozenset[str]
    there: tuple[Step, ...]
    back: tuple[Step, ...]
    minutes: int
    points_dead: int
    points_moved: int
    customers_before: int
    customers_dead: int
    customers_moved: int
    important: tuple[str, ...]
    life_support: tuple[str, ...]
    named: tuple[str, ...]
    lends: dict[str, float]
    draws: dict[str, float]
    blocked: frozenset[str]

    @property
    def operations(self) -> int:
        """Switching operations there and back."""
        return len(self.there) + len(self.back)

    def customer_minutes(self, work_minutes: int) -> int:
        """Customer-minutes without weights, for works that last so long."""
        return (
            self.customers_dead * (work_minutes + 2 * self.minutes) + self.customers_moved * 2 * self.minutes
        )

    def weighted_minutes(self, work_minutes: int) -> int:
        """Customer-minutes with weights."""
        return self.points_dead * (work_minutes + 2 * self.minutes) + self.points_moved * 2 * self.minutes


@dataclass
class Interruptions:
    """The outcomes of one grid, each reckoned once."""

    grid: Grid
    rules: Rules
    _known: dict[Sections, Outcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._branches = Branches(self.grid)

    def of(self, sections: Collection[str]) -> Outcome:
        """The outcome of isolating these sections. Raises KeyError for one that is not there, ValueError if a
        source stands in one: no switch of this network makes it dead."""
        key = frozenset(sections)
        if key not in self._known:
            self._known[key] = outcome(self.grid, key, self.rules, self._branches)
        return self._known[key]

    def prepare(self, sets: Iterable[Sections], workers: int) -> None:
        """Reckon the outcomes of many sets, by so many threads: the solver, which takes most of it, runs
        beside the others."""
        missing = [one for one in dict.fromkeys(sets) if one not in self._known]

        def reckon(one: Sections) -> Outcome:
            return outcome(self.grid, one, self.rules, self._branches)

        with ThreadPoolExecutor(workers) as pool:
            self._known.update(zip(missing, pool.map(reckon, missing), strict=True))


def outcome(grid: Grid, sections: Sections, rules: Rules, branches: Branches | None = None) -> Outcome:
    """See `Interruptions.of`."""
    for section in sections:
        if any(node in grid.topology.sources for node in grid.topology.sections[section].nodes):
            raise ValueError(f"a source stands in section {section}")
    opened = isolating(grid.topology, sections)
    lost = grid.below(sections)
    moved_by = transfer(grid, sections, lost, branches)
    moved = moved_by.fed
    dead = sections | (lost - moved)
    order = _top_first(grid, opened)
    there = (
        *((switch, False) for switch in order),
        *((switch, False) for switch in moved_by.opened),
        *((switch, True) for switch in moved_by.closed),
    )
    back = tuple((switch, not to) for switch, to in reversed(there))
    lends, draws = _borrowed(grid, moved_by)
    return Outcome(
        sections=tuple(sorted(sections)),
        dead=frozenset(dead),
        moved=moved,
        there=there,
        back=back,
        minutes=switching_minutes(grid, (switch for switch, _ in there), rules),
        blocked=dead | moved | _lending(grid, moved_by),
        lends=lends,
        draws=draws,
        **_customers(grid, frozenset(dead), moved),
    )


def switching_minutes(grid: Grid, switches: Iterable[str], rules: Rules) -> int:
    """How long the operations take, shared among the teams, rounded up."""
    remote = [switch_of(grid.topology, one).remote for one in switches]
    total = sum(rules.remote_minutes if one else rules.switch_minutes for one in remote)
    return -(-total // rules.switching_teams)


def _top_first(grid: Grid, switches: Iterable[str]) -> list[str]:
    """The switch nearest to the source first: it breaks the load, the others then part dead from dead."""
    last = len(grid.rank)

    def place(switch: str) -> tuple[int, str]:
        edge = grid.topology.edges[switch]
        return min(grid.rank.get(edge.start, last), grid.rank.get(edge.end, last)), switch

    return sorted(switches, key=place)


def _customers(grid: Grid, dead: Sections, moved: Sections) -> dict[str, Any]:
    """The fields of an outcome that tell of customers. What normally stands dead has none to lose. One with
    several meters is interrupted only where all of them are."""
    live_dead = [one for one in dead if one in grid.parent]
    named_dead: set[str] = set()
    named_moved: set[str] = set()
    spread_dead = spread_moved = spread_before = 0
    points_dead, points_moved = (sum(grid.points[one] for one in own) for own in (live_dead, moved))
    for customer in {name for one in (*live_dead, *moved) for name in grid.topology.sections[one].named}:
        own = frozenset(one for one in grid.spread[customer] if one in grid.parent)
        if not own <= dead | moved:
            continue
        (named_dead if own <= dead else named_moved).add(customer)
        if len(grid.spread[customer]) > 1:
            spread_before += 1
            if own <= dead:
                spread_dead, points_dead = spread_dead + 1, points_dead + grid.weight[customer]
            else:
                spread_moved, points_moved = spread_moved + 1, points_moved + grid.weight[customer]
    counted_dead, counted_moved = (sum(grid.counts[one] for one in own) for own in (live_dead, moved))
    return {
        "points_dead": points_dead,
        "points_moved": points_moved,
        "customers_dead": counted_dead + spread_dead,
        "customers_moved": counted_moved + spread_moved,
        "customers_before": counted_dead + counted_moved + spread_before,
        "important": tuple(sorted(named_dead & grid.important)),
        "life_support": tuple(sorted((named_dead | named_moved) & grid.life_support)),
        "named": tuple(sorted(named_dead | named_moved)),
    }


def _borrowed(grid: Grid, moved_by: Transfer) -> tuple[dict[str, float], dict[str, float]]:
    lends: dict[str, float] = {}
    draws: dict[str, float] = {}
    for tie in moved_by.ties:
        feeder, root = grid.fed.feeder[tie.node], grid.fed.root[tie.node]
        lends[feeder] = lends.get(feeder, 0.0) + tie.kva
        if tie.kva_of_others:
            draws[root] = draws.get(root, 0.0) + tie.kva_of_others
    return lends, draws


def _lending(grid: Grid, moved_by: Transfer) -> Sections:
    """All of each lending feeder; of a busbar that lends itself, its own section."""
    found: set[str] = set()
    for tie in moved_by.ties:
        feeder = grid.fed.feeder[tie.node]
        found |= grid.reach[feeder] if feeder else {grid.topology.section_of[tie.node]}
    return frozenset(found)
