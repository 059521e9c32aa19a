"""Which days of a published plan are frozen, and what a version of it may do to works there. Pure.

The week is frozen at an hour of a weekday, so many days ahead. Days that are over are frozen too. A work that
stands on a frozen day stays; only who has one of the roles named for it lets single works go, for a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, timedelta

from server.scheduling.plans import Hand

_WEEK = 7


def frozen_until(now: datetime, *, weekday: int, hour: int, days: int) -> date:
    """The last frozen day at a local moment: `days` after the last time that it was `hour` of `weekday`
    (1 is Monday; 0: nothing is frozen but today and what is over)."""
    today = now.date()
    if not weekday:
        return today
    back = (now.isoweekday() - weekday) % _WEEK
    if back == 0 and now.hour < hour:
        back = _WEEK
    return max(today, today - timedelta(days=back) + timedelta(days=days))


def touched(
    standing: Mapping[str, date],
    hand: Mapping[str, Hand],
    drop: Collection[str],
    *,
    today: date,
    until: date,
) -> tuple[str, ...]:
    """The works that would move off, or onto, a day from today on that is frozen."""
    return tuple(sorted(set(_touched(standing, hand, drop, today, until))))


def _touched(
    standing: Mapping[str, date], hand: Mapping[str, Hand], drop: Collection[str], today: date, until: date
) -> Iterator[str]:
    for work in drop:
        if work in standing and today <= standing[work] <= until:
            yield work
    for work, said in hand.items():
        stands = standing.get(work)
        held = stands is not None and today <= stands <= until
        if said.pin is not None and said.pin.date != stands and (held or said.pin.date <= until):
            yield work
        if held and stands in said.forbid:
            yield work


def broken(
    before: Mapping[str, date],
    after: Mapping[str, date],
    *,
    until: date,
    today: date,
    may: Collection[str],
) -> tuple[str, ...]:
    """The works that stand otherwise on frozen days than before, besides those that may."""
    return tuple(
        work
        for work in sorted(before.keys() | after.keys())
        if work not in may
        and before.get(work) != after.get(work)
        and any(today <= one <= until for one in (before.get(work), after.get(work)) if one is not None)
    )
