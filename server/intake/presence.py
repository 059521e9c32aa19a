"""The presence report of an inspection: was each answer given on site? Functions of documents.

What one person left is weighed together: the position beside the answer, that person's tracks, the photos
that the answer names, and what that person did on other devices in the same case.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from geo.attendance import Attendance, AttendanceRules, Sighting, Standing, attend, attend_all
from geo.coords import CoordinateError, Fix, read_fix
from geo.fence import SiteFence
from geo.tracks import Journey, Track, TrackError, join, read_track
from geo.walks import Visit, visits
from server.intake.reading import as_mapping, moment, texts_in
from sync.store import Document


@dataclass(frozen=True)
class AnswerPresence:
    """One answer weighed. `unreadable` names why its position could not be read, if it could not."""

    item: str
    by: str
    device: str
    at: datetime
    verdict: Attendance
    unreadable: str | None = None


@dataclass(frozen=True)
class PresenceReport:
    """Every answer with a time, in order of time, and by person the visits to the site that tracks show."""

    standing: Standing
    answers: tuple[AnswerPresence, ...]
    visits: Mapping[str, tuple[Visit, ...]]


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
    photos: Mapping[str, Document],
    fence: SiteFence,
    rules: AttendanceRules | None = None,
) -> PresenceReport:
    """Weigh the branches of one form. `photos` are photo documents by id; of `tracks`, those that cannot be
    read are left out: the list of tracks tells of them."""
    walked = journeys(tracks)
    answers = sorted(
        (given for branch in branches for given in _answers(branch)),
        key=lambda one: (one.sighting.at, one.item, one.by),
    )
    taken = {photo: _photo(document) for photo, document in photos.items()}
    elsewhere = _by_device([*((one.by, one.sighting) for one in answers), *filter(None, taken.values())])
    rows = []
    for given in answers:
        named = [taken[photo] for photo in given.photos if photo in taken]
        others = [photo for by, photo in filter(None, named) if by == given.by]
        others += _about_then(elsewhere, given)
        track = walked.get(given.by)
        verdict = attend(fence, given.sighting, track=track, others=others, rules=rules)
        at, device = given.sighting.at, given.sighting.device
        rows.append(AnswerPresence(given.item, given.by, device, at, verdict, given.unreadable))
    people = {row.by for row in rows}
    seen = {by: visits(walked[by], {"site": fence}) for by in sorted(people & set(walked))}
    return PresenceReport(attend_all([row.verdict for row in rows]), tuple(rows), seen)


def journeys(tracks: Iterable[Document]) -> dict[str, Journey]:
    """By person, all readable tracks joined; nobody whose tracks are more than can be joined."""
    by_person: dict[str, dict[str, Track]] = {}
    for document in tracks:
        try:
            track = read_track(document)
        except TrackError:
            continue
        by_person.setdefault(str(document.get("by")), {})[str(document["_id"])] = track
    joined = {}
    for by, parts in by_person.items():
        try:
            joined[by] = join(parts)
        except TrackError:
            continue
    return joined


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


def _photo(document: Document) -> tuple[str, Sighting] | None:
    """Who took a photo, when, where and on what; None without a time or a place."""
    at, (fix, _) = moment(document.get("taken_at")), _fix(document.get("location"))
    if at is None or fix is None:
        return None
    return str(document.get("by")), Sighting("photo", at, fix, str(document.get("device") or ""))


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
