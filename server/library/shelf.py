"""The published checklists and the organisations' limits as the store has them, whoever wrote them.

A published version never changes, so one that was read once is kept. Whether there is something new, the
changes feed of `library` says: asking it costs one short read, and only what changed is read.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import structlog

from checklists.loader import DefinitionError, Library, UnknownChecklist, definition_from_document
from checklists.model import Definition
from checklists.overrides import Held, Override, apply_all, held_by, in_force
from checklists.standing import LIMIT_PREFIX, Standing, standing_from_document
from sync.store import DocumentStore

log = structlog.get_logger()

CHECKLIST_PREFIX = "checklist:"
#: Changes read at a time.
_BATCH = 200
#: Definitions with limits that are kept: each is one of few combinations of a version and what held on a day.
_KEPT = 256


@dataclass(frozen=True)
class Rules:
    """What a form is judged by: the definition with the limits that held, those limits, and how they are
    pinned (None where none did). `whole` is false if a pinned limit cannot be found as it was."""

    definition: Definition
    limits: tuple[Override, ...] = ()
    held: Held | None = None
    whole: bool = True


class Shelf:
    """Safe for many threads. Any method may raise what the store raises."""

    def __init__(self, store: DocumentStore, database: str, shipped: Iterable[Definition]) -> None:
        """`shipped` are definitions that stand in `database` as they are here."""
        self._store = store
        self._db = database
        self._lock = threading.Lock()
        self._since = "0"
        self._definitions = {(one.id, one.version): one for one in shipped}
        self._limits: dict[str, Standing] = {}
        self._unreadable: dict[str, str] = {}
        self._limited: dict[tuple[str, str], Definition] = {}

    def get(self, checklist_id: str, version: int) -> Definition:
        """One published version. Raises UnknownChecklist, and DefinitionError for what cannot be read."""
        known = self._definitions.get((checklist_id, version))
        if known is not None:
            return known
        document = self._store.find(self._db, _document_id(checklist_id, version))
        if document is None:
            raise UnknownChecklist(checklist_id, version)
        definition = definition_from_document(document)
        self._keep(definition)
        return definition

    def latest(self, checklist_id: str) -> Definition:
        """The highest version. Raises UnknownChecklist."""
        return self._now().latest(checklist_id)

    def newest(self) -> tuple[Definition, ...]:
        """The highest version of every checklist, by id."""
        highest = {one.id: one for one in self.all()}
        return tuple(highest[name] for name in sorted(highest))

    def all(self) -> tuple[Definition, ...]:
        """Every definition, ordered by id and version."""
        return self._now().all()

    def limits(self) -> tuple[Standing, ...]:
        """Every organisation's limits, ended ones too, by id."""
        self._refresh()
        limits = self._limits
        return tuple(limits[name] for name in sorted(limits))

    def rules(self, definition: Definition, organisation: str, day: date) -> Rules:
        """What an organisation's visit on a day is judged by, as it is known now.

        Raises DefinitionError while a limit cannot be read: without it, a failure might pass.
        """
        return self._rules(definition, in_force(definition, self._overrides(), organisation, day), day)

    def pinned(self, definition: Definition, day: date, ids: Sequence[str], digest: str) -> Rules:
        """What a form was judged by that pinned these limits."""
        known = {one.id: one for one in self._overrides()}
        rules = self._rules(definition, tuple(known[name] for name in ids if name in known), day)
        whole = rules.held is not None and rules.held.digest == digest
        return Rules(rules.definition, rules.limits, Held(day, tuple(ids), digest), whole)

    def _overrides(self) -> list[Override]:
        limits = self.limits()
        for name, reason in self._unreadable.items():
            if name.startswith(LIMIT_PREFIX):
                raise DefinitionError(reason)
        return [one.limit for one in limits]

    def _rules(self, definition: Definition, limits: tuple[Override, ...], day: date) -> Rules:
        held = held_by(limits, day)
        if held is None:
            return Rules(definition)
        key = (definition.digest, held.digest)
        limited = self._limited.get(key)
        if limited is None:
            limited = apply_all(definition, limits)
            kept = dict(list(self._limited.items())[-(_KEPT - 1) :])
            # Replaced and not changed: others may be reading it.
            self._limited = {**kept, key: limited}
        return Rules(limited, limits, held)

    def _now(self) -> Library:
        self._refresh()
        return Library(self._definitions.values())

    def _keep(self, definition: Definition) -> None:
        with self._lock:
            self._definitions = {**self._definitions, (definition.id, definition.version): definition}

    def _refresh(self) -> None:
        """Read what was written since the last time."""
        with self._lock:
            # What came with Hezha was compared at the start; later, a known id is one that was settled.
            first = self._since == "0"
            known = {_document_id(*key) for key in self._definitions} if first else set()
            while True:
                batch = self._store.changes(self._db, since=self._since, limit=_BATCH)
                ids = (change.id for change in batch.results if not change.deleted)
                self._read([one for one in ids if one not in known])
                self._since = batch.last_seq
                if not batch.pending:
                    return

    def _read(self, ids: Sequence[str]) -> None:
        wanted = [one for one in ids if one.startswith((CHECKLIST_PREFIX, LIMIT_PREFIX))]
        if not wanted:
            return
        definitions, limits = dict(self._definitions), dict(self._limits)
        for document in self._store.all_docs(self._db, keys=wanted):
            try:
                if document["_id"].startswith(LIMIT_PREFIX):
                    standing = standing_from_document(document)
                    limits[standing.limit.id] = standing
                else:
                    definition = definition_from_document(document)
                    definitions[definition.id, definition.version] = definition
                self._unreadable.pop(document["_id"], None)
            except DefinitionError as error:
                # Written by a later Hezha, or by somebody's hand. The forms that need it wait.
                log.error("library.unreadable", document=document["_id"], reason=str(error))
                self._unreadable[document["_id"]] = str(error)
        self._definitions, self._limits = definitions, limits


def _document_id(checklist_id: str, version: int) -> str:
    return f"{CHECKLIST_PREFIX}{checklist_id}@{version}"
