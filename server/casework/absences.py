"""Who is away, and who decides on proposals in his place: one document an absence in the registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from server.workflow.approvals.values import Absence
from sync.changing import change_document
from sync.conflicts import find_settled
from sync.store import Conflict, Document, DocumentStore

PREFIX = "absence:"
SCHEMA = 1


class UnknownAbsence(LookupError):
    """There is no such absence."""


class TakenAbsence(Exception):
    """The id belongs to another absence."""


class AbsenceRecord(Struct, frozen=True, kw_only=True):
    """An absence, whose organisation's, and who recorded or cut it short."""

    organisation: str
    absence: Absence
    reason: str
    recorded_by: str
    recorded_at: datetime
    ended_by: str | None = None


class Absences:
    """Every absence of the store. An absence is never deleted; it may be ended early."""

    def __init__(self, store: DocumentStore, registry: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock

    def all(self, organisation: str) -> list[AbsenceRecord]:
        """The absences of an organisation, by their first day."""
        records = [_record(one) for one in self._store.all_docs(self._registry, prefix=PREFIX)]
        theirs = (one for one in records if one.organisation == organisation)
        return sorted(theirs, key=lambda one: (one.absence.since, one.absence.id))

    def get(self, absence_id: str) -> AbsenceRecord:
        """Raises UnknownAbsence."""
        return _record(self._document(absence_id))

    def add(self, organisation: str, absence: Absence, *, reason: str, by: str) -> AbsenceRecord:
        """Record an absence; the same again finds it. Raises TakenAbsence."""
        record = AbsenceRecord(
            organisation=organisation,
            absence=absence,
            reason=reason,
            recorded_by=by,
            recorded_at=self._clock(),
        )
        try:
            self._store.put(self._registry, _to_document(record))
        except Conflict:
            known = self.get(absence.id)
            if (known.organisation, known.absence, known.reason) != (organisation, absence, reason):
                raise TakenAbsence(absence.id) from None
            return known
        return record

    def end(self, absence_id: str, last_day: date, *, by: str) -> AbsenceRecord:
        """Have an absence end on a day, if it would last longer. Raises UnknownAbsence."""

        def end(record: AbsenceRecord) -> AbsenceRecord:
            if last_day >= record.absence.until:
                return record
            return replace(record, absence=replace(record.absence, until=last_day), ended_by=by)

        ended, _ = change_document(
            self._store,
            self._registry,
            lambda: self._document(absence_id),
            read=_record,
            write=_to_document,
            change=end,
        )
        return ended

    def _document(self, absence_id: str) -> Document:
        document = find_settled(self._store, self._registry, PREFIX + absence_id, _shortest)
        if document is None:
            raise UnknownAbsence(absence_id)
        return document


def _shortest(leaves: Sequence[Document]) -> Document:
    """Of an absence ended in two places at once, the one that ends first: no right lasts longer."""
    return min(leaves, key=lambda leaf: (str(leaf["absence"]["until"]), str(leaf["recorded_at"])))


def _to_document(record: AbsenceRecord) -> Document:
    return {
        "_id": PREFIX + record.absence.id,
        "type": "absence",
        "schema": SCHEMA,
        **msgspec.to_builtins(record),
    }


def _record(document: Document) -> AbsenceRecord:
    return msgspec.convert(document, AbsenceRecord)
