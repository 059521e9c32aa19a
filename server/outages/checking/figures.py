"""Figures: every sum of the plan added up anew, and the proof as far as it can be held to them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator

from geo.finding import Finding
from geo.network.model import Customer
from server.outages.checking.facts import Facts, Group, minutes_between, wrong
from server.outages.digest import digest_of
from server.outages.instance import HALVES, Part

#: Customer-hours are told as floats of whole minutes.
CLOSE = 1e-6
#: The stages of a plan that was made again, unless they are the instance's.
_COST: tuple[Part, ...] = ("hours", "repeats", "live", "lateness")
_NEAR: dict[str, tuple[tuple[Part, ...], ...]] = {
    "changes": (("changes",), ("unplaced",), _COST),
    "works": (("unplaced",), ("changes",), _COST),
}
#: Pinned works weigh more when left out.
PINNED = 10


def check(facts: Facts) -> Iterator[Finding]:
    """See `server.outages.checking`."""
    plan = facts.plan
    if plan.instance != facts.instance.id:
        yield wrong("other_instance", "instance", told=plan.instance, found=facts.instance.id)
    if plan.digest != digest_of(facts.instance, facts.network):
        yield wrong("other_digest", "digest")
    hours = [_hours(facts, number, weighted=False) for number in range(len(plan.outages))]
    for number, outage in enumerate(plan.outages):
        if abs(outage.customer_hours - hours[number]) > CLOSE:
            yield _differs("customer_hours", outage.customer_hours, hours[number], "outages", number)
    total = sum(hours)
    if abs(plan.customer_hours - total) > CLOSE:
        yield _differs("customer_hours", plan.customer_hours, total)
    budget = facts.instance.rules.budget_hours
    if budget is not None and total > budget + CLOSE:
        yield wrong("budget", "customer_hours", used=round(total), limit=round(budget))
    yield from _parts(facts)
    yield from _proof(facts)
    yield from _days(facts, hours)
    yield from _notices(facts)


def _differs(field: str, told: float, found: float, *at: str | int) -> Finding:
    return wrong("figure_differs", *at, field, field=field, told=round(told, 3), found=round(found, 3))


def _hours(facts: Facts, number: int, *, weighted: bool) -> float:
    outage, (dead, moved) = facts.plan.outages[number], facts.interrupted[number]
    break_minutes = minutes_between(outage.off, outage.work_from) + minutes_between(outage.work_to, outage.on)

    def count(group: Group) -> int:
        if not weighted:
            return sum(group.values())
        return sum(
            facts.weight(name) if isinstance(facts.topology.elements.get(name), Customer) else customers
            for name, customers in group.items()
        )

    lasting = minutes_between(outage.off, outage.on)
    return (count(dead) * lasting + count(moved) * break_minutes) / 60


def _parts(facts: Facts) -> Iterator[Finding]:
    weights, plan = facts.instance.weights, facts.plan
    found = {"unplaced": 0.0, "lateness": 0.0, "live": 0.0}
    for left in plan.unplaced:
        work = facts.works.get(left.work)
        if work is not None:
            own = weights.unplaced if work.unplaced_hours is None else work.unplaced_hours
            found["unplaced"] += own * (PINNED if work.pin is not None else 1)
    for name, placed in facts.placed.items():
        work = facts.works.get(name)
        if work is None:
            continue
        late = weights.late.get(work.kind, 0.0) if work.late_hours is None else work.late_hours
        if work.wanted is not None:
            found["lateness"] += max(0, (placed[0].date - work.wanted).days) * late
        if placed[0].outage is None and work.live is not None:
            found["live"] += work.live.cost_hours
    found["hours"] = sum(_hours(facts, number, weighted=True) for number in range(len(plan.outages)))
    found["repeats"] = _repeats(facts)
    before = {} if plan.near is None else plan.near.days
    moved = sum(facts.day_of.get(name) != day for name, day in before.items() if name in facts.works)
    found["changes"] = moved * weights.change
    # A weight may be a fraction of a minute; every term is rounded to one.
    room = CLOSE + (len(facts.works) + len(facts.topology.sections)) / 60
    for part, value in found.items():
        told = getattr(plan.parts, part)
        exact = part == "hours"
        if abs(told - value) > (CLOSE if exact else room):
            yield _differs(part, told, value, "parts")


def _repeats(facts: Facts) -> float:
    rules, first = facts.instance.rules, facts.instance.calendar.first
    planned = Counter(section for outage in facts.plan.outages for section in outage.dead)
    total = 0.0
    for section, times in planned.items():
        own = facts.topology.sections.get(section)
        if own is None or not facts.normal.live(own):
            continue
        before = any(0 < (first - one).days <= rules.look_back_days for one in facts.past.get(section, ()))
        single = [
            name
            for name in own.named
            if {facts.topology.section_of[node] for node in facts.topology.nodes_of[name]} == {section}
        ]
        points = own.customers + sum(facts.weight(name) for name in single)
        total += points * facts.instance.weights.repeat * max(0, times - (not before))
    return total


def _proof(facts: Facts) -> Iterator[Finding]:
    plan = facts.plan
    stages = _NEAR.get(plan.near.first, ()) if plan.near is not None else ()
    stages = stages or facts.instance.objective.stages
    if tuple(one.parts for one in plan.proof.stages) != stages:
        yield wrong("stages_differ", "proof", "stages")
    for index, stage in enumerate(plan.proof.stages):
        value = sum(getattr(plan.parts, part) for part in stage.parts)
        if abs(value - stage.value) > CLOSE:
            yield _differs("value", stage.value, value, "proof", "stages", index)
        if stage.bound > stage.value + CLOSE:
            yield wrong(
                "bound_above", "proof", "stages", index, "bound", value=stage.value, bound=stage.bound
            )
        if plan.proof.status == "optimal" and stage.value - stage.bound > 1 / 60:
            yield wrong("not_proven", "proof", "status", value=stage.value, bound=stage.bound)
    first = plan.proof.stages[0] if plan.proof.stages else None
    if first is not None and first.value > 0:
        largest = (first.value - first.bound) / max(first.value - plan.parts.unplaced, 1 / 60)
        least = (first.value - first.bound) / first.value
        if not least - CLOSE <= plan.proof.gap <= largest + CLOSE and first.value - first.bound > 1 / 60:
            yield _differs("gap", plan.proof.gap, least, "proof")


def _days(facts: Facts, hours_of: list[float]) -> Iterator[Finding]:
    plan = facts.plan
    numbers: dict[dt.date, list[int]] = {}
    for number, outage in enumerate(plan.outages):
        numbers.setdefault(outage.date, []).append(number)
    dates = sorted({*(one.date for one in plan.outages), *(one.date for one in plan.live)})
    if [one.date for one in plan.days] != dates:
        yield wrong("days_differ", "days")
    for index, day in enumerate(plan.days):
        own = numbers.get(day.date, [])
        used = sum(len(plan.outages[one].there) + len(plan.outages[one].back) for one in own)
        calendar = facts.instance.calendar
        limit = calendar.operations_on.get(day.date, calendar.operations)
        if (day.operations, day.operations_limit) != (used, limit):
            yield _differs("operations", day.operations, used, "days", index)
        hours = sum(hours_of[one] for one in own)
        if abs(day.customer_hours - hours) > CLOSE:
            yield _differs("customer_hours", day.customer_hours, hours, "days", index)
        told = {(one.skill, one.morning, one.afternoon, one.duty) for one in day.crews}
        if told != _crew_use(facts, day.date):
            yield wrong("crew_use_differs", "days", index, "crews", date=str(day.date))


def _crew_use(facts: Facts, date: dt.date) -> set[tuple[str, int, int, int]]:
    used: Counter[tuple[str, str]] = Counter()
    for name, placed in facts.placed.items():
        work = facts.works.get(name)
        for one in placed:
            if work is None or one.date != date:
                continue
            live = one.outage is None and work.live is not None
            skill = work.live.skill if live and work.live is not None else work.skill
            for half in HALVES:
                used[skill, half] += one.how.half in (None, half)
    skills = {skill for (skill, _), count in used.items() if count}
    return {(one, used[one, "morning"], used[one, "afternoon"], facts.duty(one, date)) for one in skills}


def _notices(facts: Facts) -> Iterator[Finding]:
    outages = {one.id: one for one in facts.plan.outages}
    if sorted(one.outage for one in facts.plan.notices) != sorted(outages):
        yield wrong("notices_differ", "notices")
    for index, notice in enumerate(facts.plan.notices):
        outage = outages.get(notice.outage)
        if outage is None:
            continue
        wanted = (outage.notify_by, outage.off, outage.on, tuple(sorted((*outage.dead, *outage.moved))))
        told = (notice.by, notice.start, notice.end, notice.sections)
        customers = outage.customers_dead + outage.customers_moved
        tell = tuple(sorted({*outage.important, *outage.life_support}))
        feeders = {
            facts.normal.feeder[node]
            for section in wanted[3]
            if section in facts.topology.sections
            for node in facts.topology.sections[section].nodes
            if node in facts.normal.feeder
        }
        same = wanted == told and notice.customers == customers and notice.tell == tell
        if not same or set(notice.feeders) != feeders - {""}:
            yield wrong("notice_differs", "notices", index, outage=outage.id)
