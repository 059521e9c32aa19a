"""What a case is written in: closed sets, bounded types, and the small values that commands bring too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

Role = Literal["inspector", "manager", "scheduler", "admin", "auditor", "customer", "system"]
#: Low voltage; high voltage, simple and complex 复杂业务.
ProcessName = Literal["hv", "hv_complex", "lv"]
Severity = Literal["critical", "major", "minor"]
Verdict = Literal["pass", "fail", "warning", "not_judged"]
TaskKind = Literal["survey", "intermediate", "acceptance", "reinspection", "customer_inspection"]
TaskStatus = Literal["assigned", "awaiting_photos", "returned", "accepted", "cancelled"]
#: Nothing more is to be done of a task in one of these.
SETTLED_TASKS: frozenset[TaskStatus] = frozenset({"accepted", "cancelled"})
OutcomeKind = Literal["accepted", "awaiting_photos", "returned"]
#: Whether something was done on site: something speaks for it, nothing tells, something speaks against.
PresenceStanding = Literal["supported", "open", "contradicted"]
NoticeState = Literal["draft", "issued", "answered", "reinspecting", "closed", "withdrawn"]
NoticeStage = Literal["survey", "intermediate", "acceptance", "hazard", "customer_inspection"]
#: `passed_once`: seen good, but only by the person who raised it; a second person has yet to see it.
ItemState = Literal["open", "passed_once", "passed", "withdrawn"]
EntryStatus = Literal["met", "not_applicable", "unmet"]
#: `waived`: not met, and two named persons let it go for a time.
GateVerdict = Literal["met", "unmet", "not_applicable", "waived"]
PhotoState = Literal["awaiting", "verified", "refused"]
QuarantineState = Literal["waiting", "accepted", "taken", "rejected"]
AuthorizationStatus = Literal["none", "authorized", "on_hold", "energized"]
#: A person stopped the work; a gate fell shut after the authorization; the case left the ready stage; the
#: case was decided on in two places at once, and (`conflict_unclear`) a part of that could not be repeated;
#: switching was broken off by a rule, or by a step that came out badly.
HoldCause = Literal[
    "person", "gates_shut", "stage_left", "conflict", "conflict_unclear", "aborted", "step_failed"
]
PhaseCheck = Literal["consistent", "inconsistent", "not_required"]

Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
Moment = Annotated[datetime, Meta(tz=True)]
#: Characters in an id, a name and a text. Rooms that take in what others wrote cut or refuse beyond them.
MAX_ID = 100
MAX_NAME = 200
MAX_WORDS = 4000
Id = Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
Words = Annotated[str, Meta(max_length=MAX_WORDS)]
Reason = Annotated[str, Meta(min_length=1, max_length=MAX_WORDS)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Count = Annotated[int, Meta(ge=1)]
#: Larger is graver.
SEVERITY_RANK: Mapping[Severity, int] = {"minor": 1, "major": 2, "critical": 3}
#: Who a stage waits for. Only time that the utility holds is counted against it.
Holder = Literal["utility", "customer", "third_party", "nobody"]
FactValue = bool | int | float | str | None


class Value(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every value: frozen, and loud about fields that it does not know."""


class Actor(Value, frozen=True):
    """Who acts: the name signed in under, the roles held, and the enrolled device it is sent from, if one.

    The role `system` is Hezha's own intake.
    """

    name: Name
    roles: tuple[Role, ...] = ()
    device: str = ""


class Text(Value, frozen=True, rename={"zh": "zh-CN"}):
    """One sentence in both languages."""

    zh: Words
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
    """Where the work is: a point with a radius in metres, or the rings of a GeoJSON polygon ([lon, lat]).

    `county` and `station` (供电所) are those that it belongs to, by name: bulletins are cut along them.
    """

    lon: Longitude
    lat: Latitude
    datum: Datum = "wgs84"
    name: Words = ""
    radius_m: Annotated[float, Meta(gt=0)] | None = None
    boundary: tuple[tuple[tuple[float, float], ...], ...] | None = None
    county: Words = ""
    station: Words = ""


class Supply(Value, frozen=True):
    """What is asked for. `existing_kva` is what the site has already, for an increase of capacity."""

    voltage_kv: Annotated[float, Meta(gt=0)]
    capacity_kva: Annotated[float, Meta(gt=0)]
    existing_kva: Annotated[float, Meta(ge=0)] | None = None
    mode: Words | None = None


class ItemResult(Value, frozen=True, kw_only=True):
    """One item of a judged form, with the words a notice will carry. `photos` are photo ids; `certainty` is
    `verify` where the rule's own text was not at hand."""

    code: Id
    verdict: Verdict
    severity: Severity
    text: Text
    remedy: Text | None = None
    reason: Text | None = None
    value: Any = None
    unit: str | None = None
    note: str = ""
    photos: tuple[Id, ...] = ()
    by: str = ""
    at: Moment | None = None
    source: Words = ""
    certainty: Literal["settled", "verify"] = "settled"


class CodedReason(Value, frozen=True):
    """Why a form was returned, or what was noticed about it: a catalogue code, and the item if it has one."""

    item: str | None
    code: Id
    params: Mapping[str, Any] = field(default_factory=dict)


class Presence(Value, frozen=True, kw_only=True):
    """Whether a form was filled in on site, as far as was known when it was judged. Items by code.

    `on_site`: something speaks for presence and nothing against. `off_site`: something speaks against.
    `open` counts all others: what is known of them does not tell. `reasons` has for each that is off site,
    and for each position that proves nothing, what decided, with its numbers.
    """

    standing: PresenceStanding
    on_site: tuple[str, ...] = ()
    off_site: tuple[str, ...] = ()
    open: Annotated[int, Meta(ge=0)] = 0
    reasons: tuple[CodedReason, ...] = ()


class LimitsInForce(Value, frozen=True):
    """The organisation's own limits that a form was judged with beside its checklist's: those in force on the
    day of the visit, by id, and the digest of what they say."""

    day: date
    ids: tuple[Id, ...]
    digest: str


class PhotoRef(Value, frozen=True):
    """A photo as the evidence room knows it: the hash of its bytes, and whether they were verified."""

    id: Id
    sha256: str | None = None
    verified: bool = False


class Location(Value, frozen=True):
    """A position as it was received, with its accuracy in metres."""

    lon: Longitude
    lat: Latitude
    datum: Datum = "wgs84"
    accuracy_m: Annotated[float, Meta(ge=0)] | None = None
