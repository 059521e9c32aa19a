"""Escalation: each step is told once. At the last the case waits on the customer until he acts."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from server.workflow.commands import RecordReminder
from server.workflow.draft import Draft
from server.workflow.escalation import Step, due_steps
from server.workflow.model import DatedAct, Notice, Pause
from server.workflow.rectification import Reminder
from server.workflow.refusal import Refusal

#: Why the clocks stand still meanwhile: a reason of clocks/pauses.yaml.
_WHY = "rectification"


def record_reminder(draft: Draft, command: RecordReminder) -> None:
    notice = draft.notice(command.n)
    key = (command.round, command.step, command.due)
    if key in {(one.round, one.step, one.due) for one in notice.reminders}:
        return
    today = draft.policy.day(draft.given_at)
    step = next(
        (one for one in due_steps(notice, today, draft.policy) if (one.round, one.step, one.due) == key), None
    )
    if step is None:
        params = {"n": notice.n, "step": command.step, "due": command.due.isoformat()}
        raise Refusal("reminder_not_due", params, facts=(f"notice:{notice.n}",))
    reminder = Reminder(round=step.round, step=step.step, due=step.due, at=draft.now, told=command.told)
    draft.put_notice(replace(notice, reminders=(*notice.reminders, reminder)))
    draft.tell(
        "notice_reminder_due",
        notice=notice.n,
        round=step.round,
        step=step.step,
        due=step.due.isoformat(),
        items=list(step.items),
        to=list(step.to),
        told=list(command.told),
    )
    if step.step == "waiting":
        _wait(draft, notice, step)


def _wait(draft: Draft, notice: Notice, step: Step) -> None:
    """Let the case wait on the customer, unless it has ended, or is energized and waits for nothing."""
    stage = draft.process.stages[draft.case.stage]
    pause_id = _pause_id(notice)
    if stage.held_by == "nobody" or pause_id in draft.case.pauses:
        return
    pause = Pause(
        id=pause_id,
        reason=_WHY,
        since=draft.now,
        evidence=f"notice:{notice.n} round {notice.round}, due {step.due.isoformat()}: letter",
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
    )
    draft.case = replace(draft.case, pauses={**draft.case.pauses, pause_id: pause})
    draft.tell(
        "clock_paused",
        pause=pause.id,
        reason=pause.reason,
        since=pause.since.isoformat(),
        evidence=pause.evidence,
        message=pause.message,
    )


def end_waiting(draft: Draft, notice: Notice, dated: datetime) -> None:
    """End the wait of this notice's rounds: what was waited for came on `dated`."""
    prefix = f"notice-{notice.n}-"
    for pause in list(draft.case.pauses.values()):
        if not pause.id.startswith(prefix) or pause.until is not None:
            continue
        act = DatedAct(
            dated=max(pause.since, dated),
            evidence=f"notice:{notice.n}",
            recorded_at=draft.now,
            recorded_by=draft.actor.name,
        )
        ended = replace(pause, acts=(*pause.acts, act))
        draft.case = replace(draft.case, pauses={**draft.case.pauses, pause.id: ended})
        draft.tell(
            "clock_resumed",
            pause=pause.id,
            reason=pause.reason,
            dated=act.dated.isoformat(),
            evidence=act.evidence,
            until=act.dated.isoformat(),
        )


def _pause_id(notice: Notice) -> str:
    return f"notice-{notice.n}-{notice.round}"
