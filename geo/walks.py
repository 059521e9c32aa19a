"""What a track tells of a day: stops, visits to sites, and which task each visit belongs to.

Everything here looks at the kept fixes of a track alone, once, in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from geo.coords import Fix
from geo.fence import PresenceLimits, SiteFence
from geo.finding import Finding, Param
from geo.metric import distance_m, frame_between
from geo.tracks import Track, TrackLimits, at_site_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class WalkRules(Struct, frozen=True):
    """A stop keeps within `stop_radius_m` of its middle, the fixes' accuracy granted, for `stop_min_s`.
    A visit lasts `visit_min_s` at least; being away for less than `away_s` does not end it. `task_slack_s`:
    how long before a task's first answer or after its last one the visit may lie."""

    stop_radius_m: float = 30.0
    stop_min_s: float = 180.0
    visit_min_s: float = 60.0
    away_s: float = 300.0
    task_slack_s: float = 1800.0


class Stop(Struct, frozen=True):
    """A place where the track stood still. `observed_s` leaves out gaps between fixes that are too long to
    presume anything; `radius_m` is how far its fixes lie from its middle at most."""

    lon: float
    lat: float
    radius_m: float
    started_at: datetime
    ended_at: datetime
    observed_s: float
    fixes: int


class Visit(Struct, frozen=True):
    """A time at a site, from its first fix there to its last. `observed_s` as for a stop; `longest_gap_s` is
    the longest time without a fix, as underground."""

    site: str
    arrived_at: datetime
    left_at: datetime
    observed_s: float
    longest_gap_s: float
    fixes: int


class TaskSpan(Struct, frozen=True):
    """A task, its site, and when its form was filled in: from the first answer to the last."""

    task: str
    site: str
    begun_at: datetime
    ended_at: datetime


class Assigned(Struct, frozen=True):
    """Visits by task, those that belong to no task, and what is odd about either."""

    visits: dict[str, tuple[Visit, ...]]
    without_task: tuple[Visit, ...]
    findings: tuple[Finding, ...]


def stops(
    track: Track, *, rules: WalkRules | None = None, limits: TrackLimits | None = None
) -> tuple[Stop, ...]:
    """Where the track stood still, in order."""
    rules, limits = rules or WalkRules(), limits or TrackLimits()
    found: list[Stop] = []
    group: list[Fix] = []
    lon = lat = 0.0
    for fix in (track.fixes[index] for index in track.kept):
        away = distance_m(lon, lat, fix.position.lon, fix.position.lat) if group else 0.0
        if away - (fix.accuracy_m or 0.0) > rules.stop_radius_m:
            found += _stop(group, lon, lat, rules, limits)
            group, lon, lat = [], 0.0, 0.0
        group.append(fix)
        lon += (fix.position.lon - lon) / len(group)
        lat += (fix.position.lat - lat) / len(group)
    return (*found, *_stop(group, lon, lat, rules, limits))


def visits(
    track: Track,
    sites: Mapping[str, SiteFence],
    *,
    rules: WalkRules | None = None,
    limits: TrackLimits | None = None,
    near: PresenceLimits | None = None,
) -> tuple[Visit, ...]:
    """Every visit to each site, by arrival. Fences may overlap: then a visit counts for each of them."""
    rules, limits = rules or WalkRules(), limits or TrackLimits()
    fixes = [track.fixes[index] for index in track.kept]
    found: list[Visit] = []
    for site, fence in sites.items():
        group: list[Fix] = []
        for fix, there in zip(fixes, at_site_of(track, fence, near=near), strict=True):
            # Time away counts from when the track was last seen there until it is seen there again, so that a
            # gap underground ends no visit unless somewhere else was seen in it.
            if there:
                group.append(fix)
            elif group and _seconds(group[-1], fix) > rules.away_s:
                found += _visit(site, group, rules, limits)
                group = []
        found += _visit(site, group, rules, limits)
    return tuple(sorted(found, key=lambda visit: (visit.arrived_at, visit.site)))


