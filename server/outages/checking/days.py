"""Days: what the outages of one come to together, and how often a section is interrupted over all of them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations

from geo.finding import Finding
from geo.network.topology import supply
from server.outages.checking.facts import Facts, positions, wrong
from server.outages.checking.outages import overloads
from server.outages.instance import HALVES
from server.outages.plan import LiveWork, Outage, Riding


def check(facts: Facts) -> Iterator[Finding]:
    """See `server.outages.checking`."""
    by_day: dict[dt.date, list[Outage]] = {}
    for outage in facts.plan.outages:
        by_day.setdefault(outage.date, []).append(outage)
    for date, outages in sorted(by_day.items()):
        yield from _together(facts, date, outages)
    yield from _rain(facts, by_day)
    for date in sorted({*by_day, *(one.date for one in facts.plan.live)}):
        yield from _crews(facts, date, by_day.get(date, []))
    yield from _often(facts)


def _together(facts: Facts, date: dt.date, outages: list[Outage]) -> Iterator[Finding]:
    changed = [{*one.dead, *one.moved} for one in outages]
    feeders = [
        {
            facts.normal.feeder.get(facts.topology.sections[one].nodes[0], "")
            for one in own & facts.topology.sections.keys()
        }
        - {""}
        for own in changed
    ]
    lends = [{one.feeder for one in own.lenders} - {""} for own in outages]
    for (one, outage), (other, another) in combinations(enumerate(outages), 2):
        both = {"outage": outage.id, "other": another.id}
        if common := changed[one] & changed[other]:
            yield wrong("clash", "outages", **both, section=min(common))
        if lends[one] & lends[other]:
            yield wrong("lends_twice", "outages", **both)
        if lends[one] & feeders[other]:
            yield wrong("lender_changed", "outages", **both)
        if lends[other] & feeders[one]:
            yield wrong("lender_changed", "outages", **both)
    known = facts.topology.edges
    together = {switch: to for one in outages for switch, to in positions(one).items() if switch in known}
    during = supply(facts.topology, together)
    if during.meshes:
        yield wrong("day_meshes", "outages", date=str(date), switch=during.meshes[0].edge)
    if found := overloads(facts.normal, facts.topology, during):
        yield wrong("day_overload", "outages", date=str(date), id=found[0])
    calendar = facts.instance.calendar
    limit = calendar.operations_on.get(date, calendar.operations)
    used = sum(len(one.there) + len(one.back) for one in outages)
    if used > limit:
        yield wrong("operations_many", "outages", date=str(date), used=used, limit=limit)


def _rain(facts: Facts, by_day: Mapping[dt.date, list[Outage]]) -> Iterator[Finding]:
    """Nothing of a day in reserve is taken by what is planned for it."""
    for number, outage in enumerate(facts.plan.outages):
        own = {*outage.dead, *outage.moved}
        for other in by_day.get(outage.rain_date, ()) if outage.rain_date is not None else ():
            if not own.isdisjoint((*other.dead, *other.moved)):
                yield wrong(
                    "rain_date_taken", "outages", number, "rain_date", outage=outage.id, other=other.id
                )


def _crews(facts: Facts, date: dt.date, outages: list[Outage]) -> Iterator[Finding]:
    busy: list[tuple[str, str, Riding | LiveWork]] = []
    for outage in outages:
        busy += [
            (riding.work, facts.works[riding.work].skill, riding)
            for riding in outage.works
            if riding.work in facts.works
        ]
    for live in facts.plan.live:
        work = facts.works.get(live.work)
        if live.date == date and work is not None and work.live is not None:
            busy.append((live.work, work.live.skill, live))
    for half in HALVES:
        here = [(name, skill) for name, skill, how in busy if how.half in (None, half)]
        for skill, used in Counter(skill for _, skill in here).items():
            duty = facts.duty(skill, date)
            if used > duty:
                yield wrong("crews_many", "days", date=str(date), skill=skill, used=used, duty=duty)
        names = {name for name, _ in here}
        for group in facts.crew_groups:
            if len(group & names) > 1:
                yield wrong(
                    "crew_in_two_places", "days", date=str(date), works=", ".join(sorted(group & names))
                )


def _often(facts: Facts) -> Iterator[Finding]:
    rules = facts.instance.rules
    planned: dict[str, list[dt.date]] = {}
    for outage in facts.plan.outages:
        for section in outage.dead:
            planned.setdefault(section, []).append(outage.date)
    for section, dates in sorted(planned.items()):
        if not facts.topology.sections.get(section) or not facts.normal.live(
            facts.topology.sections[section]
        ):
            continue
        every = [*dates, *facts.past.get(section, ())]
        for date in dates:
            times = sum(0 <= (date - one).days < rules.look_back_days for one in every)
            if times > rules.interruptions:
                yield wrong("too_often", "outages", section=section, times=times, limit=rules.interruptions)
                break
