"""What a running Hezha is made of, wired in one place and handed down. Nothing is made at import."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from flask import current_app
from werkzeug.wrappers import Request

from checklists.loader import fact_definitions, load_definitions
from server import logs
from server.evidence.originals.bucket import Bucket
from server.evidence.originals.door import Originals
from server.evidence.workers import PhotoWorkers
from server.library.drafts import Drafts
from server.library.limits import Limits
from server.library.publishing import publish_shipped
from server.library.shelf import Shelf
from server.live.backlog import Backlog
from server.live.hub import Hub
from server.names import Names
from server.object_storage import open_bucket
from server.ownrules import rules_in_force
from server.readmodel.database import ReadModel
from server.routing.asking import Routes
from server.routing.asking import Terms as RouteTerms
from server.scheduling.listing import Listing
from server.scheduling.networks import Networks
from server.scheduling.plans import Plans
from server.scheduling.works import Works
from server.settings import Settings
from server.storage import open_store
from server.webhooks.book import Book
from server.workflow.policy import load_policy
from sync.lease import Leases, Terms
from sync.store import DocumentStore, UserCtx

if TYPE_CHECKING:
    from server.casework.cases import Cases
    from server.people.service import People
    from sync.embedded.http import CookieSessions

#: The read model's file in the data folder.
READ_MODEL = "readmodel.sqlite3"
#: Bytes that lie in the spool longer than this belong to a process that is gone.
_SPOOL_SECONDS = 24 * 3600

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Now, with its zone: where every decision gets its time from."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """One of each, made once per process."""

    settings: Settings
    clock: Clock
    store: DocumentStore
    names: Names
    readmodel: ReadModel
    library: Shelf
    drafts: Drafts
    limits: Limits
    people: People
    cases: Cases
    webhooks: Book
    networks: Networks
    works: Works
    plans: Plans
    listing: Listing
    routes: Routes
    live: Hub
    photo_workers: PhotoWorkers
    bucket: Bucket | None
    originals: Originals
    sync_authenticator: Callable[[Request], UserCtx]
    sync_sessions: CookieSessions

    def close(self) -> None:
        self.photo_workers.close()
        if self.bucket is not None:
            self.bucket.close()
        self.live.close()
        self.readmodel.close()
        self.store.close()


def assemble(
    settings: Settings,
    clock: Clock = system_clock,
    *,
    on_progress: Callable[[], None] | None = None,
    with_lists: bool = True,
) -> Services:
    """Open the data folder and wire everything. Raises PublishedChecklistChanged, SettingsError.

    `on_progress` is called now and then while a long step (a new read model) goes on. Without lists, a read
    model that is out of date stays so: somebody is about to make it anew.
    """
    from server.casework.cases import Cases  # noqa: PLC0415  these rooms take Clock from here
    from server.people.cookies import SyncSessions  # noqa: PLC0415
    from server.people.service import People  # noqa: PLC0415
    from server.people.sync_auth import sync_authenticator  # noqa: PLC0415

    logs.configure(settings.log_level)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _sweep(settings.spool_dir, clock())
    store = open_store(settings, system_clock)  # CouchDB goes by the real time, whatever `clock` says
    names = Names(settings)
    bucket = open_bucket(settings)
    people = People(store, settings, clock)
    library = Shelf(store, names.library, publish_shipped(store, names.library, load_definitions().all()))
    readmodel = ReadModel(settings.data_dir / READ_MODEL)
    rules = rules_in_force(settings, load_policy(fact_names=fact_definitions().keys()))
    # Where a revision is checked in one place, no second writer of a case can slip in.
    leases = None if store.exact_revisions else Leases(store, names.registry, lease_terms(settings), clock)
    backlog = Backlog(settings.data_dir / "live.sqlite3", keep=settings.events_kept, now=clock())
    live = Hub(backlog, poll_seconds=settings.events_poll_seconds, most=settings.events_streams)
    listing = Listing(readmodel, store, names.registry)
    cases = Cases(store, names, readmodel, rules, clock, leases, backlog, listing.show_all)
    if with_lists and (readmodel.incomplete or readmodel.rules != rules.digest):
        cases.project_all(on_progress)
    return Services(
        settings=settings,
        clock=clock,
        store=store,
        names=names,
        readmodel=readmodel,
        library=library,
        drafts=Drafts(store, names.registry, names.library, library, clock, leases),
        limits=Limits(store, names.library, library, clock),
        people=people,
        cases=cases,
        live=live,
        webhooks=Book(store, names, clock, settings.webhook_dead_letters),
        networks=Networks(store, names.registry, clock),
        works=Works(store, names.registry, listing.show_work),
        plans=Plans(store, names.registry, listing.show_plan),
        listing=listing,
        routes=Routes(
            RouteTerms(settings.route_memory_bytes, settings.route_seconds, settings.routes_at_once)
        ),
        photo_workers=PhotoWorkers(
            settings.photo_workers,
            settings.photo_timeout_seconds,
            settings.photo_memory_bytes,
            spool_dir=settings.spool_dir,
        ),
        bucket=bucket,
        originals=Originals(store, bucket),
        sync_authenticator=sync_authenticator(people, settings),
        sync_sessions=SyncSessions(people, settings, clock),
    )


def lease_terms(settings: Settings) -> Terms:
    """How long leases last and are waited for."""
    return Terms(
        seconds=settings.lease_seconds, skew=settings.clock_skew_seconds, wait=settings.lease_wait_seconds
    )


def _sweep(folder: Path, now: datetime) -> None:
    """Remove what killed processes left; what another process is at is younger than this."""
    folder.mkdir(exist_ok=True)
    too_old = now.timestamp() - _SPOOL_SECONDS
    for path in folder.iterdir():
        if path.stat().st_mtime < too_old:
            path.unlink(missing_ok=True)


def services() -> Services:
    """The services of the application that handles the present request."""
    return cast("Services", current_app.extensions["hezha"])
