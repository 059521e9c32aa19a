"""Reads the JSON of pandapower networks (`pandapower.to_json`), without the library: tables as text in JSON.

One voltage level of such a network is read. What feeds it, transformers from above and external grids,
becomes sources; transformers to below become distribution transformers, and bear the loads of their lower
buses. That tool knows no feeders, boundaries, meters or customers: a feeder is made of every edge that
goes out from a source's busbar. A switch at the end of a line gets a node of its own between the two. What
has no counterpart here is told and left out.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from geo.coords import CoordinateError, Datum, check_datum, finite, to_wgs84
from geo.finding import Finding, Param
from geo.network.exchange import Reading
from geo.network.model import (
    Feeder,
    Line,
    Network,
    NetworkError,
    Node,
    Source,
    Station,
    Switch,
    SwitchForm,
    Transformer,
)

Row = dict[str, Any]
Table = dict[int, Row]

_SWITCH_FORMS: dict[str, SwitchForm] = {"CB": "breaker", "LBS": "load_break", "DS": "isolator"}
#: Tables whose rows feed, join or load buses, and that have no counterpart here.
_NO_COUNTERPART = ("trafo3w", "impedance", "dcline", "ward", "xward", "motor", "storage", "asymmetric_load")
_READ = ("bus", "line", "switch", "trafo", "load", "ext_grid", "bus_geodata")


@dataclass
class _Import:
    """One document on its way: its tables, and what has been made of them so far."""

    tables: dict[str, Table]
    level_kv: float
    datum: Datum
    kva_per_customer: float | None
    findings: list[Finding]
    nodes: dict[int, Node] = field(default_factory=dict)
    #: Nodes that switches at the ends of lines and transformers brought; the outermost by type, element, bus.
    brought: list[Node] = field(default_factory=list)
    ends: dict[tuple[str, int, int], Node] = field(default_factory=dict)
    switches: list[Switch] = field(default_factory=list)

    def tell(self, code: str, place: str = "", **params: Param) -> None:
        self.findings.append(Finding(code, params, place))

    def end(self, kind: str, element: int, bus: int) -> Node:
        """The node at which an element meets a bus: beyond its switch, if it has one there."""
        return self.ends.get((kind, element, bus), self.nodes[bus])


def read_pandapower(
    document: Mapping[str, Any],
    *,
    network_id: str,
    datum: Datum,
    level_kv: float | None = None,
    kva_per_customer: float | None = None,
) -> Reading:
    """A network from a pandapower document.

    The format names no datum, so the caller must. `level_kv` is the voltage to read, by default that at
    which most lines run. pandapower counts no customers; with `kva_per_customer` one is reckoned for so much
    load. Raises NetworkError for a document that is no such network.
    """
    body = document.get("_object")
    if document.get("_class") != "pandapowerNet" or not isinstance(body, Mapping):
        raise NetworkError("pandapower_not_a_network")
    findings: list[Finding] = []
    tables = {name: _table(body, name, findings) for name in _READ}
    level = _busiest_level(tables) if level_kv is None else level_kv
    made = _Import(tables, level, check_datum(datum), kva_per_customer, findings)
    for name in _NO_COUNTERPART:
        if rows := _table(body, name, findings):
            made.tell("pandapower_left_out", table=name, rows=len(rows))
    _read_buses(made)
    _read_switches(made)
    lines = list(_read_lines(made))
    sources, busbars = _read_sources(made)
    transformers = list(_read_transformers(made))
    edges: tuple[Line | Switch, ...] = (*lines, *made.switches)
    heads = [edge for edge in edges if (edge.start in busbars) != (edge.end in busbars)]
    network = Network(
        id=network_id,
        name=str(body.get("name") or ""),
        stations=tuple(_stations(made, sources)),
        sources=tuple(sources),
        feeders=tuple(
            Feeder(
                id=f"feeder-{head.id}",
                name=head.name,
                station=busbars.get(head.start) or busbars[head.end],
                head=head.id,
                capacity_kva=head.capacity_kva,
            )
            for head in heads
        ),
        nodes=(*made.nodes.values(), *made.brought),
        lines=tuple(lines),
        switches=tuple(made.switches),
        transformers=tuple(transformers),
    )
    return Reading(network, tuple(made.findings))


def _table(body: Mapping[str, Any], name: str, findings: list[Finding]) -> Table:
    """A table's rows in service, by index: a DataFrame written with `orient="split"`."""
    cell = body.get(name)
    text = cell.get("_object") if isinstance(cell, Mapping) else None
    if text is None:
        return {}
    try:
        split = json.loads(text) if isinstance(text, str) else text
        rows = zip(split["index"], split["data"], strict=True)
        table = {int(index): dict(zip(split["columns"], row, strict=True)) for index, row in rows}
    except (ValueError, TypeError, KeyError) as error:
        raise NetworkError("pandapower_table_unreadable", table=name, detail=str(error)[:80]) from None
    serving = {index: row for index, row in table.items() if row.get("in_service") is not False}
    if len(serving) < len(table):
        params: dict[str, Param] = {"table": name, "rows": len(table) - len(serving)}
        findings.append(Finding("pandapower_out_of_service", params))
    return serving


