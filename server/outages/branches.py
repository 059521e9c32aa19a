"""The best transfer of lost branches by labels: exactly what the model of `resupply.py` answers, but far
quicker, since what is found below a place serves every outage further up.

Lost branches are trees, and ties feed them from outside. From the ends up each place keeps the ways it could
be: dead; live and asking for so much from above; live and fed from below by a tie that can give so much more.
A way that another one beats is dropped: no more dead, then no more switching, and asking for no more or
giving no less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

from geo.network.model import Line, Switch
from server.outages.grid import Grid

#: Loads as whole numbers, a hundredth of a kVA: loads are rounded up to it, capacities down.
UNIT = 100
_SLACK = 1e-6
#: Nobody's load.
_ANY = 1 << 60
#: A customer dead weighs as much as so many operations: more than there can be.
_DEAD = 1 << 32
#: Ways to be live that a place keeps at most.
MOST_WAYS = 500

#: A normally open switch, and the lost section that it would feed.
Tie = tuple[str, str]
#: Two traces that were put together, and what that did to a section: made it "live", "cut" it off from the
#: one above, or fed it through the tie of that id.
Trace = tuple[Any, Any, tuple[str, str] | None] | None
#: What a way asks for, or less what it can give (less is better in both), what it costs, and its trace.
Way = tuple[int, int, Trace]
_WORTH = itemgetter(0, 1)


class Fed(NamedTuple):
    """The lost sections that are fed again, those cut off from the one above, and the ties closed."""

    live: frozenset[str]
    cut: frozenset[str]
    closed: tuple[Tie, ...]


class TooManyWays(Exception):
    """A branch has more ways to be fed than are kept."""


class _Table(NamedTuple):
    """A place's ways: dead, of which one is best; live and in want; live and fed from below."""

    dead: tuple[int, Trace]
    wants: list[Way]
    gives: list[Way]


@dataclass
class _Place:
    """Nodes of one section between which nothing can be overloaded; `above` is -1 at a source. What leads to
    it from there carries `cap`, and can be opened where it is `switched`. `first`: the section begins here.
    `behind` is its load with all below it, `beside` the most that could be lost with it beside that."""

    section: str
    above: int
    switched: bool
    cap: int
    first: bool
    load: int = 0
    behind: int = 0
    beside: int = 0
    below: list[int] = field(default_factory=list)
    ties: list[Tie] = field(default_factory=list)
    all_ties: tuple[Tie, ...] = ()


