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

Role = Literal["inspector", "manager", "scheduler", "admin", "auditor", "customer", "system"]
ProcessName = Literal["hv", "lv"]
Severity = Literal["critical", "major", "minor"]
Verdict = Literal["pass", "fail", "warning", "not_judged"]
TaskKind = Literal["survey", "intermediate", "acceptance", "reinspection"]
TaskStatus = Literal["assigned", "awaiting_photos", "returned", "accepted", "cancelled"]
OutcomeKind = Literal["accepted", "awaiting_photos", "returned"]
NoticeState = Literal["draft", "issued", "answered", "reinspecting", "closed", "withdrawn"]
NoticeStage = Literal["survey", "intermediate", "acceptance", "hazard"]
#: `passed_once`: seen good, but only by the person who raised it; a second person has yet to see it.
ItemState = Literal["open", "passed_once", "passed"]
EntryStatus = Literal["met", "not_applicable", "unmet"]
GateVerdict = Literal["met", "unmet", "not_applicable"]
PhotoState = Literal["awaiting", "verified", "refused"]
QuarantineState = Literal["waiting", "accepted", "taken", "rejected"]
AuthorizationStatus = Literal["none", "authorized", "on_hold", "energized"]
PhaseCheck = Literal["consistent", "inconsistent", "not_required"]

Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
Moment = Annotated[datetime, Meta(tz=True)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Id = Annotated[str, Meta(min_length=1, max_length=100)]
Words = Annotated[str, Meta(max_length=4000)]
Reason = Annotated[str, Meta(min_length=1, max_length=4000)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Count = Annotated[int, Meta(ge=1)]
FactValue = bool | int | float | str | None


class Value(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every value: frozen, and loud about fields that it does not know."""


class Actor(Value, frozen=True):
    """Who acts: the name signed in under, and the roles held. `system` is Hezha's own intake."""

    name: Name
    roles: tuple[Role, ...] = ()


class Text(Value, frozen=True, rename={"zh_cn": "zh-CN"}):
    """One sentence in both languages."""

    zh_cn: Words
    en: Words


class ChecklistRef(Value, frozen=True):
    """One exact version of a checklist."""

    id: Id
    version: Id | int


class Customer(Value, frozen=True):
    """The customer; `account_no` is 户号, empty until it is issued."""

    name: Name
    account_no: Words = ""
    contact: Words = ""
    phone: Words = ""
    address: Words = ""


class Site(Value, frozen=True):
    """Where the work is: a point with a radius in metres, or the rings of a GeoJSON polygon ([lon, lat])."""

    lon: Longitude
    lat: Latitude
    datum: Datum = "wgs84"
    name: Words = ""
    radius_m: Annotated[float, Meta(gt=0)] | None = None
    boundary: tuple[tuple[tuple[float, float], ...], ...] | None = None


class Supply(Value, frozen=True):
    """What is asked for. `existing_kva` is what the site has already, for an increase of capacity."""

    voltage_kv: Annotated[float, Meta(gt=0)]
    capacity_kva: Annotated[float, Meta(gt=0)]
    existing_kva: Annotated[float, Meta(ge=0)] | None = None
    mode: Words | None = None


class Fact(Value, frozen=True):
    """One settled fact of the case and who settled it. A value of None takes the fact back: unknown again."""

    value: FactValue
    by: Name
    at: Moment
    reason: Words = ""


class StageEntry(Value, frozen=True):
    """A stage that was entered."""

    stage: Id
    at: Moment
    by: Name
    note: Words = ""


class ItemResult(Value, frozen=True, kw_only=True):
    """One item of a judged form, with the words a notice will carry. `photos` are photo ids."""

    code: Id
    verdict: Verdict
    severity: Severity
    text: Text
    remedy: Text | None = None
    reason: Text | None = None
    value: Any = None
    unit: str | None = None
    note: Words = ""
    photos: tuple[Id, ...] = ()
    by: str = ""
    at: Moment | None = None
    source: Words = ""


class CodedReason(Value, frozen=True):
    """Why a form was returned, or what was noticed about it: a catalogue code, and the item if it has one."""

    item: str | None
    code: Id
    params: Mapping[str, Any] = field(default_factory=dict)


class PhotoRef(Value, frozen=True):
    """A photo as the evidence room knows it: the hash of its bytes, and whether they were verified."""

    id: Id
    sha256: str | None = None
    verified: bool = False


class PhotoRecord(Value, frozen=True):
    """What the case knows of a photo it relies on. `used_by`: `task:<id>`, `notice:<n>`, `hazard:<id>`."""

    state: PhotoState
    sha256: str | None = None
    used_by: tuple[str, ...] = ()
    reason: str = ""


class Submission(Value, frozen=True, kw_only=True):
    """One judged submission. `n` counts from 1 in its task and is the receipt's number.

    `revs` are all leaf revisions of the form when it was judged, sorted. `late`: the task was settled before.
    `digest` is that of the outcome, so that a repeat can be told from news.
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
    reasons: tuple[CodedReason, ...] = ()
    findings: tuple[CodedReason, ...] = ()
    advice: tuple[ItemResult, ...] = ()
    superseded: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    unsent_id: str | None = None


class OpenBranch(Value, frozen=True):
    """A branch of a settled form that arrived late and is itself not settled yet."""

    submission: Count
    kind: Literal["awaiting_photos", "returned"]
    revs: tuple[str, ...]
    submitted_by: Name


class Task(Value, frozen=True, kw_only=True):
    """Field work given to people, bound to one version of a checklist.

    `failed` collects the codes of every failure that any branch of the form brought. A re-inspection names
    the notice it serves and exactly the `items` to be looked at.
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
    items: tuple[str, ...] = ()
    submissions: tuple[Submission, ...] = ()
    accepted: int | None = None
    failed: tuple[str, ...] = ()
    late: OpenBranch | None = None
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
    note: Words = ""
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
    """One answer of the customer. `recorded_by` differs from `answered_by` when it came on paper."""

    round: Count
    at: Moment
    answered_by: Name
    recorded_by: Name
    items: Mapping[str, ItemAnswer]
    text: Words = ""


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


class Location(Value, frozen=True):
    """A position as it was received, with its accuracy in metres."""

    lon: Longitude
    lat: Latitude
    datum: Datum = "wgs84"
    accuracy_m: Annotated[float, Meta(ge=0)] | None = None


class Hazard(Value, frozen=True, kw_only=True):
    """A defect seen outside any task, and the notice that follows it up."""

    id: Id
    description: Words
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
    """Why energization is on hold. `gates` are those that were red when the hold fell by itself."""

    at: Moment
    by: Name
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


class LogEntry(Value, frozen=True):
    """One event. `hash` covers the entry and `prev`, the hash before it."""

    seq: Count
    at: Moment
    actor: Name
    event: Id
    data: Mapping[str, Any]
    prev: str
    hash: str


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
    energization: Energization = field(default_factory=Energization)
    gates: tuple[GateStatus, ...] = ()
    log: tuple[LogEntry, ...] = ()


class Decision(Struct, frozen=True):
    """What a command led to. `events` are the log entries it added; none if nothing changed."""

    case: Case
    events: tuple[LogEntry, ...] = ()
