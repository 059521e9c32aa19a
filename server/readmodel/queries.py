"""What the office asks: lists, filtered, sorted and paged in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from server.readmodel.database import ReadModel
from server.readmodel.tables import anomalies, case_inspectors, cases, clocks, photos, tasks

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
ClockLevel = Literal["none", "first", "second", "full", "unknown", "over"]
#: From the least to the most urgent.
LEVELS: tuple[ClockLevel, ...] = get_args(ClockLevel)
#: What is owed by law goes before what was promised, and that before one's own limits.
_KINDS = ("legal", "promise", "internal")


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


def urgent_clocks(model: ReadModel, case_ids: Sequence[str], today: str) -> dict[str, dict[str, Any]]:
    """The most urgent clock of each case on a day, with its `level`; no entry where no clock is left."""
    query = select(clocks).where(clocks.c.case_id.in_(case_ids))
    found: dict[str, dict[str, Any]] = {}
    with model.engine.connect() as connection:
        for mapping in connection.execute(query).mappings():
            row: dict[str, Any] = dict(mapping)
            row["level"] = clock_level(row, today)
            known = found.get(row["case_id"])
            if known is None or _urgency(row) > _urgency(known):
                found[row["case_id"]] = row
    return found


def clock_level(row: Mapping[str, Any], today: str) -> ClockLevel:
    """How far a clock has come on a day."""
    days = {
        "over": row["over_on"],
        "unknown": row["unknown_from"],
        "full": row["full_on"],
        "second": row["second_on"],
        "first": row["first_on"],
    }
    passed = [level for level in reversed(LEVELS) if (day := days.get(level)) and day <= today]
    return passed[0] if passed else "none"


@dataclass(frozen=True)
class AnomalyFilter:
    """What a list of anomalies is narrowed to; `today` is the day on which they hold."""

    today: str
    monitor: str | None = None
    code: str | None = None
    watch: int | None = None
    manager: str | None = None
    case_id: str | None = None


def list_anomalies(
    model: ReadModel, scope: Scope, wanted: AnomalyFilter, *, offset: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Rows of one page, each with its case's number and manager, the gravest first; and how many in all."""
    a = anomalies.c
    found = [
        *_conditions(scope, CaseFilter(manager=wanted.manager)),
        a.case_id == cases.c.id,
        a.since <= wanted.today,
        or_(a.until.is_(None), a.until > wanted.today),
    ]
    for column, value in (
        (a.monitor, wanted.monitor),
        (a.code, wanted.code),
        (a.watch, wanted.watch),
        (a.case_id, wanted.case_id),
    ):
        if value is not None:
            found.append(column == value)
    shown = (anomalies, cases.c.no, cases.c.customer, cases.c.manager, cases.c.stage)
    page = (
        select(*shown)
        .where(*found)
        .order_by(a.watch.desc(), a.since, a.case_id, a.n)
        .offset(offset)
        .limit(limit)
    )
    with model.engine.connect() as connection:
        total = connection.scalar(select(func.count()).select_from(anomalies, cases).where(*found)) or 0
        return [dict(row) for row in connection.execute(page).mappings()], total


def _urgency(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Greater is more urgent: the level, then what runs, then what is due first, then the gravest kind."""
    due = row["due"] or "9999"
    return (
        LEVELS.index(row["level"]),
        row["state"] == "running",
        tuple(-ord(character) for character in due),
        -_KINDS.index(row["kind"]),
        row["id"],
    )


def _clock_condition(wanted: CaseFilter) -> ColumnElement[bool]:
    c, today = clocks.c, wanted.today
    over = c.over_on <= today
    not_over = or_(c.over_on.is_(None), c.over_on > today)
    conditions: dict[ClockFilter, ColumnElement[bool]] = {
        "overdue": over,
        "at_risk": and_(or_(c.second_on <= today, c.unknown_from <= today), not_over),
        "paused": c.state == "paused",
    }
    found = [c.case_id == cases.c.id]
    if wanted.clock is not None:
        found.append(conditions[wanted.clock])
    if wanted.clock_kind is not None:
        found.append(c.kind == wanted.clock_kind)
    return exists().where(*found)


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
        found.append(_clock_condition(wanted))
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
