"""The case: everything that is known of one connection, as one value.

A case is one document, so that the store's `_rev` check makes each decision atomic: an energization and a
new notice cannot both win. All values here are frozen; mappings are read and never written to. Times are
aware datetimes, days are calendar dates in the policy's time zone, voltages kV, capacities kVA, distances
metres. What may become of a case is said in `decide`; this page only says what it is made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from server.workflow.fieldwork import OpenBranch, PhotoRecord, Submission, Task
from server.workflow.rectification import (
    Answer,
    Issue,
    ItemAnswer,
    ItemRound,
    Notice,
    NoticeItem,
    Withdrawal,
)
from server.workflow.vocabulary import (
    SEVERITY_RANK,
    Actor,
    AuthorizationStatus,
    ChecklistRef,
    CodedReason,
    Count,
    Customer,
    Datum,
    EntryStatus,
    FactValue,
    GateVerdict,
    HoldCause,
    Id,
    ItemResult,
    ItemState,
    Latitude,
    LimitsInForce,
    Location,
    Longitude,
    Moment,
    Name,
    NoticeStage,
    NoticeState,
    OutcomeKind,
    PhaseCheck,
    PhotoRef,
    PhotoState,
    ProcessName,
    QuarantineState,
    Reason,
    Role,
    Severity,
    Site,
    Supply,
    TaskKind,
    TaskStatus,
    Text,
    Value,
    Verdict,
    Words,
)

__all__ = [
    "SEVERITY_RANK",
    "Actor",
    "Answer",
    "AuthorizationStatus",
    "Case",
    "Cause",
    "Change",
    "ChecklistRef",
    "CodedReason",
    "Count",
    "Customer",
    "DatedAct",
    "Datum",
    "Decision",
    "Energization",
    "EnergizationRecord",
    "Entry",
    "EntryStatus",
    "Fact",
    "FactValue",
    "GateReason",
    "GateStatus",
    "GateVerdict",
    "Hazard",
    "HoldCause",
    "HoldRecord",
    "Id",
    "Issue",
    "ItemAnswer",
    "ItemResult",
    "ItemRound",
    "ItemState",
    "Latitude",
    "LimitsInForce",
    "Location",
    "LogEntry",
    "Longitude",
    "Moment",
    "Name",
    "Notice",
    "NoticeItem",
    "NoticeStage",
    "NoticeState",
    "OpenBranch",
    "OutcomeKind",
    "Pause",
    "PhaseCheck",
    "PhotoRecord",
    "PhotoRef",
    "PhotoState",
    "ProcessName",
    "QuarantineState",
    "Quarantined",
    "Reason",
    "Role",
    "SchemeExtension",
    "Severity",
    "Site",
    "StageEntry",
    "Submission",
    "Supply",
    "Task",
    "TaskKind",
    "TaskStatus",
    "Text",
    "Value",
    "Verdict",
    "Withdrawal",
    "Words",
]


class Fact(Value, frozen=True):
    """One settled fact of the case and who settled it. A value of None takes the fact back: unknown again.

    `rule`: no person said so but this rule of the process, and it says so anew whenever the case changes.
    """

    value: FactValue
    by: Name
    at: Moment
    reason: Words = ""
    rule: str = ""


class DatedAct(Value, frozen=True, kw_only=True):
    """What somebody outside did on a day (applied, paid, signed), and who recorded it with what evidence."""

    dated: Moment
    evidence: Reason
    recorded_at: Moment
    recorded_by: Name


class SchemeExtension(Value, frozen=True, kw_only=True):
    """The scheme holds until another day, as the customer asked."""

    until: date
    act: DatedAct


class StageEntry(Value, frozen=True):
    """A stage that was entered. `acts`: the customer's dated applications for it, in the order recorded.

    A clock starts on the customer's act and not when the staff got round to it, so the earliest counts.
    """

    stage: Id
    at: Moment
    by: Name
    note: Words = ""
    acts: tuple[DatedAct, ...] = ()

    @property
    def begun(self) -> datetime:
        return min([self.at, *(act.dated for act in self.acts)])


class Pause(Value, frozen=True, kw_only=True):
    """A time in which the utility waits, from the moment `since`. `reason`: a code of clocks/pauses.yaml.

    `acts` end it: the earliest counts, in whatever order they came to be known. `message` is what the
    customer is told beside the reason's own words.
    """

    id: Id
    reason: Id
    since: Moment
    evidence: Reason
    recorded_at: Moment
    recorded_by: Name
    message: Words = ""
    acts: tuple[DatedAct, ...] = ()

    @property
    def until(self) -> datetime | None:
        """When it ended; None while it lasts."""
        return min((act.dated for act in self.acts), default=None)


class Entry(Value, frozen=True):
    """Somebody's word that a gate's condition is met, is not, or does not apply."""

    status: EntryStatus
    by: Name
    at: Moment
    evidence: Words = ""
    note: Words = ""


class Hazard(Value, frozen=True, kw_only=True):
    """A defect seen outside any task, and the notice that follows it up."""

    id: Id
    description: str
    severity: Severity
    at: Moment
    by: Name
    received_at: Moment
    notice: int
    photos: tuple[Id, ...] = ()
    location: Location | None = None


class Quarantined(Value, frozen=True, kw_only=True):
    """Work sent by somebody who had lost the case; kept until a manager has decided and it was taken in."""

    id: Id
    database: Words
    doc_id: Words
    doc_rev: str | None
    by: Name
    reason: Words
    summary: Words
    at: Moment
    state: QuarantineState = "waiting"
    decided_by: str | None = None
    decided_at: Moment | None = None
    decision_reason: Words = ""


class HoldRecord(Value, frozen=True):
    """Why energization is on hold. `gates` are those that fell shut, if that was the cause."""

    at: Moment
    by: Name
    cause: HoldCause
    reason: Words = ""
    gates: tuple[str, ...] = ()


class EnergizationRecord(Value, frozen=True, kw_only=True):
    """The fact that the breaker was closed. `readings` are register values copied by the customer."""

    at: Moment
    recorded_at: Moment
    recorded_by: Name
    phase_check: PhaseCheck
    impulse_closings: Annotated[int, Meta(ge=0)]
    participants: tuple[Name, ...]
    transformer_start_at: Moment | None = None
    readings: Mapping[str, Any] = field(default_factory=dict)
    note: Words = ""


class GateReason(Value, frozen=True):
    """Why a gate is shut: a catalogue code, its parameters, and what it refers to."""

    code: Id
    params: Mapping[str, Any] = field(default_factory=dict)
    refs: tuple[str, ...] = ()


class GateStatus(Value, frozen=True):
    """A gate as evaluated. `code` is the trade's number (E01 …), empty for gates that are ours alone."""

    id: Id
    code: str
    status: GateVerdict
    reasons: tuple[GateReason, ...] = ()

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


