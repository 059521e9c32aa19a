"""Months to balance, made by seed: a network, and works with the mix that a utility's month has.

Networks: pandapower's public mv_oberrhein, with a customer for so many kVA; and radial ones grown at random,
feeders of some fifty nodes with ties among them.
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import random
from pathlib import Path
from typing import Any

import msgspec

from geo.network.exchange import write_network
from geo.network.model import Feeder, Line, Network, Node, Source, Station, Switch, Transformer
from geo.network.pandapower import read_pandapower
from geo.network.topology import build, supply

FIRST = dt.date(2026, 6, 1)
DAYS = 30
KVA_A_CUSTOMER = 1.5
NODES_A_FEEDER, FEEDERS_A_STATION = 50, 8
ROOM = 2.0


def oberrhein() -> Network:
    """mv_oberrhein as pandapower ships it. Raises ImportError without pandapower."""
    pandapower = importlib.import_module("pandapower")
    path = Path(pandapower.__file__ or "").parent / "networks" / "mv_oberrhein.json"
    document = json.loads(path.read_text("utf-8"))
    return read_pandapower(
        document, network_id="mv_oberrhein", datum="wgs84", kva_per_customer=KVA_A_CUSTOMER
    ).network


def grown(nodes: int, seed: int = 1) -> Network:
    """Feeders side by side, trees of sections of one to four nodes, with ties to the feeders beside."""
    chance = random.Random(seed)
    parts: dict[str, list[Any]] = {
        name: [] for name in Network.__struct_fields__ if name not in ("id", "name")
    }
    feeders: list[list[str]] = []
    for number in range(nodes // NODES_A_FEEDER):
        station = f"S{number // FEEDERS_A_STATION}"
        if number % FEEDERS_A_STATION == 0:
            parts["stations"].append(Station(id=station))
            parts["nodes"].append(Node(id=f"{station}-bar", form="busbar"))
            parts["sources"].append(
                Source(id=f"{station}-T", station=station, node=f"{station}-bar", capacity_kva=40_000.0)
            )
        parts["feeders"].append(Feeder(id=f"F{number}", station=station, head=f"k{number}-0"))
        feeders.append(_feeder(chance, parts, number, f"{station}-bar"))
    for number, own in enumerate(feeders):
        for beside in (number + 1, number + 2):
            if beside < len(feeders):
                ends = chance.choice(own[len(own) // 3 :]), chance.choice(feeders[beside][len(own) // 3 :])
                parts["switches"].append(
                    Switch(id=f"tie{number}-{beside}", start=ends[0], end=ends[1], closed=False)
                )
    fields: dict[str, Any] = {name: tuple(own) for name, own in parts.items()}
    return _with_room(Network(id=f"grown-{nodes}-{seed}", **fields))


def _feeder(chance: random.Random, parts: dict[str, list[Any]], number: int, bar: str) -> list[str]:
    made: list[str] = []
    left = 0
    for pole in range(NODES_A_FEEDER):
        here = f"n{number}-{pole}"
        before = bar if pole == 0 else made[-1] if chance.random() < 0.75 else chance.choice(made)
        parts["nodes"].append(Node(id=here))
        if left == 0 or before != (made[-1] if made else bar):
            left = chance.randint(1, 4)
            parts["switches"].append(Switch(id=f"k{number}-{pole}", start=before, end=here, closed=True))
        else:
            parts["lines"].append(Line(id=f"l{number}-{pole}", start=before, end=here))
        left -= 1
        customers = chance.choice((0, 10, 40, 60, 80, 120))
        parts["transformers"].append(
            Transformer(
                id=f"t{number}-{pole}", node=here, customers=customers, load_kva=customers * KVA_A_CUSTOMER
            )
        )
        made.append(here)
    return made


def _with_room(network: Network) -> Network:
    """Every line with twice what its feeder's head normally carries, as lines of one cross-section have."""
    fed = supply(build(network))
    heads = {feeder.id: fed.load_kva[feeder.head] for feeder in network.feeders}
    replace = msgspec.structs.replace
    lines = tuple(replace(one, capacity_kva=ROOM * heads[fed.feeder[one.start]]) for one in network.lines)
    return replace(network, lines=lines)


def month(network: Network, works: int, seed: int) -> dict[str, Any]:
    """An instance: two thirds maintenance, a third connections that wait for a date; crews to match."""
    chance = random.Random(f"{network.id} {works} {seed}")
    topology = build(network)
    fed = supply(topology)
    rooted = {topology.section_of[node] for node in topology.sources}
    sections = [one.id for one in topology.sections.values() if fed.live(one) and one.id not in rooted]
    busy = chance.sample(sections, min(len(sections), works))
    sundays = [str(FIRST + dt.timedelta(days=one)) for one in range(DAYS) if (FIRST.weekday() + one) % 7 == 6]
    skills = ("line", "cable")
    return {
        "schema": "outage-instance-1",
        "id": f"{network.id}-{works}-{seed}",
        "network": write_network(network),
        "calendar": {
            "first": str(FIRST),
            "last": str(FIRST + dt.timedelta(days=DAYS - 1)),
            "published": "2026-05-25T09:00:00",
            "rest_days": sundays,
            "blackouts": [{"first": "2026-06-17", "last": "2026-06-19", "reason": "examinations"}],
            "operations": max(48, works),
        },
        "crews": [{"skill": one, "count": max(2, round(works / 18))} for one in skills],
        # More than the default allows: so many works on so few sections would otherwise be left out by rule.
        "rules": {"interruptions": 4},
        "works": [_work(chance, number, chance.choice(busy), skills) for number in range(works)],
        "past": [
            {"section": one, "date": str(FIRST - dt.timedelta(days=chance.randint(5, 55)))}
            for one in chance.sample(sections, len(sections) // 20)
        ],
    }


def _work(chance: random.Random, number: int, section: str, skills: tuple[str, ...]) -> dict[str, Any]:
    connection = chance.random() < 1 / 3
    earliest = chance.randint(0, 18 if connection else 10)
    wanted = min(DAYS - 1, earliest + chance.randint(0, 8))
    latest = DAYS - 1 if chance.random() < 0.8 else min(DAYS - 1, wanted + chance.randint(6, 12))
    return {
        "id": f"W{number:04}",
        "kind": "connection" if connection else "maintenance",
        "minutes": chance.choice((90, 120, 150, 180, 200, 300, 360, 420)),
        "skill": chance.choice(skills),
        "section": section,
        "earliest": str(FIRST + dt.timedelta(days=earliest)),
        "wanted": str(FIRST + dt.timedelta(days=wanted)),
        "latest": str(FIRST + dt.timedelta(days=latest)),
    }
