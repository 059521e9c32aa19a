"""On pandapower's public network, what an outage leaves without supply is what pandapower's topology says."""

from __future__ import annotations

import importlib
import json
import random
import warnings
from pathlib import Path
from typing import Any

import pytest

from geo.network.pandapower import read_pandapower
from server.outages.grid import make_grid
from server.outages.instance import Rules
from server.outages.interruption import outcome


@pytest.fixture(scope="module")
def pandapower() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("pandapower.topology")
        return importlib.import_module("pandapower")


@pytest.mark.filterwarnings("ignore")
def test_the_same_buses_are_dead_in_pandapower(pandapower: Any) -> None:
    path = Path(pandapower.__file__).parent / "networks" / "mv_oberrhein.json"
    net = pandapower.from_json(str(path))
    reading = read_pandapower(
        json.loads(path.read_text("utf-8")), network_id="mv_oberrhein", datum="wgs84", kva_per_customer=1.5
    )
    grid = make_grid(reading.network)
    normal = net.switch.closed.copy()
    buses = [bus for bus in net.bus.index if f"bus-{bus}" in grid.topology.nodes]
    always = set(pandapower.topology.unsupplied_buses(net)) & set(buses)
    sections = [one for one in grid.parent if grid.parent[one] is not None]
    chance = random.Random(1)
    sets = [frozenset({one}) for one in chance.sample(sections, 30)]
    sets += [
        frozenset({one, chance.choice(sorted(below))}) for one in sections if (below := grid.below({one}))
    ][:30]
    transfers = 0
    for isolated in sets:
        found = outcome(grid, isolated, Rules())
        net.switch["closed"] = normal
        for switch, closed in found.there:
            net.switch.loc[int(switch.removeprefix("switch-")), "closed"] = closed
        theirs = set(pandapower.topology.unsupplied_buses(net)) & set(buses)
        ours = {bus for bus in buses if grid.topology.section_of[f"bus-{bus}"] in found.dead}
        assert theirs == ours | always, isolated
        transfers += bool(found.moved)
    assert transfers > 10
