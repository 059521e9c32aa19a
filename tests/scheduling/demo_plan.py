"""The plan of the demo month that is kept beside it, and its network."""

from __future__ import annotations

import msgspec

from geo.network.topology import build, supply
from server.outages.plan import Plan
from server.scheduling.picture import feeders_of
from tests.outages.demo import DEMO, demo

MONTH, NETWORK = demo()
PLAN = msgspec.json.decode((DEMO / "outages-plan.json").read_bytes(), type=Plan)
TOPOLOGY = build(NETWORK)
FEEDERS = feeders_of(MONTH.works, TOPOLOGY, supply(TOPOLOGY))
NAMES = {one.id: getattr(one, "name", "") or one.id for one in NETWORK.elements()}
