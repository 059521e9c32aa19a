"""How lists are ordered, and begun behind a place of theirs, which costs the same however deep it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, tuple_

__all__ = ["Order", "Place"]


@dataclass(frozen=True)
class Place:
    """A place in a list: behind the row with this id, which has this value in the list's order."""

    value: Any
    id: str


@dataclass(frozen=True)
class Order:
    """By a column, and where rows are equal there by their ids, the same way. `gaps`: the column may be
    empty; such rows come last, either way."""

    by: ColumnElement[Any]
    id: ColumnElement[str]
    down: bool = False
    gaps: bool = False

    @property
    def clauses(self) -> tuple[ColumnElement[Any], ...]:
        """What to order by."""
        if self.down:
            return self.by.desc(), self.id.desc()  # SQLite takes nothing for less than anything
        return (self.by.asc().nulls_last() if self.gaps else self.by.asc()), self.id.asc()

    def behind(self, place: Place) -> ColumnElement[bool]:
        """What comes after a place."""
        if place.value is None:
            return and_(self.by.is_(None), self.id < place.id if self.down else self.id > place.id)
        here, at = tuple_(self.by, self.id), tuple_(place.value, place.id)
        further = here < at if self.down else here > at
        return or_(further, self.by.is_(None)) if self.gaps else further
