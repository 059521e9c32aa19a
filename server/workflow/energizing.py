"""What a case keeps of its last steps: words on gates, gates as evaluated, switching, and what follows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta, field

from server.workflow.vocabulary import (
    AuthorizationStatus,
    Count,
    EntryStatus,
    GateVerdict,
    HoldCause,
    Id,
    Moment,
    Name,
    PhaseCheck,
    Reason,
    Role,
    Value,
    Words,
)

__all__ = [
    "Energization",
    "EnergizationRecord",
    "Entry",
    "GateReason",
    "GateStatus",
    "HoldRecord",
    "OnLoadCheck",
    "Paper",
    "PaperState",
    "PointResult",
    "Readings",
    "Run",
    "Signature",
    "Tick",
    "Waiver",
]

#: How a point of the on-load check came out, and where a paper of the file is.
PointResult = Literal["pass", "fail"]
PaperState = Literal["owed", "in"]
#: What was read off instruments, by name: numbers, or words where a reading is none.
Readings = Mapping[Name, float | Words]


class Entry(Value, frozen=True):
    """Somebody's word that a gate's condition is met, is not, or does not apply.

    `photos` and `documents` are ids of evidence beside the words of `evidence`. `dated`: the day that the
    evidence is of, if not that of the word; `until`: the last day on which it holds by its own words. `roles`
    are those in which the word was given; none are known of words from before they were kept.
    """

    status: EntryStatus
    by: Name
    at: Moment
    evidence: Words = ""
    note: Words = ""
    photos: tuple[Id, ...] = ()
    documents: tuple[Name, ...] = ()
    dated: date | None = None
    until: date | None = None
    roles: tuple[Role, ...] = ()


class Waiver(Value, frozen=True, kw_only=True):
    """A condition that two named persons let go, until a day. It stands from its approval to a withdrawal.

    `words`: how many words on the gate its approver had before him. What is said afterwards he did not know.
    """

    reason: Reason
    until: date
    proposed_by: Name
    proposed_at: Moment
    conditions: Words = ""
    approved_by: str | None = None
    approved_at: Moment | None = None
    words: int = 0
    withdrawn_by: str | None = None
    withdrawn_at: Moment | None = None
    withdrawn_reason: Words = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Who stands behind it."""
        return tuple(name for name in (self.proposed_by, self.approved_by) if name)


class HoldRecord(Value, frozen=True):
    """Why energization is on hold. `gates` are those that fell shut, if that was the cause."""

    at: Moment
    by: Name
    cause: HoldCause
    reason: Words = ""
    gates: tuple[str, ...] = ()


class Tick(Value, frozen=True, kw_only=True):
    """A switching step that was done, and when. `good`: it came out as it must. See `switching`."""

    step: Id
    at: Moment
    by: Name
    recorded_at: Moment
    recorded_by: Name
    good: bool = True
    readings: Readings = field(default_factory=dict)
    note: Words = ""


class Run(Value, frozen=True, kw_only=True):
    """One going through the switching steps, on one authorization. `ended_at`: a hold broke it off.

    `isolated_at`: when the installation was seen dead again, where it had been live.
    """

    n: Count
    authorized_at: Moment
    ticks: tuple[Tick, ...] = ()
    ended_at: Moment | None = None
    isolated_at: Moment | None = None
    isolated_by: str | None = None
    isolation: Words = ""


class Signature(Value, frozen=True):
    """Who signed, for whom, and where: the id of a `signature:` document, or of a paper."""

    name: Name
    party: Name
    ref: Id


class EnergizationRecord(Value, frozen=True, kw_only=True):
    """The fact that the breaker was closed. `readings` are register values copied by the customer, in whose
    name `readings_by` did it."""

    at: Moment
    recorded_at: Moment
    recorded_by: Name
    phase_check: PhaseCheck
    impulse_closings: Annotated[int, Meta(ge=0)]
    participants: tuple[Name, ...]
    transformer_start_at: Moment | None = None
    readings: Mapping[str, Any] = field(default_factory=dict)
    note: Words = ""
    readings_by: Words = ""
    signatures: tuple[Signature, ...] = ()


class GateReason(Value, frozen=True):
    """Why a gate is shut, or why it is not asked for: a catalogue code, its parameters, what it refers to."""

    code: Id
    params: Mapping[str, Any] = field(default_factory=dict)
    refs: tuple[str, ...] = ()


class GateStatus(Value, frozen=True):
    """A gate as evaluated. `code` is the trade's number (E01 …), empty for gates that are ours alone.

    `until`: the last day on which it stays so by itself, where its truth ages.
    """

    id: Id
    code: str
    status: GateVerdict
    reasons: tuple[GateReason, ...] = ()
    until: date | None = None

    @property
    def refs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(ref for reason in self.reasons for ref in reason.refs))


class Energization(Value, frozen=True, kw_only=True):
    """Whether the breaker may be closed, or was. `gates` is what the authorization rested on."""

    status: AuthorizationStatus = "none"
    authorized_by: str | None = None
    authorized_at: Moment | None = None
    note: Words = ""
    gates: tuple[GateStatus, ...] = ()
    hold: HoldRecord | None = None
    record: EnergizationRecord | None = None
    runs: tuple[Run, ...] = ()


class OnLoadCheck(Value, frozen=True, kw_only=True):
    """The check of metering and protection under load, once the customer draws some."""

    id: Id
    at: Moment
    by: Name
    points: Mapping[Id, PointResult]
    recorded_at: Moment
    recorded_by: Name
    evidence: Reason
    readings: Readings = field(default_factory=dict)
    note: Words = ""

    @property
    def failed(self) -> tuple[str, ...]:
        """The points that came out wrong."""
        return tuple(sorted(point for point, result in self.points.items() if result == "fail"))


class Paper(Value, frozen=True, kw_only=True):
    """A paper of the file 案卷: promised, or in. `original`: the original was seen and kept."""

    id: Id
    state: PaperState
    recorded_at: Moment
    recorded_by: Name
    title: Words = ""
    reference: Words = ""
    original: bool = False
    due: date | None = None
    note: Words = ""
