"""Whether somebody was on site when something was done: every trace weighed, a verdict with its numbers.

The traces are the position beside an answer, the track, the place in a photo's EXIF, and what other devices
of the same person said. Each gives a check: it speaks for presence, against it, or leaves it open. One that
speaks against is not outvoted by others, since nothing is easier to add than one more trace that agrees;
people then look at it. No verdict is a veto. Accuracies are claims of the receiver, and between high walls
they claim too much: what lies off site by no more than that leaves the matter open.

Underground there are no fixes. A position at the door, before going in or after coming out, stands for the
time in between, as long as that lies within what the rules allow and nothing puts the device elsewhere.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from geo.coords import Fix
from geo.fence import Presence, PresenceLimits, SiteFence, presence
from geo.finding import Param
from geo.metric import distance_m
from geo.tracks import Track

Standing = Literal["supported", "open", "contradicted"]
Bearing = Literal["for", "against", "open"]
SightingKind = Literal["form", "photo", "exif", "signature", "door"]


_WORDS: dict[Standing, str] = {
    "supported": "attendance_supported",
    "open": "attendance_open",
    "contradicted": "attendance_contradicted",
}


#: Checks that, speaking against one answer, leave the others of the same person without credit: a position
#: was made up, or the device was in other hands. Being off site and saying so is none of them.
DISCREDITING = frozenset(
    {
        "attendance_mock",
        "attendance_jump",
        "attendance_two_places",
        "attendance_places_differ",
        "attendance_camera_differs",
    }
)


class AttendanceRules(Struct, frozen=True):
    """What the checks go by. The server fills it from dated settings.

    `fresh_s`: a fix so old stands for the moment itself; of older ones, the device may have moved on since
    at `walk_m_s`.
    `indoor_max_s`: how long a fix at the door stands for being inside, with `indoor_confidence` at most.
    `track_window_s`: fixes of the track so near in time speak of the moment.
    `doubt_m`: between high walls receivers claim too much; a fix no further off site than this, its accuracy
    granted, leaves the matter open. `echo_m`: a single fix may be so far off by an echo, and the track beside
    it tells. An impossible jump that is longer, within `jump_window_s`, discredits the track.
    `max_speed_m_s`: nobody travels faster.
    `apart_m`: how far two traces of one moment may lie apart beyond their accuracies.
    `near_confidence`: a fix beside the fence speaks for presence from this confidence on.
    """

    limits: PresenceLimits = PresenceLimits()
    fresh_s: float = 60.0
    walk_m_s: float = 1.5
    indoor_max_s: float = 4 * 3600.0
    indoor_confidence: float = 0.8
    track_window_s: float = 120.0
    jump_window_s: float = 900.0
    doubt_m: float = 150.0
    echo_m: float = 1000.0
    max_speed_m_s: float = 45.0
    apart_m: float = 300.0
    near_confidence: float = 0.2


class Sighting(Struct, frozen=True):
    """A trace: something done at `at` on a device, and the position that goes with it."""

    kind: SightingKind
    at: datetime
    fix: Fix | None = None
    device: str = ""


class Check(Struct, frozen=True):
    """One trace weighed: a code of catalogue `geo` and its numbers (whole metres, seconds, minutes).
    `confidence`, 0 to 1, is that of the side it speaks for; 0 where it leaves the matter open."""

    code: str
    bearing: Bearing
    confidence: float = 0.0
    params: dict[str, Param] = {}


class Attendance(Struct, frozen=True):
    """The verdict on one moment: contradicted if any check speaks against presence, else supported if any
    speaks for it, else open. `confidence` is the strongest check's on that side, 0 where open."""

    standing: Standing
    confidence: float
    checks: tuple[Check, ...]
    presence: Presence | None = None

    @property
    def code(self) -> str:
        """The verdict's own words in catalogue `geo`."""
        return _WORDS[self.standing]


def attend(
    fence: SiteFence,
    sighting: Sighting,
    *,
    track: Track | None = None,
    others: Sequence[Sighting] = (),
    rules: AttendanceRules | None = None,
) -> Attendance:
    """Whether `sighting` was made on site. `track` is that of its device; `others` are further traces of the
    same person: a photo's EXIF, or what was done on another device about then."""
    rules = rules or AttendanceRules()
    there = presence(fence, sighting.fix, limits=rules.limits)
    checks = [_of_fix(there, sighting, rules)]
    if track is not None:
        tracked = list(_of_track(fence, sighting, track, rules))
        checks = [*(_unless_echo(check, tracked, rules) for check in checks), *tracked]
    for other in others:
        checks += _of_other(sighting, other, rules)
    return _verdict(tuple(checks), there)


