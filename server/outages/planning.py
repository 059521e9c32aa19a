"""A choice written out as a plan: times, switching, customers, the load of days, what is to be announced."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from server.outages.digest import digest_of
from server.outages.halves import Event, Halves, split
from server.outages.instance import HALVES, Half, Part, Window
from server.outages.interruption import Outcome
from server.outages.ledger import Choice, Ledger
from server.outages.measure import costs_of
from server.outages.month import MINUTES, Month, minutes
from server.outages.options import Options, Place, root_spare
from server.outages.plan import (
    CrewUse,
    Day,
    Lender,
    LiveWork,
    Notice,
    Operation,
    Outage,
    Parts,
    Plan,
    Proof,
    Riding,
    Unplaced,
)

#: A kVA is told to the hundredth.
_DIGITS = 2
#: How a plan to stay near binds a work, by the work's number.
BaseHalves = Mapping[int, tuple[Half, ...]]


def write_plan(
    month: Month,
    options: Options,
    choice: Choice,
    proof: Proof,
    *,
    base: Mapping[int, int | None] | None = None,
    base_halves: BaseHalves | None = None,
) -> Plan:
    """The plan of a choice whose days all split into halves; near `base_halves` where that is open."""
    ledger = Ledger(month, options, choice)
    days = sorted(ledger.by_day.keys() | ledger.live.keys())
    halves = {day: _halves(ledger, day, base_halves or {}) for day in days}
    rain = _rain_dates(month, ledger)
    outages = [
        _outage(month, ledger, place, halves[place[1]], rain.get(place))
        for place in sorted(ledger.riders, key=lambda place: (place[1], ledger.outcome(place[0]).sections))
    ]
    named = tuple(
        msgspec.structs.replace(one, id=f"E{number:03}") for number, one in enumerate(outages, start=1)
    )
    costs = costs_of(month, options, choice, base)
    hours: dict[Part, float] = {part: cost / MINUTES for part, cost in costs.items()}
    return Plan(
        schema="outage-plan-1",
        instance=month.instance.id,
        digest=digest_of(month.instance, month.grid.topology.network),
        proof=proof,
        parts=Parts(**hours),
        customer_hours=ledger.customer_minutes() / MINUTES,
        outages=named,
        live=tuple(_live(month, ledger, halves)),
        unplaced=tuple(Unplaced(work=month.works[one].id) for one in sorted(choice) if choice[one] is None),
        days=tuple(_day(month, ledger, day, halves[day]) for day in days),
        notices=tuple(_notice(month, one) for one in named),
    )


def _halves(ledger: Ledger, day: int, base: BaseHalves) -> Halves:
    def moved(work: int, bound: tuple[Half, ...]) -> int:
        return int(work in base and base[work] != bound)

    found = ledger.halves(day, moved)
    if found is None:
        raise ValueError(f"day {day} of the choice cannot be split into halves")
    return found


def _outage(month: Month, ledger: Ledger, place: Place, halves: Halves, rain: int | None) -> Outage:
    outcome, date = ledger.outcome(place[0]), month.days[place[1]]
    window, lasts = halves.windows[place[0]], ledger.lasts(place)
    off = dt.datetime.combine(date, dt.time()) + dt.timedelta(minutes=_starts(month, window))
    work_from = off + dt.timedelta(minutes=outcome.minutes)
    work_to = work_from + dt.timedelta(minutes=lasts)
    return Outage(
        id="",
        date=date,
        window=window,
        off=off,
        on=work_to + dt.timedelta(minutes=outcome.minutes),
        work_from=work_from,
        work_to=work_to,
        sections=outcome.sections,
        dead=tuple(sorted(outcome.dead)),
        moved=tuple(sorted(outcome.moved)),
        works=tuple(
            Riding(
                work=month.works[work].id,
                half=_half(halves.bound[work]),
                late_days=month.late_days(work, place[1]),
            )
            for work in sorted(ledger.riders[place])
        ),
        there=_operations(outcome.there),
        back=_operations(outcome.back),
        operations=outcome.operations,
        lenders=tuple(
            Lender(feeder=feeder, kva=round(kva, _DIGITS)) for feeder, kva in sorted(outcome.lends.items())
        ),
        customers_before=outcome.customers_before,
        customers_dead=outcome.customers_dead,
        customers_moved=outcome.customers_moved,
        important=outcome.important,
        life_support=outcome.life_support,
        customer_hours=outcome.customer_minutes(lasts) / MINUTES,
        notify_by=_notify_by(month, ledger.riders[place], date),
        rain_date=None if rain is None else month.days[rain],
    )


def _starts(month: Month, window: Window) -> int:
    windows = month.instance.calendar.windows
    return minutes((windows.afternoon if window == "afternoon" else windows.morning).start)


def _half(bound: tuple[Half, ...]) -> Half | None:
    return bound[0] if len(bound) == 1 else None


def _operations(steps: Iterable[tuple[str, bool]]) -> tuple[Operation, ...]:
    return tuple(Operation(switch=switch, to="closed" if closed else "open") for switch, closed in steps)


def _notify_by(month: Month, works: Iterable[int], date: dt.date) -> dt.date:
    """The last day for the longest lead time among the works."""
    rules = month.instance.rules
    planned = any(month.works[work].notice == "planned" for work in works)
    days = rules.planned_notice_days if planned else -(-rules.short_notice_hours // 24)
    return date - dt.timedelta(days=days)


def _live(month: Month, ledger: Ledger, halves: Mapping[int, Halves]) -> Iterator[LiveWork]:
    for day in sorted(ledger.live):
        for work in sorted(ledger.live[day]):
            yield LiveWork(
                work=month.works[work].id,
                date=month.days[day],
                half=_half(halves[day].bound[work]),
                late_days=month.late_days(work, day),
            )


def _day(month: Month, ledger: Ledger, day: int, halves: Halves) -> Day:
    used = {(skill, half): 0 for skill in month.crews for half in HALVES}
    live = set(ledger.live.get(day, ()))
    for work, bound in halves.bound.items():
        own = month.works[work]
        skill = own.live.skill if work in live and own.live is not None else own.skill
        for half in bound:
            used[skill, half] += 1
    crews = tuple(
        CrewUse(
            skill=skill,
            morning=used[skill, "morning"],
            afternoon=used[skill, "afternoon"],
            duty=month.crew(skill, day),
        )
        for skill in month.crews
        if used[skill, "morning"] or used[skill, "afternoon"]
    )
    hours = sum(
        ledger.outcome(one).customer_minutes(ledger.lasts((one, day))) for one in ledger.by_day.get(day, ())
    )
    return Day(
        date=month.days[day],
        crews=crews,
        operations=ledger.operations(day),
        operations_limit=month.operations[day],
        customer_hours=hours / MINUTES,
    )


def _notice(month: Month, outage: Outage) -> Notice:
    sections = tuple(sorted((*outage.dead, *outage.moved)))
    nodes = (node for one in sections for node in month.grid.topology.sections[one].nodes)
    feeders = {month.grid.fed.feeder.get(node, "") for node in nodes} - {""}
    return Notice(
        outage=outage.id,
        by=outage.notify_by,
        start=outage.off,
        end=outage.on,
        feeders=tuple(sorted(feeders)),
        sections=sections,
        customers=outage.customers_dead + outage.customers_moved,
        tell=tuple(sorted({*outage.important, *outage.life_support})),
    )


def _rain_dates(month: Month, ledger: Ledger) -> dict[Place, int]:
    """For each outage that depends on the weather the next day in reserve, all of which hold together. What
    comes after the works in it is not moved along."""
    reserved: dict[int, list[Event]] = {}
    found: dict[Place, int] = {}
    for place in sorted(ledger.riders, key=lambda one: (one[1], one[0])):
        works = tuple(sorted(ledger.riders[place]))
        lasts = [month.works[one].rain for one in works]
        ends = [rain.last for rain in lasts if rain is not None]
        if not ends:
            continue
        event = Event(place[0], ledger.outcome(place[0]), works)
        for day in range(place[1] + 1, len(month.days)):
            if month.days[day] <= min(ends) and _has_room(month, ledger, event, day, reserved.get(day, [])):
                reserved.setdefault(day, []).append(event)
                found[place] = day
                break
    return found


#: A day in reserve is past the latest day by its nature, and not the pinned one.
_NOT_FOR_RAIN = {"after_latest", "pinned", "frozen_there"}


def _has_room(month: Month, ledger: Ledger, event: Event, day: int, reserved: list[Event]) -> bool:
    """Whether an outage could be held on a day beside what is planned and reserved there."""
    outcome = event.outcome
    if any(
        reason.code not in _NOT_FOR_RAIN
        for work in event.works
        for reason in month.why_not_day(work, day, live=False)
    ) or any(month.why_not_outage(outcome, day)):
        return False
    beside = [
        Event(one, ledger.outcome(one), tuple(sorted(ledger.riders[one, day])))
        for one in ledger.by_day.get(day, ())
    ] + reserved
    if any(outcome.blocked & other.outcome.blocked for other in beside):
        return False
    together = [event, *beside]
    if sum(one.outcome.operations for one in together) > month.operations[day]:
        return False
    for root, spare in root_spare(month).items():
        if outcome.draws.get(root) and sum(_draws(one.outcome, root) for one in together) > spare:
            return False
    return split(month, day, together, ledger.live.get(day, ())) is not None


def _draws(outcome: Outcome, root: str) -> float:
    return outcome.draws.get(root, 0.0)
