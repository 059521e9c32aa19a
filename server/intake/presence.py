"""The presence report of an inspection: was each answer given on site? Functions of documents.

What one person left is weighed together: the position beside the answer, that person's tracks, the photos
that the answer names with what their cameras wrote, and what that person did on other devices in the same
case. `presence_of` is what a receipt says of it.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from geo.attendance import (
    Attendance,
    AttendanceRules,
    Check,
    Sighting,
    Standing,
    attend,
    attend_all,
    discredited,
)
from geo.coords import CoordinateError, Fix, read_fix
from geo.fence import PresenceLimits, SiteFence
from geo.finding import Finding
from geo.tracks import Journey, Track, TrackError, TrackLimits, join, read_track
from geo.walks import TaskSpan, Visit, assign, visits
from server.intake.reading import as_mapping, moment, texts_in
from server.workflow.model import CodedReason, Presence
from server.workflow.policy import Policy
from sync.store import Document

#: Who left a trace, and the trace.
Trace = tuple[str, Sighting]


@dataclass(frozen=True)
class AnswerPresence:
    """One answer weighed. `unreadable` names why its position could not be read, if it could not. `doubted`:
    another of the same person's answers takes the credit from this one."""

    item: str
    by: str
    device: str
    at: datetime
    verdict: Attendance
    unreadable: str | None = None
    doubted: bool = False


@dataclass(frozen=True)
class PresenceReport:
    """Every answer with a time, in order of time, and by person what tracks show of that time. `left_out`
    are the tracks that nothing was asked of, by id, or all of one person's, by name, and why."""

    standing: Standing
    answers: tuple[AnswerPresence, ...]
    walks: Mapping[str, Walk]
    left_out: Mapping[str, Finding]


@dataclass(frozen=True)
class Walk:
    """What one person's tracks show: how far they went, the visits to the site, and to which tasks of the
    case each visit belongs. `on_site_s` leaves out gaps too long to presume anything."""

    length_m: float
    duration_s: float
    started_at: datetime | None
    ended_at: datetime | None
    on_site_s: float
    visits: tuple[Visit, ...]
    tasks: tuple[tuple[str, ...], ...]
    findings: tuple[Finding, ...]


def attendance_rules(policy: Policy) -> AttendanceRules:
    """The rules of presence from the dated settings in force."""
    return AttendanceRules(
        limits=PresenceLimits(policy.presence_max_accuracy_m, policy.presence_min_percent / 100),
        fresh_s=policy.presence_fresh_s,
        walk_m_s=policy.presence_walk_m_s,
        indoor_max_s=policy.presence_indoor_minutes * 60,
        indoor_confidence=policy.presence_indoor_percent / 100,
        track_window_s=policy.presence_track_s,
        jump_window_s=policy.presence_jump_s,
        doubt_m=policy.presence_doubt_m,
        echo_m=policy.presence_echo_m,
        max_speed_m_s=policy.presence_max_speed_m_s,
        apart_m=policy.presence_apart_m,
        near_confidence=policy.presence_near_percent / 100,
    )


@dataclass(frozen=True)
class _Given:
    """An answer as it stands in a branch."""

    item: str
    by: str
    sighting: Sighting
    photos: tuple[str, ...]
    unreadable: str | None


def presence_report(
    branches: Sequence[Document],
    tracks: Iterable[Document],
    photos: Mapping[str, Sequence[Trace]],
    fence: SiteFence,
    rules: AttendanceRules | None = None,
    *,
    site: str = "site",
    worked: Mapping[str, Sequence[Document]] | None = None,
) -> PresenceReport:
    """Weigh the branches of one form. `photos` are the traces of photos by id; of `tracks`, those that cannot
    be read are left out, and told. `site` is what people call the site; `worked` are
    the branches of every form of the case by its task, among which visits are shared out."""
    rules = rules or AttendanceRules()
    answers = sorted(
        (given for branch in branches for given in _answers(branch)),
        key=lambda one: (one.sighting.at, one.item, one.by),
    )
    walked, left_out = journeys(tracks, around=_around(answers, rules), rules=rules)
    taken = [trace for traces in photos.values() for trace in traces]
    elsewhere = _by_device([*((one.by, one.sighting) for one in answers), *taken])
    rows = []
    for given in answers:
        named = [trace for photo in given.photos for trace in photos.get(photo, ())]
        others = [sighting for by, sighting in named if by == given.by]
        others += _about_then(elsewhere, given)
        track = walked.get(given.by)
        verdict = attend(fence, given.sighting, track=track, others=others, rules=rules)
        at, device = given.sighting.at, given.sighting.device
        rows.append(AnswerPresence(given.item, given.by, device, at, verdict, given.unreadable))
    people = {row.by for row in rows}
    doubted = {by for by in people if discredited([row.verdict for row in rows if row.by == by])}
    rows = [replace(row, doubted=row.by in doubted and row.verdict.standing == "supported") for row in rows]
    spans = _spans(worked or {}, site)
    limits = rules.limits
    walks = {
        by: _walk(walked[by], visits(walked[by], {site: fence}, near=limits), spans.get(by, ()))
        for by in sorted(people & set(walked))
    }
    return PresenceReport(attend_all([row.verdict for row in rows]), tuple(rows), walks, left_out)


