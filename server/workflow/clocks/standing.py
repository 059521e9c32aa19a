"""Where a case stands beside its stage: whose move it is, since when, and what it waits for."""

from __future__ import annotations

from datetime import date, datetime

from server.workflow.clocks.tables import PauseSide, pause_reasons
from server.workflow.clocks.timeline import timeline
from server.workflow.inforce import InForce
from server.workflow.model import Case, Pause, Value
from server.workflow.processes import SideState, process
from server.workflow.processes.preconditions import scheme_expiry
from server.workflow.vocabulary import Holder

#: Of several side states the gravest is shown.
_GRAVEST: tuple[PauseSide, ...] = ("SU", "WG", "WC")


class Standing(Value, frozen=True, kw_only=True):
    """Who holds the case, since when, and why; the side state beside its stage; the ids of lasting pauses.

    `scheme_until`: the last day on which the scheme holds, once one was replied and until it is built by.
    """

    holder: Holder
    why: str
    since: datetime
    side_state: SideState | None
    pauses: tuple[str, ...]
    scheme_until: date | None


def standing(case: Case, now: datetime, rules: InForce) -> Standing | None:
    """Where the case stands at a moment; None if it had not begun."""
    segments = timeline(case, now)
    if not segments:
        return None
    last = segments[-1]
    since = last.start
    for segment in reversed(segments):
        if (segment.holder, segment.why) != (last.holder, last.why):
            break
        since = segment.start
    lasting = lasting_pauses(case, now)
    until = _scheme_until(case, last.stage, now, rules)
    return Standing(
        holder=last.holder,
        why=last.why,
        since=since,
        side_state=_side_state(case, last.stage, lasting, until, rules.at(now, case.organisation).day(now)),
        pauses=tuple(pause.id for pause in lasting),
        scheme_until=until,
    )


def lasting_pauses(case: Case, now: datetime) -> list[Pause]:
    """The pauses that last at a moment, the oldest first."""
    lasting = (
        pause
        for pause in case.pauses.values()
        if pause.since <= now and (pause.until is None or now < pause.until)
    )
    return sorted(lasting, key=lambda pause: (pause.since, pause.id))


def _scheme_until(case: Case, stage: str, now: datetime, rules: InForce) -> date | None:
    table = process(case.process)
    if not any("scheme_valid" in needs for needs in table.stages[stage].moves.values()):
        return None
    return scheme_expiry(case, table, rules.at(now, case.organisation))


def _side_state(
    case: Case, stage: str, lasting: list[Pause], scheme_until: date | None, today: date
) -> SideState | None:
    row = process(case.process).stages[stage]
    if row.state == "CX":
        return "CX"
    if row.held_by == "nobody":
        return None
    reasons = pause_reasons()
    sides = {reasons[pause.reason].side for pause in lasting if pause.reason in reasons}
    if sides:
        return next(side for side in _GRAVEST if side in sides)
    return "SX" if scheme_until is not None and today > scheme_until else None
