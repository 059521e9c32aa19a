"""Works covered unseen, and notices that fail again and again: specialists say what is to be done."""

from __future__ import annotations

from msgspec.structs import replace

from server.workflow.commands import MarkCovered, RecordSpecialists
from server.workflow.draft import Draft
from server.workflow.handlers.deadlines import open_item
from server.workflow.handlers.disputes import regrade
from server.workflow.handlers.raising import tell_specialists, wrong_state
from server.workflow.model import SEVERITY_RANK, Notice, NoticeItem
from server.workflow.rectification import Covered, SpecialistMeeting
from server.workflow.refusal import Refusal
from server.workflow.unsafe import specialists_wanted


def mark_covered(draft: Draft, command: MarkCovered) -> None:
    """Nobody knows what was covered, so it is critical whatever it was before."""
    notice = draft.notice(command.n)
    if not notice.open or notice.state == "reinspecting":
        raise wrong_state("notice_not_at_rest", notice)
    item = open_item(notice, command.item, "item")
    if item.covered is not None:
        return
    covered = Covered(reason=command.reason, by=draft.actor.name, at=draft.now)
    marked = replace(_critical(draft, notice, item, command.reason), covered=covered)
    notice = replace(notice, items=tuple(marked if one.code == item.code else one for one in notice.items))
    draft.put_notice(notice)
    draft.tell("works_covered_unseen", n=notice.n, item=item.code, reason=command.reason)
    tell_specialists(draft, notice)


def _critical(draft: Draft, notice: Notice, item: NoticeItem, reason: str) -> NoticeItem:
    if SEVERITY_RANK[item.severity] >= SEVERITY_RANK["critical"]:
        return item
    return regrade(draft, notice, item, "critical", reason)


def record_specialists(draft: Draft, command: RecordSpecialists) -> None:
    notice = draft.notice(command.n)
    wanted = specialists_wanted(notice, draft.policy)
    over = tuple(dict.fromkeys(code for codes in wanted.values() for code in codes))
    participants = tuple(dict.fromkeys(command.participants))
    meeting = SpecialistMeeting(
        round=notice.round,
        items=over,
        held=command.held,
        participants=participants,
        decision=command.decision,
        minutes=command.minutes,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
    )
    if any(_same(meeting, one) for one in notice.specialist_meetings):
        return
    if not over:
        raise wrong_state("specialists_not_wanted", notice)
    if len(participants) < draft.policy.specialists_people:
        params = {"have": len(participants), "needed": draft.policy.specialists_people}
        raise Refusal("participants_missing", params, kind="invalid", facts=("field:participants",))
    if "covered_unseen" in wanted and command.decision == "rework":
        raise Refusal("covered_stays", {"n": notice.n}, kind="invalid", facts=("field:decision",))
    draft.require_dated(command.held, "held", earliest=notice.created_at)
    draft.put_notice(replace(notice, specialist_meetings=(*notice.specialist_meetings, meeting)))
    draft.tell(
        "specialists_met",
        n=notice.n,
        round=notice.round,
        why=list(wanted),
        items=list(over),
        decision=command.decision,
        participants=list(participants),
        held=command.held.isoformat(),
    )


def _same(meeting: SpecialistMeeting, other: SpecialistMeeting) -> bool:
    """Whether the same meeting has been recorded; over what is settled by the first time."""
    return meeting == replace(
        other, items=meeting.items, recorded_at=meeting.recorded_at, recorded_by=meeting.recorded_by
    )
