"""What documents take: by case, by organisation, and what belongs to no case."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from sqlalchemy import select

from server.names import Names
from server.readmodel.database import ReadModel
from server.readmodel.originals import MovedBytes, moved_by_case
from server.readmodel.tables import cases
from sync.store import DocumentStore, Size

__all__ = ["CaseUsage", "Usage", "organisations_of", "shared_bytes", "usage_of"]

#: Cases whose databases are asked for at once.
_AT_ONCE = 2000


class CaseUsage(Struct, frozen=True, kw_only=True):
    """What a case takes, in bytes as stored: its forms, and its photos with their receipts. `moved_bytes` are
    those of originals that lie in object storage instead, and no part of `bytes`."""

    id: str
    no: str
    stage: str
    forms_bytes: int
    media_bytes: int
    moved_bytes: int = 0

    @property
    def bytes(self) -> int:
        return self.forms_bytes + self.media_bytes


class Usage(Struct, frozen=True, kw_only=True):
    """What an organisation's cases take together, and how many originals lie in object storage; `largest`
    first what takes most here."""

    organisation: str
    cases: int
    documents: int
    forms_bytes: int
    media_bytes: int
    moved_originals: int
    moved_bytes: int
    largest: tuple[CaseUsage, ...]


def organisations_of(model: ReadModel) -> list[str]:
    """Every organisation that has cases, by name."""
    with model.engine.connect() as connection:
        return sorted(connection.execute(select(cases.c.organisation).distinct()).scalars())


def usage_of(store: DocumentStore, names: Names, model: ReadModel, organisation: str, largest: int) -> Usage:
    """What the cases of an organisation take, and the `largest` of them."""
    found = forms = media = documents = 0
    top: list[tuple[int, str, CaseUsage]] = []
    away = moved_by_case(model, organisation)
    for one, count in _cases(store, names, model, organisation, away):
        found, documents = found + 1, documents + count
        forms, media = forms + one.forms_bytes, media + one.media_bytes
        # The id parts those that take the same, so that no two cases are ever compared.
        heapq.heappush(top, (one.bytes, one.id, one))
        if len(top) > largest:
            heapq.heappop(top)
    return Usage(
        organisation=organisation,
        cases=found,
        documents=documents,
        forms_bytes=forms,
        media_bytes=media,
        moved_originals=sum(one.originals for one in away.values()),
        moved_bytes=sum(one.bytes for one in away.values()),
        largest=tuple(one for _, _, one in sorted(top, key=lambda row: (-row[0], row[1]))),
    )


def shared_bytes(store: DocumentStore, names: Names) -> int:
    """What the databases take that belong to no case: registry, library, inboxes and outboxes."""
    ours = [one for one in store.database_names() if names.owns(one)]
    others = [one for one in ours if (names.parse(one) or ("",))[0] not in ("case", "media")]
    return sum(size.bytes for size in store.sizes(others).values())


def _cases(
    store: DocumentStore,
    names: Names,
    model: ReadModel,
    organisation: str,
    away: Mapping[str, MovedBytes],
) -> Iterator[tuple[CaseUsage, int]]:
    """Every case with how many documents it has. One whose databases are gone takes nothing."""
    query = select(cases.c.id, cases.c.no, cases.c.stage).where(cases.c.organisation == organisation)
    with model.engine.connect() as connection:
        rows = connection.execute(query.order_by(cases.c.id)).all()
    for at in range(0, len(rows), _AT_ONCE):
        some = rows[at : at + _AT_ONCE]
        sizes = store.sizes([*_databases(names, (row.id for row in some))])
        for row in some:
            form, photo = (sizes.get(one, Size(0, 0)) for one in _databases(names, (row.id,)))
            used = CaseUsage(
                id=row.id,
                no=row.no,
                stage=row.stage,
                forms_bytes=form.bytes,
                media_bytes=photo.bytes,
                moved_bytes=away[row.id].bytes if row.id in away else 0,
            )
            yield used, form.doc_count + photo.doc_count


def _databases(names: Names, ids: Iterable[str]) -> Iterator[str]:
    for case_id in ids:
        yield names.forms(case_id)
        yield names.media(case_id)
