"""Where originals of photos lie, as the lists have it: beside their documents, or in object storage."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select

from server.readmodel.database import ReadModel
from server.readmodel.tables import cases, photos

__all__ = ["MovedBytes", "cases_with_originals", "moved_by_case"]


class MovedBytes(NamedTuple):
    """How many originals of a case lie in object storage, and their bytes."""

    originals: int
    bytes: int


def cases_with_originals(model: ReadModel, organisation: str, ended_before: datetime) -> list[str]:
    """The cases of an organisation that ended before a moment (UTC) and have a judged photo whose original
    was not moved, by id."""
    here = select(photos.c.id).where(photos.c.case_id == cases.c.id, ~photos.c.moved)
    query = (
        select(cases.c.id)
        .where(
            cases.c.organisation == organisation,
            cases.c.ended_at < ended_before.isoformat(),
            here.exists(),
        )
        .order_by(cases.c.id)
    )
    with model.engine.connect() as connection:
        return list(connection.execute(query).scalars())


def moved_by_case(model: ReadModel, organisation: str) -> dict[str, MovedBytes]:
    """Of every case of an organisation that has some: how many originals were moved, and their bytes."""
    query = (
        select(photos.c.case_id, func.count(), func.sum(photos.c.bytes))
        .join(cases, cases.c.id == photos.c.case_id)
        .where(cases.c.organisation == organisation, photos.c.moved)
        .group_by(photos.c.case_id)
    )
    with model.engine.connect() as connection:
        return {case: MovedBytes(count, size) for case, count, size in connection.execute(query)}