def _busiest_level(tables: Mapping[str, Table]) -> float:
    buses = tables["bus"]
    levels = Counter(
        finite(buses[row["from_bus"]].get("vn_kv"))
        for row in tables["line"].values()
        if row.get("from_bus") in buses
    )
    found = [level for level, _ in levels.most_common() if level]
    if not found:
        raise NetworkError("pandapower_no_lines")
    return found[0]


def _read_buses(made: _Import) -> None:
    for bus, row in made.tables["bus"].items():
        if finite(row.get("vn_kv")) != made.level_kv:
            continue
        place = _place(made, bus, row)
        made.nodes[bus] = Node(
            id=f"bus-{bus}",
            name=str(row.get("name") or ""),
            form="busbar" if row.get("type") == "b" else "cabinet",
            voltage_kv=made.level_kv,
            lon=None if place is None else place[0],
            lat=None if place is None else place[1],
        )


def _place(made: _Import, bus: int, row: Row) -> tuple[float, float] | None:
    """A bus's position: in its `geo` column as GeoJSON, or, before release 3, in a table of its own."""
    geo, old = row.get("geo"), made.tables["bus_geodata"].get(bus)
    if not isinstance(geo, str):
        geo = None if old is None else json.dumps({"coordinates": [old.get("x"), old.get("y")]})
    points = _points(made, f"/bus/{bus}", geo, single=True)
    return points[0] if points else None


def _points(made: _Import, at: str, geo: object, *, single: bool = False) -> tuple[tuple[float, float], ...]:
    """The positions of a `geo` cell; none, and a finding, where one cannot be read."""
    if not isinstance(geo, str):
        return ()
    try:
        given = json.loads(geo)["coordinates"]
        positions = [to_wgs84(point[0], point[1], made.datum) for point in ([given] if single else given)]
    except CoordinateError as error:
        made.tell(error.code, at, **error.params)
        return ()
    except (ValueError, TypeError, LookupError):
        made.tell("coordinate_not_a_number", at)
        return ()
    return tuple((position.lon, position.lat) for position in positions)


def _read_switches(made: _Import) -> None:
    """Switches between buses, and those at the ends of lines and transformers, each with a node beyond."""
    tables = {"l": made.tables["line"], "t": made.tables["trafo"]}
    for index, row in made.tables["switch"].items():
        kind, bus, element = row.get("et"), row.get("bus"), row.get("element")
        if bus not in made.nodes or not isinstance(element, int):
            made.tell("pandapower_left_out", f"/switch/{index}", table="switch", rows=1)
        elif kind == "b" and element in made.nodes:
            made.switches.append(_switch(index, row, made.nodes[bus], made.nodes[element]))
        elif isinstance(kind, str) and element in tables.get(kind, ()):
            before = made.end(kind, element, bus)
            beyond = Node(
                id=f"switch-{index}-end",
                form="terminal",
                voltage_kv=made.level_kv,
                lon=before.lon,
                lat=before.lat,
            )
            made.switches.append(_switch(index, row, before, beyond))
            # Several switches at one end stand one behind the other.
            made.brought.append(beyond)
            made.ends[kind, element, bus] = beyond
        else:
            made.tell("pandapower_left_out", f"/switch/{index}", table="switch", rows=1)


def _switch(index: int, row: Row, start: Node, end: Node) -> Switch:
    return Switch(
        id=f"switch-{index}",
        name=str(row.get("name") or ""),
        start=start.id,
        end=end.id,
        closed=row.get("closed") is not False,
        form=_SWITCH_FORMS.get(str(row.get("type")), "load_break"),
        capacity_kva=_kva(finite(row.get("in_ka")), start.voltage_kv),
        lon=start.lon,
        lat=start.lat,
    )


