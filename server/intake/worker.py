"""The worker: follows every database and hands each change to the room that takes it in."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from server.casework.duty_boxes import DutyBoxes
from server.casework.finishing import Finishing
from server.casework.inbox import tell_everybody
from server.casework.moving_rounds import keep_moving
from server.casework.outages import Publishing
from server.casework.releases import Releases
from server.casework.reminders import Reminders, keep_reminding
from server.intake.forms import Forms
from server.intake.hazards import Hazards
from server.intake.intake import FOLLOWER, Intake
from server.intake.keeper import bring_rules, keep_tidy
from server.intake.outbox import Outbox
from server.intake.photos import Photos
from server.intake.pulse import Watched, pulse_file
from server.intake.renditions import keep_swept
from server.intake.sharing import Sharing
from server.intake.teller import Teller
from server.networks import read_networks
from server.scheduling.answerer import Answerer, AnswerTerms
from server.scheduling.enquiries import Enquiries
from server.scheduling.planner import Planner
from server.scheduling.planner import Terms as PlanTerms
from server.services import Services, assemble
from server.settings import Settings
from server.shapes import prepare
from server.webhooks.delivering import Deliverer, Terms
from server.webhooks.queue import Queue
from server.webhooks.sending import Sender
from sync.follow import Follower, Pulse, Unwatched
from sync.store import NotFound

log = structlog.get_logger()

#: How often a waiting second worker looks whether the first is gone, in seconds.
_LEASE_PAUSE = 1.0


def make_intake(
    made: Services,
    pulse: Pulse | None = None,
    plans_changed: Callable[[], None] = lambda: None,
    enquiries_changed: Callable[[], None] = lambda: None,
) -> Intake:
    """Intake on the services of this process. `pulse` is told of every document."""
    store, names, cases = made.store, made.names, made.cases
    boxes = DutyBoxes(made)

    def tell(case_id: str) -> None:
        try:
            case = cases.load(case_id).case
        except NotFound:
            # It is being opened at this moment, or that was cut off: nobody was told of it yet.
            return
        tell_everybody(store, names, case)
        boxes.tell(case)

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
        listing=made.listing,
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
    """What publishes plans, and brings about what follows."""
    return Publishing(made.plans, made.works, made.cases)


def releases(made: Services) -> Releases:
    """What frees days of plans that cases will not need."""
    store, registry, settings = made.store, made.names.registry, made.settings
    return Releases(
        publishing(made),
        made.works,
        made.networks,
        Enquiries(store, registry),
        made.cases.policy,
        made.clock,
        settings.enquiry_works,
    )


def make_finishing(made: Services) -> Finishing:
    """What ends the publishing of plans that was cut off."""
    return Finishing(
        publishing(made),
        made.clock,
        abandoned_seconds=made.settings.plan_abandoned_seconds,
        pause_seconds=made.settings.plan_pause_seconds,
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
    return Planner(made.plans, made.networks, terms, made.clock, settings.spool_dir)


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
    asked = Enquiries(made.store, registry)
    return Answerer(asked, made.plans, made.networks, terms, made.clock, settings.spool_dir)


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
            ruling = threading.Thread(target=bring_rules, args=(made.store, stop), name="rules")
            reminding = (Reminders(made), stop, settings.reminder_seconds)
            reminder = threading.Thread(target=keep_reminding, args=reminding, name="reminders")
            owing = (DutyBoxes(made), stop, settings.reminder_seconds)
            duties = threading.Thread(target=keep_reminding, args=owing, name="duties")
            planning = threading.Thread(target=planner.run, args=(stop,), name="planner")
            answering = threading.Thread(target=answerer.run, args=(stop,), name="answerer")
            finishing = threading.Thread(target=make_finishing(made).run, args=(stop,), name="finishing")
            sweeper = threading.Thread(target=keep_swept, args=(made, stop), name="renditions")
            beside = (teller, keeper, ruling, sweeper, reminder, duties, planning, answering, finishing)
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
        threads = [
            threading.Thread(target=make_deliverer(made).run, args=(stop,), name="webhooks"),
            threading.Thread(target=keep_moving, args=(made, stop), name="originals"),
        ]
        for thread in threads:
            thread.start()
        make_follower(made, intake, intake.wants, pulse).run(stop)
        for thread in threads:
            thread.join()
        return
    sharing = Sharing(made, intake, stop)
    sharing.follower = make_follower(made, intake, sharing.wants, pulse)
    deliverer = make_deliverer(made, sharing.holds)
    threads = [
        *sharing.threads(),
        threading.Thread(target=deliverer.run, args=(stop,), name="webhooks"),
        threading.Thread(target=keep_moving, args=(made, stop, sharing.holds), name="originals"),
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