def attend_all(verdicts: Sequence[Attendance]) -> Standing:
    """The standing of a whole inspection: one contradiction is enough, and so is one support without any."""
    standings = {verdict.standing for verdict in verdicts}
    return next((one for one in ("contradicted", "supported") if one in standings), "open")


def discredited(verdicts: Sequence[Attendance]) -> bool:
    """Whether one of the verdicts on a person's answers takes the credit from all of them."""
    return any(
        check.bearing == "against" and check.code in DISCREDITING
        for verdict in verdicts
        for check in verdict.checks
    )


def _verdict(checks: tuple[Check, ...], there: Presence) -> Attendance:
    sides: tuple[tuple[Bearing, Standing], ...] = (("against", "contradicted"), ("for", "supported"))
    for bearing, standing in sides:
        speaking = [check.confidence for check in checks if check.bearing == bearing]
        if speaking:
            return Attendance(standing, max(speaking), checks, there)
    return Attendance("open", 0.0, checks, there)


def _of_fix(there: Presence, sighting: Sighting, rules: AttendanceRules) -> Check:
    """The position beside the answer itself."""
    fix = sighting.fix
    params: dict[str, Param] = {**there.params()}
    if fix is not None and fix.mock:
        return Check("attendance_mock", "against", 1.0, params)
    if fix is None or there.verdict == "unknown":
        return Check(there.code, "open", params=params)
    if fix.source == "manual":
        return Check("attendance_manual", "open", params=params)
    if fix.at is None:
        return Check("attendance_no_fix_time", "open", params=params)
    age = abs((sighting.at - fix.at).total_seconds())
    params["age_s"] = round(age)
    moved = max(0.0, age - rules.fresh_s) * rules.walk_m_s
    if there.verdict == "outside":
        margin = there.margin_m or 0.0
        if margin > moved + rules.doubt_m:
            return Check(there.code, "against", there.confidence, params)
        return Check("attendance_fix_old" if margin <= moved else "attendance_beside", "open", params=params)
    if there.verdict == "near" and there.confidence < rules.near_confidence:
        return Check(there.code, "open", params=params)
    if age <= rules.fresh_s:
        return Check(there.code, "for", there.confidence, params)
    if age <= rules.indoor_max_s:
        params["minutes"] = round(age / 60)
        return Check("attendance_door", "for", min(there.confidence, rules.indoor_confidence), params)
    return Check("attendance_fix_old", "open", params=params)


def _unless_echo(check: Check, tracked: Sequence[Check], rules: AttendanceRules) -> Check:
    """A fix that lies off site no further than an echo reaches, while the same receiver's track was not."""
    margin = check.params.get("margin_m")
    off_site = check.code == "presence_outside" and isinstance(margin, int) and margin <= rules.echo_m
    if off_site and any(one.code in ("attendance_track_here", "attendance_track_vague") for one in tracked):
        return Check("attendance_echo", "open", params=check.params)
    return check


def _of_track(fence: SiteFence, sighting: Sighting, track: Track, rules: AttendanceRules) -> Iterator[Check]:
    """Where the track was at the moment, and whether it can be believed about then."""
    yield from _jumps(sighting, track, rules)
    around = _around(track, sighting.at)
    close = [fix for fix in around if _apart_s(fix, sighting.at) <= rules.track_window_s]
    if close:
        yield _track_then(fence, sighting, close, rules)
    elif around:
        yield _track_gap(fence, sighting, around, rules)


def _jumps(sighting: Sighting, track: Track, rules: AttendanceRules) -> Iterator[Check]:
    """Impossible jumps about then, further than echoes between buildings reach."""
    ways = [
        way
        for index, way in track.jumps
        if way >= rules.echo_m and _apart_s(track.fixes[index], sighting.at) <= rules.jump_window_s
    ]
    if ways:
        params: dict[str, Param] = {"jumps": len(ways), "metres": round(max(ways))}
        yield Check("attendance_jump", "against", 1.0, params)


