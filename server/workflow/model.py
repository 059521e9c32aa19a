"""The case: everything that is known of one connection, as one value.

A case is one document, so that the store's `_rev` check makes each decision atomic: an energization and a
new notice cannot both win. All values here are frozen; mappings are read and never written to. Times are
aware datetimes, days are calendar dates in the policy's time zone, voltages kV, capacities kVA, distances
metres. What may become of a case is said in `decide`; this page only says what it is made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from msgspec import Struct, field

from server.workflow.aftercare import Contact, CustomerInspection, Rating
from server.workflow.approvals.values import Approval
from server.workflow.customer import Link, Wish
from server.workflow.energizing import (
    Energization,
    EnergizationRecord,
    Entry,
    GateReason,
    GateStatus,
    HoldRecord,
    OnLoadCheck,
    Paper,
    PaperState,
    PointResult,
    Readings,
    Run,
    Signature,
    Tick,
    Waiver,
)
from server.workflow.explanations import Explanation
from server.workflow.fieldwork import OpenBranch, PhotoRecord, Submission, Task
from server.workflow.handover import Handover, PreInspection, SelfCheck
from server.workflow.meetings import Meeting
from server.workflow.metering import MeteringPlan
from server.workflow.power_use import GrowthPlan, UseReport
from server.workflow.rectification import (
    Answer,
    Issue,
    ItemAnswer,
    ItemRound,
    Notice,
    NoticeItem,
    Withdrawal,
)
from server.workflow.signing import DeviceSignature
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
    Presence,
    PresenceStanding,
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
    "DeviceSignature",
    "Energization",
    "EnergizationRecord",
    "Entry",
    "EntryStatus",
    "Explanation",
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
    "OnLoadCheck",
    "OpenBranch",
    "OutcomeKind",
    "Paper",
    "PaperState",
    "Pause",
    "PhaseCheck",
    "PhotoRecord",
    "PhotoRef",
    "PhotoState",
    "PointResult",
    "Presence",
    "PresenceStanding",
    "ProcessName",
    "QuarantineState",
    "Quarantined",
    "Readings",
    "Reason",
    "Role",
    "Run",
    "SchemeExtension",
    "Severity",
    "Signature",
    "Site",
    "StageEntry",
    "Submission",
    "Supply",
    "Task",
    "TaskKind",
    "TaskStatus",
    "Text",
    "Tick",
    "Value",
    "Verdict",
    "Waiver",
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
        return min([self.at, *(act.dated for act in self.acts)]) if self.acts else self.at


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
    explanations: Mapping[str, Explanation] = field(default_factory=dict)
    meetings: Mapping[str, Meeting] = field(default_factory=dict)
    handovers: Mapping[str, Handover] = field(default_factory=dict)
    self_checks: Mapping[str, SelfCheck] = field(default_factory=dict)
    pre_inspections: Mapping[str, PreInspection] = field(default_factory=dict)
    approvals: Mapping[str, Approval] = field(default_factory=dict)
    contacts: Mapping[str, Contact] = field(default_factory=dict)
    ratings: Mapping[str, Rating] = field(default_factory=dict)
    customer_inspections: Mapping[str, CustomerInspection] = field(default_factory=dict)
    metering: MeteringPlan | None = None
    use_reports: Mapping[str, UseReport] = field(default_factory=dict)
    growth: GrowthPlan | None = None
    waivers: Mapping[str, tuple[Waiver, ...]] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    wishes: Mapping[str, Wish] = field(default_factory=dict)
    energization: Energization = field(default_factory=Energization)
    on_load_checks: tuple[OnLoadCheck, ...] = ()
    papers: Mapping[str, Paper] = field(default_factory=dict)
    gates: tuple[GateStatus, ...] = ()
    log: tuple[LogEntry, ...] = ()


class Decision(Struct, frozen=True):
    """What a command led to. `events` are the log entries it added; none if nothing changed."""

    case: Case
    events: tuple[LogEntry, ...] = ()
