"""The case: everything that is known of one connection, as one value.

A case is one document, so that the store's `_rev` check makes each decision atomic: an energization and a
new notice cannot both win. All values here are frozen; mappings are read and never written to. Times are
aware datetimes, days are calendar dates in the policy's time zone, voltages kV, capacities kVA, distances
metres. What may become of a case is said in `decide`; this page only says what it is made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

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


class PhotoRecord(Value, frozen=True):
    """What the case knows of a photo it relies on. `used_by`: `task:<id>`, `notice:<n>`, `hazard:<id>`."""

    state: PhotoState
    sha256: str | None = None
    used_by: tuple[str, ...] = ()
    reason: str = ""


class Submission(Value, frozen=True, kw_only=True):
    """One judged submission. `n` counts from 1 in its task and is the receipt's number.

    `revs` are all leaf revisions of the form when it was judged, sorted. `late`: the task was settled before.
    `digest` is that of the outcome, so that a repeat can be told from news. `limits` is None where no limit
    of the organisation's own was in force.
    """

    n: Count
    revs: tuple[str, ...]
    outcome: OutcomeKind
    submitted_by: Name
    submitted_at: Moment
    received_at: Moment
    digest: str
    device: str = ""
    late: bool = False
    failed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    missing_signatures: tuple[str, ...] = ()
    reasons: tuple[CodedReason, ...] = ()
    findings: tuple[CodedReason, ...] = ()
    advice: tuple[ItemResult, ...] = ()
    superseded: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    unsent_id: str | None = None
    limits: LimitsInForce | None = None


class OpenBranch(Value, frozen=True):
    """Leaves of a form that were judged and are not settled: returned, or waiting for what they name."""

    submission: Count
    kind: Literal["awaiting_photos", "returned"]
    revs: tuple[str, ...]
    submitted_by: Name


class Task(Value, frozen=True, kw_only=True):
    """Field work given to people, bound to one version of a checklist.

    `failed` collects the codes of every failure that any branch of the form brought. `open_branch` is what
    was judged and not settled; on a settled task it is a branch that came late. A re-inspection names the
    notice it serves and exactly the `items` to be looked at; for other tasks `items` is None: all of them.
    """

    id: Id
    kind: TaskKind
    checklist: ChecklistRef
    assignees: tuple[Name, ...]
    status: TaskStatus
    created_at: Moment
    created_by: Name
    due: date | None = None
    note: Words = ""
    notice: int | None = None
    items: tuple[str, ...] | None = None
    submissions: tuple[Submission, ...] = ()
    accepted: int | None = None
    failed: tuple[str, ...] = ()
    open_branch: OpenBranch | None = None
    cancelled_reason: str | None = None


class ItemRound(Value, frozen=True, kw_only=True):
    """What a re-inspection saw of one notice item in one round."""

    round: Count
    task_id: Id
    submission: Count
    verdict: Verdict
    submitted_by: Name
    by: str = ""
    at: Moment | None = None
    value: Any = None
    note: str = ""
    photos: tuple[Id, ...] = ()


class NoticeItem(Value, frozen=True, kw_only=True):
    """A failure on a notice. `result` is its first text and never changes; `rounds` is its history."""

    result: ItemResult
    raised_by: Name
    raised_at: Moment
    task_id: str | None = None
    submission: int | None = None
    state: ItemState = "open"
    due: date | None = None
    rounds: tuple[ItemRound, ...] = ()

    @property
    def code(self) -> str:
        return self.result.code

    @property
    def severity(self) -> Severity:
        return self.result.severity

    @property
    def raisers(self) -> frozenset[str]:
        """Whoever saw the failure and whoever signed for it."""
        return frozenset({self.raised_by, self.result.by}) - {""}


class ItemAnswer(Value, frozen=True):
    """What the customer says of one item, with photo ids as evidence."""

    text: Words = ""
    photos: tuple[Id, ...] = ()


class Answer(Value, frozen=True, kw_only=True):
    """One answer of the customer. `recorded_by` differs from `answered_by` when it came on paper, which then
    may be `dated` before it was recorded."""

    round: Count
    at: Moment
    answered_by: Name
    recorded_by: Name
    items: Mapping[str, ItemAnswer]
    text: Words = ""
    dated: Moment | None = None

    @property
    def given(self) -> datetime:
        """When the customer gave it."""
        return self.at if self.dated is None else min(self.at, self.dated)


class Withdrawal(Value, frozen=True, kw_only=True):
    """A proposal to withdraw a notice; complete once another person confirmed it."""

    proposed_by: Name
    proposed_at: Moment
    reason: Reason
    confirmed_by: str | None = None
    confirmed_at: Moment | None = None


class Issue(Value, frozen=True):
    """When a round was issued, and by whom; `system` issues again after a failed re-inspection."""

    round: Count
    at: Moment
    by: Name


class Notice(Value, frozen=True, kw_only=True):
    """A rectification notice 缺陷整改通知单. `operational`: raised after energization."""

    n: Count
    state: NoticeState
    stage: NoticeStage
    checklist: ChecklistRef
    items: tuple[NoticeItem, ...]
    created_at: Moment
    round: Annotated[int, Meta(ge=0)] = 0
    task_id: str | None = None
    hazard_id: str | None = None
    supplement_of: int | None = None
    operational: bool = False
    issues: tuple[Issue, ...] = ()
    answers: tuple[Answer, ...] = ()
    reinspections: tuple[str, ...] = ()
    withdrawal: Withdrawal | None = None
    closed_at: Moment | None = None
    closed_by: str | None = None

    @property
    def open(self) -> bool:
        return self.state not in {"closed", "withdrawn"}

    def item(self, code: str) -> NoticeItem | None:
        return next((item for item in self.items if item.code == code), None)


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

    `origin` and `at` are set when it was carried out again after a conflict: the entry that told of it first,
    by its hash, and the moment of that.
    """

    command: Mapping[str, Any]
    roles: tuple[Role, ...] = ()
    origin: str | None = None
    at: Moment | None = None


class LogEntry(Value, frozen=True, omit_defaults=True):
    """One event. `hash` covers the entry and `prev`, the hash before it.

    The first entry of a decision carries its `cause`, those that follow from it none. Nor do entries from
    before causes were recorded, whose hashes stay as they are.
    """

    seq: Count
    at: Moment
    actor: Name
    event: Id
    data: Mapping[str, Any]
    prev: str
    hash: str
    cause: Cause | None = None


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
