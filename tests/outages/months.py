"""Tiny random months, each with some of everything that a month can have."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from geo.network.exchange import write_network
from server.outages.instance import Instance
from server.outages.reading import read_instance
from tests.outages.nets import small_network

FIRST = dt.date(2026, 6, 8)


def tiny(seed: int) -> tuple[Instance, Any]:
    """A month of two to four days and two to four works that can be read, with its network."""
    for attempt in range(100):
        reading = read_instance(_document(random.Random(seed * 100 + attempt)))
        if reading.instance is not None:
            return reading.instance, reading.network
    raise AssertionError(f"no month from seed {seed}")


def _document(chance: random.Random) -> dict[str, Any]:
    works = chance.randint(2, 4)
    days = 5 - works if works > 2 else 3
    days = max(2, days)
    network = small_network(
        chance.randint(0, 10**6),
        feeders=chance.randint(1, 2),
        sections=3,
        ties=chance.choice((0, 1, 2)),
        tight=chance.random() < 0.5,
        named=chance.randint(0, 1),
    )
    sections = sorted({line.section for line in network.lines} | {one.id for one in network.switches[:0]})
    devices = [one.id for one in network.nodes if one.form != "busbar"]
    dates = [str(FIRST + dt.timedelta(days=one)) for one in range(days)]

    def maybe(share: float, value: Any) -> dict[str, Any]:
        return value if chance.random() < share else {}

    made = []
    for number in range(works):
        place = (
            {"section": chance.choice(sections)}
            if sections and chance.random() < 0.5
            else {"device": chance.choice(devices)}
        )
        others = [f"W{one}" for one in range(number)]
        made.append(
            {
                "id": f"W{number}",
                "kind": chance.choice(("connection", "maintenance")),
                "minutes": chance.choice((60, 150, 210, 230, 300, 420)),
                "skill": chance.choice(("line", "cable")),
                "notice": chance.choice(("planned", "planned", "short")),
                **place,
                **maybe(0.6, {"wanted": chance.choice(dates)}),
                **maybe(0.3, {"earliest": chance.choice(dates)}),
                **maybe(0.2, {"latest": chance.choice(dates)}),
                **maybe(0.2, {"windows": chance.sample(("morning", "afternoon", "day"), 2)}),
                **maybe(0.2, {"forbid": [chance.choice(dates)]}),
                **maybe(0.1, {"pin": {"date": chance.choice(dates)}}),
                **maybe(
                    0.2, {"live": {"minutes": 120, "skill": "cable", "cost_hours": chance.choice((1, 40))}}
                ),
                **maybe(0.15, {"after": [chance.choice(others)]} if others else {}),
                **maybe(0.1, {"with": [chance.choice(others)]} if others else {}),
                **maybe(0.1, {"not_with": [chance.choice(others)]} if others else {}),
                **maybe(0.2, {"same_crew": [chance.choice(others)]} if others else {}),
                **maybe(0.1, {"unplaced_hours": chance.choice((2.0, 30.0))}),
            }
        )
    customers = [
        {
            "id": one.id,
            **maybe(0.3, {"guaranteed": [chance.choice(dates)]}),
            **maybe(0.5, {"consent": True}),
        }
        for one in network.customers
    ]
    past = [
        {"section": chance.choice(sections), "date": str(FIRST - dt.timedelta(days=chance.randint(1, 70)))}
        for _ in range(chance.choice((0, 0, 1, 3)))
        if sections
    ]
    return {
        "schema": "outage-instance-1",
        "id": "tiny",
        "network": write_network(network),
        "calendar": {
            "first": dates[0],
            "last": dates[-1],
            "published": chance.choice(
                (*["2026-05-25T09:00:00"] * 4, "2026-06-02T09:00:00", "2026-06-07T10:00:00")
            ),
            "operations": chance.choice((8, 16, 24)),
            **maybe(0.2, {"rest_days": [chance.choice(dates)]}),
            **maybe(0.2, {"blackouts": [{"first": dates[-1], "last": dates[-1], "reason": "exam"}]}),
            **maybe(0.2, {"quiet": [{"hours": {"from": "11:30", "to": "14:00"}, "dates": [dates[0]]}]}),
            **maybe(0.2, {"quiet": [{"hours": {"from": "07:00", "to": "09:00"}}]}),
        },
        "crews": [
            {"skill": "line", "count": chance.randint(1, 2), **maybe(0.3, {"count_on": {dates[0]: 0}})},
            {"skill": "cable", "count": chance.randint(1, 2)},
        ],
        "works": made,
        "customers": customers,
        "past": past,
        "rules": {
            "interruptions": chance.choice((1, 2)),
            "look_back_days": chance.choice((2, 60)),
            "sections_per_outage": chance.choice((1, 2, 2)),
            "consent": chance.random() < 0.5,
            **maybe(0.2, {"budget_hours": chance.choice((20.0, 80.0))}),
        },
        "weights": {"important_as": 5, "life_support_as": 9, "unplaced": 1000.0, "repeat": 0.5},
    }
