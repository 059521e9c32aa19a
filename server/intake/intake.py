"""Takes in what tablets send: each change goes to the room that knows its kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from server.casework.cases import SYSTEM, Cases
from server.casework.inbox import holders
from server.casework.outages import Publishing
from server.casework.projection import named_tracks
from server.casework.releases import Releases
from server.intake.forms import Forms, form_id, quarantine_id
from server.intake.hazards import Hazards
from server.intake.judging import signer
from server.intake.leaves import settle_leaves
from server.intake.outbox import Outbox
from server.intake.photos import Photos
from server.intake.teller import Teller
from server.names import CASE_DOCUMENT, Names
from server.scheduling.approving import PlanRefused
from server.scheduling.enquiries import PREFIX as ENQUIRY
from server.scheduling.listing import Listing
from server.scheduling.plans import PREFIX as PLAN
from server.webhooks.queue import Queue
from server.workflow.commands import QuarantineUnsent
from server.workflow.model import Case
from server.workflow.rebase import unread
from server.workflow.refusal import Refusal
from server.workflow.vocabulary import MAX_NAME
from sync.follow import Pulse, checkpoint_id
from sync.store import ChangeBatch, DocumentStore, NotFound

log = structlog.get_logger()

FOLLOWER = "intake"
#: How many changes are taken in at a time when a decision waits for them.
_DRAIN_BATCH = 100


@dataclass(frozen=True)
class Intake:
    """Every room of intake, and what of a change goes to which."""

    store: DocumentStore
    names: Names
    cases: Cases
    forms: Forms
    photos: Photos
    hazards: Hazards
    outbox: Outbox
    outgoing: Queue
    teller: Teller
    pulse: Pulse
    publishing: Publishing
    releases: Releases
    listing: Listing
    #: Told when plans have changed.
    plans_changed: Callable[[], None]
    #: Told when there is an enquiry of a plan.
    enquiries_changed: Callable[[], None]
    #: The longest that judging one photo may take, in seconds.
    photo_seconds: float

    def wants(self, database: str) -> bool:
        parsed = self.names.parse(database)
        return database in {self.names.registry, self.names.library} or (
            parsed is not None and parsed[0] in {"case", "media", "outbox"}
        )

    def handle(self, database: str, batch: ChangeBatch) -> None:
        """Take in a batch of changes of one database. May be repeated."""
        kind_of_ours = {self.names.registry: "registry", self.names.library: "library"}.get(database)
        if kind_of_ours is not None:
            settle_leaves(self.store, database, kind_of_ours, batch)
            ids = [change.id for change in batch.results]
            self.listing.show(ids)
            self._plans([one for one in ids if one.startswith(PLAN)])
            if any(one.startswith(ENQUIRY) for one in ids):
                self.enquiries_changed()
            return
        parsed = self.names.parse(database)
        if parsed is None:
            return
        kind, tail = parsed
        ids = [change.id for change in batch.results]
        if kind == "outbox":
            for doc_id in _tails(ids, "unsent"):
                self.outbox.quarantine(tail, doc_id)
                self.pulse.beat()
            return
        try:
            self.cases.load(tail)
        except NotFound:
            # It is being opened, or that was cut off; nobody was told of it. If somebody has written there,
            # it was opened, and the copy that was asked lags behind: what lies there must be told again.
            if not all(one.startswith("_design/") for one in ids):
                raise
            log.debug("case_without_document", database=database)
            return
        forked = settle_leaves(self.store, database, kind, batch)
        if kind == "media":
            self._media(tail, ids)
        else:
            self._forms(tail, ids if not forked else [*ids, CASE_DOCUMENT])
        self.teller.mark([tail])

    def catch_up(self, case_id: str) -> None:
        """Take in whatever has arrived for a case and was not taken in yet, before it is decided on.

        A hazard that a tablet was told is stored must not lose a race against an authorization. Raises what
        taking in raises: a case whose news cannot be read is not decided on.
        """
        case = self.cases.load(case_id).case
        outboxes = (self.names.outbox(user) for user in sorted(holders(case)))
        for database in (self.names.forms(case_id), self.names.media(case_id), *outboxes):
            try:
                self._drain(database)
            except NotFound:
                # An outbox somebody dropped with its user; the case's own databases were just read.
                log.warning("database_missing", database=database, case=case_id)

    def _drain(self, database: str) -> None:
        """Everything behind the worker's checkpoint, which is left where it is."""
        since = str((self.store.get_local(database, checkpoint_id(FOLLOWER)) or {}).get("seq", "0"))
        while True:
            batch = self.store.changes(database, since=since, limit=_DRAIN_BATCH)
            if batch.results:
                self.handle(database, batch)
            if not batch.pending:
                return
            since = batch.last_seq

    def _plans(self, ids: list[str]) -> None:
        """Wake who makes plans, and end what was begun when one was published or withdrawn."""
        if ids:
            self.plans_changed()
        for doc_id in ids:
            record = self.publishing.plans.read(doc_id)
            if record is not None and record.state in ("published", "withdrawn"):
                self.publishing.settle(record)

    def _media(self, case_id: str, ids: list[str]) -> None:
        tasks = set()
        for photo in _tails(ids, "photo"):
            self.pulse.expect(self.photo_seconds)
            tasks.add(self.photos.take(case_id, photo))
        for task in sorted(task for task in tasks if task):
            self._take(case_id, form_id(task), partial(self.forms.take, case_id, task))

    def _forms(self, case_id: str, ids: list[str]) -> None:
        for task in _tails(ids, "inspection"):
            self._take(case_id, form_id(task), partial(self.forms.take, case_id, task))
        for task in self._waiting_for(case_id, _tails(ids, "signature")):
            self._take(case_id, form_id(task), partial(self.forms.take, case_id, task))
        if tracks := named_tracks(ids):
            self.cases.project_tracks(case_id, tracks)
        for hazard in _tails(ids, "hazard"):
            self._take(case_id, f"hazard:{hazard}", partial(self.hazards.take, case_id, hazard))
        if CASE_DOCUMENT in ids:
            case = self.cases.settle(case_id)
            if unread(case):
                self._read_again(case_id)
            self.forms.answer(case)
            self.outbox.take_decided(case)
            self.outgoing.take(case)
            self._release(case)

    def _release(self, case: Case) -> None:
        """Free the day of a case whose acceptance failed. It holds up nothing else of the case."""
        try:
            for freed in self.releases.look(case):
                log.info("day_released", case=case.id, work=freed.work, code=freed.code)
        except PlanRefused as refusal:
            # The plan was amended or withdrawn since it was read.
            log.info("day_not_released", case=case.id, code=refusal.code)

    def _waiting_for(self, case_id: str, signatures: list[str]) -> list[str]:
        """The tasks whose forms were judged before these signatures were here."""
        if not signatures:
            return []
        tasks = self.cases.load(case_id).case.tasks.values()
        return [
            task.id
            for task in tasks
            if task.submissions and not set(signatures).isdisjoint(task.submissions[-1].missing_signatures)
        ]

    def _read_again(self, case_id: str) -> None:
        """Take every form and hazard of a case in, as its log could not say what a lost branch had heard."""
        database = self.names.forms(case_id)
        for prefix in ("inspection:", "hazard:"):
            for document in self.store.all_docs(database, prefix=prefix):
                doc_id = document["_id"]
                tail = doc_id.removeprefix(prefix)
                room = self.forms if prefix == "inspection:" else self.hazards
                self._take(case_id, doc_id, partial(room.take, case_id, tail))

    def _take(self, case_id: str, doc_id: str, take: Callable[[], None]) -> None:
        """Take one document in. What the case refuses is set aside for its manager and holds up no other."""
        self.pulse.beat()
        try:
            take()
        except Refusal as refusal:
            document = self.store.find(self.names.forms(case_id), doc_id)
            if document is None:
                return
            log.error("document_refused", case=case_id, doc=doc_id, code=refusal.code, params=refusal.params)
            command = QuarantineUnsent(
                unsent_id=quarantine_id(doc_id, document["_rev"]),
                database=self.names.forms(case_id),
                doc_id=doc_id,
                doc_rev=document["_rev"],
                by=signer(document) or str(document.get("by") or "unknown")[:MAX_NAME],
                reason=refusal.code,
            )
            self.cases.apply(case_id, command, SYSTEM)


def _tails(ids: list[str], prefix: str) -> list[str]:
    """What stands behind `prefix:` in the ids that have it, each once."""
    start = prefix + ":"
    return list(dict.fromkeys(one.removeprefix(start) for one in ids if one.startswith(start)))
