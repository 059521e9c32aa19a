"""Hazards: defects seen outside any task. They may arrive days late and are never turned away."""

from __future__ import annotations

from msgspec.structs import replace

from server.workflow.commands import ReportHazard
from server.workflow.draft import Draft
from server.workflow.handlers.quarantine import accepted_sender, take
from server.workflow.handlers.raising import next_number, open_notice
from server.workflow.model import Hazard, ItemResult, Notice, NoticeItem
from server.workflow.rectification import Heading, last_contractor
from server.workflow.refusal import Refusal


def report_hazard(draft: Draft, command: ReportHazard) -> None:
    """Open a notice for the hazard. That alone shuts a gate, and so voids an authorization."""
    if command.unsent_id is not None:
        accepted_sender(draft, command.unsent_id)
    known = draft.case.hazards.get(command.hazard_id)
    if known is None:
        _open(draft, command)
    elif (known.description, known.severity, known.at, known.by) != (
        command.description,
        command.severity,
        command.at,
        command.by,
    ):
        raise Refusal("hazard_differs", {"hazard": command.hazard_id}, facts=("field:hazard_id",))
    if command.unsent_id is not None:
        take(draft, command.unsent_id)


def _open(draft: Draft, command: ReportHazard) -> None:
    photos = tuple(photo.id for photo in command.photos)
    hazard = Hazard(
        id=command.hazard_id,
        description=command.description,
        severity=command.severity,
        at=command.at,
        by=command.by,
        received_at=draft.now,
        notice=next_number(draft),
        photos=photos,
        location=command.location,
    )
    result = ItemResult(
        code=command.item,
        verdict="fail",
        severity=command.severity,
        text=command.text,
        remedy=command.remedy,
        note=command.description,
        photos=photos,
        by=command.by,
        at=command.at,
    )
    draft.rely_on(command.photos, f"hazard:{hazard.id}")
    draft.case = replace(draft.case, hazards={**draft.case.hazards, hazard.id: hazard})
    draft.tell("hazard_reported", hazard=hazard.id, severity=hazard.severity, by=hazard.by)
    open_notice(
        draft,
        Notice(
            n=hazard.notice,
            state="draft",
            stage="hazard",
            checklist=command.checklist,
            items=(NoticeItem(result=result, raised_by=command.by, raised_at=draft.now),),
            created_at=draft.now,
            hazard_id=hazard.id,
            operational=draft.energized,
            heading=Heading(
                inspected_on=draft.policy.day(command.at), contractor=last_contractor(draft.case.notices)
            ),
        ),
    )
