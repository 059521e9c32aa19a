"""Which lost parts are fed again, as an integer model: what `resupply.py` leaves to it.

Which sections are live, which switch feeds each, and the flow on everything that could be overloaded, in what
was lost and on the lenders' ways to their sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from geo.network.model import Line, Switch
from server.outages.branches import down, up
from server.outages.grid import Grid, Limit


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
class Way:
    """A normally open switch from a lost section to something live, and what limits it."""

    switch: str
    section: str
    inner: str
    node: str
    limits: tuple[Limit, ...]


def spread_over(grid: Grid, sections: frozenset[str]) -> set[str]:
    """Customers with meters in several sections, one of them here."""
    named = {name for one in sections for name in grid.topology.sections[one].named}
    return {one for one in named if len(grid.spread[one]) > 1}


def solved(grid: Grid, lost: frozenset[str], ways: list[Way]) -> Transfer:
    """The best transfer of all that was lost at once."""
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

    def __init__(self, grid: Grid, lost: frozenset[str], ways: list[Way], model: Any) -> None:
        self.grid, self.lost, self.ways, self.model = grid, lost, ways, model
        sections = [grid.topology.sections[one] for one in sorted(lost)]
        self.total = sum(up(one.load_kva) + len(one.nodes) for one in sections)
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
        return down(edge.capacity_kva) >= self.total

    def _cap(self, edge: Line | Switch) -> int:
        if edge.capacity_kva is None:
            return self.total if isinstance(edge, Switch) else 0
        return min(self.total, down(edge.capacity_kva))

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
            cap = min((self.total, *(max(0, down(one.spare)) for one in way.limits)))
            flow = self.tie_flow[way.switch] = self._arc((way.switch, way.section), cap, None, way.inner)
            for limit in way.limits:
                shared.setdefault(limit.key, (limit.spare, []))[1].append(flow)
        for spare, flows in shared.values():
            if len(flows) > 1 and down(spare) < self.total:
                self.model.add(sum(flows) <= max(0, down(spare)))

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
                up(one.load_kva or 0.0) for one in self.grid.topology.transformers.get(node, ())
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
        for customer in sorted(spread_over(grid, self.lost)):
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

    def _tie(self, way: Way, into: Mapping[str, list[str]]) -> Tie:
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
