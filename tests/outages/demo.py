"""The demo month and its best plan."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

import server.demo
from geo.network.model import Network
from server.outages.balancing import balance
from server.outages.instance import Instance
from server.outages.plan import Plan
from server.outages.reading import read_instance
from server.outages.solving import Limits

LIMITS = Limits(seconds=60, workers=1)
DEMO = Path(server.demo.__file__).parent


@cache
def _files() -> tuple[str, str]:
    return (DEMO / "outages.json").read_text("utf-8"), (DEMO / "network.json").read_text("utf-8")


def demo_document() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(_files()[0])
    return made


def demo(document: dict[str, Any] | None = None) -> tuple[Instance, Network]:
    """The demo month, or another on its network."""
    reading = read_instance(document or demo_document(), network=json.loads(_files()[1]))
    assert reading.instance is not None, reading.findings
    assert reading.network is not None
    return reading.instance, reading.network


@cache
def demo_plan_bytes() -> bytes:
    """The best plan, as a file would hold it."""
    return msgspec.json.encode(balance(*demo(), limits=LIMITS))


def demo_plan() -> Plan:
    return msgspec.json.decode(demo_plan_bytes(), type=Plan)


def with_work(instance: Instance, name: str, **changes: Any) -> Instance:
    """An instance with something of one work otherwise."""
    works = tuple(
        msgspec.structs.replace(one, **changes) if one.id == name else one for one in instance.works
    )
    return msgspec.structs.replace(instance, works=works)
