"""The presence report of an inspection: was each answer given on site? Functions of documents.

What one person left is weighed together: the position beside the answer, that person's tracks, the photos
that the answer names, and what that person did on other devices in the same case.
"""

from __future__ import annotations

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
    answers = [given for branch in branches for given in _answers(branch)]
    rows = []
    for item, sighting, by, named, unreadable in sorted(answers, key=lambda one: (one[1].at, one[0], one[2])):
        others = [*_photos(photos, by, named, sighting.device)]
        others += [one for _, one, who, _, _ in answers if who == by and one.device != sighting.device]
        verdict = attend(fence, sighting, track=walked.get(by), others=others, rules=rules)
        rows.append(AnswerPresence(item, by, sighting.device, sighting.at, verdict, unreadable))
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


def _answers(branch: Document) -> Iterator[tuple[str, Sighting, str, list[str], str | None]]:
    """The answers of a branch that have a time and an author: item, sighting, author, photos, and why the
    position could not be read."""
    device = as_mapping(branch.get("submitted")).get("device")
    for item, given in as_mapping(branch.get("answers")).items():
        answer = as_mapping(given)
        at, by = moment(answer.get("at")), answer.get("by")
        if at is None or not isinstance(by, str):
            continue
        fix, unreadable = _fix(answer.get("location"))
        sighting = Sighting("form", at, fix, device if isinstance(device, str) else "")
        yield str(item), sighting, by, texts_in(answer.get("photos")), unreadable


def _photos(photos: Mapping[str, Document], by: str, named: Sequence[str], device: str) -> Iterator[Sighting]:
    """The photos that an answer names, and whatever else its author took on another device."""
    for photo, document in photos.items():
        at, own = moment(document.get("taken_at")), str(document.get("device") or "")
        if at is None or document.get("by") != by or (photo not in named and own == device):
            continue
        fix, _ = _fix(document.get("location"))
        if fix is not None:
            yield Sighting("photo", at, fix, own)


def _fix(location: Any) -> tuple[Fix | None, str | None]:
    if location is None:
        return None, None
    try:
        return read_fix(as_mapping(location)), None
    except CoordinateError as error:
        return None, error.code
