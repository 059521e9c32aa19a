"""Commands on gates, the authorization, switching, and what follows it. See `commands`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from msgspec import Meta, field

from server.workflow.case_commands import CommandBase, People
from server.workflow.energizing import PaperState, PointResult, Readings, Signature
from server.workflow.vocabulary import (
    ChecklistRef,
    EntryStatus,
    Id,
    Moment,
    Name,
    PhaseCheck,
    PhotoRef,
    Reason,
    Text,
    Value,
    Words,
)

#: Steps that one sheet may bring at once.
MAX_STEPS = 50


class RecordEntry(CommandBase, frozen=True, kw_only=True):
    """Confirm a gate's condition, or correct an earlier word. `gate` is its id (or E-code).

    `dated`: the day that the evidence is of, today if it says nothing. `until`: the last day on which it
    holds by its own words. Who handed in an inspection does not confirm a gate that rests on it.
    """

    gate: Id
    status: EntryStatus
    evidence: Words = ""
    note: Words = ""
    photos: tuple[PhotoRef, ...] = ()
    documents: tuple[Name, ...] = ()
    dated: date | None = None
    until: date | None = None


class ProposeWaiver(CommandBase, frozen=True, kw_only=True):
    """Propose to close the breaker without a condition, and stand behind it. Another person must approve.

    Only for a gate that is shut, and that a dated setting of the organisation allows to waive.
    """

    gate: Id
    reason: Reason
    until: date
    conditions: Words = ""


class ApproveWaiver(CommandBase, frozen=True, kw_only=True):
    """Be the second who stands behind a waiver. Neither of the two authorizes on it."""

    gate: Id


class WithdrawWaiver(CommandBase, frozen=True, kw_only=True):
    """End a waiver, or turn a proposed one down. One person is enough."""

    gate: Id
    reason: Reason


class Hold(CommandBase, frozen=True, kw_only=True):
    """Put energization on hold; an authorization is void at once, and switching breaks off."""

    reason: Reason


class ReleaseHold(CommandBase, frozen=True, kw_only=True):
    """End a hold. The case is then not authorized: a new authorization is needed."""

    reason: Reason


class Authorize(CommandBase, frozen=True, kw_only=True):
    """Allow the breaker to be closed. Role: manager; every gate met and the case at the ready stage.

    Not by who handed in an inspection of the works, nor by one of the two behind a waiver it rests on.
    """

    note: Words = ""


class StepDone(Value, frozen=True, kw_only=True):
    """One switching step as it was done. `by`: who did it, the sender if it says nothing."""

    step: Id
    at: Moment
    by: Words = ""
    good: bool = True
    readings: Readings = field(default_factory=dict)
    note: Words = ""


class RecordSteps(CommandBase, frozen=True, kw_only=True):
    """Record switching steps in the order in which they were done, each with its time.

    Only on a standing authorization, every gate met at the time of each. Steps that are known change
    nothing. One that came out badly is the last: it breaks off and puts energization on hold.
    """

    steps: Annotated[tuple[StepDone, ...], Meta(min_length=1, max_length=MAX_STEPS)]


class AbortSwitching(CommandBase, frozen=True, kw_only=True):
    """Break switching off, by a rule of the energization order, and put energization on hold."""

    rule: Id
    reason: Reason


class RecordIsolation(CommandBase, frozen=True, kw_only=True):
    """Record that an installation that was live when switching broke off was made dead again."""

    at: Moment
    evidence: Reason


class RecordEnergization(CommandBase, frozen=True, kw_only=True):
    """Record that the breaker was closed. Only on a standing authorization with every gate still met, and
    once every switching step is recorded. `impulse_closings`: those of the steps, if it says 0."""

    at: Moment
    phase_check: PhaseCheck
    participants: People
    impulse_closings: Annotated[int, Meta(ge=0)] = 0
    transformer_start_at: Moment | None = None
    readings: Mapping[str, Any] = field(default_factory=dict)
    note: Words = ""
    readings_by: Words = ""
    signatures: tuple[Signature, ...] = ()


class RecordOnLoadCheck(CommandBase, frozen=True, kw_only=True):
    """Record the check under load. A point that fails opens an operational notice.

    `recheck` and `text` are what a re-inspection of that notice looks at. `check_id` is new; the same again
    changes nothing.
    """

    check_id: Id
    at: Moment
    by: Name
    points: Annotated[Mapping[Id, PointResult], Meta(min_length=1)]
    evidence: Reason
    recheck: ChecklistRef
    text: Text
    remedy: Text | None = None
    readings: Readings = field(default_factory=dict)
    note: Words = ""


class RecordPaper(CommandBase, frozen=True, kw_only=True):
    """Note a paper of the file as owed, or as handed in. `paper`: one of papers.yaml, or another id."""

    paper: Id
    state: PaperState
    title: Words = ""
    reference: Words = ""
    original: bool = False
    due: date | None = None
    note: Words = ""


EnergizationCommand = (
    RecordEntry
    | ProposeWaiver
    | ApproveWaiver
    | WithdrawWaiver
    | Hold
    | ReleaseHold
    | Authorize
    | RecordSteps
    | AbortSwitching
    | RecordIsolation
    | RecordEnergization
    | RecordOnLoadCheck
    | RecordPaper
)
