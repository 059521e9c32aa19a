"""Works: each once, on a day that its rules allow, in the right order to others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from geo.finding import Finding
from server.outages.checking.facts import Facts, Placed, wrong
from server.outages.instance import Work


def check(facts: Facts) -> Iterator[Finding]:
    """See `server.outages.checking`."""
    yield from _once(facts)
    for name, found in facts.placed.items():
        if name in facts.works:
            for placed in found:
                yield from _dates(facts, facts.works[name], placed)
    for work in facts.instance.works:
        yield from _order(facts, work)


def _once(facts: Facts) -> Iterator[Finding]:
    left = Counter(one.work for one in facts.plan.unplaced)
    for name, found in facts.placed.items():
        if name not in facts.works:
            yield wrong("work_unknown", *found[0].at, work=name)
        if len(found) + left[name] > 1:
            yield wrong("work_twice", *found[-1].at, work=name)
    for index, name in enumerate(one.work for one in facts.plan.unplaced):
        if name not in facts.works:
            yield wrong("work_unknown", "unplaced", index, work=name)
    for name in facts.works:
        if name not in facts.placed and name not in left:
            yield wrong("work_missing", work=name)


def _dates(facts: Facts, work: Work, placed: Placed) -> Iterator[Finding]:
    date, calendar = placed.date, facts.instance.calendar
    params = {"work": work.id, "date": str(date)}
    if not calendar.first <= date <= calendar.last:
        yield wrong("day_outside", *placed.at, **params)
    if date in calendar.rest_days:
        yield wrong("rest_day", *placed.at, **params)
    if work.earliest is not None and date < work.earliest:
        yield wrong("too_early", *placed.at, **params)
    if work.latest is not None and date > work.latest:
        yield wrong("too_late", *placed.at, **params)
    if date in work.forbid:
        yield wrong("forbidden", *placed.at, **params)
    if work.pin is not None and date != work.pin.date:
        yield wrong("pin_broken", *placed.at, **params)
    if placed.outage is not None and not facts.lead(work, date):
        yield wrong("notice_short", *placed.at, **params)
    late = 0 if work.wanted is None else max(0, (date - work.wanted).days)
    if placed.how.late_days != late:
        yield wrong("late_days", *placed.at, "late_days", work=work.id, told=placed.how.late_days, found=late)
    if placed.outage is None and work.live is None:
        yield wrong("not_live", *placed.at, work=work.id)
    if placed.outage is not None and work.live is not None and work.live.only:
        yield wrong("only_live", *placed.at, work=work.id)


def _order(facts: Facts, work: Work) -> Iterator[Finding]:
    mine = facts.day_of.get(work.id)
    at = facts.placed[work.id][0].at if mine is not None else ()
    for other in work.after:
        theirs = facts.day_of.get(other)
        if mine is not None and (theirs is None or theirs >= mine):
            yield wrong("order", *at, work=work.id, other=other)
    for other in work.together:
        if facts.day_of.get(other) != mine:
            yield wrong("not_together", *at, work=work.id, other=other)
    for other in work.not_with:
        if mine is not None and facts.day_of.get(other) == mine:
            yield wrong("not_apart", *at, work=work.id, other=other)
