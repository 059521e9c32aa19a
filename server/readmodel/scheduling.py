"""Lists of works that need an outage and of month plans: filtered, in order, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    delete,
    exists,
    func,
    insert,
    select,
)

from server.readmodel.database import ReadModel
from server.readmodel.paging import Order, Place
from server.readmodel.tables import plan_works, plans, work_cases, work_feeders, works

__all__ = [
    "PLAN_SORTS",
    "WORK_SORTS",
    "PlanFilter",
    "PlanRows",
    "SchedulingPage",
    "WorkFilter",
    "WorkRows",
    "list_plans",
    "list_works",
    "put_plans",
    "put_works",
]

WORK_SORTS: Mapping[str, ColumnElement[Any]] = {
    "id": works.c.id,
    "requested": works.c.requested_at,
    "month": works.c.month,
}
PLAN_SORTS: Mapping[str, ColumnElement[Any]] = {
    "requested": plans.c.requested_at,
    "month": plans.c.month,
}
#: An order with gaps: what has nothing there comes last, either way.
_NULLABLE = {"month"}


@dataclass(frozen=True)
class WorkRows:
    """The rows of one work: its own, and the cases and feeders by which it is found."""

    work: Mapping[str, Any]
    cases: Sequence[str]
    feeders: Sequence[str]


@dataclass(frozen=True)
class PlanRows:
    """The rows of one plan: its own, and the works that were asked of it."""

    plan: Mapping[str, Any]
    works: Sequence[str]


@dataclass(frozen=True)
class WorkFilter:
    """What a list of works is narrowed to. `month`: `2026-12`; `plan`: the published plan that it is in."""

    state: str | None = None
    network: str | None = None
    plan: str | None = None
    month: str | None = None
    kind: str | None = None
    case: str | None = None
    feeder: str | None = None


@dataclass(frozen=True)
class PlanFilter:
    """What a list of plans is narrowed to; `work`, `case`, `feeder`, `kind` are of a work asked of it."""

    state: str | None = None
    network: str | None = None
    month: str | None = None
    work: str | None = None
    case: str | None = None
    feeder: str | None = None
    kind: str | None = None


@dataclass(frozen=True)
class SchedulingPage:
    """What was kept of each work or plan of a page, how many there are in all, and the place behind the last,
    if more follow there."""

    found: list[bytes]
    total: int
    next: Place | None


def put_works(model: ReadModel, found: Iterable[WorkRows]) -> None:
    """Show works as they are, in the place of what was known of them; what is known of a later generation
    stays."""
    with model.writing() as connection:
        for rows in found:
            if not _replaced(connection, works, rows.work):
                continue
            about = {"organisation": rows.work["organisation"], "work": rows.work["id"]}
            for table, names in ((work_cases, rows.cases), (work_feeders, rows.feeders)):
                same = (table.c.organisation == about["organisation"]) & (table.c.work == about["work"])
                connection.execute(delete(table).where(same))
                if names:
                    connection.execute(insert(table), [{**about, "name": name} for name in {*names}])


def put_plans(model: ReadModel, found: Iterable[PlanRows]) -> None:
    """The same of plans."""
    with model.writing() as connection:
        for rows in found:
            if not _replaced(connection, plans, rows.plan):
                continue
            about = {"organisation": rows.plan["organisation"], "plan": rows.plan["id"]}
            t = plan_works.c
            same = (t.organisation == about["organisation"]) & (t.plan == about["plan"])
            connection.execute(delete(plan_works).where(same))
            if rows.works:
                connection.execute(insert(plan_works), [{**about, "work": one} for one in {*rows.works}])


def _replaced(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Put a row in the place of what is known, unless that is later."""
    same = (table.c.organisation == row["organisation"]) & (table.c.id == row["id"])
    known = connection.scalar(select(table.c.generation).where(same))
    if known is not None and known > row["generation"]:
        return False
    connection.execute(delete(table).where(same))
    connection.execute(insert(table), dict(row))
    return True


def list_works(
    model: ReadModel,
    organisation: str,
    wanted: WorkFilter,
    *,
    sort: str,
    limit: int,
    after: Place | None = None,
) -> SchedulingPage:
    """One page of an organisation's works. `sort` is a key of WORK_SORTS, `-` before it for down; what is
    equal there is in the order of the ids, the same way."""
    found = [works.c.organisation == organisation, *_equal(works, _plain(wanted, works))]
    for table, name in ((work_cases, wanted.case), (work_feeders, wanted.feeder)):
        if name is not None:
            t = table.c
            named = select(t.work).where(t.organisation == organisation, t.name == name)
            found.append(works.c.id.in_(named))
    return _page(model, works, works.c.request, found, WORK_SORTS, sort, limit, after)


def list_plans(
    model: ReadModel,
    organisation: str,
    wanted: PlanFilter,
    *,
    sort: str,
    limit: int,
    after: Place | None = None,
) -> SchedulingPage:
    """One page of an organisation's plans; `sort` is a key of PLAN_SORTS, as of works."""
    found = [plans.c.organisation == organisation, *_equal(plans, _plain(wanted, plans))]
    p, w = plan_works.c, works.c
    if wanted.work is not None:
        found.append(_asked(organisation, p.work == wanted.work))
    if wanted.kind is not None:
        kinds = select(w.id).where(w.organisation == organisation, w.kind == wanted.kind)
        found.append(_asked(organisation, p.work.in_(kinds)))
    for table, name in ((work_cases, wanted.case), (work_feeders, wanted.feeder)):
        if name is not None:
            t = table.c
            named = select(t.work).where(t.organisation == organisation, t.name == name)
            found.append(_asked(organisation, p.work.in_(named)))
    return _page(model, plans, plans.c.record, found, PLAN_SORTS, sort, limit, after)


def _asked(organisation: str, which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Of a plan: that a work was asked of it."""
    p = plan_works.c
    return exists().where(p.organisation == organisation, p.plan == plans.c.id, which)


def _plain(wanted: WorkFilter | PlanFilter, table: Table) -> dict[str, str]:
    """The filters that are columns of the table itself."""
    named = {name: getattr(wanted, name) for name in wanted.__dataclass_fields__ if name in table.c}
    return {name: value for name, value in named.items() if value is not None}


def _equal(table: Table, values: Mapping[str, str]) -> list[ColumnElement[bool]]:
    return [table.c[name] == value for name, value in values.items()]


def _page(
    model: ReadModel,
    table: Table,
    whole: ColumnElement[bytes],
    found: Sequence[ColumnElement[bool]],
    sorts: Mapping[str, ColumnElement[Any]],
    sort: str,
    limit: int,
    after: Place | None,
) -> SchedulingPage:
    name = sort.removeprefix("-")
    order = Order(sorts[name], table.c.id, down=sort.startswith("-"), gaps=name in _NULLABLE)
    query: Select[Any] = select(table.c.id, order.by.label("place"), whole.label("whole")).where(*found)
    if after is not None:
        query = query.where(order.behind(after))
    with model.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")  # what is counted is what is shown
        total = connection.scalar(select(func.count()).select_from(table).where(*found)) or 0
        rows = connection.execute(query.order_by(*order.clauses).limit(limit + 1)).all() if total else []
    more = len(rows) > limit
    rows = rows[:limit]
    place = Place(rows[-1].place, rows[-1].id) if more else None
    return SchedulingPage([row.whole for row in rows], total, place)
