"""The way in: `balance` makes a plan of an instance that `read_instance` found usable."""

from __future__ import annotations

from dataclasses import replace

from geo.network.model import Network
from server.outages.greedy import merged
from server.outages.instance import Instance
from server.outages.ledger import Choice
from server.outages.measure import costs_of, total
from server.outages.month import MINUTES, Month, make_month
from server.outages.options import Options, carried_over, make_options
from server.outages.plan import Plan, Proof, Stage, Status
from server.outages.planning import write_plan
from server.outages.search import Found, search
from server.outages.solving import Limits
from server.outages.watch import Progress, Step

#: A bound this near to the value proves it: both are whole minutes.
_EXACT = 0.5


def balance(
    instance: Instance, network: Network, *, limits: Limits | None = None, progress: Progress | None = None
) -> Plan:
    """The best plan within the limits, and how far from the best possible it can be.

    `progress` is told of every better plan and bound; where it returns False the search ends with what there
    is. What comes before the search counts into its seconds, and is never left out: a plan stands however few
    they are. Takes OR-Tools and up to `limits.workers` processors; for a worker, not for a web process.
    """
    limits = limits or Limits()
    began = limits.clock()
    month = make_month(instance, network)
    few, first = first_plan(month, limits)
    if progress is not None:
        value = total(costs_of(month, few, first), instance.objective.stages[0]) / MINUTES
        if not progress(Step(0, value, 0.0, limits.clock() - began)):
            # All options are needed even so: what a plan leaves out for good is told by them.
            progress = _ended
    options, start = widened(month, few, first, limits)
    spent = limits.clock() - began
    found = search(month, options, _less(limits, spent), _later(progress, spent), start=start)
    return write_plan(month, options, found.choice, proof_of(month, options, found, limits))


def _less(limits: Limits, seconds: float) -> Limits:
    return replace(limits, seconds=max(0.0, limits.seconds - seconds))


def _later(progress: Progress | None, seconds: float) -> Progress | None:
    if progress is None:
        return None
    return lambda step: progress(replace(step, seconds=seconds + step.seconds))


def _ended(_step: Step) -> bool:
    return False


def first_plan(month: Month, limits: Limits) -> tuple[Options, Choice]:
    """A plan that stands soon, however large the month: of a large one with outages for one place of work
    only, most of the others being yet to be reckoned. With the options that it is of."""
    large = len(month.works) > limits.warm_works
    options = make_options(month, workers=limits.workers, together=1 if large else None)
    return options, merged(month, options)


def widened(month: Month, few: Options, plan: Choice, limits: Limits) -> tuple[Options, Choice]:
    """All options, and among them a plan of few, with what else has a place there."""
    if len(month.works) <= limits.warm_works:
        return few, plan
    options = make_options(month, workers=limits.workers)
    return options, merged(month, options, carried_over(plan, few, options))


def proof_of(month: Month, options: Options, found: Found, limits: Limits) -> Proof:
    """How good what was found is known to be. What can nowhere be placed weighs in no gap."""
    hopeless = sum(month.unplaced_cost(work) for work, places in enumerate(options.places) if not places)
    # However early it was ended, what can nowhere be placed is left out in every plan.
    fixed = [hopeless if "unplaced" in one.parts else 0 for one in found.stages]
    bounds = [max(one.bound, least) for one, least in zip(found.stages, fixed, strict=True)]
    stages = tuple(
        Stage(parts=one.parts, value=one.value / MINUTES, bound=bound / MINUTES)
        for one, bound in zip(found.stages, bounds, strict=True)
    )
    value, bound = found.stages[0].value - fixed[0], bounds[0] - fixed[0]
    proven = all(one.value - bound < _EXACT for one, bound in zip(found.stages, bounds, strict=True))
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
