"""Instances for the tests, as the JSON that a file would hold."""

from __future__ import annotations

import copy
from typing import Any

from geo.network.exchange import write_network
from server.outages.reading import Reading, read_instance
from tests.outages.nets import small_network

Document = dict[str, Any]


def document(**more: Any) -> Document:
    """Three works of a week on a small network, all of which can be done."""
    made: Document = {
        "schema": "outage-instance-1",
        "id": "2026-06",
        "network": write_network(small_network(3, feeders=2, named=1)),
        "calendar": {
            "first": "2026-06-08",
            "last": "2026-06-14",
            "published": "2026-05-25T09:00:00",
            "rest_days": ["2026-06-13", "2026-06-14"],
        },
        "crews": [{"skill": "line", "count": 2}, {"skill": "cable", "count": 1}],
        "works": [
            {"id": "W1", "kind": "maintenance", "minutes": 150, "skill": "line", "section": "F0S1"},
            {"id": "W2", "kind": "connection", "minutes": 180, "skill": "cable", "section": "F1S1"},
            {"id": "W3", "kind": "maintenance", "minutes": 300, "skill": "line", "section": "F1S0"},
        ],
        "rules": {"consent": False},
    }
    return {**made, **more}


def changed(made: Document, path: str, value: Any) -> Document:
    """A copy with another value at a dotted path; None takes what is there out."""
    made = copy.deepcopy(made)
    *way, last = path.split(".")
    here: Any = made
    for step in way:
        here = here[int(step)] if isinstance(here, list) else here.setdefault(step, {})
    if isinstance(here, list):
        here[int(last)] = value
    elif value is None:
        here.pop(last, None)
    else:
        here[last] = value
    return made


def read(made: Document) -> Reading:
    """What reading says; a test that only wants the month asserts that it is usable."""
    return read_instance(made)