def _spans(worked: Mapping[str, Sequence[Document]], site: str) -> dict[str, list[TaskSpan]]:
    """By person, when each task of the case was worked on."""
    found: dict[str, list[TaskSpan]] = {}
    for task, branches in worked.items():
        times: dict[str, list[datetime]] = {}
        for given in (given for branch in branches for given in _answers(branch)):
            times.setdefault(given.by, []).append(given.sighting.at)
        for by, at in times.items():
            found.setdefault(by, []).append(TaskSpan(task, site, min(at), max(at)))
    return found


def _walk(track: Journey, seen: tuple[Visit, ...], spans: Sequence[TaskSpan]) -> Walk:
    """Of tasks that were worked on while the tracks tell of somewhere; about others they say nothing."""
    known = [one for one in spans if track.started_at is not None and _meets(one, track)]
    assigned = assign(seen, known)
    return Walk(
        length_m=track.length_m,
        duration_s=track.duration_s,
        started_at=track.started_at,
        ended_at=track.ended_at,
        on_site_s=sum(visit.observed_s for visit in seen),
        visits=seen,
        tasks=tuple(
            tuple(task for task, theirs in assigned.visits.items() if visit in theirs) for visit in seen
        ),
        findings=assigned.findings,
    )


def _meets(span: TaskSpan, track: Journey) -> bool:
    """Whether a track reaches into the time of a task."""
    first, last = track.started_at, track.ended_at
    return first is not None and last is not None and first <= span.ended_at and span.begun_at <= last


def presence_of(
    report: PresenceReport,
    merged: Mapping[str, Any],
    shown: Iterable[str],
    compared: Mapping[str, Sequence[str]] | None = None,
) -> Presence:
    """What a receipt says of the answers that stand, of the items that are `shown`.

    An answer without author or time was left out of the report; it is open. Of two by one person at one
    moment, as two devices may bring them, the worse counts. What is doubted is open. Rules have no answer:
    `compared` names those that each compares, and it stands as the worst of them.
    """
    verdicts: dict[tuple[str, str, datetime | None], AnswerPresence] = {}
    for row in report.answers:
        key = (row.item, row.by, row.at)
        verdicts[key] = min(verdicts.get(key, row), row, key=lambda one: _ORDER[one.verdict.standing])

    def known(code: str) -> AnswerPresence | None:
        answer = as_mapping(merged.get(code))
        return verdicts.get((code, str(answer.get("by")), moment(answer.get("at"))))

    rules, items = compared or {}, list(shown)
    standings: dict[str, Standing] = {}
    for code in items:
        parts = [_standing(known(part)) for part in rules.get(code, (code,))]
        standings[code] = min(parts, key=_ORDER.__getitem__, default="open")
    reasons = [
        reason
        for code in items
        if code not in rules and standings[code] != "supported"
        if (reason := _reason(code, as_mapping(merged.get(code)), known(code))) is not None
    ]
    located = any(as_mapping(merged.get(code)).get("location") is not None for code in items)
    if not located and {*standings.values()} <= {"open"}:
        reasons.append(CodedReason(None, "no_position"))
    on_site, off_site = (
        tuple(code for code in items if standings[code] == wanted) for wanted in ("supported", "contradicted")
    )
    return Presence(
        standing="contradicted" if off_site else "supported" if on_site else "open",
        on_site=on_site,
        off_site=off_site,
        open=len(items) - len(on_site) - len(off_site),
        reasons=tuple(reasons),
    )


def _standing(row: AnswerPresence | None) -> Standing:
    return "open" if row is None or row.doubted else row.verdict.standing


_ORDER: Mapping[Standing, int] = {"contradicted": 0, "open": 1, "supported": 2}


def _reason(code: str, answer: Mapping[str, Any], row: AnswerPresence | None) -> CodedReason | None:
    """What decided that an item is not on site; nothing where no position claims that it is."""
    if row is not None and row.verdict.standing == "contradicted":
        against = [check for check in row.verdict.checks if check.bearing == "against"]
        return _coded(code, max(against, key=lambda check: check.confidence))
    if row is not None and row.doubted:
        return CodedReason(code, "attendance_doubted")
    if answer.get("location") is None:
        return None
    try:
        read_fix(as_mapping(answer.get("location")))
    except CoordinateError as error:
        return CodedReason(code, error.code, dict(error.params))
    if row is None:
        return CodedReason(code, "attendance_no_answer_time")
    return _coded(code, row.verdict.checks[0])


