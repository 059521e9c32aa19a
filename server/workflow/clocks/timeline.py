"""Whose time it was: a case from its application to a moment, cut wherever the stage or the holder changes.

Everything is taken from facts with dates, never from the order in which they were recorded: the customer's
act begins a stage, a notice that is out and a pause interrupt it, the answer and the dated act take it up.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from server.workflow.clocks.tables import pause_reasons
from server.workflow.model import Case, Issue, Notice, Pause, Value
from server.workflow.processes import process
from server.workflow.vocabulary import Holder

#: What the customer is at while a notice is out.
RECTIFICATION = "rectification"


class Segment(Value, frozen=True, kw_only=True):
    """A time in one stage and one hand. `why`: what is waited for, empty while the utility is at work.

    `pauses` are the reasons of every pause in it; `handed_over`: the customer has it by the process itself,
    so that what follows is a new application.
    """

    start: datetime
    end: datetime
    stage: str
    holder: Holder
    why: str = ""
    pauses: frozenset[str] = frozenset()
    handed_over: bool = False


def stage_begins(case: Case) -> list[tuple[str, datetime]]:
    """Every stage that was entered, with the moment it began. None begins before the one before it."""
    begins: list[tuple[str, datetime]] = []
    energized = process(case.process).energized
    for entry in case.history:
        begun = entry.begun
        if entry.stage == energized and case.energization.record is not None:
            begun = min(begun, case.energization.record.at)
        begins.append((entry.stage, max(begun, begins[-1][1]) if begins else begun))
    return begins


def latest(case: Case) -> datetime:
    """The last moment that the case knows of: looked at then, it is what it has come to."""
    moments = [case.log[-1].at, *(begun for _, begun in stage_begins(case))]
    moments += [
        one for pause in case.pauses.values() for one in (pause.since, pause.until) if one is not None
    ]
    return max(moments)


def timeline(case: Case, now: datetime) -> list[Segment]:
    """The case's segments up to `now`, without gaps; none if it had not begun.

    The last is the moment itself, of no length: where the case stands.
    """
    begins = stage_begins(case)
    cuts = {begun for _, begun in begins}
    cuts |= {moment for pause in case.pauses.values() for moment in (pause.since, pause.until) if moment}
    turns = {notice.n: list(_turns(case, notice)) for notice in case.notices.values()}
    cuts |= {moment for of_notice in turns.values() for moment, _ in of_notice}
    first = begins[0][1]
    if now < first:
        return []
    moments = sorted({first, now, *(cut for cut in cuts if first < cut < now)})
    # None begins before the one before it.
    begun = [moment for _, moment in begins]
    return [
        _segment(case, start, end, begins[bisect_right(begun, start) - 1][0], turns)
        for start, end in pairwise([*moments, now])
    ]


def _segment(
    case: Case,
    start: datetime,
    end: datetime,
    stage: str,
    turns: dict[int, list[tuple[datetime, Holder]]],
) -> Segment:
    row = process(case.process).stages[stage]
    reasons = frozenset(pause.reason for pause in case.pauses.values() if _covers(pause, start))
    stopping = sorted(reason for reason in reasons if _stops(case, reason))
    holder: Holder = row.held_by
    why, handed_over = row.waits_for or "", row.held_by == "customer"
    if holder == "utility" and _out_for_rectification(case, stage, start, turns):
        holder, why, handed_over = "customer", RECTIFICATION, True
    if holder == "utility" and stopping:
        known = pause_reasons()
        # The customer's share is named first: it is what somebody can ask for.
        why = min(stopping, key=lambda reason: (known[reason].held_by != "customer", reason))
        holder = known[why].held_by
    return Segment(
        start=start, end=end, stage=stage, holder=holder, why=why, pauses=reasons, handed_over=handed_over
    )


def _covers(pause: Pause, moment: datetime) -> bool:
    return pause.since <= moment and (pause.until is None or moment < pause.until)


def _stops(case: Case, reason: str) -> bool:
    """Whether a pause for this reason stops the clocks; one that this version does not know does not."""
    known = pause_reasons().get(reason)
    return known is not None and case.process not in known.counted_in


def _out_for_rectification(
    case: Case, stage: str, moment: datetime, turns: dict[int, list[tuple[datetime, Holder]]]
) -> bool:
    """Whether notices of this stage's inspection are with the customer, and none waits for the utility."""
    hands = {_hand_at(turns[notice.n], moment) for notice in case.notices.values() if notice.stage == stage}
    return "customer" in hands and "utility" not in hands


def _hand_at(turns: list[tuple[datetime, Holder]], moment: datetime) -> Holder:
    passed = [holder for at, holder in turns if at <= moment]
    return passed[-1] if passed else "nobody"


def _turns(case: Case, notice: Notice) -> Iterator[tuple[datetime, Holder]]:
    """When a notice passed into whose hands: drafted, issued, answered, issued again … and at an end."""
    yield notice.created_at, "utility"
    for issue in notice.issues:
        yield from _turns_of_round(case, notice, issue)
    ended = notice.closed_at or (notice.withdrawal.confirmed_at if notice.withdrawal is not None else None)
    if ended is not None:
        yield ended, "nobody"


def _turns_of_round(case: Case, notice: Notice, issue: Issue) -> Iterator[tuple[datetime, Holder]]:
    """The customer has it from its delivery until the whole answer, but for the time of a dispute."""
    received, answered = notice.received(issue), _answered(case, notice, issue.round)
    disputes = [
        (one.at, one.settlement.at if one.settlement else None)
        for one in notice.disputes
        if one.round == issue.round
    ]
    ends = [end for _, end in disputes]
    moments = [issue.at, received, answered, *(begun for begun, _ in disputes), *ends]
    for at in sorted({max(moment, issue.at) for moment in moments if moment is not None}):
        theirs = received is not None and received <= at and (answered is None or at < answered)
        disputed = any(begun <= at and (end is None or at < end) for begun, end in disputes)
        yield at, "customer" if theirs and not disputed else "utility"


def _answered(case: Case, notice: Notice, round_: int) -> datetime | None:
    """When the customer had answered every open item in a round; None while items are left."""
    whole = next(
        (
            entry.at
            for entry in case.log
            if entry.event == "notice_answered"
            and entry.data["n"] == notice.n
            and entry.data["round"] == round_
            and not entry.data["left"]
        ),
        None,
    )
    if whole is None:
        return None
    given = [answer.given for answer in notice.answers if answer.round == round_ and answer.at <= whole]
    return max(given, default=whole)
