"""The figures of an organisation's outages: of a month, and of a bulletin's period beside the one before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from server.bulletins.outages import OutageFigures, Outages
from server.bulletins.periods import Period
from server.casework.looking_back import LookingBack
from server.scheduling.figures import figures
from server.scheduling.months import days_of
from server.scheduling.plans import PlanRecord, number_of

__all__ = ["figures_of", "outages_of_period"]


def figures_of(
    house: LookingBack, organisation: str, first: date, last: date, *, today: date, network: str | None = None
) -> tuple[list[PlanRecord], OutageFigures]:
    """The plans that were published for the months from one day to another, the newest version of each, and
    what they come to; of all networks where none is named."""
    heads = house.in_force(organisation, network)
    months = set(_months(first, last))
    own = [one for one in heads if one.month in months]
    return own, figures(
        house.months(own, today),
        house.interrupted(heads, first, last),
        look_back_days=house.look_back_days,
        budget=house.budget(own),
        today=today,
    )


def outages_of_period(house: LookingBack, organisation: str, period: Period, today: date) -> Outages | None:
    """What a bulletin tells of outages; None where it tells nothing of them: plans are made by the month."""
    if period.kind == "weekly":
        return None
    plans, found = figures_of(house, organisation, period.first, period.last, today=today)
    earlier, before = figures_of(house, organisation, period.before.first, period.before.last, today=today)
    return Outages(
        plans=tuple(number_of(one) for one in plans),
        figures=found if plans else None,
        before=before if earlier else None,
    )


def _months(first: date, last: date) -> Iterator[str]:
    """The months from one day to another, as plans name them."""
    while first <= last:
        month = f"{first:%Y-%m}"
        yield month
        first = days_of(month)[1] + timedelta(days=1)
