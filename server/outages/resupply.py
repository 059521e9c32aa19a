"""Which parts of what was lost are fed again, through which normally open switches: exactly.

Where every lost branch can be taken over whole by one tie of its own, nothing is better: no customer dead,
an operation a branch. Otherwise an integer model is solved: which sections are live, which switch feeds each,
and the flow on everything that could be overloaded, in what was lost and on the lender's way to its source.
Nothing is lent through a line whose capacity is not known, nor a section fed whose load is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from geo.network.model import Line, Switch
from server.outages.grid import Grid, Limit, across

#: A hundredth of a kVA: loads are rounded up to it, capacities down.
UNIT = 100
_SLACK = 1e-6


class Tie(Struct, frozen=True):
    """A switch that feeds lost sections from a live `node`, with what it then carries; `kva_of_others` is the
    part of it that another source fed before."""

    switch: str
    node: str
    kva: float
    kva_of_others: float


class Transfer(Struct, frozen=True):
    """The sections fed again, the switches opened inside what was lost, and those closed."""

    fed: frozenset[str]
    opened: tuple[str, ...]
    closed: tuple[str, ...]
    ties: tuple[Tie, ...]


NOTHING = Transfer(frozenset(), (), (), ())


@dataclass(frozen=True)
class _Way:
    """A normally open switch from a lost section to something live, and what limits it."""

    switch: str
    section: str
    inner: str
    node: str
    limits: tuple[Limit, ...]


def transfer(grid: Grid, isolated: frozenset[str], lost: frozenset[str]) -> Transfer:
    """The best transfer of what was `lost` behind `isolated`: fewest dead by weight, then operations."""
    if not any(grid.points[one] for one in lost) and not _spread(grid, lost):
        return NOTHING
    ways = list(_ways(grid, isolated, lost))
    if not ways:
        return NOTHING
    whole = _branch_by_branch(grid, isolated, lost, ways)
    return whole if whole is not None else _solved(grid, lost, ways)


def _ways(grid: Grid, isolated: frozenset[str], lost: frozenset[str]) -> Iterator[_Way]:
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
            yield _Way(switch, section, inner, outer, (*here, *relieved))


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


def _spread(grid: Grid, sections: frozenset[str]) -> set[str]:
    """Customers with meters in several sections, one of them here."""
    named = {name for one in sections for name in grid.topology.sections[one].named}
    return {one for one in named if len(grid.spread[one]) > 1}


def _branch_by_branch(
    grid: Grid, isolated: frozenset[str], lost: frozenset[str], ways: list[_Way]
) -> Transfer | None:
    """Each branch by one tie, all of it, the ties' common limits kept; None where that does not come out."""
    left: dict[str, float] = {}
    ties: list[Tie] = []
    fed: set[str] = set()
    for top in sorted(one for one in lost if grid.parent[one] in isolated):
        branch = _branch(grid, top, lost)
        if not any(grid.points[one] for one in branch):
            if _spread(grid, branch):
                return None
            continue
        if branch & grid.unknown:
            return None
        load = sum(grid.topology.sections[one].load_kva for one in branch)
        for way in ways:
            if way.section not in branch or any(
                left.get(one.key, one.spare) + _SLACK < load for one in way.limits
            ):
                continue
            if _overloaded(grid, branch, way.inner, load):
                continue
            break
        else:
            return None
        for one in way.limits:
            left[one.key] = left.get(one.key, one.spare) - load
        same = grid.fed.root[way.node] == grid.fed.root[way.inner]
        ties.append(Tie(way.switch, way.node, load, 0.0 if same else load))
        fed |= branch
    return Transfer(frozenset(fed), (), tuple(sorted(one.switch for one in ties)), tuple(ties))


def _branch(grid: Grid, top: str, lost: frozenset[str]) -> frozenset[str]:
    """A lost section and all that hangs on it, up to what is isolated further down."""
    found, stack = {top}, [top]
    while stack:
        below = [one for one in grid.children.get(stack.pop(), ()) if one in lost]
        found.update(below)
        stack += below
    return frozenset(found)


def _overloaded(grid: Grid, branch: frozenset[str], start: str, load: float) -> bool:
    """Whether feeding a whole branch from this node would overload anything in it."""
    topology = grid.topology
    inside = {node for one in branch for node in topology.sections[one].nodes}
    tight = any(
        edge.capacity_kva < load if edge.capacity_kva is not None else isinstance(edge, Line)
        for edge in _edges_within(grid, inside)
    )
    if not tight:
        return False
    behind: dict[str, float] = {}
    order: list[tuple[str, str | None, str]] = [(start, None, start)]
    seen = {start}
    for node, _, _ in order:
        for edge_id, other in topology.arms[node]:
            edge = topology.edges[edge_id]
            if other in inside and other not in seen and (isinstance(edge, Line) or edge.closed):
                seen.add(other)
                order.append((other, edge_id, node))
    for node, via, before in reversed(order):
        own = sum(one.load_kva or 0.0 for one in topology.transformers.get(node, ()))
        behind[node] = behind.get(node, 0.0) + own
        if via is None:
            continue
        limit = topology.edges[via].capacity_kva
        if limit is None and isinstance(topology.edges[via], Line):
            limit = 0.0
        if limit is not None and behind[node] > limit + _SLACK:
            return True
        behind[before] = behind.get(before, 0.0) + behind[node]
    return False


