"""Small random networks: feeders of a few sections, ties between them, capacities that bind now and then."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

from geo.network.model import (
    Boundary,
    Customer,
    Feeder,
    Line,
    Meter,
    Network,
    Node,
    Source,
    Station,
    Switch,
    Transformer,
)
from geo.network.topology import build, supply


def network_of(parts: Mapping[str, Iterable[Any]]) -> Network:
    """A network of its kinds of elements, by the names of Network's fields."""
    made: dict[str, Any] = {name: tuple(found) for name, found in parts.items()}
    return Network(id="small", **made)


class _Growing:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.parts: dict[str, list[Any]] = {
            name: [] for name in Network.__struct_fields__ if name not in ("id", "name")
        }

    def section(self, name: str, nodes: int) -> list[str]:
        """A tree of lines named as the section, with customers behind its nodes."""
        made = [f"{name}.{number}" for number in range(nodes)]
        for number, node in enumerate(made):
            self.parts["nodes"].append(Node(id=node))
            if number:
                before = self.chance.choice(made[:number])
                self.parts["lines"].append(Line(id=f"l-{node}", start=before, end=node, section=name))
            if self.chance.random() < 0.8:
                customers, load = self.chance.randint(0, 9), float(self.chance.randint(0, 20))
                self.parts["transformers"].append(
                    Transformer(id=f"t-{node}", node=node, customers=customers, load_kva=load)
                )
        return made

    def switch(self, id_: str, start: str, end: str, closed: bool) -> None:
        made = Switch(id=id_, start=start, end=end, closed=closed, remote=self.chance.random() < 0.3)
        self.parts["switches"].append(made)

    def network(self, tight: bool) -> Network:
        """All of it, every capacity at least the normal load, and not much more where `tight`."""
        loose = network_of(self.parts)
        fed = supply(build(loose))

        def room() -> float:
            return float(self.chance.randint(0, 60)) if tight else 1000.0

        lines = [
            Line(
                id=one.id,
                start=one.start,
                end=one.end,
                section=one.section,
                capacity_kva=fed.load_kva.get(one.id, 0.0) + room(),
            )
            for one in self.parts["lines"]
        ]
        feeders = [
            Feeder(
                id=one.id,
                station=one.station,
                head=one.head,
                capacity_kva=fed.load_kva.get(one.head, 0.0) + room(),
            )
            for one in self.parts["feeders"]
        ]
        parts = {**self.parts, "lines": lines, "feeders": feeders}
        return network_of(parts)


def small_network(
    seed: int, *, feeders: int = 2, sections: int = 3, ties: int = 2, tight: bool = True, named: int = 1
) -> Network:
    """Feeders from one or two stations, each a random tree of sections `F0S0`…; ties `T0`… join any two."""
    chance = random.Random(seed)
    grow = _Growing(chance)
    stations = chance.randint(1, 2)
    for number in range(stations):
        grow.parts["stations"].append(Station(id=f"ST{number}"))
        grow.parts["nodes"].append(Node(id=f"bar{number}", form="busbar"))
        grow.parts["sources"].append(
            Source(id=f"SRC{number}", station=f"ST{number}", node=f"bar{number}", capacity_kva=900.0)
        )
    places: dict[str, list[str]] = {}
    for feeder in range(feeders):
        station = feeder % stations
        for number in range(chance.randint(2, sections)):
            name = f"F{feeder}S{number}"
            nodes = grow.section(name, chance.randint(1, 3))
            above = [one for one in places if one.startswith(f"F{feeder}")]
            start = chance.choice(places[chance.choice(above)]) if above else f"bar{station}"
            grow.switch(f"K{feeder}.{number}", start, nodes[0], closed=True)
            places[name] = nodes
        grow.parts["feeders"].append(Feeder(id=f"F{feeder}", station=f"ST{station}", head=f"K{feeder}.0"))
    names = sorted(places)
    for number in range(ties):
        a, b = chance.sample(names, 2)
        grow.switch(f"T{number}", chance.choice(places[a]), chance.choice(places[b]), closed=False)
    for number in range(named):
        grow.parts["customers"].append(
            Customer(
                id=f"C{number}", importance=chance.choice(("", "first")), life_support=chance.random() < 0.2
            )
        )
        for meter in range(chance.randint(1, 2)):
            at = chance.choice(places[chance.choice(names)])
            grow.parts["boundaries"].append(Boundary(id=f"B{number}.{meter}", at=at))
            grow.parts["meters"].append(
                Meter(id=f"M{number}.{meter}", boundary=f"B{number}.{meter}", customer=f"C{number}")
            )
    return grow.network(tight)