def assign(seen: Sequence[Visit], tasks: Sequence[TaskSpan], *, rules: WalkRules | None = None) -> Assigned:
    """Give each visit to the tasks at its site that were worked on during it; several may share one visit."""
    rules = rules or WalkRules()
    slack = timedelta(seconds=rules.task_slack_s)
    by_task: dict[str, tuple[Visit, ...]] = {}
    findings: list[Finding] = []
    taken: set[int] = set()
    for task in tasks:
        there = [(number, visit) for number, visit in enumerate(seen) if visit.site == task.site]
        fitting = [
            (number, visit)
            for number, visit in there
            if visit.arrived_at - slack <= task.ended_at and task.begun_at <= visit.left_at + slack
        ]
        by_task[task.task] = tuple(visit for _, visit in fitting)
        taken |= {number for number, _ in fitting}
        if not there:
            findings.append(Finding("task_site_never_visited", {"task": task.task, "site": task.site}))
        elif not fitting:
            apart = min(_apart_s(visit, task) for _, visit in there)
            params: dict[str, Param] = {"task": task.task, "site": task.site, "minutes": round(apart / 60)}
            findings.append(Finding("task_site_visited_another_time", params))
    without = tuple(visit for number, visit in enumerate(seen) if number not in taken)
    findings += [
        Finding("visit_without_task", {"site": one.site, "minutes": round(one.observed_s / 60)})
        for one in without
    ]
    return Assigned(by_task, without, tuple(findings))


def simplify(track: Track, *, tolerance_m: float, piece: int = 2000) -> tuple[int, ...]:
    """The indices of kept fixes that draw the track to within `tolerance_m` (Douglas and Peucker).

    Pieces of `piece` fixes are simplified by themselves, which bounds the time for tracks that were made to
    take long. Raises ValueError for a tolerance that is negative or a piece of fewer than two fixes.
    """
    if tolerance_m < 0 or piece < 2:
        raise ValueError("simplify needs a tolerance of 0 or more and pieces of two fixes or more")
    if len(track.kept) < 3:
        return track.kept
    places = [track.fixes[index].position for index in track.kept]
    frame = frame_between(places[0].lon, places[0].lat, places[len(places) // 2].lat)
    import numpy as np  # noqa: PLC0415  heavy, and few processes draw

    xy = np.array([frame.xy(place.lon, place.lat) for place in places])
    drawn = np.zeros(len(places), dtype=bool)
    for start in range(0, len(places) - 1, piece - 1):
        _mark(xy, start, min(start + piece, len(places)) - 1, tolerance_m, drawn)
    return tuple(index for index, wanted in zip(track.kept, drawn, strict=True) if wanted)


def _mark(
    xy: npt.NDArray[np.float64], first: int, last: int, tolerance_m: float, drawn: npt.NDArray[np.bool_]
) -> None:
    """Mark the ends, and between them whatever lies further than the tolerance from the line drawn so far."""
    import numpy as np  # noqa: PLC0415

    drawn[[first, last]] = True
    spans = [(first, last)]
    while spans:
        start, end = spans.pop()
        if end - start < 2:
            continue
        offset = xy[start + 1 : end] - xy[start]
        along = xy[end] - xy[start]
        length2 = float(along @ along)
        share = np.clip(offset @ along / length2, 0.0, 1.0) if length2 > 0 else np.zeros(len(offset))
        away = np.hypot(*(offset - share[:, None] * along).T)
        farthest = int(away.argmax())
        if away[farthest] > tolerance_m:
            middle = start + 1 + farthest
            drawn[middle] = True
            spans += [(start, middle), (middle, end)]


def _stop(group: list[Fix], lon: float, lat: float, rules: WalkRules, limits: TrackLimits) -> list[Stop]:
    if len(group) < 2 or _seconds(group[0], group[-1]) < rules.stop_min_s:
        return []
    radius = max(distance_m(lon, lat, fix.position.lon, fix.position.lat) for fix in group)
    observed, _ = _observed(group, limits.max_gap_s)
    return [Stop(lon, lat, radius, _at(group[0]), _at(group[-1]), observed, len(group))]


def _visit(site: str, group: list[Fix], rules: WalkRules, limits: TrackLimits) -> list[Visit]:
    if len(group) < 2 or _seconds(group[0], group[-1]) < rules.visit_min_s:
        return []
    observed, longest = _observed(group, limits.max_gap_s)
    return [Visit(site, _at(group[0]), _at(group[-1]), observed, longest, len(group))]


def _observed(group: list[Fix], max_gap_s: float) -> tuple[float, float]:
    """Seconds between consecutive fixes, gaps too long left out, and the longest time without a fix."""
    gaps = [_seconds(a, b) for a, b in pairwise(group)]
    return sum(gap for gap in gaps if gap <= max_gap_s), max(gaps, default=0.0)


def _apart_s(visit: Visit, task: TaskSpan) -> float:
    before = (task.begun_at - visit.left_at).total_seconds()
    after = (visit.arrived_at - task.ended_at).total_seconds()
    return max(before, after)


def _seconds(start: Fix, end: Fix) -> float:
    return (_at(end) - _at(start)).total_seconds()


def _at(fix: Fix) -> datetime:
    if fix.at is None:
        raise ValueError("a kept fix has a time")
    return fix.at