class Branches:
    """The branches of a grid, and what was found of them."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        #: Of each section the place where it is entered.
        self.entry: dict[str, int] = {}
        #: The load of each section.
        self.units = dict.fromkeys(grid.topology.sections, 0)
        self.places = self._places()
        self._tables: dict[tuple[Any, ...], _Table | None] = {}

    def _places(self) -> list[_Place]:
        """The normally live network, each place before those below it."""
        grid, topology, of_node = self.grid, self.grid.topology, dict[str, int]()
        loads = {
            node: sum(up(one.load_kva or 0.0) for one in own) for node, own in topology.transformers.items()
        }
        for node, load in loads.items():
            self.units[topology.section_of[node]] += load
        # Whatever is lost is part of a limb, which hangs on a section with a source.
        limb: dict[str, str] = {}
        most: dict[str, int] = {}
        for node in grid.fed.order:
            above = grid.fed.upstream.get(node)
            if above is not None and grid.parent[topology.section_of[node]] is not None:
                limb[node] = limb.get(above, node)
            most[limb.get(node, "")] = most.get(limb.get(node, ""), 0) + loads.get(node, 0)
        made: list[_Place] = []
        for node in grid.fed.order:
            section, via = topology.section_of[node], grid.fed.via[node]
            edge = None if via is None else topology.edges[via]
            below = -1 if edge is None else of_node[grid.fed.upstream[node]]
            largest, cap = most[limb.get(node, "")], _cap(edge)
            if isinstance(edge, Line) and cap >= largest:
                of_node[node] = below
            else:
                of_node[node] = len(made)
                first = section not in self.entry
                self.entry.setdefault(section, len(made))
                if below >= 0:
                    made[below].below.append(len(made))
                made.append(_Place(section, below, isinstance(edge, Switch), cap, first, beside=largest))
            made[of_node[node]].load += loads.get(node, 0)
        for switch in topology.network.switches:
            if topology.edges.get(switch.id) is switch and not switch.closed:
                for end in sorted({switch.start, switch.end} & of_node.keys()):
                    made[of_node[end]].ties.append((switch.id, topology.section_of[end]))
        for place in reversed(made):
            place.behind += place.load
            place.beside -= place.behind
            place.all_ties = tuple(sorted({*place.ties, *place.all_ties}))
            if place.above >= 0:
                made[place.above].behind += place.behind
                made[place.above].all_ties += place.all_ties
        return made

    def fed(self, isolated: frozenset[str], lost: frozenset[str], caps: Mapping[Tie, int]) -> Fed:
        """The best way to feed what was `lost` behind `isolated`, by ties that can carry so much each. Raises
        TooManyWays where that is not found out this way."""
        apart = self._apart(isolated)
        live, cut, closed = set[str](), set[str](), list[Tie]()
        for top in sorted(one for one in lost if self.grid.parent[one] in isolated):
            table = self._table(self.entry[top], isolated, apart, caps)
            ways = [table.dead, *((cost, trace) for _, cost, trace in table.gives)]
            for what, section in _events(min(ways, key=itemgetter(0))[1]):
                if what == "live":
                    live.add(section)
                elif what == "cut":
                    cut.add(section)
                else:
                    closed.append((what, section))
        return Fed(frozenset(live), frozenset(cut), tuple(sorted(closed)))

    def _apart(self, isolated: Iterable[str]) -> dict[int, tuple[str, ...]]:
        """For each place the isolated sections somewhere below it, where there are any."""
        found: dict[int, tuple[str, ...]] = {}
        places = self.places
        for section in sorted(isolated):
            here = places[self.entry[section]].above if section in self.entry else -1
            while here >= 0:
                found[here] = (*found.get(here, ()), section)
                here = places[here].above
        return found

    def _table(
        self,
        top: int,
        isolated: frozenset[str],
        apart: Mapping[int, tuple[str, ...]],
        caps: Mapping[Tie, int],
    ) -> _Table:
        """The ways of a place, from those of all below it; each is found once for all outages that leave the
        same of it, with the same ties."""
        known, places = self._tables, self.places

        def key(number: int) -> tuple[Any, ...]:
            return number, apart.get(number), tuple([caps.get(one) for one in places[number].all_ties])

        missing, keys, stack = list[int](), dict[int, tuple[Any, ...]](), [top]
        while stack:
            number = stack.pop()
            keys[number] = key(number)
            if keys[number] not in known:
                missing.append(number)
                stack += self._below(number, isolated)
        for number in reversed(missing):
            below = [(places[one], known[keys[one]]) for one in self._below(number, isolated)]
            known[keys[number]] = self._made(places[number], below, caps)
        found = known[keys[top]]
        if found is None:
            raise TooManyWays
        return found

    def _below(self, number: int, isolated: frozenset[str]) -> list[int]:
        places = self.places
        return [
            one for one in places[number].below if not (places[one].first and places[one].section in isolated)
        ]

    def _made(
        self, place: _Place, below: list[tuple[_Place, _Table | None]], caps: Mapping[Tie, int]
    ) -> _Table | None:
        points = self.grid.points[place.section] if place.first else 0
        wants: list[Way] = []
        if place.section not in self.grid.unknown:
            wants.append((place.load, 0, (None, None, ("live", place.section))))
        table = _Table((points * _DEAD, None), wants, [])
        for tie in place.ties:
            if tie in caps:
                used: list[Way] = [
                    (asked - caps[tie], cost + 1, (trace, None, tie))
                    for asked, cost, trace in table.wants
                    if asked <= caps[tie]
                ]
                table = table._replace(gives=table.gives + used)
        for other, own in below:
            if own is None:
                return None
            table = _joined(table, other, own)
            if len(table.wants) + len(table.gives) > MOST_WAYS:
                return None
        # More than all the rest could ask for is not better than that.
        gives = [(max(given, -place.beside), cost, trace) for given, cost, trace in table.gives]
        return table._replace(gives=_best(gives))


def _joined(here: _Table, place: _Place, below: _Table) -> _Table:
    """The ways of a place with one more place below it."""
    wants, gives = list[Way](), list[Way]()
    asks = [one for one in below.wants if one[0] <= place.cap]
    # Fed from below: no more than the way up carries.
    from_below = _best([(max(given, -place.cap), cost, trace) for given, cost, trace in below.gives])
    if place.switched:
        alone = min([below.dead, *((cost, trace) for _, cost, trace in below.gives)], key=itemgetter(0))
        off = alone[0] + 1, (alone[1], None, ("cut", place.section))
        for ways, found in ((here.wants, wants), (here.gives, gives)):
            found += [(more, cost + off[0], (trace, off[1], None)) for more, cost, trace in ways]
        # Between dead and dead a switch stays as it is, between dead and live it is opened.
        parted = [(cost + 1, (trace, None, ("cut", place.section))) for _, cost, trace in below.gives]
        dead = min([below.dead, *parted], key=itemgetter(0))
    else:
        dead = below.dead
    for more, cost, trace in here.wants:
        wants += [(more + asked, cost + own, (trace, other, None)) for asked, own, other in asks]
        gives += [
            (given + more, cost + own, (trace, other, None))
            for given, own, other in from_below
            if given + more <= 0
        ]
    for more, cost, trace in here.gives:
        gives += [
            (more + asked, cost + own, (trace, other, None))
            for asked, own, other in asks
            if more + asked <= 0
        ]
    return _Table((here.dead[0] + dead[0], (here.dead[1], dead[1], None)), _best(wants), _best(gives))


def _best(ways: list[Way]) -> list[Way]:
    """Without those that others beat, the least asking first."""
    kept, least = list[Way](), _ANY
    for way in sorted(ways, key=_WORTH):
        if way[1] < least:
            kept.append(way)
            least = way[1]
    return kept


def _events(trace: Trace) -> Iterator[tuple[str, str]]:
    """All that a trace tells: what was done, to which section."""
    stack = [trace]
    while stack:
        here = stack.pop()
        if here is not None:
            one, other, event = here
            stack += (one, other)
            if event is not None:
                yield event


def _cap(edge: Line | Switch | None) -> int:
    """What can flow through: nothing through a line of which that is not known."""
    if edge is None or (edge.capacity_kva is None and isinstance(edge, Switch)):
        return _ANY
    return 0 if edge.capacity_kva is None else down(edge.capacity_kva)


def up(kva: float) -> int:
    """A load in units."""
    return -int(-kva * UNIT // 1)


def down(kva: float) -> int:
    """A capacity in units."""
    return int((kva + _SLACK) * UNIT // 1)
