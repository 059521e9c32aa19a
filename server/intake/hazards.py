"""Takes in hazards: defects seen outside any task, never turned away."""

from __future__ import annotations

from datetime import datetime

import structlog

from geo.coords import CoordinateError, read_fix
from server.casework.cases import SYSTEM
from server.intake.photos import photo_fact
from server.intake.reading import as_mapping, moment, shortened, texts_in
from server.services import Services
from server.workflow.commands import ReportHazard
from server.workflow.model import ChecklistRef, Location, PhotoRef, Severity
from server.workflow.vocabulary import MAX_ID, MAX_NAME, Text
from sync.store import Document

log = structlog.get_logger()

#: What a re-inspection of a hazard looks at.
HAZARD_CHECKLIST = "hazard-recheck"
_SEVERITIES: tuple[Severity, ...] = ("critical", "major", "minor")


class Hazards:
    """Hazard documents of every case."""

    def __init__(self, made: Services) -> None:
        self._store = made.store
        self._names = made.names
        self._cases = made.cases
        self._library = made.library
        self._clock = made.clock

    def take(self, case_id: str, hazard_id: str, *, unsent_id: str | None = None) -> None:
        """Report a hazard to its case. What cannot be read of it is told in words, not a reason to refuse."""
        document = self._store.find(self._names.forms(case_id), f"hazard:{hazard_id}")
        if document is None:
            return
        known = self._cases.load(case_id).case.hazards.get(hazard_id)
        # A time that cannot be read is that of the first reading, so that a second one finds the same.
        at = moment(document.get("at")) or (known.at if known else self._clock())
        command = self._command(case_id, hazard_id, document, at, unsent_id)
        self._cases.apply(case_id, command, SYSTEM)

    def _command(
        self, case_id: str, hazard_id: str, document: Document, at: datetime, unsent_id: str | None
    ) -> ReportHazard:
        checklist = self._library.latest(HAZARD_CHECKLIST)
        item = checklist.items[0]
        media = self._names.media(case_id)
        photos = [photo for photo in texts_in(document.get("photos")) if 0 < len(photo) <= MAX_ID]
        facts = {photo: photo_fact(self._store, media, photo) for photo in dict.fromkeys(photos)}
        severity = document.get("severity")
        return ReportHazard(
            hazard_id=hazard_id,
            description=shortened(str(document.get("description") or "")),
            at=at,
            by=str(document.get("by") or "unknown")[:MAX_NAME],
            checklist=ChecklistRef(checklist.id, checklist.version),
            item=item.code,
            text=Text(zh=item.text.zh, en=item.text.en),
            remedy=Text(zh=item.remedy.zh, en=item.remedy.en),
            severity=severity if severity in _SEVERITIES else "critical",
            photos=tuple(
                PhotoRef(photo, fact.sha256, verified=fact.status == "verified")
                for photo, fact in facts.items()
            ),
            location=_location(document.get("location")),
            unsent_id=unsent_id,
        )


def _location(value: object) -> Location | None:
    try:
        fix = read_fix(as_mapping(value))
    except CoordinateError:
        return None
    accuracy = fix.accuracy_m if fix.accuracy_m is not None and fix.accuracy_m >= 0 else None
    return Location(fix.position.lon, fix.position.lat, "wgs84", accuracy)
