"""Plans as documents in the registry. One that is `queued` is a job for whichever worker takes it first.

What was asked and what came of it are documents of their own, written before the plan says that they are
there: a server that is killed in between leaves nothing half done.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from server.names import is_id
from server.scheduling.merging import merged_plan
from sync.changing import change_document
from sync.conflicts import find_settled
from sync.store import Conflict, Document, DocumentStore

PREFIX = "plan:"
SCHEMA = 1
_FILE = "file.json.gz"

#: failed: nothing came of it, and `fault` says why; cancelled: before it was begun; amended: another version
#: was published in its place; withdrawn: it was given up, published or not.
PlanState = Literal["queued", "running", "made", "failed", "cancelled", "published", "amended", "withdrawn"]
#: Why a work is taken out of a published plan.
ReasonCode = Literal[
    "acceptance_failed",
    "gate_shut",
    "material_late",
    "contractor_late",
    "customer_wish",
    "weather",
    "grid_need",
    "crew_missing",
    "other",
]

PlanFunction = Literal["safety_maintenance", "dispatch", "customer_centre"]


class UnknownPlan(LookupError):
    """There is no such plan."""


class TakenPlan(Exception):
    """The id belongs to a plan that was asked for otherwise."""


class Progress(Struct, frozen=True, kw_only=True):
    """How far a search is: best value and bound, in weighted customer-hours, after so many seconds."""

    value: float
    bound: float
    seconds: float


class Summary(Struct, frozen=True, kw_only=True):
    """What came of it, in short; `status` as in `outage-plan-1`. `wrong` counts what the independent check
    finds: a plan with any is not to be used."""

    status: str
    customer_hours: float
    value: float
    bound: float
    gap: float
    seconds: float
    outages: int
    placed: int
    unplaced: int
    wrong: int


class Effort(Struct, frozen=True, kw_only=True):
    """What a search may take."""

    seconds: float
    workers: int
    seed: int = 0


class NearPlan(Struct, frozen=True, kw_only=True):
    """The plan that another is to stay near: what comes first, as `hezha balance again` has it, and the day
    up to which nothing moves."""

    plan: str
    first: Literal["changes", "works", "weights"] = "changes"
    frozen_until: date | None = None


class Pinned(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A day, and a window where one is named."""

    date: date
    window: Literal["morning", "afternoon", "day"] | None = None