def _track_then(fence: SiteFence, sighting: Sighting, close: Sequence[Fix], rules: AttendanceRules) -> Check:
    """Coming and going, one of two neighbouring fixes may lie off site; the moment is off site if both do."""
    found = [_track_at(fence, fix, _apart_s(fix, sighting.at), rules) for fix in close]
    bearings: tuple[Bearing, ...] = ("for", "open", "against")
    return min(found, key=lambda check: bearings.index(check.bearing))


def _track_at(fence: SiteFence, fix: Fix, seconds: float, rules: AttendanceRules) -> Check:
    grown = replace(fix, accuracy_m=(fix.accuracy_m or 0.0) + seconds * rules.walk_m_s)
    there = presence(fence, grown, limits=rules.limits)
    params: dict[str, Param] = {**there.params(), "seconds": round(seconds)}
    if there.verdict == "outside" and (there.margin_m or 0.0) > rules.doubt_m:
        return Check("attendance_track_elsewhere", "against", there.confidence, params)
    if there.verdict in ("outside", "unknown") or there.confidence < rules.near_confidence:
        return Check("attendance_track_vague", "open", params=params)
    return Check("attendance_track_here", "for", there.confidence, params)


def _track_gap(fence: SiteFence, sighting: Sighting, around: Sequence[Fix], rules: AttendanceRules) -> Check:
    """No fix about then: was the door to the gap on site? Either end of it will do."""
    for fix in around:
        seconds = _apart_s(fix, sighting.at)
        there = presence(fence, fix, limits=rules.limits)
        at_site = there.verdict in ("inside", "near") and there.confidence >= rules.near_confidence
        if at_site and seconds <= rules.indoor_max_s:
            confidence = min(there.confidence, rules.indoor_confidence)
            return Check("attendance_track_door", "for", confidence, {"minutes": round(seconds / 60)})
    nearest = min(_apart_s(fix, sighting.at) for fix in around)
    return Check("attendance_track_gap", "open", params={"minutes": round(nearest / 60)})


def _of_other(sighting: Sighting, other: Sighting, rules: AttendanceRules) -> Iterator[Check]:
    """Two traces of one person: near enough to be of one moment, or at least within reach of each other."""
    if sighting.fix is None or other.fix is None:
        return
    way = _way_m(sighting.fix, other.fix)
    beyond = way - max(0.0, sighting.fix.accuracy_m or 0.0) - max(0.0, other.fix.accuracy_m or 0.0)
    seconds = abs((_when(sighting) - _when(other)).total_seconds())
    params: dict[str, Param] = {
        "kind": other.kind,
        "metres": round(way),
        "seconds": round(seconds),
        "device": other.device,
    }
    if other.device != sighting.device and beyond > rules.apart_m + seconds * rules.max_speed_m_s:
        yield Check("attendance_two_places", "against", 1.0, params)
    elif other.device == sighting.device and seconds <= rules.indoor_max_s:
        if beyond > rules.apart_m + max(0.0, seconds - rules.fresh_s) * rules.max_speed_m_s:
            code = "attendance_camera_differs" if other.kind == "exif" else "attendance_places_differ"
            yield Check(code, "against", 1.0, params)
        elif seconds <= rules.fresh_s:
            code = "attendance_camera_agrees" if other.kind == "exif" else "attendance_places_agree"
            yield Check(code, "open", params=params)


def _around(track: Track, moment: datetime) -> list[Fix]:
    """The last kept fix before a moment and the first after it, as far as there are any."""
    number = bisect.bisect_left(track.kept, moment, key=lambda index: _at(track.fixes[index]))
    return [track.fixes[index] for index in track.kept[max(0, number - 1) : number + 1]]


def _when(sighting: Sighting) -> datetime:
    """When the position was taken, which is what can be compared; else when the thing was done."""
    taken = sighting.fix.at if sighting.fix is not None else None
    return sighting.at if taken is None else taken


def _way_m(one: Fix, other: Fix) -> float:
    return distance_m(one.position.lon, one.position.lat, other.position.lon, other.position.lat)


def _apart_s(fix: Fix, moment: datetime) -> float:
    return abs((_at(fix) - moment).total_seconds())


def _at(fix: Fix) -> datetime:
    if fix.at is None:
        raise ValueError("a fix of a track has a time")
    return fix.at
