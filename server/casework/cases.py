"""Reads a case, applies a command, writes it with `_rev`, and brings about what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import apsw
import structlog

from server.casework.access import access_to
from server.casework.auditing import case_ids
from server.casework.inbox import tell_everybody, tell_of_conflicts
from server.casework.numbers import claim_number
from server.casework.projecting import Projector, batches
from server.casework.projection import project, project_photos, project_tracks
from server.casework.reconcile import Reconciler
from server.casework.reminders import tell_of_reminders
from server.live.backlog import Backlog
from server.names import CASE_DOCUMENT, Names
from server.readmodel.database import ReadModel
from server.services import Clock
from server.workflow.commands import Command, OpenCase
from server.workflow.decide import decide
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.inforce import InForce
from server.workflow.model import Actor, Case, LogEntry
from server.workflow.policy import Policy
from server.workflow.rebase import in_conflict
from sync.lease import Leases
from sync.store import Conflict, DatabaseExists, DocumentStore, NotFound, Security

log = structlog.get_logger()

#: How often a decision is taken anew when somebody else wrote the case in between.
_ATTEMPTS = 12

#: Hezha's own intake, as the workflow knows it.
SYSTEM = Actor(name="hezha", roles=("system",))


class StaleCase(Exception):
    """The case is not at the revision that the caller read."""


@dataclass(frozen=True)
class Loaded:
    """A case and the `_rev` it stands at, with the events that led there if it was just changed."""

    case: Case
    rev: str
    events: Sequence[LogEntry] = ()


class Cases:
    """Every case of the store. Raises sync.store.NotFound for a case that is not there.

    `leases` keep a case to one writer at a time where the store's own check of revisions does not (None where
    it does). A method that writes a case then raises Busy if another writer does not give way in time.
    `show_beside` shows what the lists tell of besides cases.
    """

    def __init__(
        self,
        store: DocumentStore,
        names: Names,
        readmodel: ReadModel,
        rules: InForce,
        clock: Clock,
        leases: Leases | None = None,
        backlog: Backlog | None = None,
        show_beside: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._names = names
        self._readmodel = readmodel
        self.rules = rules
        self._clock = clock
        self._leases = leases
        self._backlog = backlog
        self.show_beside = show_beside
        self._reconciler = Reconciler(store, names, self._policy_at, SYSTEM)

    def policy(self, organisation: str) -> Policy:
        """What holds for an organisation today, where its customers live."""
        return self._policy_at(organisation, self._clock())

    def _policy_at(self, organisation: str, now: datetime) -> Policy:
        return self.rules.at(now, organisation)

    def load(self, case_id: str) -> Loaded:
        """The case as it stands. One that was decided on in two places at once is made one first."""
        known, apart = self._read(case_id)
        if not apart:
            return known
        with self._owned(case_id) as still_owned:
            return self._reconciled(case_id, still_owned)

    def _read(self, case_id: str) -> tuple[Loaded, bool]:
        """The winner, and whether a conflict of the case is still to be settled."""
        document = self._store.get(self._names.forms(case_id), CASE_DOCUMENT, conflicts=True)
        conflicts = document.pop("_conflicts", [])
        known = Loaded(case_from_document(document), document["_rev"])
        return known, bool(conflicts) or in_conflict(known.case)

    def _reconciled(self, case_id: str, still_owned: Callable[[], None]) -> Loaded:
        """The case, made one if it is not. Only its owner may ask."""
        known, apart = self._read(case_id)
        if apart:
            self._reconciler.reconcile(case_id, still_owned)
            self._settle_decided(case_id)
            known, _ = self._read(case_id)
        return known

    @contextmanager
    def _owned(self, case_id: str) -> Iterator[Callable[[], None]]:
        """Own the case within the block; the function given raises LeaseLost if that is over. Raises Busy."""
        if self._leases is None:
            yield lambda: None
            return
        with self._leases.hold(f"case-{case_id}") as lease:
            yield partial(self._leases.check, lease)

    def ids(self) -> list[str]:
        """Every case's id, in the order of its database's name."""
        return case_ids(self._store, self._names)

    def open(self, command: OpenCase, actor: Actor) -> Loaded:
        """Open a case with its number and its two databases. The same command again finds the case that it
        opened.

        Raises Refusal, and then the number is still free; NumberTaken.
        """
        now = self._clock()
        decision = decide(None, command, now=now, actor=actor, policy=self.policy(command.organisation))
        claim_number(self._store, self._names.registry, command.organisation, command.no, command.id, now)
        access = access_to(decision.case)
        self._provision(self._names.media(command.id), access.security("media"))
        self._provision(self._names.forms(command.id), access.security("case"))
        try:
            with self._owned(command.id) as still_owned:
                rev = self._write(decision.case, None, still_owned)
        except Conflict:
            return self.load(command.id)
        self._settle_decided(command.id)
        return Loaded(decision.case, rev, decision.events)

    def apply(self, case_id: str, command: Command, actor: Actor, *, if_rev: str | None = None) -> Loaded:
        """Decide on the case as it stands and write the result; decide anew if somebody was faster.

        With `if_rev`, only if the case still stands at that revision: raises StaleCase if not. Raises
        Refusal, NotFound.
        """
        with self._owned(case_id) as still_owned:
            made = self._apply(case_id, command, actor, if_rev, still_owned)
        if made.events:
            self._settle_decided(case_id)
        return made

    def _settle_decided(self, case_id: str) -> None:
        """Settle after a decision that is on disk: whoever made it must not hear of a conflict over its
        consequences, which the worker brings about as well."""
        for _ in range(_ATTEMPTS):
            try:
                self.settle(case_id)
            except Conflict:
                continue
            return
        log.warning("case_not_settled", case=case_id)

    def _apply(
        self,
        case_id: str,
        command: Command,
        actor: Actor,
        if_rev: str | None,
        still_owned: Callable[[], None],
    ) -> Loaded:
        for _ in range(_ATTEMPTS):
            known = self._reconciled(case_id, still_owned)
            if if_rev is not None and known.rev != if_rev:
                raise StaleCase
            decision = decide(
                known.case,
                command,
                now=self._clock(),
                actor=actor,
                policy=self.policy(known.case.organisation),
            )
            if not decision.events:
                return known
            try:
                rev = self._write(decision.case, known.rev, still_owned)
            except Conflict:
                continue
            return Loaded(decision.case, rev, decision.events)
        raise Conflict

    def settle(self, case_id: str) -> Case:
        """Bring access, inboxes and the read model in line with the case. Safe to repeat at any time.

        It follows the store's winner, conflict or not, for it decides nothing. It reads the case again at the
        end: whoever was overtaken by a newer decision meanwhile must not leave the older one's access behind.
        """
        known, _ = self._read(case_id)
        while True:
            access = access_to(known.case)
            self._secure(self._names.forms(case_id), access.security("case"))
            self._secure(self._names.media(case_id), access.security("media"))
            tell_everybody(self._store, self._names, known.case)
            tell_of_conflicts(self._store, self._names, known.case)
            tell_of_reminders(self._store, self._names, known.case)
            self._project(known)
            now, _ = self._read(case_id)
            if now.rev == known.rev:
                return known.case
            known = now

    def project_all(self, on_progress: Callable[[], None] | None = None) -> tuple[int, int]:
        """Project every case and judged photo anew; returns how many of each. `on_progress` is called now and
        then."""
        self.show_beside()
        cases = photos = 0
        projector = Projector(self._store, self._names, self._readmodel, self.rules)
        for some in batches(self._store, self._names, self.ids()):
            found = projector.project(some)
            for case_id in found.left:
                photos += self.project_settled(case_id)
            cases, photos = cases + found.cases + len(found.left), photos + found.photos
            if on_progress is not None:
                on_progress()
        self._readmodel.finish(self.rules.digest)
        return cases, photos

    def project_settled(self, case_id: str) -> int:
        """Show a case that was decided on in two places at once, made one; how many photos it has."""
        self._project(self.load(case_id))
        self.project_tracks(case_id)
        return self.project_photos(case_id)

    def _project(self, known: Loaded) -> None:
        project(self._readmodel, known.case, known.rev, self.rules)
        self.announce([known])

    def announce(self, known: Sequence[Loaded]) -> None:
        """Tell those who look on what is new of these cases, once they see it in the lists."""
        if self._backlog is None:
            return
        try:
            self._backlog.tell((one.case, one.rev) for one in known)
        except apsw.Error as error:
            # It decides nothing: who resumes is told at the next event, or reads anew.
            log.warning("events_not_told", cases=len(known), error=str(error))

    def project(self, case_id: str) -> None:
        """Show the case in this server's lists as it stands in the store."""
        known, _ = self._read(case_id)
        self._project(known)

    def project_photos(self, case_id: str) -> int:
        """Show every judged photo of the case; returns how many."""
        return project_photos(self._readmodel, self._store, self._names, case_id)

    def project_tracks(self, case_id: str, tracks: Sequence[str] | None = None) -> None:
        """Show where these tracks of the case lie, or all of them."""
        project_tracks(self._readmodel, self._store, self._names, case_id, tracks)

    def _write(self, case: Case, rev: str | None, still_owned: Callable[[], None]) -> str:
        document = case_to_document(case)
        if rev is not None:
            document["_rev"] = rev
        still_owned()
        return self._store.put(self._names.forms(case.id), document)

    def _provision(self, database: str, security: Security) -> None:
        try:
            self._store.create_database(database, security)
        except DatabaseExists:
            # A first attempt came this far and was cut off, or the case is there already.
            return

    def _secure(self, database: str, security: Security) -> None:
        try:
            if self._store.security(database) != security.to_json():
                self._store.set_security(database, security)
        except NotFound:
            self._provision(database, security)
