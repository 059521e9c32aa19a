"""What a choice costs, part by part, in weighted customer-minutes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from server.outages.instance import Part
from server.outages.ledger import Choice, Ledger
from server.outages.month import MINUTES, Month
from server.outages.options import LIVE, Options

Costs = dict[Part, int]


def repeat_minutes(month: Month, sections: tuple[str, ...]) -> int:
    """What one more interruption of these sections costs beyond the first in the look-back."""
    per_customer = month.instance.weights.repeat * MINUTES
    return round(sum(month.grid.points[one] for one in sections) * per_customer)


def live_minutes(month: Month, work: int) -> int:
    """What doing a work live costs."""
    option = month.works[work].live
    return 0 if option is None else round(option.cost_hours * MINUTES)


def change_minutes(month: Month) -> int:
    """What moving a work costs in a re-balance."""
    return round(month.instance.weights.change * MINUTES)


def costs_of(
    month: Month, options: Options, choice: Choice, base: Mapping[int, int | None] | None = None
) -> Costs:
    """The parts of the objective. `base` has the day of each work in the plan to stay near."""
    ledger = Ledger(month, options, choice)
    costs: Costs = {
        "unplaced": sum(month.unplaced_cost(work) for work, place in choice.items() if place is None),
        "hours": sum(options.sets[place[0]].weighted_minutes(ledger.lasts(place)) for place in ledger.riders),
        "repeats": _repeats(month, options, ledger),
        "live": 0,
        "lateness": 0,
        "changes": 0,
    }
    for work, place in choice.items():
        if place is not None:
            costs["lateness"] += month.late_cost(work, place[1])
            costs["live"] += live_minutes(month, work) if place[0] == LIVE else 0
        if base is not None and work in base and base[work] != (None if place is None else place[1]):
            costs["changes"] += change_minutes(month)
    return costs


def _repeats(month: Month, options: Options, ledger: Ledger) -> int:
    planned = Counter(group for place in ledger.riders for group in options.alike_of.get(place[0], ()))
    return sum(
        repeats(month, options.alike[group][0][0], times) * repeat_minutes(month, options.alike[group][0])
        for group, times in planned.items()
    )


def repeats(month: Month, section: str, planned: int) -> int:
    """How many of a section's planned interruptions are repeats: all but the first, which is one as well
    where it was interrupted in the look-back before the month."""
    return max(0, planned - (0 if month.recent(section, -1) else 1))


def total(costs: Costs, parts: tuple[Part, ...]) -> int:
    """The sum of some parts."""
    return sum(costs[part] for part in parts)
