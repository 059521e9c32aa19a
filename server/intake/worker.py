"""The worker: follows every database and hands each change to the room that takes it in."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from server.casework.cases import SYSTEM, Cases
from server.casework.inbox import holders, tell_everybody
from server.casework.outages import Publishing
from server.casework.projection import named_tracks
from server.casework.releases import Releases
from server.casework.reminders import Reminders, keep_reminding
from server.intake.forms import Forms, form_id, quarantine_id
from server.intake.hazards import Hazards
from server.intake.judging import signer
from server.intake.keeper import keep_tidy
from server.intake.leaves import settle_leaves
from server.intake.outbox import Outbox
from server.intake.photos import Photos
from server.intake.pulse import Watched, pulse_file
from server.intake.renditions import keep_swept
from server.intake.sharing import Sharing
from server.intake.teller import Teller
from server.names import CASE_DOCUMENT, Names
from server.networks import read_networks
from server.scheduling.answerer import Answerer, AnswerTerms
from server.scheduling.approving import PlanRefused
from server.scheduling.enquiries import PREFIX as ENQUIRY
from server.scheduling.enquiries import Enquiries
from server.scheduling.planner import Planner
from server.scheduling.planner import Terms as PlanTerms
from server.scheduling.plans import PREFIX as PLAN
from server.scheduling.plans import Plans
from server.scheduling.works import Works
from server.services import Services, assemble
from server.settings import Settings
from server.shapes import prepare
from server.webhooks.delivering import Deliverer, Terms
from server.webhooks.queue import Queue
from server.webhooks.sending import Sender
from server.workflow.commands import QuarantineUnsent
from server.workflow.model import Case
from server.workflow.rebase import unread
from server.workflow.refusal import Refusal
from server.workflow.vocabulary import MAX_NAME
from sync.follow import Follower, Pulse, Unwatched, checkpoint_id
from sync.store import ChangeBatch, DocumentStore, NotFound

log = structlog.get_logger()

FOLLOWER = "intake"
#: How often a waiting second worker looks whether the first is gone, in seconds.
_LEASE_PAUSE = 1.0
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


def make_intake(
    made: Services,
    pulse: Pulse | None = None,
    plans_changed: Callable[[], None] = lambda: None,
    enquiries_changed: Callable[[], None] = lambda: None,
) -> Intake:
    """Intake on the services of this process. `pulse` is told of every document."""
    store, names, cases = made.store, made.names, made.cases

    def tell(case_id: str) -> None:
        try:
            case = cases.load(case_id).case
        except NotFound:
            # It is being opened at this moment, or that was cut off: nobody was told of it yet.
            return
        tell_everybody(store, names, case)

    forms = Forms(made)
    hazards = Hazards(made)
    return Intake(
        store=store,
        names=names,
        cases=cases,
        forms=forms,
        photos=Photos(made),
        hazards=hazards,
        outbox=Outbox(made, forms, hazards),
        outgoing=Queue(store, made.webhooks, made.clock),
        teller=Teller(tell, made.settings.inbox_interval_seconds),
        pulse=pulse or Unwatched(),
        publishing=publishing(made),
        releases=releases(made),
        plans_changed=plans_changed,
        enquiries_changed=enquiries_changed,
        photo_seconds=made.photo_workers.longest_seconds,
    )


def make_follower(
    made: Services, intake: Intake, wants: Callable[[str], bool], pulse: Pulse | None = None
) -> Follower:
    """What brings changes to intake. Every leaf counts: a conflict is news."""
    return Follower(
        made.store, FOLLOWER, wants, intake.handle, style="all_docs", include_docs=False, pulse=pulse
    )


def make_deliverer(made: Services, ours: Callable[[str], bool] = lambda _key: True) -> Deliverer:
    """What sends webhooks; `ours` says which of them this worker looks after."""
    settings = made.settings
    return Deliverer(
        made.store,
        made.webhooks,
        Sender(settings.webhook_seconds, read_networks(settings.webhook_networks)),
        Terms(
            attempts=settings.webhook_attempts,
            first_pause=settings.webhook_first_pause_seconds,
            longest_pause=settings.webhook_longest_pause_seconds,
            disable_after=settings.webhook_disable_seconds,
            threads=settings.webhook_threads,
        ),
        made.clock,
        ours,
    )


def publishing(made: Services) -> Publishing:
    """What ends the publishing of plans that was cut off."""
    registry = made.names.registry
    return Publishing(Plans(made.store, registry), Works(made.store, registry), made.cases)


def releases(made: Services) -> Releases:
    """What frees days of plans that cases will not need."""
    store, registry, settings = made.store, made.names.registry, made.settings
    return Releases(
        publishing(made),
        Works(store, registry),
        made.networks,
        Enquiries(store, registry),
        made.cases.policy,
        made.clock,
        settings.enquiry_works,
    )


def make_planner(made: Services) -> Planner:
    """What makes the plans that are queued."""
    settings = made.settings
    terms = PlanTerms(
        memory_bytes=settings.plan_memory_bytes,
        explain_seconds=settings.plan_explain_seconds,
        grace_seconds=settings.plan_grace_seconds,
        beat_seconds=settings.plan_beat_seconds,
        abandoned_seconds=settings.plan_abandoned_seconds,
        attempts=settings.plan_attempts,
        pause_seconds=settings.plan_pause_seconds,
    )
    plans = Plans(made.store, made.names.registry)
    return Planner(plans, made.networks, terms, made.clock, settings.spool_dir)


def make_answerer(made: Services) -> Answerer:
    """What answers enquiries of plans."""
    settings, registry = made.settings, made.names.registry
    terms = AnswerTerms(
        memory_bytes=settings.plan_memory_bytes,
        seconds=settings.enquiry_seconds,
        longest_seconds=settings.enquiry_longest_seconds,
        beat_seconds=settings.plan_beat_seconds,
        abandoned_seconds=settings.plan_abandoned_seconds,
        attempts=settings.plan_attempts,
        days=settings.enquiry_days,
        pause_seconds=settings.plan_pause_seconds,
    )
    asked, plans = Enquiries(made.store, registry), Plans(made.store, registry)
    return Answerer(asked, plans, made.networks, terms, made.clock, settings.spool_dir)


def run_worker(settings: Settings, stop: threading.Event, pulse: Watched) -> None:
    """Follow until `stop`. Waits while another worker serves the same data folder."""
    with _lease(settings.data_dir / "worker.lock", stop, pulse) as held:
        if not held:
            return
        pulse.publish(pulse_file(settings))
        made = assemble(settings, on_progress=pulse.beat)
        try:
            planner = make_planner(made)
            answerer = make_answerer(made)
            intake = make_intake(made, pulse, planner.wake, answerer.wake)
            prepare()
            teller = threading.Thread(target=_keep_telling, args=(intake, stop), name="teller")
            tidying = (made.store, stop, settings.maintenance_seconds)
            keeper = threading.Thread(target=keep_tidy, args=tidying, name="keeper")
            reminding = (Reminders(made), stop, settings.reminder_seconds)
            reminder = threading.Thread(target=keep_reminding, args=reminding, name="reminders")
            planning = threading.Thread(target=planner.run, args=(stop,), name="planner")
            answering = threading.Thread(target=answerer.run, args=(stop,), name="answerer")
            sweeper = threading.Thread(target=keep_swept, args=(made, stop), name="renditions")
            beside = (teller, keeper, sweeper, reminder, planning, answering)
            for thread in beside:
                thread.start()
            _follow(made, intake, stop, pulse)
            for thread in beside:
                thread.join()
        finally:
            made.close()
        pulse.close()


def _follow(made: Services, intake: Intake, stop: threading.Event, pulse: Pulse) -> None:
    """Follow everything; on a cluster, this worker's share of it."""
    if made.store.exact_revisions:
        sending = threading.Thread(target=make_deliverer(made).run, args=(stop,), name="webhooks")
        sending.start()
        make_follower(made, intake, intake.wants, pulse).run(stop)
        sending.join()
        return
    sharing = Sharing(made, intake, stop)
    sharing.follower = make_follower(made, intake, sharing.wants, pulse)
    deliverer = make_deliverer(made, sharing.holds)
    threads = [
        *sharing.threads(),
        threading.Thread(target=deliverer.run, args=(stop,), name="webhooks"),
    ]
    for thread in threads:
        thread.start()
    sharing.follower.run(stop)
    for thread in threads:
        thread.join()


def _keep_telling(intake: Intake, stop: threading.Event) -> None:
    """What a worker that was killed still had to tell is told at the next start.

    On a cluster, `Sharing` tells of the cases that come to this worker.
    """
    for case_id in intake.cases.ids() if intake.store.exact_revisions else []:
        if stop.is_set():
            return
        intake.teller.mark([case_id])
    intake.teller.run(stop)


@contextmanager
def _lease(path: Path, stop: threading.Event, pulse: Pulse) -> Iterator[bool]:
    """Hold the file's lock; False if `stop` came first. The lock goes with the process, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        while not stop.is_set():
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pulse.beat()
                stop.wait(_LEASE_PAUSE)
                continue
            yield True
            return
        yield False


def _tails(ids: list[str], prefix: str) -> list[str]:
    """What stands behind `prefix:` in the ids that have it, each once."""
    start = prefix + ":"
    return list(dict.fromkeys(one.removeprefix(start) for one in ids if one.startswith(start)))