def _read_lines(made: _Import) -> Iterator[Line]:
    elsewhere = 0
    for index, row in made.tables["line"].items():
        start, end = row.get("from_bus"), row.get("to_bus")
        if start not in made.nodes or end not in made.nodes:
            elsewhere += 1
            continue
        rated = _rating(row, "max_i_ka")
        km = finite(row.get("length_km"))
        yield Line(
            id=f"line-{index}",
            name=str(row.get("name") or ""),
            start=made.end("l", index, start).id,
            end=made.end("l", index, end).id,
            form="overhead" if row.get("type") == "ol" else "cable",
            capacity_kva=_kva(rated, made.level_kv),
            length_m=None if km is None else km * 1000.0,
            path=_points(made, f"/line/{index}", row.get("geo")),
        )
    if elsewhere:
        made.tell("pandapower_left_out", table="line", rows=elsewhere)


def _read_sources(made: _Import) -> tuple[list[Source], dict[str, str]]:
    """What feeds the level, and the station of every node on a source's busbar."""
    found: list[Source] = []
    busbars: dict[str, str] = {}
    fed_from = [
        *(("trafo", index, row.get("lv_bus"), row) for index, row in made.tables["trafo"].items()),
        *(("ext_grid", index, row.get("bus"), row) for index, row in made.tables["ext_grid"].items()),
    ]
    for table, index, bus, row in fed_from:
        if bus not in made.nodes:
            continue
        node, station, rated = made.end("t", index, bus), f"station-{bus}", _rating(row, "sn_mva")
        node = node if table == "trafo" else made.nodes[bus]
        found.append(
            Source(
                id=f"{table}-{index}",
                name=str(row.get("name") or ""),
                station=station,
                node=node.id,
                capacity_kva=None if rated is None else rated * 1000.0,
            )
        )
        busbars |= {made.nodes[bus].id: station, node.id: station}
    return found, busbars


def _read_transformers(made: _Import) -> Iterator[Transformer]:
    """Transformers to below with the loads of their lower buses; one for each bus with loads of its own."""
    load = _loads(made)
    for index, row in made.tables["trafo"].items():
        hv, lv = row.get("hv_bus"), row.get("lv_bus")
        if hv in made.nodes and lv not in made.nodes:
            node, rated = made.end("t", index, hv), _rating(row, "sn_mva")
            capacity = None if rated is None else rated * 1000.0
            yield _transformer(made, f"trafo-{index}", row, node, capacity, load.pop(lv, 0.0))
    for bus in sorted(load):
        if bus in made.nodes:
            yield _transformer(made, f"load-{bus}", {}, made.nodes[bus], None, load[bus])
        else:
            made.tell("pandapower_load_elsewhere", f"/bus/{bus}", bus=bus, load_kva=round(load[bus]))


def _loads(made: _Import) -> defaultdict[Any, float]:
    """Apparent power by bus, kVA."""
    load: defaultdict[Any, float] = defaultdict(float)
    for index, row in made.tables["load"].items():
        p, q, scaling = (finite(row.get(name)) for name in ("p_mw", "q_mvar", "scaling"))
        if p is None or not isinstance(row.get("bus"), int):
            made.tell("pandapower_load_unreadable", f"/load/{index}", load=index)
            continue
        load[row["bus"]] += math.hypot(p, q or 0.0) * (1.0 if scaling is None else scaling) * 1000.0
    return load


def _transformer(
    made: _Import, id_: str, row: Row, node: Node, capacity_kva: float | None, load_kva: float
) -> Transformer:
    per = made.kva_per_customer
    return Transformer(
        id=id_,
        name=str(row.get("name") or ""),
        node=node.id,
        capacity_kva=capacity_kva,
        load_kva=load_kva,
        customers=round(load_kva / per) if per else 0,
        lon=node.lon,
        lat=node.lat,
    )


def _stations(made: _Import, sources: list[Source]) -> Iterator[Station]:
    by_id = {node.id: node for node in (*made.nodes.values(), *made.brought)}
    for station, source in {source.station: source for source in reversed(sources)}.items():
        node = by_id[source.node]
        yield Station(id=station, name=source.name, voltage_kv=made.level_kv, lon=node.lon, lat=node.lat)


def _rating(row: Row, name: str) -> float | None:
    """A rating of all parallel systems together, derated."""
    one, parallel, derating = (finite(row.get(key)) for key in (name, "parallel", "df"))
    return None if one is None else one * (1.0 if parallel is None else parallel) * (derating or 1.0)


def _kva(ka: float | None, kv: float | None) -> float | None:
    return None if ka is None or kv is None else math.sqrt(3.0) * ka * kv * 1000.0