def _edges_within(grid: Grid, inside: set[str]) -> Iterator[Line | Switch]:
    for node in inside:
        for edge_id, other in grid.topology.arms[node]:
            edge = grid.topology.edges[edge_id]
            if other in inside and node < other and (isinstance(edge, Line) or edge.closed):
                yield edge


def _solved(grid: Grid, lost: frozenset[str], ways: list[_Way]) -> Transfer:
    # Imported late: only balancing needs the solver, the web process never does.
    from ortools.sat.python import cp_model  # noqa: PLC0415

    made = _Model(grid, lost, ways, cp_model.CpModel())
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    # All of this costs more than it saves on models this small.
    solver.parameters.cp_model_probing_level = 0
    solver.parameters.symmetry_level = 0
    solver.parameters.linearization_level = 0
    solver.parameters.max_presolve_iterations = 1
    solver.parameters.merge_no_overlap_work_limit = 0
    solver.parameters.merge_at_most_one_work_limit = 0
    if solver.solve(made.model) != cp_model.OPTIMAL:
        raise RuntimeError("the transfer model has the answer of no transfer and was not solved")
    return made.read(solver)


class _Model:
    """Sections live or dead, one feeding arc to each live one, flows between places that could be overloaded.

    Lines that can carry all that was lost are no limit: the nodes that they join are one place.
    """

    def __init__(self, grid: Grid, lost: frozenset[str], ways: list[_Way], model: Any) -> None:
        self.grid, self.lost, self.ways, self.model = grid, lost, ways, model
        sections = [grid.topology.sections[one] for one in sorted(lost)]
        self.total = sum(_up(one.load_kva) + len(one.nodes) for one in sections)
        self.live = {
            one.id: model.new_constant(0) if one.id in grid.unknown else model.new_bool_var("")
            for one in sections
        }
        self.depth = {one.id: model.new_int_var(0, len(sections), "") for one in sections}
        self.arcs: dict[tuple[str, str], Any] = {}
        self.flow_in: dict[str, list[Any]] = {}
        self.place = self._places()
        self.feeding: dict[str, list[Any]] = {one.id: [] for one in sections}
        self.tie_flow: dict[str, Any] = {}
        self._between()
        self._ties()
        self._inside()
        self._conserve()
        self._aim()

    def _places(self) -> dict[str, str]:
        place: dict[str, str] = {}
        for section in sorted(self.lost):
            for first in self.grid.topology.sections[section].nodes:
                if first in place:
                    continue
                place[first], stack = first, [first]
                while stack:
                    for edge_id, other in self.grid.topology.arms[stack.pop()]:
                        edge = self.grid.topology.edges[edge_id]
                        if other not in place and isinstance(edge, Line) and self._ample(edge):
                            place[other] = first
                            stack.append(other)
        return place

    def _ample(self, edge: Line | Switch) -> bool:
        if edge.capacity_kva is None:
            return isinstance(edge, Switch)
        return _down(edge.capacity_kva) >= self.total

    def _cap(self, edge: Line | Switch) -> int:
        if edge.capacity_kva is None:
            return self.total if isinstance(edge, Switch) else 0
        return min(self.total, _down(edge.capacity_kva))

    def _arc(self, key: tuple[str, str], cap: int, start: str | None, end: str) -> Any:
        """A way to feed the section of `end`; what flows along it when it is taken."""
        taken = self.arcs[key] = self.model.new_bool_var("")
        flow = self.model.new_int_var(0, cap, "")
        self.model.add(flow <= cap * taken)
        self.feeding[self.grid.topology.section_of[end]].append(taken)
        self.flow_in.setdefault(self.place[end], []).append(flow)
        if start is not None:
            self.flow_in.setdefault(self.place[start], []).append(-flow)
        return flow

    def _between(self) -> None:
        section_of = self.grid.topology.section_of
        for switch in sorted({one for own in self.lost for one in self.grid.topology.sections[own].switches}):
            edge = self.grid.topology.edges[switch]
            a, b = section_of[edge.start], section_of[edge.end]
            if a == b or a not in self.lost or b not in self.lost:
                continue
            for start, end in ((edge.start, edge.end), (edge.end, edge.start)):
                from_, to = section_of[start], section_of[end]
                self._arc((switch, to), self._cap(edge), start, end)
                taken = self.arcs[switch, to]
                self.model.add_implication(taken, self.live[from_])
                self.model.add(self.depth[to] >= self.depth[from_] + 1).only_enforce_if(taken)

    def _ties(self) -> None:
        shared: dict[str, tuple[float, list[Any]]] = {}
        for way in self.ways:
            cap = min((self.total, *(max(0, _down(one.spare)) for one in way.limits)))
            flow = self.tie_flow[way.switch] = self._arc((way.switch, way.section), cap, None, way.inner)
            for limit in way.limits:
                shared.setdefault(limit.key, (limit.spare, []))[1].append(flow)
        for spare, flows in shared.values():
            if len(flows) > 1 and _down(spare) < self.total:
                self.model.add(sum(flows) <= max(0, _down(spare)))

    def _inside(self) -> None:
        for section in sorted(self.lost):
            for line_id in self.grid.topology.sections[section].lines:
                line = self.grid.topology.edges[line_id]
                a, b = self.place[line.start], self.place[line.end]
                if a != b:
                    flow = self.model.new_int_var(-self._cap(line), self._cap(line), "")
                    self.flow_in.setdefault(b, []).append(flow)
                    self.flow_in.setdefault(a, []).append(-flow)

    def _conserve(self) -> None:
        load: dict[str, int] = dict.fromkeys(self.place.values(), 0)
        for node, place in self.place.items():
            load[place] += sum(
                _up(one.load_kva or 0.0) for one in self.grid.topology.transformers.get(node, ())
            )
        for place, kva in load.items():
            live = self.live[self.grid.topology.section_of[place]]
            self.model.add(sum(self.flow_in.get(place, [])) == kva * live)
        for section, taken in self.feeding.items():
            self.model.add(sum(taken) == self.live[section])

    def _aim(self) -> None:
        grid, costs = self.grid, []
        for section, live in self.live.items():
            costs.append((1 - live) * grid.points[section])
        for customer in sorted(_spread(grid, self.lost)):
            own = [one for one in grid.spread[customer] if one in grid.parent]
            if any(one not in self.lost and one not in self._isolated() for one in own):
                continue
            dead = self.model.new_bool_var("")
            self.model.add(dead >= 1 - sum(self.live[one] for one in own if one in self.lost))
            costs.append(dead * grid.weight[customer])
        operations = [self.arcs[way.switch, way.section] for way in self.ways]
        operations += list(self._switched())
        self.model.minimize(sum(costs) * (len(operations) + 1) + sum(operations))

    def _isolated(self) -> set[str]:
        """The isolated sections: those that feed what was lost and are not lost themselves."""
        above = {self.grid.parent[one] for one in self.lost}
        return {one for one in above if one is not None and one not in self.lost}

    def _switched(self) -> Iterator[Any]:
        for switch in sorted({switch for switch, _ in self.arcs if switch not in self.tie_flow}):
            edge = self.grid.topology.edges[switch]
            ends = [self.grid.topology.section_of[end] for end in (edge.start, edge.end)]
            used = sum(self.arcs[switch, end] for end in ends)
            if isinstance(edge, Switch) and edge.closed:
                opened = self.model.new_bool_var(switch)
                for end in ends:
                    self.model.add(opened >= self.live[end] - used)
                yield opened
            else:
                yield used

    def read(self, solver: Any) -> Transfer:
        """The transfer that was found."""
        live = frozenset(one for one, var in self.live.items() if solver.value(var))
        opened, closed = [], []
        section_of = self.grid.topology.section_of
        for switch in sorted({switch for switch, _ in self.arcs}):
            edge = self.grid.topology.edges[switch]
            used = any(solver.value(taken) for (one, _), taken in self.arcs.items() if one == switch)
            ends_live = {section_of[edge.start], section_of[edge.end]} & live
            if used and isinstance(edge, Switch) and not edge.closed:
                closed.append(switch)
            elif not used and ends_live and isinstance(edge, Switch) and edge.closed:
                opened.append(switch)
        into: dict[str, list[str]] = {}
        for (switch, to), taken in self.arcs.items():
            if solver.value(taken) and switch not in self.tie_flow:
                edge = self.grid.topology.edges[switch]
                ends = {section_of[edge.start], section_of[edge.end]} - {to}
                into.setdefault(ends.pop(), []).append(to)
        ties = tuple(self._tie(way, into) for way in self.ways if way.switch in closed)
        return Transfer(live, tuple(opened), tuple(closed), ties)

    def _tie(self, way: _Way, into: Mapping[str, list[str]]) -> Tie:
        """A tie with the load of all that is now fed through it."""
        root, kva, of_others = self.grid.fed.root[way.node], 0.0, 0.0
        stack = [way.section]
        while stack:
            section = stack.pop()
            load = self.grid.topology.sections[section].load_kva
            kva += load
            of_others += load if self.grid.fed.root[self.grid.entry[section]] != root else 0.0
            stack += into.get(section, ())
        return Tie(way.switch, way.node, kva, of_others)


def _up(kva: float) -> int:
    return -int(-kva * UNIT // 1)


def _down(kva: float) -> int:
    return int((kva + _SLACK) * UNIT // 1)
