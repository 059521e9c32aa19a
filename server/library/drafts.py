"""Drafts of checklists: read, decided on by `checklists.versions`, and written by compare and swap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from checklists import versions
from checklists.linting import Complaint, lint
from checklists.loader import UnknownChecklist
from checklists.model import Definition
from checklists.overrides import applies_to
from checklists.versions import Draft, Event, draft_from_document, draft_id, draft_to_document, merged_draft
from server.library.publishing import history_of, publish_draft
from server.library.shelf import CHECKLIST_PREFIX, Shelf
from sync.conflicts import find_settled
from sync.lease import Leases
from sync.store import Conflict, DocumentStore

__all__ = ["Drafts", "StaleDraft", "Stored", "UnknownDraft"]


class UnknownDraft(LookupError):
    """There is no draft of this checklist."""


class StaleDraft(Exception):
    """The draft is not at the revision that the caller read."""


@dataclass(frozen=True)
class Stored:
    """A draft and the `_rev` it stands at."""

    draft: Draft
    rev: str


class Drafts:
    """Every draft of the house; one of a checklist at a time.

    Methods that write take `if_rev`, the revision that was decided on, and raise StaleDraft if it is another,
    UnknownDraft, ChecklistRefused, and Busy where another server is writing (`leases`).
    """

    def __init__(
        self,
        store: DocumentStore,
        registry: str,
        library: str,
        shelf: Shelf,
        clock: Callable[[], datetime],
        leases: Leases | None,
    ) -> None:
        self._store = store
        self._registry = registry
        self._library = library
        self._shelf = shelf
        self._clock = clock
        self._leases = leases

    def all(self) -> list[Stored]:
        """Every draft by the checklist's id, those that have ended too."""
        documents = self._store.all_docs(self._registry, prefix=draft_id(""))
        return [Stored(draft_from_document(one), one["_rev"]) for one in documents]

    def get(self, checklist_id: str) -> Stored:
        """Raises UnknownDraft."""
        found = self._find(checklist_id)
        if found is None:
            raise UnknownDraft(checklist_id)
        return found

    def history(self, checklist_id: str, version: int) -> tuple[Event, ...]:
        """Who wrote, reviewed and published a version; empty for one that came with Hezha. Raises
        UnknownChecklist."""
        document = self._store.find(self._library, f"{CHECKLIST_PREFIX}{checklist_id}@{version}")
        if document is None:
            raise UnknownChecklist(checklist_id, version)
        return history_of(document)

    def complaints(self, draft: Draft) -> list[Complaint]:
        """What lint says of it."""
        return lint(draft.definition)

    def limits_lost(self, draft: Draft) -> list[str]:
        """The organisations' limits, by id, that count in the newest version and would not in this one: their
        item is gone, or measures something else."""
        latest = self._latest(draft.definition.id)
        if latest is None:
            return []
        standing = (one.limit for one in self._shelf.limits() if one.limit.until is None)
        return [
            one.id for one in standing if applies_to(one, latest) and not applies_to(one, draft.definition)
        ]

    def start(self, definition: Definition, *, by: str) -> Stored:
        """Begin a draft; the same one by the same person again finds what the first request began."""
        with self._owned(definition.id):
            before = self._find(definition.id)
            if before is not None and _just_begun(before.draft, definition, by):
                return before
            draft = versions.start(
                definition,
                by=by,
                at=self._clock(),
                latest=self._latest(definition.id),
                before=before.draft if before is not None else None,
            )
            return self._put(draft, before.rev if before is not None else None)

    def change(self, checklist_id: str, definition: Definition, *, by: str, if_rev: str) -> Stored:
        """Give a draft another definition."""
        with self._owned(checklist_id):
            known = self._read(checklist_id, if_rev)
            draft = versions.change(
                known.draft, definition, by=by, at=self._clock(), latest=self._latest(checklist_id)
            )
            return known if draft == known.draft else self._put(draft, known.rev)

    def review(self, checklist_id: str, *, by: str, remark: str, if_rev: str) -> Stored:
        """Say that a draft is good as it stands."""
        with self._owned(checklist_id):
            known = self._read(checklist_id, if_rev)
            complaints = self.complaints(known.draft)
            draft = versions.review(
                known.draft, by=by, at=self._clock(), complaints=complaints, remark=remark
            )
            return self._put(draft, known.rev)

    def publish(self, checklist_id: str, *, by: str, remark: str, if_rev: str) -> Stored:
        """Make a reviewed draft a version: from now on every process and tablet finds it.

        First the version, then the draft's end: cut off in between, the same request finishes it.
        """
        with self._owned(checklist_id):
            known = self._read(checklist_id, if_rev)
            done = self._published_before(known.draft)
            if done is None:
                done = versions.publish(
                    known.draft,
                    by=by,
                    at=self._clock(),
                    complaints=self.complaints(known.draft),
                    latest=self._latest(checklist_id),
                    remark=remark,
                )
                if not publish_draft(self._store, self._library, done):
                    raise StaleDraft
            return self._put(done, known.rev)

    def withdraw(self, checklist_id: str, *, by: str, remark: str, if_rev: str) -> Stored:
        """Give a draft up. One whose version is published already is not given up but finished."""
        with self._owned(checklist_id):
            known = self._read(checklist_id, if_rev)
            done = self._published_before(known.draft)
            if done is None:
                done = versions.withdraw(known.draft, by=by, at=self._clock(), remark=remark)
            return self._put(done, known.rev)

    def _published_before(self, draft: Draft) -> Draft | None:
        """The draft as a publication left it that was cut off before it could end the draft."""
        name = f"{CHECKLIST_PREFIX}{draft.definition.id}@{draft.definition.version}"
        document = self._store.find(self._library, name) if draft.open else None
        if document is None or document["digest"] != draft.definition.digest:
            return None
        history = history_of(document)
        return versions.as_published(draft, history) if history else None

    def _latest(self, checklist_id: str) -> Definition | None:
        try:
            return self._shelf.latest(checklist_id)
        except UnknownChecklist:
            return None

    def _find(self, checklist_id: str) -> Stored | None:
        document = find_settled(self._store, self._registry, draft_id(checklist_id), merged_draft)
        return None if document is None else Stored(draft_from_document(document), document["_rev"])

    def _read(self, checklist_id: str, if_rev: str) -> Stored:
        known = self.get(checklist_id)
        if known.rev != if_rev:
            raise StaleDraft
        return known

    def _put(self, draft: Draft, rev: str | None) -> Stored:
        document = draft_to_document(draft)
        try:
            written = self._store.put(self._registry, document if rev is None else {**document, "_rev": rev})
        except Conflict:
            raise StaleDraft from None
        return Stored(draft, written)

    @contextmanager
    def _owned(self, checklist_id: str) -> Iterator[None]:
        if self._leases is None:
            yield
            return
        with self._leases.hold(f"checklist-{checklist_id}"):
            yield


def _just_begun(draft: Draft, definition: Definition, by: str) -> bool:
    last = draft.history[-1]
    return draft.open and (last.event, last.by, last.digest) == ("created", by, definition.digest)