class Hand(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the scheduler says of a work in one plan; `with`: works that are to be on the same day."""

    pin: Pinned | None = None
    forbid: tuple[date, ...] = ()
    together: tuple[str, ...] = field(name="with", default=())


class Dropped(Struct, frozen=True, kw_only=True):
    """A work that a version leaves out of the plan that it amends, and why."""

    work: str
    code: ReasonCode
    remark: str = ""


class Release(Struct, frozen=True, kw_only=True):
    """Word that a work will not need its day, and why; who could use the day is asked in `enquiry`.

    `cause` is what in a case it follows from, where it does: no cause releases a work twice. `kept`: why the
    work keeps its day all the same.
    """

    work: str
    date: date
    code: ReasonCode
    by: str
    at: datetime
    enquiry: str
    remark: str = ""
    case: str = ""
    cause: str = ""
    kept: str = ""
    kept_by: str = ""
    kept_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether the day is free for others."""
        return self.kept_at is None


class Refused(Struct, frozen=True, kw_only=True):
    """Why a plan was not published in the end, as `PlanRefused` says it."""

    code: str
    params: dict[str, Any]
    at: datetime


class Begun(Struct, frozen=True, kw_only=True):
    """Somebody has begun to publish a plan. Cut off, a worker goes on. `refused`: it could not be, and what
    it took is given back."""

    by: str
    at: datetime
    refused: Refused | None = None


class PlanApproval(Struct, frozen=True, kw_only=True):
    """Somebody agreed to a plan for a function."""

    function: PlanFunction
    by: str
    at: datetime
    remark: str = ""


class Announcement(Struct, frozen=True, kw_only=True):
    """An outage was announced: where, and by what it is shown."""

    outage: str
    channel: str
    proof: str
    announced_at: datetime
    recorded_by: str
    recorded_at: datetime


class PlanRecord(Struct, frozen=True, kw_only=True):
    """A plan and how far it is.

    `digest` is of the request, `asked` of the instance that it came to. `begun` counts the times that a
    worker began it, `beat_at` is when one was last at it.

    `hand`: what the scheduler says of single works. `amends` is the published plan in whose place this one is
    to be, for `reason`, without the works in `drop`; `amended_by` the one that is in place of this. `thawed`
    are works that it moves within days that are frozen, which `thawed_by` has allowed. `given_up` is why it
    was withdrawn. `publishing`: that has been begun and is not over; `unpublished`: why it ended so last.
    """

    id: str
    organisation: str
    month: str
    network: str
    version: str
    works: tuple[str, ...]
    digest: str
    asked: str
    effort: Effort
    state: PlanState
    requested_by: str
    requested_at: datetime
    begun: int = 0
    beat_at: datetime | None = None
    cancel: bool = False
    progress: Progress | None = None
    summary: Summary | None = None
    fault: str = ""
    near: NearPlan | None = None
    hand: dict[str, Hand] = {}
    amends: str = ""
    amended_by: str = ""
    reason: str = ""
    drop: tuple[Dropped, ...] = ()
    thawed: tuple[str, ...] = ()
    thawed_by: str = ""
    given_up: str = ""
    given_up_by: str = ""
    given_up_at: datetime | None = None
    approvals: tuple[PlanApproval, ...] = ()
    publishing: Begun | None = None
    unpublished: Refused | None = None
    published_by: str = ""
    published_at: datetime | None = None
    announcements: tuple[Announcement, ...] = ()
    releases: tuple[Release, ...] = ()


class Plans:
    """Every plan of the store. None is ever deleted. `written` is told of each with its revision."""

    def __init__(
        self,
        store: DocumentStore,
        registry: str,
        written: Callable[[PlanRecord, str], None] = lambda _record, _rev: None,
    ) -> None:
        self._store = store
        self._registry = registry
        self._written = written

    def all(self, organisation: str | None = None) -> list[PlanRecord]:
        """Plans as they were asked for, oldest first; of every organisation where none is named."""
        prefix = PREFIX if organisation is None else f"{PREFIX}{whose(organisation)}:"
        found = [record_of(one) for one in self._store.all_docs(self._registry, prefix=prefix)]
        return sorted(found, key=lambda one: (one.requested_at, one.id))

    def get(self, organisation: str, plan_id: str) -> PlanRecord:
        """Raises UnknownPlan."""
        return self.found(organisation, plan_id)[0]

    def found(self, organisation: str, plan_id: str) -> tuple[PlanRecord, str]:
        """A plan and its revision. Raises UnknownPlan."""
        document = self._document(organisation, plan_id)
        return record_of(document), str(document["_rev"])

    def read(self, doc_id: str) -> PlanRecord | None:
        """The plan of a document of the registry, as its changes name it."""
        document = self._store.find(self._registry, doc_id)
        return None if document is None else record_of(document)

    def add(self, record: PlanRecord, instance: bytes) -> PlanRecord:
        """Queue a plan. The same again finds it. Raises TakenPlan."""
        self._put_once(_part("instance", record), instance)
        try:
            rev = self._store.put(self._registry, document_of(record))
        except Conflict:
            known, rev = self.found(record.organisation, record.id)
            if (known.digest, known.requested_by) != (record.digest, record.requested_by):
                raise TakenPlan(record.id) from None
            record = known
        self._written(record, rev)
        return record

    def change(
        self, organisation: str, plan_id: str, change: Callable[[PlanRecord], PlanRecord]
    ) -> PlanRecord:
        """Write what `change` makes of a plan, wherever it stands. Raises UnknownPlan, and what it raises."""
        changed, rev = change_document(
            self._store,
            self._registry,
            lambda: self._document(organisation, plan_id),
            read=record_of,
            write=document_of,
            change=change,
        )
        self._written(changed, rev)
        return changed

    def instance(self, record: PlanRecord) -> bytes:
        """What was asked, as JSON; its network is named and not in it."""
        return self._read(_part("instance", record))

    def result(self, record: PlanRecord) -> bytes:
        """What came of it, as JSON: `{plan, reasons, findings}`."""
        return self._read(_part("result", record))

    def keep_result(self, record: PlanRecord, result: bytes) -> bytes:
        """Keep what came of a plan; the first stands, where two workers were at it. Returns that."""
        self._put_once(_part("result", record), result)
        return self.result(record)

    def _read(self, doc_id: str) -> bytes:
        with self._store.open_attachment(self._registry, doc_id, _FILE) as attached:
            return gzip.decompress(attached.stream.read())

    def _put_once(self, doc_id: str, data: bytes) -> None:
        packed = base64.b64encode(gzip.compress(data, mtime=0)).decode()
        attached = {_FILE: {"content_type": "application/gzip", "data": packed}}
        kind = doc_id.partition(":")[0]
        try:
            self._store.put(
                self._registry, {"_id": doc_id, "type": kind, "schema": SCHEMA, "_attachments": attached}
            )
        except Conflict:
            return

    def _document(self, organisation: str, plan_id: str) -> Document:
        document = None
        if is_id(plan_id):
            name = f"{PREFIX}{whose(organisation)}:{plan_id}"
            document = find_settled(self._store, self._registry, name, merged_plan)
        if document is None:
            raise UnknownPlan(plan_id)
        return document


def number_of(record: PlanRecord) -> str:
    """What papers call a plan."""
    return f"{record.month}/{record.id}"


def digest_of(asked: bytes) -> str:
    """SHA-256 of what was asked."""
    return hashlib.sha256(asked).hexdigest()


def whose(organisation: str) -> str:
    """An organisation within the id of a document."""
    return hashlib.sha256(organisation.encode()).hexdigest()[:32]


def _part(kind: Literal["instance", "result"], record: PlanRecord) -> str:
    """The document beside a plan. Named by the instance: another may come to be under this id."""
    name = f"plan-{kind}:{whose(record.organisation)}:{record.id}"
    return f"{name}:{record.asked[:16]}"


def document_of(record: PlanRecord) -> Document:
    """A plan as a document of the registry, without what it plans."""
    return {
        "_id": f"{PREFIX}{whose(record.organisation)}:{record.id}",
        "type": "plan",
        "schema": SCHEMA,
        "plan": msgspec.to_builtins(record),
    }


def record_of(document: Mapping[str, Any]) -> PlanRecord:
    """The plan that a document of the registry holds, without what it plans."""
    return msgspec.convert(document["plan"], PlanRecord)
