"""What follows the energization: the check under load, and the papers of the file."""

from __future__ import annotations

from msgspec.structs import replace

from server.workflow.commands import RecordOnLoadCheck, RecordPaper, ReportHazard
from server.workflow.draft import Draft
from server.workflow.handlers.hazards import report_hazard
from server.workflow.log import digest
from server.workflow.model import OnLoadCheck, Paper
from server.workflow.papers import paper_rules
from server.workflow.refusal import Refusal
from server.workflow.switching import on_load_points

#: Digits of a digest that tell two checks under one id apart.
_SUFFIX = 8


def record_on_load_check(draft: Draft, command: RecordOnLoadCheck) -> None:
    draft.require_running()
    record = draft.case.energization.record
    if record is None:
        raise Refusal("no_load_yet", {"status": draft.case.energization.status}, facts=("energization",))
    check = OnLoadCheck(
        id=command.check_id,
        at=command.at,
        by=command.by,
        points=command.points,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
        evidence=command.evidence,
        readings=command.readings,
        note=command.note,
    )
    if draft.again and _other_under_its_id(draft, check):
        # What it found must be heard, whatever another branch recorded under its id.
        check = replace(check, id=_apart(command))
    if _other_under_its_id(draft, check):
        raise Refusal("on_load_check_exists", {"check": check.id}, facts=("field:check_id",))
    if any(one.id == check.id for one in draft.case.on_load_checks):
        return
    _require_points(draft, command)
    draft.require_dated(check.at, "at", earliest=record.at)
    draft.case = replace(draft.case, on_load_checks=(*draft.case.on_load_checks, check))
    draft.tell(
        "on_load_checked", check=check.id, at=check.at.isoformat(), by=check.by, failed=list(check.failed)
    )
    if check.failed:
        _open_notice(draft, command, check)


def _apart(command: RecordOnLoadCheck) -> str:
    """An id that no other check has, on whichever branch it was recorded."""
    return f"{command.check_id}-{digest(command)[:_SUFFIX]}"


def _other_under_its_id(draft: Draft, check: OnLoadCheck) -> bool:
    """Whether another check than this one stands under its id."""
    known = next((one for one in draft.case.on_load_checks if one.id == check.id), None)
    if known is None:
        return False
    return replace(check, recorded_at=known.recorded_at, recorded_by=known.recorded_by) != known


def _require_points(draft: Draft, command: RecordOnLoadCheck) -> None:
    """Every point that is asked for has a result; no other has. What was asked for on a branch that lost a
    conflict may have been another set."""
    if draft.again:
        return
    asked = on_load_points(draft.case)
    given = set(command.points)
    if unknown := sorted(given - set(asked)):
        params = {"names": ", ".join(unknown), "asked": ", ".join(asked)}
        raise Refusal("on_load_point_unknown", params, kind="invalid", facts=("field:points",))
    if missing := [point for point in asked if point not in given]:
        params = {"names": ", ".join(missing)}
        raise Refusal("on_load_points_missing", params, kind="invalid", facts=("field:points",))


def _open_notice(draft: Draft, command: RecordOnLoadCheck, check: OnLoadCheck) -> None:
    """What is wrong under voltage is mended by the paper loop like every hazard. Wrong metering or protection
    is critical: the first cheats one side, the second trips too late or for nothing."""
    report_hazard(
        draft,
        ReportHazard(
            hazard_id=f"on-load-{_apart(command)}",
            description=f"{', '.join(check.failed)}. {check.note}".strip(),
            at=check.at,
            by=check.by,
            checklist=command.recheck,
            text=command.text,
            remedy=command.remedy,
            severity="critical",
        ),
    )


def record_paper(draft: Draft, command: RecordPaper) -> None:
    draft.require_running()
    _require_paper(command)
    known = draft.case.papers.get(command.paper)
    paper = Paper(
        id=command.paper,
        state=command.state,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
        title=command.title or (known.title if known is not None else ""),
        reference=command.reference,
        original=command.original,
        due=command.due,
        note=command.note,
    )
    if known is not None and _same_paper(known, paper):
        return
    draft.case = replace(draft.case, papers={**draft.case.papers, paper.id: paper})
    draft.tell(
        "paper_recorded",
        paper=paper.id,
        state=paper.state,
        title=paper.title,
        reference=paper.reference,
        original=paper.original,
    )


def _require_paper(command: RecordPaper) -> None:
    """A paper that is in can be found, and is the original where that is asked for; one owed has a name."""
    rule, about = paper_rules().get(command.paper), {"paper": command.paper}
    if command.state == "owed":
        if rule is None and not command.title.strip():
            raise Refusal("paper_unnamed", about, kind="invalid", facts=("field:title",))
    elif not command.reference.strip():
        raise Refusal("paper_reference_missing", about, kind="invalid", facts=("field:reference",))
    elif rule is not None and rule.original and not command.original:
        raise Refusal("original_missing", about, kind="invalid", facts=("field:original",))


def _same_paper(known: Paper, paper: Paper) -> bool:
    return replace(paper, recorded_at=known.recorded_at, recorded_by=known.recorded_by) == known
