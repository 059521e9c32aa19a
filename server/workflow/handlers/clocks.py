"""Stopping the clocks for a reason, taking them up on a dated act, and the dates on which stages began."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from server.workflow.clocks.tables import pause_reasons
from server.workflow.commands import DateStage, ExtendScheme, PauseClock, ResumeClock
from server.workflow.draft import Draft
from server.workflow.model import DatedAct, Pause, SchemeExtension
from server.workflow.processes.preconditions import scheme_expiry, scheme_reply
from server.workflow.refusal import Refusal
from server.workflow.workdays import add_months


def pause_clock(draft: Draft, command: PauseClock) -> None:
    known = draft.case.pauses.get(command.pause_id)
    if known is not None:
        same = (known.reason, known.evidence, known.message) == (
            command.reason,
            command.evidence,
            command.message,
        )
        if same and command.since in {None, known.since}:
            return
        raise Refusal("pause_exists", {"pause": known.id}, facts=("field:pause_id",))
    reasons = pause_reasons()
    if command.reason not in reasons:
        params = {"reason": command.reason, "names": ", ".join(reasons)}
        raise Refusal("pause_reason_unknown", params, kind="invalid", facts=("field:reason",))
    _require_evidence(command.evidence)
    _require_pausable(draft)
    since = command.since or draft.given_at
    draft.require_dated(since, "since", earliest=draft.case.history[0].begun)
    pause = Pause(
        id=command.pause_id,
        reason=command.reason,
        since=since,
        evidence=command.evidence,
        message=command.message,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
    )
    _put(draft, pause)
    draft.tell(
        "clock_paused",
        pause=pause.id,
        reason=pause.reason,
        since=since.isoformat(),
        evidence=pause.evidence,
        message=pause.message,
    )


def resume_clock(draft: Draft, command: ResumeClock) -> None:
    pause = draft.case.pauses.get(command.pause_id)
    if pause is None:
        raise Refusal("pause_unknown", {"pause": command.pause_id}, kind="not_found")
    draft.require_running()
    if _known(pause.acts, command):
        return
    _require_evidence(command.evidence)
    draft.require_dated(command.dated, "dated", earliest=pause.since)
    pause = replace(pause, acts=(*pause.acts, _act(draft, command)))
    _put(draft, pause)
    draft.tell(
        "clock_resumed",
        pause=pause.id,
        reason=pause.reason,
        dated=command.dated.isoformat(),
        evidence=command.evidence,
        until=pause.until.isoformat() if pause.until else None,
    )


def date_stage(draft: Draft, command: DateStage) -> None:
    draft.require_running()
    history = draft.case.history
    visits = [n for n, entry in enumerate(history) if entry.stage == command.stage]
    if command.visit > len(visits):
        params = {"stage": command.stage, "visit": command.visit}
        raise Refusal("stage_not_entered", params, kind="not_found", facts=("field:stage",))
    n = visits[command.visit - 1]
    entry = history[n]
    if _known(entry.acts, command):
        return
    if not draft.process.stages[entry.stage].dated:
        raise Refusal("stage_not_dated", {"stage": entry.stage}, kind="invalid", facts=("field:stage",))
    _require_evidence(command.evidence)
    if command.dated > entry.at and not draft.again:
        params = {"dated": command.dated.isoformat(), "at": entry.at.isoformat()}
        raise Refusal("act_after_stage", params, kind="invalid", facts=("field:dated",))
    first = command.dated if n == 0 else history[0].begun
    draft.require_dated(command.dated, "dated", earliest=first)
    entry = replace(entry, acts=(*entry.acts, _act(draft, command)))
    draft.case = replace(draft.case, history=(*history[:n], entry, *history[n + 1 :]))
    draft.tell(
        "stage_dated",
        stage=entry.stage,
        visit=command.visit,
        dated=command.dated.isoformat(),
        evidence=command.evidence,
        begun=entry.begun.isoformat(),
    )


def extend_scheme(draft: Draft, command: ExtendScheme) -> None:
    """Once asked for in time, for no longer than a scheme holds at all."""
    draft.require_running()
    table, policy = draft.process, draft.policy
    expiry, replied = scheme_expiry(draft.case, table, policy), scheme_reply(draft.case, table)
    if expiry is None or replied is None:
        raise Refusal("no_scheme", facts=(f"stage:{table.scheme_replied}",))
    known = {(one.until, one.act.dated) for one in draft.case.scheme_extensions}
    if (command.until, command.dated) in known:
        return
    _require_evidence(command.evidence)
    draft.require_dated(command.dated, "dated", earliest=replied.begun)
    latest = expiry - timedelta(days=policy.scheme_extension_notice_days)
    longest = add_months(expiry, getattr(policy, table.scheme_valid_months))
    days = {"until": command.until, "from": expiry, "latest": latest, "longest": longest}
    params = {name: day.isoformat() for name, day in days.items()}
    if policy.day(command.dated) > latest:
        raise Refusal("extension_too_late", params, facts=("field:dated",))
    if not expiry < command.until <= longest:
        raise Refusal("extension_out_of_range", params, kind="invalid", facts=("field:until",))
    extension = SchemeExtension(until=command.until, act=_act(draft, command))
    draft.case = replace(draft.case, scheme_extensions=(*draft.case.scheme_extensions, extension))
    draft.tell(
        "scheme_extended",
        until=command.until.isoformat(),
        before=expiry.isoformat(),
        dated=command.dated.isoformat(),
        evidence=command.evidence,
    )


def _known(acts: tuple[DatedAct, ...], command: ResumeClock | DateStage) -> bool:
    return any((act.dated, act.evidence) == (command.dated, command.evidence) for act in acts)


def _act(draft: Draft, command: ResumeClock | DateStage | ExtendScheme) -> DatedAct:
    return DatedAct(
        dated=command.dated,
        evidence=command.evidence,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
    )


def _put(draft: Draft, pause: Pause) -> None:
    draft.case = replace(draft.case, pauses={**draft.case.pauses, pause.id: pause})


def _require_evidence(evidence: str) -> None:
    if not evidence.strip():
        raise Refusal("act_evidence_missing", kind="invalid", facts=("field:evidence",))


def _require_pausable(draft: Draft) -> None:
    """Nothing waits once the breaker is closed or the case has ended; nor while it is to be closed."""
    draft.require_running()
    if draft.process.stages[draft.case.stage].held_by == "nobody":
        raise Refusal("nothing_to_pause", {"stage": draft.case.stage}, facts=(f"stage:{draft.case.stage}",))
    if draft.case.energization.status == "authorized" and not draft.again:
        raise Refusal("pause_while_authorized", facts=("energization",))
