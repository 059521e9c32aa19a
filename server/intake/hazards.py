"""Takes in hazards: defects seen outside any task, never turned away."""

from __future__ import annotations

import structlog

from geo.coords import CoordinateError, read_fix
from server.casework.cases import SYSTEM
from server.intake.judging import as_mapping, moment
from server.intake.photos import photo_fact
from server.services import Services
from server.workflow.commands import ReportHazard
from server.workflow.model import ChecklistRef, Location, PhotoRef, Severity
from server.workflow.vocabulary import Text
from sync.store import Document

log = structlog.get_logger()

#: What a re-inspection of a hazard looks at.
HAZARD_CHECKLIST = "hazard-recheck"
#: Characters of a description that the case repeats.
_LONGEST = 4000
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
        command = self._command(case_id, hazard_id, document, unsent_id)
        self._cases.apply(case_id, command, SYSTEM)

    def _command(
        self, case_id: str, hazard_id: str, document: Document, unsent_id: str | None
    ) -> ReportHazard:
        checklist = self._library.latest(HAZARD_CHECKLIST)
        item = checklist.items[0]
        media = self._names.media(case_id)
        photos = [photo for photo in document.get("photos") or () if isinstance(photo, str)]
        facts = {photo: photo_fact(self._store, media, photo) for photo in dict.fromkeys(photos)}
        severity = document.get("severity")
        return ReportHazard(
            hazard_id=hazard_id,
            description=clipped(str(document.get("description") or "")),
            at=moment(document.get("at")) or self._clock(),
            by=str(document.get("by") or "unknown"),
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


def clipped(words: str) -> str:
    """As much of a description as a case holds; the document keeps all of it."""
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


def _location(value: object) -> Location | None:
    try:
        fix = read_fix(as_mapping(value))
    except CoordinateError:
        return None
    return Location(fix.position.lon, fix.position.lat, "wgs84", fix.accuracy_m)
