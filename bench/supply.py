"""Networks: what feeds what beside pandapower's own topology, and the time that it takes by size.

    python bench/supply.py [--switchings N]

With pandapower at hand (`pip install pandapower`; the project itself never needs it), its public network
mv_oberrhein is read from that package, and for many random positions of its switches the buses without
supply are compared: a difference is an error. Then the processor time of each step on generated networks.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from geo.coords import Position
from geo.network.checks import check
from geo.network.exchange import read_network, write_network
from geo.network.locate import feeders_near, locator
from geo.network.model import Feeder, Line, Network, Node, Source, Station, Switch, Transformer
from geo.network.pandapower import read_pandapower
from geo.network.topology import build, supply

LON, LAT, STEP = 121.0, 29.0, 0.001
NODES_A_FEEDER, NODES_A_SECTION, FEEDERS_A_STATION = 50, 5, 10


def beside_pandapower(switchings: int) -> None:
    try:
        pandapower = importlib.import_module("pandapower")
        topology = importlib.import_module("pandapower.topology")
    except ImportError:
        print("pandapower is not installed: nothing compared (pip install pandapower)\n")
        return
    path = Path(pandapower.__file__).parent / "networks" / "mv_oberrhein.json"
    net = pandapower.from_json(str(path))
    reading = read_pandapower(json.loads(path.read_text("utf-8")), network_id="oberrhein", datum="wgs84")
    ours = build(reading.network)
    chance, normal = random.Random(1), net.switch.closed.copy()
    buses = [bus for bus in net.bus.index if f"bus-{bus}" in ours.nodes]
    for number in range(switchings):
        net.switch["closed"] = normal
        positions = {}
        for switch in chance.sample(list(net.switch.index), chance.randint(1, 6)):
            net.switch.loc[switch, "closed"] = not normal[switch]
            positions[f"switch-{switch}"] = not bool(normal[switch])
        theirs = set(topology.unsupplied_buses(net)) & set(buses)
        live = supply(ours, positions).root
        if theirs != {bus for bus in buses if f"bus-{bus}" not in live}:
            raise SystemExit(f"switching {number}: other buses are dead here than in pandapower: {positions}")
    print(f"mv_oberrhein, {len(buses)} buses: {switchings} random switchings, the same buses dead in each\n")


def grown(feeders: int) -> Network:
    """Feeders side by side from shared busbars, each second one with a tie at its end to its neighbour."""
    parts: dict[str, list[Any]] = {
        name: [] for name in Network.__struct_fields__ if name not in ("id", "name")
    }
    for number in range(feeders):
        station, lon = f"S{number // FEEDERS_A_STATION}", LON + number * STEP
        if number % FEEDERS_A_STATION == 0:
            parts["stations"].append(Station(id=station))
            parts["nodes"].append(Node(id=f"{station}-bar", form="busbar", lon=lon, lat=LAT))
            parts["sources"].append(
                Source(id=f"{station}-T", station=station, node=f"{station}-bar", capacity_kva=40_000.0)
            )
        parts["feeders"].append(Feeder(id=f"F{number}", station=station, head=f"k{number}-0"))
        before = f"{station}-bar"
        for pole in range(NODES_A_FEEDER):
            here = f"n{number}-{pole}"
            parts["nodes"].append(Node(id=here, lon=lon, lat=LAT + (pole + 1) * STEP))
            if pole % NODES_A_SECTION == 0:
                parts["switches"].append(Switch(id=f"k{number}-{pole}", start=before, end=here, closed=True))
            else:
                parts["lines"].append(
                    Line(id=f"l{number}-{pole}", start=before, end=here, capacity_kva=8_000.0)
                )
            parts["transformers"].append(
                Transformer(id=f"t{number}-{pole}", node=here, customers=50, load_kva=20.0)
            )
            before = here
        if number % 2:
            ends = (f"n{number - 1}-{NODES_A_FEEDER - 1}", before)
            parts["switches"].append(Switch(id=f"tie{number}", start=ends[0], end=ends[1], closed=False))
    return Network(id="grown", **{name: tuple(found) for name, found in parts.items()})


def median_ms(work: Callable[[], Any], rounds: int = 5) -> float:
    times = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        times.append((time.process_time() - started) * 1000)
    return statistics.median(times)


def by_size() -> None:
    print("| nodes | sections | read GeoJSON | index | supply | checks | feeders within 500 m |")
    print("|---|---|---|---|---|---|---|")
    for feeders in (4, 40, 400):
        network = grown(feeders)
        document = json.loads(json.dumps(write_network(network)))
        topology = build(network)
        index = locator(topology, supply(topology))
        site = Position(LON + feeders * STEP / 2, LAT + 20 * STEP)
        if check(topology):
            raise SystemExit("the generated network is not sound")
        steps = (
            median_ms(lambda document=document: read_network(document)),
            median_ms(lambda network=network: build(network)),
            median_ms(lambda topology=topology: supply(topology)),
            median_ms(lambda topology=topology: check(topology)),
            median_ms(lambda index=index, site=site: feeders_near(index, site, within_m=500.0, limit=3)),
        )
        cells = " | ".join(f"{one:.1f} ms" for one in steps)
        print(f"| {len(network.nodes):,} | {len(topology.sections):,} | {cells} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--switchings", type=int, default=300)
    given = parser.parse_args()
    beside_pandapower(given.switchings)
    by_size()


if __name__ == "__main__":
    main()
