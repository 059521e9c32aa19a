"""What the tests of clocks share: moments where the customers live, and a case walked by its dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from server.workflow import commands as c
from server.workflow.clocks.measure import Clock, clocks
from server.workflow.inforce import InForce
from server.workflow.model import Case, Supply
from server.workflow.policy import load_policy
from tests.workflow.builders import PLAIN_FACTS, Desk, item

CHINA = ZoneInfo("Asia/Shanghai")
MINUTE = timedelta(minutes=1)
RULES = InForce(load_policy())
FACTS = {**PLAIN_FACTS, "design_review_required": True, "mid_check_required": True}


def china(year: int, month: int, day: int, hour: int = 9) -> datetime:
    return datetime(year, month, day, hour, tzinfo=CHINA)


class Walk(Desk):
    """A desk on which things happen at given moments. Settings are those of the day of its opening."""

    def __init__(self, start: datetime, *, kva: float = 630.0, rules: InForce = RULES, **more: Any) -> None:
        self.rules = rules
        facts = {**FACTS, **more.pop("facts", {})}
        super().__init__(facts=facts, policy=rules.on(start.date(), "xiangyang"), start=start, **more)
        if kva != self.case.supply.capacity_kva:
            self.do(c.AmendCase(reason="as applied for", supply=Supply(self.case.supply.voltage_kv, kva)))

    def on(self, moment: datetime, *stages: str) -> Walk:
        """Enter stages from a moment on, a minute apart."""
        self.now = max(self.now, moment - MINUTE)
        self.to_stage(*stages)
        return self

    def surveyed(self, moment: datetime) -> Walk:
        self.now = max(self.now, moment)
        self.inspect(f"t-s{len(self.case.tasks)}", "survey", item("SH-01", "pass"))
        return self

    def clocks(self, now: datetime) -> Mapping[str, Clock]:
        """The last run of every clock, by its limit."""
        return clocks_of(self.case, now, self.rules)


def clocks_of(case: Case, now: datetime, rules: InForce = RULES) -> Mapping[str, Clock]:
    return {clock.id: clock for clock in clocks(case, now, rules)}


def to_construction(start: datetime) -> Walk:
    """A case that is at construction on the day of its application."""
    walk = Walk(start).on(start, "survey").surveyed(start)
    return walk.on(start, "scheme", "review", "reply", "design_review", "construction")
