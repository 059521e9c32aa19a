"""What the office asks: lists, filtered, sorted and paged in the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from server.readmodel.database import ReadModel
from server.readmodel.tables import case_inspectors, cases, clocks, photos, tasks

SORTS: Mapping[str, ColumnElement[Any]] = {
    "updated": cases.c.updated_at,
    "opened": cases.c.opened_at,
    "no": cases.c.no,
    "customer": cases.c.customer,
    "capacity": cases.c.capacity_kva,
    "due": cases.c.next_due,
    "clock": cases.c.clock_due,
}


@dataclass(frozen=True)
class Scope:
    """Which cases a person may see: all of an organisation, or only those where `inspector` is assigned."""

    organisation: str
    inspector: str | None = None


ClockFilter = Literal["overdue", "at_risk", "paused"]


@dataclass(frozen=True)
class CaseFilter:
    """What a list of cases is narrowed to. `overdue_on`, `today`: dates; `bbox`: west, south, east, north.

    `clock`: cases with a clock that is `overdue`, `at_risk` (past its second mark, or of a year whose
    holidays nobody knows) or `paused` today; `clock_kind` narrows it to one kind.
    """

    stage: str | None = None
    manager: str | None = None
    inspector: str | None = None
    energization: str | None = None
    overdue_on: str | None = None
    today: str = ""
    clock: ClockFilter | None = None
    clock_kind: str | None = None
    q: str | None = None
    bbox: tuple[float, float, float, float] | None = None


def list_cases(
    model: ReadModel, scope: Scope, wanted: CaseFilter, *, sort: str, offset: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Rows of one page, and how many there are in all. `sort` is a key of SORTS, `-` before it for down."""
    where = and_(*_conditions(scope, wanted))
    column = SORTS[sort.removeprefix("-")]
    order = column.desc().nulls_last() if sort.startswith("-") else column.asc().nulls_last()
    page: Select[Any] = select(cases).where(where).order_by(order, cases.c.id).offset(offset).limit(limit)
    with model.engine.connect() as connection:
        total = connection.scalar(select(func.count()).select_from(cases).where(where)) or 0
        return [dict(row) for row in connection.execute(page).mappings()], total


def _clock_conditions(wanted: CaseFilter) -> Iterator[ColumnElement[bool]]:
    """First by what stands on the case itself, which is indexed; then by the clocks of what is left."""
    c, today = clocks.c, wanted.today
    not_over = or_(c.over_on.is_(None), c.over_on > today)
    conditions: dict[ClockFilter, tuple[ColumnElement[bool], ColumnElement[bool]]] = {
        "overdue": (cases.c.clock_over_on <= today, c.over_on <= today),
        "at_risk": (
            cases.c.clock_risk_on <= today,
            and_(or_(c.second_on <= today, c.unknown_from <= today), not_over),
        ),
        "paused": (cases.c.clock_paused.is_(True), c.state == "paused"),
    }
    found = [c.case_id == cases.c.id]
    if wanted.clock is not None:
        of_case, of_clock = conditions[wanted.clock]
        yield of_case
        if wanted.clock_kind is None and wanted.clock != "at_risk":
            return
        found.append(of_clock)
    if wanted.clock_kind is not None:
        found.append(c.kind == wanted.clock_kind)
    yield exists().where(*found)


def cases_of(model: ReadModel, scope: Scope) -> list[str]:
    """The ids of every case in scope, for a tablet's session."""
    with model.engine.connect() as connection:
        return list(connection.scalars(select(cases.c.id).where(*_conditions(scope, CaseFilter()))))


def find_photos(model: ReadModel, photo_id: str) -> list[dict[str, Any]]:
    """The photos of this id, those of older cases first: ids are given by tablets, each in its own case."""
    query = select(photos).where(photos.c.id == photo_id).order_by(photos.c.case_id)
    with model.engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def photos_of(model: ReadModel, case_id: str) -> list[dict[str, Any]]:
    query = select(photos).where(photos.c.case_id == case_id).order_by(photos.c.taken_at, photos.c.id)
    with model.engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def scoped(scope: Scope, *, manager: str | None = None) -> list[ColumnElement[bool]]:
    """The conditions on cases that a person may see, of one manager if named."""
    return _conditions(scope, CaseFilter(manager=manager))


def _conditions(scope: Scope, wanted: CaseFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [cases.c.organisation == scope.organisation]
    if scope.inspector is not None:
        found.append(_inspected_by(scope.inspector))
    if wanted.inspector is not None:
        found.append(_inspected_by(wanted.inspector))
    for column, value in (
        (cases.c.stage, wanted.stage),
        (cases.c.manager, wanted.manager),
        (cases.c.energization, wanted.energization),
    ):
        if value is not None:
            found.append(column == value)
    if wanted.overdue_on is not None:
        found.append(
            exists().where(
                tasks.c.case_id == cases.c.id,
                tasks.c.status.not_in(["accepted", "cancelled"]),
                tasks.c.due < wanted.overdue_on,
            )
            | (cases.c.next_due < wanted.overdue_on)
        )
    if wanted.clock is not None or wanted.clock_kind is not None:
        found += _clock_conditions(wanted)
    if wanted.q:
        like = f"%{_escape(wanted.q)}%"
        found.append(
            or_(*(c.ilike(like, escape="\\") for c in (cases.c.no, cases.c.customer, cases.c.address)))
        )
    if wanted.bbox is not None:
        west, south, east, north = wanted.bbox
        found.append(and_(cases.c.lon.between(west, east), cases.c.lat.between(south, north)))
    return found


def _inspected_by(name: str) -> ColumnElement[bool]:
    return exists().where(case_inspectors.c.case_id == cases.c.id, case_inspectors.c.name == name)


def _escape(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
