"""A tablet's track: read, judged for order and speed, and measured. Nothing is repaired in silence.

Fixes that cannot belong to one walk stay in the track and are left out of its measures, with a flag that
says which and why. Impossible jumps split a track into chains of fixes that one device could have walked;
the longest chain counts, so that a few stray fixes, even the first, do not discredit all that follow. A day's
walk comes in many documents; `join` makes one track of them. Time grows with the fixes, whatever they hold.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec

from geo.coords import CoordinateError, Datum, Fix, check_datum, read_fix
from geo.fence import PresenceLimits, SiteFence, distances_to
from geo.finding import GeoError
from geo.metric import distance_m


class TrackLimits(msgspec.Struct, frozen=True):
    """`max_fixes` in one document; `max_speed_m_s` that a car on a mountain road does not pass;
    `max_accuracy_m` beyond which a fix measures nothing; `max_gap_s` over which presence between two fixes
    is not presumed. `max_joined` fixes in one joined track. A fix is reached from one of the `lookback` fixes
    ahead of it, or from the ends of the longest `max_chains` chains that jumps have begun."""

    max_fixes: int = 500
    max_speed_m_s: float = 45.0
    max_accuracy_m: float = 200.0
    max_gap_s: float = 900.0
    max_joined: int = 100_000
    max_chains: int = 8
    lookback: int = 12


class Flag(msgspec.Struct, frozen=True):
    """Something odd that is no refusal: a code of catalogue `geo` with its values."""

    code: str
    params: dict[str, str | int | float]


class Track(msgspec.Struct, frozen=True):
    """A track as received, in WGS-84, and what it measures.

    `fixes` holds every fix in the order given; `kept` the indices that count. `jumps` are all steps between
    neighbouring usable fixes that nothing can travel so fast, left out or not: the index at their end and
    their metres. `length_m` counts movement beyond the fixes' own accuracy, so that a tablet on a table walks
    no distance. Times are UTC.
    """

    datum: Datum
    fixes: tuple[Fix, ...]
    kept: tuple[int, ...]
    jumps: tuple[tuple[int, float], ...]
    flags: tuple[Flag, ...]
    length_m: float
    duration_s: float
    started_at: datetime | None
    ended_at: datetime | None


class Journey(Track, frozen=True):
    """Tracks joined into one: `origins` has, for each fix, the track it came from and its index there."""

    origins: tuple[tuple[str, int], ...]


class Stay(msgspec.Struct, frozen=True):
    """Time at a site: `seconds` between consecutive fixes there, the first and last of them, their number."""

    seconds: float
    fixes: int
    first_at: datetime | None = None
    last_at: datetime | None = None


class TrackError(GeoError):
    """A track that cannot be read; `place` points at the fix, and `params` hold its `index`."""


def read_track(doc: Mapping[str, Any], *, limits: TrackLimits | None = None) -> Track:
    """Read a track document `{datum, fixes: [{lon, lat, accuracy_m, at}, …]}`; other keys are not looked at.

    Raises TrackError for a missing datum, no fixes or too many, and fixes that are no positions in time.
    """
    limits = limits or TrackLimits()
    try:
        datum = check_datum(doc.get("datum"))
    except CoordinateError as error:
        raise TrackError(error.code, **error.params) from error
    rows = doc.get("fixes")
    if not isinstance(rows, list) or not rows:
        raise TrackError("track_empty")
    if len(rows) > limits.max_fixes:
        raise TrackError("track_too_long", fixes=len(rows), limit=limits.max_fixes)
    fixes = tuple(_read_row(index, row, datum) for index, row in enumerate(rows))
    return _measure(fixes, datum, limits)


def join(tracks: Mapping[str, Track], *, limits: TrackLimits | None = None) -> Journey:
    """One track of all that one device sent, by id, in whatever order they came.

    The order of fixes within each track is kept. A fix that came twice counts once and is flagged. Raises
    TrackError for none at all or more than `limits.max_joined`.
    """
    limits = limits or TrackLimits()
    total = sum(len(track.fixes) for track in tracks.values())
    if not total:
        raise TrackError("track_empty")
    if total > limits.max_joined:
        raise TrackError("track_too_long", fixes=total, limit=limits.max_joined)
    fixes: list[Fix] = []
    origins: list[tuple[str, int]] = []
    repeated: list[Flag] = []
    seen: set[tuple[float, float, datetime]] = set()
    ordered = heapq.merge(*(_in_order(name, track) for name, track in sorted(tracks.items())))
    for _, name, index in ordered:
        fix = tracks[name].fixes[index]
        mark = (fix.position.lon, fix.position.lat, _time(fix))
        if mark in seen:
            repeated.append(Flag("track_fix_repeated", {"track": name, "index": index}))
            continue
        seen.add(mark)
        fixes.append(fix)
        origins.append((name, index))
    measured = _measure(tuple(fixes), "wgs84", limits)
    fields = {name: getattr(measured, name) for name in measured.__struct_fields__}
    return Journey(**{**fields, "flags": (*measured.flags, *repeated)}, origins=tuple(origins))


def _in_order(name: str, track: Track) -> Iterator[tuple[datetime, str, int]]:
    """The fixes of a track as they stand, each with the latest time so far: that orders without sorting."""
    latest: datetime | None = None
    for index, fix in enumerate(track.fixes):
        latest = _time(fix) if latest is None else max(latest, _time(fix))
        yield latest, name, index


def stay(
    track: Track, fence: SiteFence, *, limits: TrackLimits | None = None, near: PresenceLimits | None = None
) -> Stay:
    """How long the track was within or near the fence, gaps longer than `limits.max_gap_s` not counted."""
    limits = limits or TrackLimits()
    seconds, there, previous = 0.0, [], None
    for index, at_site in zip(track.kept, at_site_of(track, fence, near=near), strict=True):
        fix = track.fixes[index]
        if at_site:
            there.append(_time(fix))
            if previous is not None:
                gap = (_time(fix) - previous).total_seconds()
                seconds += gap if gap <= limits.max_gap_s else 0.0
        previous = _time(fix) if at_site else None
    if not there:
        return Stay(0.0, 0)
    return Stay(seconds, len(there), there[0], there[-1])


def at_site_of(track: Track, fence: SiteFence, *, near: PresenceLimits | None = None) -> list[bool]:
    """For each kept fix, whether `presence` would find it inside or near the fence."""
    near = near or PresenceLimits()
    fixes = [track.fixes[index] for index in track.kept]
    distances = distances_to(fence, [fix.position for fix in fixes])
    return [
        fix.accuracy_m is not None and 0 < fix.accuracy_m <= near.max_accuracy_m and away <= fix.accuracy_m
        for fix, away in zip(fixes, distances, strict=True)
    ]


def _read_row(index: int, row: object, datum: Datum) -> Fix:
    if not isinstance(row, Mapping):
        raise TrackError("track_fix_unreadable", index=index).under("fixes", index)
    if row.get("datum", datum) != datum:
        raise TrackError("track_datum_mixed", index=index).under("fixes", index)
    try:
        fix = read_fix(row, datum=datum)
    except CoordinateError as error:
        raise TrackError(error.code, index=index, **error.params).under("fixes", index) from error
    if fix.at is None:
        raise TrackError("track_time_missing", index=index).under("fixes", index)
    return fix


def _measure(fixes: tuple[Fix, ...], datum: Datum, limits: TrackLimits) -> Track:
    flags: list[Flag] = []
    usable = []
    latest: datetime | None = None
    for index, fix in enumerate(fixes):
        if latest is not None and _time(fix) < latest:
            flags.append(Flag("track_time_backwards", {"index": index}))
        elif fix.accuracy_m is None or not 0 < fix.accuracy_m <= limits.max_accuracy_m:
            flags.append(Flag("track_fix_coarse", {"index": index}))
        else:
            latest = _time(fix)
            usable.append(index)
    kept = _longest_chain(fixes, usable, limits)
    flags += [Flag("track_speed_impossible", {"index": index}) for index in sorted({*usable} - {*kept})]
    times = [_time(fixes[index]) for index in kept]
    return Track(
        datum=datum,
        fixes=fixes,
        kept=kept,
        jumps=tuple(
            (end, _way(fixes[start], fixes[end]))
            for start, end in pairwise(usable)
            if _speed(fixes[start], fixes[end]) > limits.max_speed_m_s
        ),
        flags=tuple(flags),
        length_m=_length([fixes[index] for index in kept]),
        duration_s=(times[-1] - times[0]).total_seconds() if times else 0.0,
        started_at=times[0] if times else None,
        ended_at=times[-1] if times else None,
    )


def _longest_chain(fixes: tuple[Fix, ...], usable: list[int], limits: TrackLimits) -> tuple[int, ...]:
    """The most fixes, in order, of which each can be reached from the one before.

    A fix may follow one of the `lookback` fixes ahead of it, so that echoes are left out one by one, or the
    end of an earlier chain, so that a walk goes on after a stretch that was somewhere else.
    """
    before: dict[int, int | None] = {}
    length: dict[int, int] = {}
    ends: list[int] = []
    longest: int | None = None
    for place, index in enumerate(usable):
        best = _reached_from(fixes, index, [] if longest is None else [longest], length, limits)
        if best is None:
            recent = usable[max(0, place - limits.lookback) : place]
            best = _reached_from(fixes, index, [*recent, *ends], length, limits)
        before[index], length[index] = best, 1 if best is None else length[best] + 1
        if best in ends:
            ends.remove(best)
        elif len(ends) == limits.max_chains:
            ends.remove(min(ends, key=length.__getitem__))
        ends.append(index)
        if longest is None or length[index] > length[longest]:
            longest = index
    chain: list[int] = []
    while longest is not None:
        chain.append(longest)
        longest = before[longest]
    return tuple(reversed(chain))


def _reached_from(
    fixes: tuple[Fix, ...], index: int, candidates: list[int], length: Mapping[int, int], limits: TrackLimits
) -> int | None:
    """Of the fixes from which this one can be reached, that with the longest chain, then the slowest way."""
    found: list[tuple[int, float, int]] = []
    for candidate in candidates:
        speed = _speed(fixes[candidate], fixes[index])
        if speed <= limits.max_speed_m_s:
            found.append((length[candidate], -speed, candidate))
    return max(found, default=(0, 0.0, None))[2]


def _speed(start: Fix, end: Fix) -> float:
    """The least speed in m/s that takes a device from one fix to the next, both accuracies granted."""
    way = _way(start, end) - (start.accuracy_m or 0.0) - (end.accuracy_m or 0.0)
    if way <= 0:
        return 0.0
    seconds = (_time(end) - _time(start)).total_seconds()
    return way / seconds if seconds > 0 else float("inf")


def _length(fixes: list[Fix]) -> float:
    length, anchor = 0.0, None
    for fix in fixes:
        if anchor is None:
            anchor = fix
            continue
        way = _way(anchor, fix)
        if way > max(anchor.accuracy_m or 0.0, fix.accuracy_m or 0.0):
            length += way
            anchor = fix
    return length


def _way(start: Fix, end: Fix) -> float:
    return distance_m(start.position.lon, start.position.lat, end.position.lon, end.position.lat)


def _time(fix: Fix) -> datetime:
    if fix.at is None:
        raise TrackError("track_time_missing")
    return fix.at
