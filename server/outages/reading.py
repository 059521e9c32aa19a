"""Reads an instance and says everything that is wrong with it, each with its field and the remedy.

`read_instance` never raises for bad input: it returns findings of catalogue `outages` (those of a network in
catalogues `geo` and `network`), and a month only where none is grave.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from geo.finding import Finding, GeoError, pointer
from geo.network.checks import check
from geo.network.exchange import read_network
from geo.network.model import Network
from geo.network.topology import Topology, build
from server.outages.instance import Instance, Span, Work
from server.outages.structure import misshapen
from server.outages.works import needs_of, order_of_works

#: More than a province's month; such a file is balanced region by region.
MAX_WORKS = 10_000
#: A plan looks at most so far ahead.
MAX_DAYS = 92


class Reading(Struct, frozen=True):
    """What was read, and all that is wrong or odd. `instance` and `network` are None unless usable."""

    instance: Instance | None
    network: Network | None
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """Whether it can be balanced."""
        return not any(one.grave for one in self.findings)


def read_instance(
    document: Any,
    *,
    network: Mapping[str, Any] | None = None,
    max_works: int = MAX_WORKS,
    max_days: int = MAX_DAYS,
) -> Reading:
    """Read an instance as JSON gave it; `network` is the FeatureCollection where it only names a file."""
    if not isinstance(document, Mapping):
        return _refused(Finding("outage_not_an_object", grave=True))
    works = document.get("works")
    if isinstance(works, list) and len(works) > max_works:
        return _refused(_grave("outage_too_many_works", "works", works=len(works), limit=max_works))
    shapeless = list(misshapen(document, Instance))
    found: list[Finding] = []
    given = network if network is not None else document.get("network")
    read: Network | None = None
    topology: Topology | None = None
    if isinstance(given, Mapping):
        read, topology, odd = _network(given)
        found += odd
    if shapeless:
        # What it means can only be asked of something that can be read.
        return Reading(None, None, (*shapeless, *found))
    instance = msgspec.convert(document, Instance)
    found += _calendar(instance, max_days)
    found += _crews(instance)
    found += _objective(instance)
    found += _works(instance, topology)
    if topology is not None:
        found += _named(instance, topology)
    if topology is None or any(one.grave for one in found):
        return Reading(None, None, tuple(found))
    return Reading(instance, read, tuple(found))


def _refused(finding: Finding) -> Reading:
    return Reading(None, None, (finding,))


def _grave(code: str, *at: str | int, **params: str | int | float) -> Finding:
    return Finding(code, params, pointer(*at), grave=True)


def _network(given: Mapping[str, Any]) -> tuple[Network | None, Topology | None, list[Finding]]:
    """The network, its topology where it can be balanced on, and what is wrong with it."""
    if "file" in given and "features" not in given:
        return None, None, [_grave("outage_network_elsewhere", "network", file=str(given["file"])[:200])]
    try:
        reading = read_network(given)
    except GeoError as error:
        return None, None, [error.under("network").finding()]
    topology = build(reading.network)
    found = [*reading.findings, *check(topology)]
    placed = [msgspec.structs.replace(one, place=pointer("network") + one.place) for one in found]
    sound = not any(one.grave for one in placed)
    return reading.network, topology if sound else None, placed


def _calendar(instance: Instance, max_days: int) -> Iterator[Finding]:
    month = instance.calendar
    days = (month.last - month.first).days + 1
    if days < 1:
        yield _grave("outage_month_empty", "calendar", "last", first=str(month.first), last=str(month.last))
    elif days > max_days:
        yield _grave("outage_month_too_long", "calendar", "last", days=days, limit=max_days)
    spans = [(("calendar", "windows", "morning"), month.windows.morning)]
    spans.append((("calendar", "windows", "afternoon"), month.windows.afternoon))
    quiet = [(("calendar", "quiet", index, "hours"), one.hours) for index, one in enumerate(month.quiet)]
    for at, span in (*spans, *quiet):
        yield from _span(span, at)
    if month.windows.afternoon.start < month.windows.morning.end:
        yield _grave("outage_windows_overlap", "calendar", "windows", "afternoon", "from")
    for index, one in enumerate(month.blackouts):
        if one.last < one.first:
            at = ("calendar", "blackouts", index, "last")
            yield _grave("outage_ends_before_start", *at, first=str(one.first), last=str(one.last))


def _span(span: Span, at: tuple[str | int, ...]) -> Iterator[Finding]:
    if span.end <= span.start:
        yield _grave("outage_ends_before_start", *at, "to", first=span.start, last=span.end)


def _crews(instance: Instance) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, crew in enumerate(instance.crews):
        if crew.skill in seen:
            yield _grave("outage_twice", "crews", index, "skill", id=crew.skill)
        seen.add(crew.skill)


def _objective(instance: Instance) -> Iterator[Finding]:
    counted = Counter(part for stage in instance.objective.stages for part in stage)
    for part, times in counted.items():
        if times > 1:
            yield _grave("outage_twice", "objective", "stages", id=part)
    for index, stage in enumerate(instance.objective.stages):
        if not stage:
            yield _grave("outage_stage_empty", "objective", "stages", index)
    if not instance.objective.stages:
        yield _grave("outage_stage_empty", "objective", "stages")


def _works(instance: Instance, topology: Topology | None) -> Iterator[Finding]:
    known = {work.id: work for work in instance.works}
    skills = {crew.skill for crew in instance.crews}
    seen: set[str] = set()
    for index, work in enumerate(instance.works):
        at = ("works", index)
        if work.id in seen:
            yield _grave("outage_twice", *at, "id", id=work.id)
        seen.add(work.id)
        yield from _dates(instance, work, at)
        yield from _others(work, known, at)
        if work.skill not in skills and not (work.live is not None and work.live.only):
            yield _grave("outage_skill_unknown", *at, "skill", work=work.id, skill=work.skill)
        if work.live is not None and work.live.skill not in skills:
            yield _grave("outage_skill_unknown", *at, "live", "skill", work=work.id, skill=work.live.skill)
        if not work.windows:
            yield _grave("outage_windows_none", *at, "windows", work=work.id)
        if topology is not None:
            yield from _place(work, topology, at)
    for chain in order_of_works(instance.works).rings:
        yield _grave("outage_after_ring", "works", works=" → ".join(chain))


def _dates(instance: Instance, work: Work, at: tuple[str | int, ...]) -> Iterator[Finding]:
    month = instance.calendar
    first, last = work.earliest or month.first, work.latest or month.last
    if last < first:
        yield _grave(
            "outage_work_ends_before_start", *at, "latest", work=work.id, first=str(first), last=str(last)
        )
    if work.rain is not None and work.rain.last < first:
        yield _grave("outage_rain_too_early", *at, "rain", "last", work=work.id, last=str(work.rain.last))
    if work.pin is not None:
        yield from _pin(work, work.pin.date, first, last, at)
    minutes = _minutes(Span(start=month.windows.morning.start, end=month.windows.afternoon.end))
    live_minutes = work.live.minutes if work.live is not None else minutes + 1
    if work.minutes > minutes and live_minutes > minutes:
        yield _grave(
            "outage_work_too_long", *at, "minutes", work=work.id, minutes=work.minutes, limit=minutes
        )


def _pin(
    work: Work, pinned: dt.date, first: dt.date, last: dt.date, at: tuple[str | int, ...]
) -> Iterator[Finding]:
    params: dict[str, str | int | float] = {"work": work.id, "date": str(pinned)}
    if not first <= pinned <= last:
        yield _grave("outage_pin_outside", *at, "pin", "date", **params, first=str(first), last=str(last))
    if pinned in work.forbid:
        yield _grave("outage_pin_forbidden", *at, "pin", "date", **params)
    window = work.pin.window if work.pin is not None else None
    if window is not None and window not in work.windows:
        yield _grave("outage_pin_window", *at, "pin", "window", **params, window=window)


def _others(work: Work, known: Mapping[str, Work], at: tuple[str | int, ...]) -> Iterator[Finding]:
    """The works that this one names."""
    lists: dict[str, Iterable[str]] = {
        "after": work.after,
        "with": work.together,
        "not_with": work.not_with,
        "same_crew": work.same_crew,
    }
    for name, ids in lists.items():
        for number, other in enumerate(ids):
            if other not in known or other == work.id:
                yield _grave("outage_work_unknown", *at, name, number, work=work.id, other=other)
            elif name == "same_crew" and known[other].skill != work.skill:
                yield _grave("outage_crew_differs", *at, name, number, work=work.id, other=other)
            elif name == "with" and other in (*work.after, *work.not_with):
                yield _grave("outage_with_and_apart", *at, name, number, work=work.id, other=other)


def _place(work: Work, topology: Topology, at: tuple[str | int, ...]) -> Iterator[Finding]:
    if bool(work.section) == bool(work.device):
        yield _grave("outage_place_ambiguous", *at, "section", work=work.id)
        return
    field, named = ("section", work.section) if work.section else ("device", work.device)
    needs = needs_of(work, topology)
    if not needs:
        yield _grave(f"outage_{field}_unknown", *at, field, work=work.id, id=named)
    for section in sorted(needs):
        if any(node in topology.sources for node in topology.sections[section].nodes):
            yield _grave("outage_section_has_source", *at, field, work=work.id, section=section)


def _named(instance: Instance, topology: Topology) -> Iterator[Finding]:
    customers = {one.id for one in topology.network.customers}
    for index, facts in enumerate(instance.customers):
        if facts.id not in customers:
            yield _grave("outage_customer_unknown", "customers", index, "id", id=facts.id)
    for index, past in enumerate(instance.past):
        if past.section not in topology.sections:
            yield _grave("outage_past_unknown", "past", index, "section", id=past.section)
    feeders = {one.id for one in topology.network.feeders}
    for index, one in enumerate(instance.calendar.blackouts):
        for number, feeder in enumerate(one.feeders):
            if feeder not in feeders:
                yield _grave(
                    "outage_feeder_unknown", "calendar", "blackouts", index, "feeders", number, id=feeder
                )


def _minutes(span: Span) -> int:
    hours = [int(one[:2]) * 60 + int(one[3:]) for one in (span.start, span.end)]
    return hours[1] - hours[0]
