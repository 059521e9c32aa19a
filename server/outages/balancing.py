"""The way in: `balance` makes a plan of an instance that `read_instance` found usable."""

from __future__ import annotations

from geo.network.model import Network
from server.outages.instance import Instance
from server.outages.month import MINUTES, Month, make_month
from server.outages.options import Options, make_options
from server.outages.plan import Plan, Proof, Stage, Status
from server.outages.planning import write_plan
from server.outages.search import Found, search
from server.outages.solving import Limits
from server.outages.watch import Progress

#: A bound this near to the value proves it: both are whole minutes.
_EXACT = 0.5


def balance(
    instance: Instance, network: Network, *, limits: Limits | None = None, progress: Progress | None = None
) -> Plan:
    """The best plan within the limits, and how far from the best possible it can be.

    `progress` is told of every better plan and bound; where it returns False the search ends with what there
    is. Takes OR-Tools and up to `limits.workers` processors; for a worker, not for a web process.
    """
    limits = limits or Limits()
    month = make_month(instance, network)
    options = make_options(month, workers=limits.workers)
    found = search(month, options, limits, progress)
    return write_plan(month, options, found.choice, proof_of(month, options, found, limits))


def proof_of(month: Month, options: Options, found: Found, limits: Limits) -> Proof:
    """How good what was found is known to be. What can nowhere be placed weighs in no gap."""
    stages = tuple(
        Stage(parts=one.parts, value=one.value / MINUTES, bound=one.bound / MINUTES) for one in found.stages
    )
    hopeless = sum(month.unplaced_cost(work) for work, places in enumerate(options.places) if not places)
    first = found.stages[0]
    fixed = hopeless if "unplaced" in first.parts else 0
    value, bound = first.value - fixed, max(0.0, first.bound - fixed)
    proven = all(one.value - one.bound < _EXACT for one in found.stages)
    status: Status = "optimal" if proven else "cancelled" if found.cancelled else "feasible"
    if all(place is None for place in found.choice.values()):
        status = "empty"
    return Proof(
        status=status,
        stages=stages,
        gap=0.0 if value - bound < _EXACT else (value - bound) / value,
        seconds=round(found.seconds, 3),
        method=found.method,
        sections_per_outage=month.instance.rules.sections_per_outage,
        seed=limits.seed,
        workers=limits.workers,
    )
