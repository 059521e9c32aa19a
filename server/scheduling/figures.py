"""The figures of a month's outages: how many customer-hours, how much as planned. Pure.

A rate is None where there is nothing that it could be of. What was never recorded counts in sums of planned
things, and in none of what was real.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from server.scheduling.announcing import Notice
from server.scheduling.looking_back import Past, Version
from server.scheduling.months import standing_days


class MonthOf(Struct, frozen=True, kw_only=True):
    """A plan of the month in all its versions, oldest first: its outages, its notices, and its works as the
    instance has them."""

    versions: Sequence[Version]
    outages: Sequence[Past]
    notices: Sequence[Notice]
    works: Mapping[str, Mapping[str, Any]]


class Figures(Struct, frozen=True, kw_only=True):
    """The figures of a month. Hours are customer-hours.

    `execution_rate`: works done on the day that they were first published for, of those whose day is over;
    `repeat_rate`: sections interrupted more than once within the look-back that ends with the month, of all
    that were interrupted in it; `short_notice_rate`: works with short notice, `live_rate`: works done live,
    each of all works; `combined_rate`: outages for more than one work; `on_time_rate`: outages that went as
    planned, of those recorded; `notice_on_time_rate`: notices announced by their day, of those whose day is
    over.
    """

    outages: int
    recorded: int
    cancelled: int
    hours_planned: float
    hours_planned_of_recorded: float
    hours_real: float
    hours_budget: float | None
    connections: int
    hours_per_connection: float | None
    execution_rate: float | None
    short_notice_rate: float | None
    live_rate: float | None
    combined_rate: float | None
    on_time_rate: float | None
    notice_on_time_rate: float | None
    repeat_rate: float | None


def figures(
    months: Sequence[MonthOf],
    interrupted: Iterable[Mapping[str, str]],
    *,
    budget: float | None,
    today: date,
) -> Figures:
    """The figures of the plans of a month. `interrupted` are the interruptions of the look-back that ends
    with it, as `looking_back.interruptions` gives them."""
    outages = [one for month in months for one in month.outages]
    recorded = [one for one in outages if one.execution is not None]
    shares = [hours for month in months for hours in _connections(month)]
    works = [work for month in months for work in _placed(month)]
    first = [done for month in months for done in _as_first_planned(month, today)]
    notices = [
        one
        for month in months
        for one in month.notices
        if one.kind != "withdrawn" and date.fromisoformat(one.notice["by"]) < today
    ]
    times = Counter(one["section"] for one in interrupted)
    return Figures(
        outages=len(outages),
        recorded=len(recorded),
        cancelled=sum(_outcome(one) == "cancelled" for one in recorded),
        hours_planned=_sum(one.outage["customer_hours"] for one in outages),
        hours_planned_of_recorded=_sum(one.outage["customer_hours"] for one in recorded),
        hours_real=_sum(one.execution.customer_hours for one in recorded if one.execution is not None),
        hours_budget=budget,
        connections=len(shares),
        hours_per_connection=round(sum(shares) / len(shares), _DIGITS) if shares else None,
        execution_rate=_rate(first),
        short_notice_rate=_rate([work.get("notice") == "short" for work, _ in works]),
        live_rate=_rate([live for _, live in works]),
        combined_rate=_rate([len(one.works) > 1 for one in outages]),
        on_time_rate=_rate([_outcome(one) == "as_planned" for one in recorded]),
        notice_on_time_rate=_rate([_in_time(one) for one in notices]),
        repeat_rate=_rate([count > 1 for count in times.values()]),
    )


#: Rates and hours are told to the thousandth.
_DIGITS = 3


def _sum(hours: Iterable[float]) -> float:
    return round(float(sum(hours)), _DIGITS)


def _rate(which: Sequence[bool]) -> float | None:
    return round(sum(which) / len(which), _DIGITS) if which else None


def _outcome(one: Past) -> str:
    return "" if one.execution is None else one.execution.outcome


def _in_time(one: Notice) -> bool:
    return any(str(told.announced_at.date()) <= one.notice["by"] for told in one.announcements)


def _placed(month: MonthOf) -> list[tuple[Mapping[str, Any], bool]]:
    """The works of the newest version, and whether each is done live."""
    *_, newest = month.versions
    live = {one["work"] for one in newest.plan.get("live", ())}
    days = standing_days(newest.plan)
    return [(month.works[work], work in live) for work in sorted(days) if work in month.works]


def _connections(month: MonthOf) -> list[float]:
    """The customer-hours of each connection: its share of its outage, as it went where that is known."""
    found = []
    for one in month.outages:
        hours = one.outage["customer_hours"] if one.execution is None else one.execution.customer_hours
        found += [
            hours / len(one.works)
            for work in one.works
            if month.works.get(work, {}).get("kind") == "connection"
        ]
    return found


def _as_first_planned(month: MonthOf, today: date) -> list[bool]:
    """Whether each work with an outage was done on the day that it was first published for."""
    first: dict[str, date] = {}
    for version in month.versions:
        for outage in version.plan["outages"]:
            for one in outage["works"]:
                first.setdefault(one["work"], date.fromisoformat(outage["date"]))
    done = {
        (result.work, one.day)
        for one in month.outages
        if one.execution is not None
        for result in one.execution.works
        if result.done
    }
    return [(work, day) in done for work, day in sorted(first.items()) if day < today]
