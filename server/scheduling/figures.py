"""The figures of a period's outages: how many customer-hours, how much as planned. Pure.

A rate is None where there is nothing that it could be of. What was never recorded counts in sums of planned
things, and in none of what was real.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from msgspec import Struct

from server.bulletins.outages import OutageFigures
from server.scheduling.announcing import Notice
from server.scheduling.looking_back import Past, Version
from server.scheduling.months import standing_days


class MonthOf(Struct, frozen=True, kw_only=True):
    """A month's plan in all its versions, oldest first: its outages, its notices, and its works as the
    instance has them."""

    versions: Sequence[Version]
    outages: Sequence[Past]
    notices: Sequence[Notice]
    works: Mapping[str, Mapping[str, Any]]


def figures(
    months: Sequence[MonthOf],
    interrupted: Mapping[tuple[str, str], Sequence[date]],
    *,
    look_back_days: int,
    budget: float | None,
    today: date,
) -> OutageFigures:
    """The figures of the plans of a period. `interrupted`: of each network and section the days on which it
    was interrupted, those of the look-back before too."""
    outages = [one for month in months for one in month.outages]
    recorded = [one for one in outages if one.execution is not None]
    shares = [hours for month in months for hours in _connections(month)]
    works = [work for month in months for work in _placed(month)]
    notices = [
        one
        for month in months
        for one in month.notices
        if one.kind != "withdrawn" and date.fromisoformat(one.notice["by"]) < today
    ]
    near = timedelta(days=look_back_days)
    counted: dict[str, Sequence[bool]] = {
        "execution_rate": [done for month in months for done in _as_first_planned(month, today)],
        "short_notice_rate": [work.get("notice") == "short" for work, _ in works],
        "live_rate": [live for _, live in works],
        "combined_rate": [len(one.works) > 1 for one in outages],
        "on_time_rate": [_outcome(one) == "as_planned" for one in recorded],
        "notice_on_time_rate": [_in_time(one) for one in notices],
        "repeat_rate": [_again(days, near) for days in interrupted.values()],
    }
    return OutageFigures(
        outages=len(outages),
        recorded=len(recorded),
        cancelled=sum(_outcome(one) == "cancelled" for one in recorded),
        hours_planned=_sum(one.outage["customer_hours"] for one in outages),
        hours_planned_of_recorded=_sum(one.outage["customer_hours"] for one in recorded),
        hours_real=_sum(one.execution.customer_hours for one in recorded if one.execution is not None),
        hours_budget=budget,
        connections=len(shares),
        hours_per_connection=round(sum(shares) / len(shares), _DIGITS) if shares else None,
        execution_rate=_rate(counted["execution_rate"]),
        short_notice_rate=_rate(counted["short_notice_rate"]),
        live_rate=_rate(counted["live_rate"]),
        combined_rate=_rate(counted["combined_rate"]),
        on_time_rate=_rate(counted["on_time_rate"]),
        notice_on_time_rate=_rate(counted["notice_on_time_rate"]),
        repeat_rate=_rate(counted["repeat_rate"]),
        of={name: len(which) for name, which in counted.items()} | {"hours_per_connection": len(shares)},
    )


#: Rates and hours are told to the thousandth.
_DIGITS = 3


def _sum(hours: Iterable[float]) -> float:
    return round(float(sum(hours)), _DIGITS)


def _rate(which: Sequence[bool]) -> float | None:
    return round(sum(which) / len(which), _DIGITS) if which else None


def _again(days: Sequence[date], near: timedelta) -> bool:
    """Whether two of the days lie within a look-back of so many, both counted."""
    return any(later - earlier < near for earlier, later in pairwise(sorted(days)))


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