def _coded(code: str, check: Check) -> CodedReason:
    return CodedReason(code, check.code, dict(check.params))


def _around(answers: Sequence[_Given], rules: AttendanceRules) -> tuple[datetime, datetime] | None:
    """From when to when tracks may speak of any of these answers; None without answers."""
    if not answers:
        return None
    slack = timedelta(seconds=rules.indoor_max_s + rules.jump_window_s)
    try:
        return answers[0].sighting.at - slack, answers[-1].sighting.at + slack
    except OverflowError:
        # A clock at the end of time: whatever there is may be of then.
        return None


def journeys(
    tracks: Iterable[Document],
    *,
    around: tuple[datetime, datetime] | None = None,
    rules: AttendanceRules | None = None,
) -> tuple[dict[str, Journey], dict[str, Finding]]:
    """By person, all readable tracks joined, those alone that reach into `around`; and what is left out: a
    track that cannot be read, by its id, and by name who has more than can be joined."""
    limits = TrackLimits() if rules is None else TrackLimits(max_speed_m_s=rules.max_speed_m_s)
    by_person: dict[str, dict[str, Track]] = {}
    left_out: dict[str, Finding] = {}
    for document in tracks:
        try:
            track = read_track(document, limits=limits)
        except TrackError as error:
            left_out[str(document["_id"])] = error.finding()
            continue
        if around is None or _reaches(track, *around):
            by_person.setdefault(str(document.get("by")), {})[str(document["_id"])] = track
    joined = {}
    for by, parts in by_person.items():
        try:
            joined[by] = join(parts, limits=limits)
        except TrackError as error:
            left_out[by] = error.finding()
    return joined, left_out


def _reaches(track: Track, first: datetime, last: datetime) -> bool:
    """Whether any fix, counted or not, lies between these moments: one left out may tell of a jump."""
    times = [fix.at for fix in track.fixes if fix.at is not None]
    return min(times) <= last and max(times) >= first


def _answers(branch: Document) -> Iterator[_Given]:
    """The answers of a branch that have a time and an author."""
    device = as_mapping(branch.get("submitted")).get("device")
    for item, row in as_mapping(branch.get("answers")).items():
        answer = as_mapping(row)
        at, by = moment(answer.get("at")), answer.get("by")
        if at is None or not isinstance(by, str):
            continue
        fix, unreadable = _fix(answer.get("location"))
        sighting = Sighting("form", at, fix, device if isinstance(device, str) else "")
        yield _Given(str(item), by, sighting, tuple(texts_in(answer.get("photos"))), unreadable)


def photo_traces(document: Mapping[str, Any], receipt: Mapping[str, Any] | None = None) -> tuple[Trace, ...]:
    """Who took a photo, when, where and on what: as its tablet says, and as the camera wrote by its receipt.

    Nothing without a time or a place; receipts from before the camera's place was kept tell of none.
    """
    by, device = str(document.get("by")), str(document.get("device") or "")
    at, (fix, _) = moment(document.get("taken_at")), _fix(document.get("location"))
    traces = [] if at is None or fix is None else [(by, Sighting("photo", at, fix, device))]
    written = as_mapping(receipt or {})
    exif_at = moment(written.get("exif_taken_at")) or at
    exif, _ = _fix(written.get("exif_location"))
    if exif_at is not None and exif is not None:
        traces.append((by, Sighting("exif", exif_at, exif, device)))
    return tuple(traces)


def _by_device(traces: Iterable[tuple[str, Sighting]]) -> dict[str, dict[str, list[Sighting]]]:
    """By person and device, what has a place, in order of time."""
    found: dict[str, dict[str, list[Sighting]]] = {}
    for by, sighting in sorted(traces, key=lambda trace: trace[1].at):
        if sighting.fix is not None:
            found.setdefault(by, {}).setdefault(sighting.device, []).append(sighting)
    return found


def _about_then(elsewhere: Mapping[str, Mapping[str, list[Sighting]]], given: _Given) -> Iterator[Sighting]:
    """What the same person did on each other device last before and first after. What is further off in time
    must be within reach of these, so it adds nothing."""
    for device, traces in elsewhere.get(given.by, {}).items():
        if device != given.sighting.device:
            number = bisect.bisect_left(traces, given.sighting.at, key=lambda trace: trace.at)
            yield from traces[max(0, number - 1) : number + 1]


def _fix(location: Any) -> tuple[Fix | None, str | None]:
    if location is None:
        return None, None
    try:
        return read_fix(as_mapping(location)), None
    except CoordinateError as error:
        return None, error.code
