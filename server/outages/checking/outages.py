"""Outages: the switching carried out step by step, what it leaves without supply, and the times."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from geo.finding import Finding
from geo.network.model import Customer, Switch
from geo.network.topology import Supply, Topology
from server.outages.checking.facts import Facts, Group, minutes_between, positions, time_of, wrong
from server.outages.checking.reach import Reach
from server.outages.instance import Window
from server.outages.plan import Outage

#: A kVA by which rounded figures may differ.
ROUNDED = 0.02


def check(facts: Facts) -> Iterator[Finding]:
    """See `server.outages.checking`."""
    seen: set[str] = set()
    for number, outage in enumerate(facts.plan.outages):
        at = ("outages", number)
        if outage.id in seen:
            yield wrong("outage_twice", *at, "id", outage=outage.id)
        seen.add(outage.id)
        if not outage.works:
            yield wrong("outage_idle", *at, "works", outage=outage.id)
        unknown = _unknown(facts, outage)
        if unknown:
            yield wrong("element_unknown", *at, outage=outage.id, id=unknown)
            continue
        yield from _switching(facts, outage, at)
        yield from _who(facts, outage, at, *facts.interrupted[number])
        yield from _times(facts, outage, at)
        yield from _barred(facts, outage, at, *facts.interrupted[number])


def _unknown(facts: Facts, outage: Outage) -> str:
    for section in (*outage.sections, *outage.dead, *outage.moved):
        if section not in facts.topology.sections:
            return section
    for step in (*outage.there, *outage.back):
        if not isinstance(facts.topology.edges.get(step.switch), Switch):
            return step.switch
    return ""


def _switching(facts: Facts, outage: Outage, at: tuple[str | int, ...]) -> Iterator[Finding]:
    topology = facts.topology
    reach = facts.branches.at(step.switch for step in (*outage.there, *outage.back))
    standing: dict[str, bool] = {}
    for way, steps in (("there", outage.there), ("back", outage.back)):
        for index, step in enumerate(steps):
            edge = topology.edges[step.switch]
            before = standing.get(step.switch, isinstance(edge, Switch) and edge.closed)
            if before == (step.to == "closed"):
                yield wrong("step_idle", *at, way, index, outage=outage.id, switch=step.switch)
            standing[step.switch] = step.to == "closed"
            if reach.supply(standing).meshes:
                yield wrong("step_meshes", *at, way, index, outage=outage.id, switch=step.switch)
    for switch, closed in standing.items():
        edge = topology.edges[switch]
        if isinstance(edge, Switch) and edge.closed != closed:
            yield wrong("not_restored", *at, "back", outage=outage.id, switch=switch)
    during = reach.supply(positions(outage))
    for section in outage.sections:
        for switch in topology.sections[section].switches:
            edge = topology.edges[switch]
            ends = {topology.section_of[edge.start], topology.section_of[edge.end]}
            inside = ends <= set(outage.sections)
            closed = positions(outage).get(switch, isinstance(edge, Switch) and edge.closed)
            if closed and not inside:
                yield wrong("not_isolated", *at, "there", outage=outage.id, section=section, switch=switch)
    dead, moved = _states(facts, reach, during, positions(outage))
    if dead | set(outage.sections) != set(outage.dead):
        yield wrong("dead_differs", *at, "dead", outage=outage.id, sections=_difference(dead, outage.dead))
    if moved != set(outage.moved):
        yield wrong(
            "moved_differs", *at, "moved", outage=outage.id, sections=_difference(moved, outage.moved)
        )
    if overload := overloads(facts.normal, reach.topology, during, reach.beside):
        yield wrong("overload", *at, outage=outage.id, id=overload[0])
    if (operations := len(outage.there) + len(outage.back)) != outage.operations:
        yield wrong("operations_differ", *at, "operations", told=outage.operations, found=operations)
    yield from _lenders(facts, outage, at, during)


def _difference(found: set[str], told: tuple[str, ...]) -> str:
    return ", ".join(sorted(found ^ set(told))[:5])


def _states(
    facts: Facts, reach: Reach, during: Supply, standing: Mapping[str, bool]
) -> tuple[set[str], set[str]]:
    """The sections that lost supply, and those that lost it and have it again.

    What was opened first takes supply from all that hangs behind; closing gives it to some again.
    """
    cut = reach.supply({switch: closed for switch, closed in standing.items() if not closed})
    dead, moved = set(), set()
    for section in reach.sections:
        if not facts.normal.live(section) or not facts.topology.sources.keys().isdisjoint(section.nodes):
            continue
        if not during.live(section):
            dead.add(section.id)
        elif not cut.live(section):
            moved.add(section.id)
    return dead, moved


def overloads(
    normal: Supply, topology: Topology, during: Supply, beside: Mapping[str, float] | None = None
) -> list[str]:
    """What carries more than it can, and more than it normally does: no plan mends what is overloaded
    anyway. `beside` is what sources give to what is left out of `topology`, in kVA."""
    feeders = {one.head: one.capacity_kva for one in topology.network.feeders}
    found = []
    for edge, load in during.load_kva.items():
        limits = (topology.edges[edge].capacity_kva, feeders.get(edge))
        before = normal.load_kva.get(edge, 0.0) + ROUNDED
        if any(limit is not None and max(limit + ROUNDED, before) < load for limit in limits):
            found.append(edge)
    for node, sources in topology.sources.items():
        capacities = [one.capacity_kva for one in sources]
        own = _drawn(topology, during, node)
        drawn = own + (beside or {}).get(node, 0.0)
        if None in capacities or drawn <= sum(one or 0.0 for one in capacities) + ROUNDED:
            continue
        if own > _drawn(topology, normal, node) + ROUNDED:
            found.append(sources[0].id)
    return found


def _drawn(topology: Topology, fed: Supply, source: str) -> float:
    return sum(fed.load_kva[edge] for edge, far in topology.arms[source] if fed.via.get(far) == edge)


def _lenders(facts: Facts, outage: Outage, at: tuple[str | int, ...], during: Supply) -> Iterator[Finding]:
    """What each feeder takes on, at the switches that were closed between it and what it did not feed."""
    lent: dict[str, float] = {}
    for step in outage.there:
        edge = facts.topology.edges[step.switch]
        for near, far in ((edge.start, edge.end), (edge.end, edge.start)):
            feeds = step.to == "closed" and during.via.get(far) == step.switch
            if feeds and facts.topology.section_of[near] not in outage.moved:
                feeder = facts.normal.feeder.get(near, "")
                lent[feeder] = lent.get(feeder, 0.0) + during.load_kva[step.switch]
    told = {one.feeder: one.kva for one in outage.lenders}
    if lent.keys() != told.keys() or any(abs(lent[one] - told[one]) > ROUNDED for one in lent):
        yield wrong("lenders_differ", *at, "lenders", outage=outage.id)


def _who(
    facts: Facts, outage: Outage, at: tuple[str | int, ...], dead: Group, moved: Group
) -> Iterator[Finding]:
    counted = {
        "customers_dead": sum(dead.values()),
        "customers_moved": sum(moved.values()),
        "customers_before": sum(dead.values()) + sum(moved.values()),
    }
    for field, found in counted.items():
        if getattr(outage, field) != found:
            yield wrong("customers_differ", *at, field, told=getattr(outage, field), found=found)
    named_dead, named_moved = (
        sorted(one for one in group if one in facts.topology.nodes_of) for group in (dead, moved)
    )
    important = tuple(one for one in named_dead if _customer(facts, one).importance)
    if important != outage.important:
        yield wrong("important_differ", *at, "important", outage=outage.id)
    life = tuple(sorted(one for one in (*named_dead, *named_moved) if _customer(facts, one).life_support))
    if life != outage.life_support:
        yield wrong("life_support_differ", *at, "life_support", outage=outage.id)


def _customer(facts: Facts, name: str) -> Customer:
    found = facts.topology.elements[name]
    if not isinstance(found, Customer):
        raise TypeError(name)
    return found


def _times(facts: Facts, outage: Outage, at: tuple[str | int, ...]) -> Iterator[Finding]:
    start, end = span(facts, outage.date, outage.window)
    if not start <= outage.off <= outage.work_from <= outage.work_to <= outage.on <= end:
        yield wrong("outside_window", *at, "window", outage=outage.id, window=outage.window)
    for quiet in facts.instance.calendar.quiet:
        if quiet.dates and outage.date not in quiet.dates:
            continue
        quiet_from, quiet_to = (
            dt.datetime.combine(outage.date, time_of(one)) for one in (quiet.hours.start, quiet.hours.end)
        )
        if quiet_from < end and start < quiet_to:
            yield wrong("quiet_hours", *at, "window", outage=outage.id, reason=quiet.reason)
    rules = facts.instance.rules
    total = 0
    for step in outage.there:
        edge = facts.topology.edges[step.switch]
        total += rules.remote_minutes if isinstance(edge, Switch) and edge.remote else rules.switch_minutes
    switching = -(-total // rules.switching_teams)
    ways = (minutes_between(outage.off, outage.work_from), minutes_between(outage.work_to, outage.on))
    if any(way != switching for way in ways):
        yield wrong("switching_time", *at, "work_from", outage=outage.id, minutes=switching)
    for index, riding in enumerate(outage.works):
        work = facts.works.get(riding.work)
        if work is None:
            continue
        here = (*at, "works", index)
        if minutes_between(outage.work_from, outage.work_to) < work.minutes:
            yield wrong("too_short", *here, work=work.id, minutes=work.minutes)
        if outage.window not in work.windows or (
            work.pin is not None and work.pin.window not in (None, outage.window)
        ):
            yield wrong("window_barred", *here, work=work.id, window=outage.window)
        if not facts.needs(work) <= set(outage.dead):
            yield wrong("not_dead", *here, work=work.id)
        if not _half_ok(facts, outage, riding.half, work.minutes + 2 * switching):
            yield wrong("half_differs", *here, "half", work=work.id)


def _half_ok(facts: Facts, outage: Outage, half: str | None, takes: float) -> bool:
    if outage.window != "day":
        return half == outage.window
    start, end = span(facts, outage.date, "morning")
    return half == ("morning" if takes <= minutes_between(start, end) else None)


def span(facts: Facts, date: dt.date, window: Window) -> tuple[dt.datetime, dt.datetime]:
    """From when to when a window lasts."""
    windows = facts.instance.calendar.windows
    first = windows.afternoon.start if window == "afternoon" else windows.morning.start
    last = windows.morning.end if window == "morning" else windows.afternoon.end
    return dt.datetime.combine(date, time_of(first)), dt.datetime.combine(date, time_of(last))


def _barred(
    facts: Facts, outage: Outage, at: tuple[str | int, ...], dead: Group, moved: Group
) -> Iterator[Finding]:
    calendar, normal, topology = facts.instance.calendar, facts.normal, facts.topology
    changed = {*outage.dead, *outage.moved}
    feeders = {
        normal.feeder[node]
        for one in changed
        for node in topology.sections[one].nodes
        if node in normal.feeder
    }
    for blackout in calendar.blackouts:
        if blackout.first <= outage.date <= blackout.last and (
            not blackout.feeders or feeders & set(blackout.feeders)
        ):
            yield wrong("blackout", *at, "date", outage=outage.id, reason=blackout.reason)
    agreed = {one.id for one in facts.instance.customers if one.consent}
    for one in facts.instance.customers:
        if outage.date in one.guaranteed and one.id in {*dead, *moved}:
            yield wrong("guaranteed", *at, "date", outage=outage.id, customer=one.id)
    if facts.instance.rules.consent:
        named = {name for name in (*dead, *moved) if name in topology.nodes_of} - agreed
        for name in sorted(named):
            customer = _customer(facts, name)
            if customer.life_support or (customer.importance and name in dead):
                yield wrong("no_consent", *at, outage=outage.id, customer=name)
    yield from _announced(facts, outage, at)


def _announced(facts: Facts, outage: Outage, at: tuple[str | int, ...]) -> Iterator[Finding]:
    rules = facts.instance.rules
    own = [facts.works[one.work] for one in outage.works if one.work in facts.works]
    planned = any(one.notice == "planned" for one in own)
    days = rules.planned_notice_days if planned else -(-rules.short_notice_hours // 24)
    if outage.notify_by != outage.date - dt.timedelta(days=days):
        yield wrong("notify_by", *at, "notify_by", outage=outage.id)
    if outage.rain_date is not None:
        lasts = [one.rain.last for one in own if one.rain is not None]
        if not lasts or not outage.date < outage.rain_date <= min(lasts):
            yield wrong("rain_date", *at, "rain_date", outage=outage.id)
