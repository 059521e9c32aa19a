"""The organisations' own limits: added, proposed to end, ended; decided on by `checklists`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from checklists import standing
from checklists.overrides import Override, check
from checklists.standing import LIMIT_PREFIX, Standing, merged_standing
from server.library.shelf import Shelf
from sync.conflicts import find_settled
from sync.store import Conflict, DocumentStore

__all__ = ["Limits", "StaleLimit", "StoredLimit", "TakenLimit", "UnknownLimit"]


class UnknownLimit(LookupError):
    """There is no such limit."""


class StaleLimit(Exception):
    """The limit is not at the revision that the caller read."""


class TakenLimit(Exception):
    """The id belongs to a limit that says something else."""


@dataclass(frozen=True)
class StoredLimit:
    """A limit and the `_rev` it stands at."""

    standing: Standing
    rev: str


class Limits:
    """Every organisation's limits. Methods that write raise ChecklistRefused; those that end a limit take
    `if_rev` and raise StaleLimit, UnknownLimit. `today` is the day where the organisation works."""

    def __init__(
        self, store: DocumentStore, library: str, shelf: Shelf, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._library = library
        self._shelf = shelf
        self._clock = clock

    def all(self) -> list[StoredLimit]:
        """Every limit by id, ended ones too."""
        documents = self._store.all_docs(self._library, prefix=LIMIT_PREFIX)
        return [StoredLimit(standing.standing_from_document(one), one["_rev"]) for one in documents]

    def get(self, limit_id: str) -> StoredLimit:
        """Raises UnknownLimit."""
        document = find_settled(self._store, self._library, LIMIT_PREFIX + limit_id, merged_standing)
        if document is None:
            raise UnknownLimit(limit_id)
        return StoredLimit(standing.standing_from_document(document), document["_rev"])

    def add(self, override: Override, *, by: str) -> StoredLimit:
        """Let a limit hold. The same under the same id again finds what the first request added; another one
        under a taken id raises TakenLimit."""
        try:
            known = self.get(override.id)
        except UnknownLimit:
            check(override, self._shelf.newest())
            return self._put(standing.add(override, by=by, at=self._clock()), None)
        if known.standing.limit.digest != override.digest:
            raise TakenLimit(override.id)
        return known

    def propose_end(
        self, limit_id: str, *, until: date, reason: str, by: str, today: date, if_rev: str | None
    ) -> StoredLimit:
        """Propose that a limit hold no longer than `until`."""
        known = self._read(limit_id, if_rev)
        proposed = standing.propose_end(
            known.standing, until=until, reason=reason, by=by, at=self._clock(), today=today
        )
        return self._put(proposed, known.rev)

    def confirm_end(self, limit_id: str, *, by: str, today: date, if_rev: str | None) -> StoredLimit:
        """End a limit as somebody else proposed."""
        known = self._read(limit_id, if_rev)
        return self._put(
            standing.confirm_end(known.standing, by=by, at=self._clock(), today=today), known.rev
        )

    def reject_end(self, limit_id: str, *, reason: str, by: str, if_rev: str | None) -> StoredLimit:
        """Turn a proposal down, or take one's own back."""
        known = self._read(limit_id, if_rev)
        return self._put(
            standing.reject_end(known.standing, reason=reason, by=by, at=self._clock()), known.rev
        )

    def _read(self, limit_id: str, if_rev: str | None) -> StoredLimit:
        known = self.get(limit_id)
        if if_rev is not None and known.rev != if_rev:
            raise StaleLimit
        return known

    def _put(self, written: Standing, rev: str | None) -> StoredLimit:
        document = standing.standing_to_document(written)
        try:
            rev = self._store.put(self._library, document if rev is None else {**document, "_rev": rev})
        except Conflict:
            raise StaleLimit from None
        return StoredLimit(written, rev)
