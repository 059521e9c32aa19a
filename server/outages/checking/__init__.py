"""Checks a plan against its instance by other means than those that made it.

Nothing here is shared with the model, its interruptions or its search: only the values of instance and plan,
and the network's topology. Every switching sequence is carried out step by step, every figure added up anew.
"""

from __future__ import annotations

from geo.finding import Finding
from geo.network.model import Network
from server.outages.checking import days, figures, outages, works
from server.outages.checking.facts import Facts
from server.outages.instance import Instance
from server.outages.plan import Plan

__all__ = ["check"]


def check(instance: Instance, network: Network, plan: Plan) -> tuple[Finding, ...]:
    """Everything in a plan that breaks a rule or is not so; nothing if it holds. `place` points into it."""
    facts = Facts(instance, network, plan)
    return (
        *works.check(facts),
        *outages.check(facts),
        *days.check(facts),
        *figures.check(facts),
    )
