"""A month's plan as a workbook: works, outages, what is left out and why, days, and the public notices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from server.outages.instance import Instance, Work
from server.outages.plan import Operation, Plan
from server.scheduling.executing import Execution
from server.texts import text
from server.workbooks import Sheet, write_sheets

__all__ = ["Around", "write_plan"]

_WORKS = (
    *("work", "name", "kind", "place", "date", "window", "off", "on", "outage", "skill", "minutes"),
    *("wanted", "late_days", "reserve"),
)
_OUTAGES = (
    *("outage", "date", "window", "off", "work_from", "work_to", "on", "sections", "dead", "moved", "works"),
    *("there", "back", "operations", "lenders", "customers_before", "customers_dead", "customers_moved"),
    *("important", "life_support", "customer_hours", "notify_by", "reserve"),
    *("outcome", "real_off", "real_on", "real_hours"),
)
_LEFT_OUT = ("work", "name", "kind", "place", "earliest", "wanted", "latest", "why")
_DAYS = ("date", "customer_hours", "operations", "operations_limit", "skill", "morning", "afternoon", "duty")
_NOTICES = (
    *("outage", "notify_by", "off", "on", "lines", "sections", "customers", "tell", "text"),
    *("notice", "state", "channel", "proof", "announced_at"),
)

_Words = Callable[[str], str]


@dataclass(frozen=True)
class Around:
    """What a workbook tells beside the plan: names of the network's elements by id, the notices as the API
    tells them (without `state` before the plan is published), the sentences of works left out, how outages
    went by their ids, and the zone of its times."""

    names: Mapping[str, str]
    notices: Sequence[Mapping[str, Any]]
    reasons: Mapping[str, Sequence[str]]
    executed: Mapping[str, Execution]
    timezone: str


def write_plan(path: Path, month: Instance, plan: Plan, about: Around, lang: str) -> None:
    """The plan of an instance as a workbook at `path`."""

    def words(code: str) -> str:
        return text(f"plan_sheet.{code}", lang)

    sheets: list[Sheet] = [
        (words("sheet.works"), _works(month, plan, words)),
        (words("sheet.outages"), _outages(plan, about, words)),
        (words("sheet.left_out"), _left_out(month, plan, about.reasons, words)),
        (words("sheet.days"), _days(plan, words)),
        (words("sheet.notices"), _notices(about, words, lang)),
    ]
    write_sheets(path, sheets)


def _head(columns: Iterable[str], words: _Words) -> list[Any]:
    return [words(f"column.{one}") for one in columns]


def _works(month: Instance, plan: Plan, words: _Words) -> Iterator[list[Any]]:
    yield _head(_WORKS, words)
    works = {one.id: one for one in month.works}
    placed: list[tuple[Any, ...]] = [
        (one, outage.date, outage.off, outage.on, outage.id, outage.rain_date)
        for outage in plan.outages
        for one in outage.works
    ]
    placed += [(one, one.date, None, None, words("live"), None) for one in plan.live]
    for one, day, off, on, outage, rain in sorted(placed, key=lambda row: (row[1], row[0].work)):
        work = works[one.work]
        when = [day, words(f"window.{one.half or 'day'}"), off, on, outage]
        reserve = rain if work.rain is not None else None
        yield [*_about(work, words), *when, work.skill, work.minutes, work.wanted, one.late_days, reserve]


def _about(work: Work, words: _Words) -> list[Any]:
    return [work.id, work.name, words(f"kind.{work.kind}"), work.section or work.device]


def _outages(plan: Plan, about: Around, words: _Words) -> Iterator[list[Any]]:
    yield _head(_OUTAGES, words)
    names = about.names
    for one in plan.outages:
        yield [
            *(one.id, one.date, words(f"window.{one.window}"), one.off, one.work_from, one.work_to, one.on),
            *(", ".join(found) for found in (one.sections, one.dead, one.moved)),
            ", ".join(riding.work for riding in one.works),
            *(_sequence(one.there, names, words), _sequence(one.back, names, words), one.operations),
            ", ".join(f"{_named((lent.feeder,), names)} {lent.kva:g} kVA" for lent in one.lenders),
            *(one.customers_before, one.customers_dead, one.customers_moved),
            *(_named(one.important, names), _named(one.life_support, names)),
            *(one.customer_hours, one.notify_by, one.rain_date),
            *_executed(about.executed.get(one.id), about.timezone, words),
        ]


def _executed(said: Execution | None, timezone: str, words: _Words) -> list[Any]:
    """How an outage went, its times local and without zone as those of the plan are."""
    if said is None:
        return []
    zone = ZoneInfo(timezone)
    times = (None if at is None else at.astimezone(zone).replace(tzinfo=None) for at in (said.off, said.on))
    return [words(f"outcome.{said.outcome}"), *times, said.customer_hours]


def _sequence(steps: Iterable[Operation], names: Mapping[str, str], words: _Words) -> str:
    return "; ".join(
        f"{n}. {words(f'to.{one.to}')} {_named((one.switch,), names)}" for n, one in enumerate(steps, 1)
    )


def _left_out(
    month: Instance, plan: Plan, reasons: Mapping[str, Sequence[str]], words: _Words
) -> Iterator[list[Any]]:
    yield _head(_LEFT_OUT, words)
    works = {one.id: one for one in month.works}
    for one in plan.unplaced:
        work = works[one.work]
        why = "\n".join(reasons.get(one.work, ()))
        yield [*_about(work, words), work.earliest, work.wanted, work.latest, why]


def _days(plan: Plan, words: _Words) -> Iterator[list[Any]]:
    """A row for each skill at work on a day; one that has none at work has a row too."""
    yield _head(_DAYS, words)
    for day in plan.days:
        load = [day.date, day.customer_hours, day.operations, day.operations_limit]
        yield from ([*load, one.skill, one.morning, one.afternoon, one.duty] for one in day.crews)
        if not day.crews:
            yield [*load, None, None, None, None]


def _notices(about: Around, words: _Words, lang: str) -> Iterator[list[Any]]:
    """A row for each announcement of an outage, and for one that has none."""
    yield _head(_NOTICES, words)
    for one in about.notices:
        sections = ", ".join(one["sections"])
        own = [
            *(
                one["outage"],
                one["by"],
                one["start"],
                one["end"],
                _named(one["feeders"], about.names),
                sections,
            ),
            *(one["customers"], ", ".join(one["tell"]), one["text"][lang], words(f"notice.{one['kind']}")),
            words(f"state.{one['state']}") if "state" in one else None,
        ]
        said = one["announcements"]
        yield from ([*own, known["channel"], known["proof"], known["announced_at"]] for known in said)
        if not said:
            yield own


def _named(found: Iterable[str], names: Mapping[str, str]) -> str:
    return ", ".join(names.get(one, one) for one in found)