class Cause(Value, frozen=True, omit_defaults=True):
    """The command behind an entry, as plain values (`cause.recorded`), and the roles it was given in.

    `device` is the one that it was sent from, if it was one. `origin` and `at` are set when it was carried
    out again after a conflict: the entry that told of it first, by its hash, and the moment of that.
    """

    command: Mapping[str, Any]
    roles: tuple[Role, ...] = ()
    device: str = ""
    origin: str | None = None
    at: Moment | None = None


class Change(Value, frozen=True):
    """A part of the case before and after a decision; see `audit`. Empty: the case did not hold it."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]


class LogEntry(Value, frozen=True, omit_defaults=True):
    """One event. `hash` covers the entry and `prev`, the hash before it.

    The first entry of a decision carries its `cause`, those that follow from it none; the last carries the
    `changes` that the decision made. Entries from before these were recorded have none, and their hashes
    stay as they are.
    """

    seq: Count
    at: Moment
    actor: Name
    event: Id
    data: Mapping[str, Any]
    prev: str
    hash: str
    cause: Cause | None = None
    changes: Mapping[str, Change] | None = None


class Case(Value, frozen=True, kw_only=True):
    """One application, from acceptance to energization and after."""

    id: Id
    no: Name
    process: ProcessName
    organisation: Words
    customer: Customer
    site: Site
    supply: Supply
    manager: Name
    stage: Id
    title: Words = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    history: tuple[StageEntry, ...] = ()
    tasks: Mapping[str, Task] = field(default_factory=dict)
    notices: Mapping[int, Notice] = field(default_factory=dict)
    entries: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    hazards: Mapping[str, Hazard] = field(default_factory=dict)
    quarantine: Mapping[str, Quarantined] = field(default_factory=dict)
    photos: Mapping[str, PhotoRecord] = field(default_factory=dict)
    pauses: Mapping[str, Pause] = field(default_factory=dict)
    scheme_extensions: tuple[SchemeExtension, ...] = ()
    energization: Energization = field(default_factory=Energization)
    gates: tuple[GateStatus, ...] = ()
    log: tuple[LogEntry, ...] = ()


class Decision(Struct, frozen=True):
    """What a command led to. `events` are the log entries it added; none if nothing changed."""

    case: Case
    events: tuple[LogEntry, ...] = ()
