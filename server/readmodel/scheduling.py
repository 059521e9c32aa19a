"""Lists of works that need an outage and of month plans: filtered, in order, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
)

from server.readmodel.database import ReadModel
from server.readmodel.paging import Order, Place
from server.readmodel.queries import unindexed
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


def put_works(model: ReadModel, found: Sequence[WorkRows]) -> None:
    """Show works as they are, in the place of what was known of them; what is known of a later generation
    stays. No work may come twice."""
    with model.writing() as connection:
        wanted = _replaced(
            connection, works, {(one.work["organisation"], one.work["id"]): one.work for one in found}
        )
        for table, names in ((work_cases, "cases"), (work_feeders, "feeders")):
            told = [
                {"organisation": one.work["organisation"], "work": one.work["id"], "name": name}
                for one in found
                for name in {*getattr(one, names)}
            ]
            _tell(connection, table, "work", wanted, told)


def put_plans(model: ReadModel, found: Sequence[PlanRows]) -> None:
    """The same of plans."""
    with model.writing() as connection:
        wanted = _replaced(
            connection, plans, {(one.plan["organisation"], one.plan["id"]): one.plan for one in found}
        )
        told = [
            {"organisation": one.plan["organisation"], "plan": one.plan["id"], "work": name}
            for one in found
            for name in {*one.works}
        ]
        _tell(connection, plan_works, "plan", wanted, told)


#: An organisation, and the id of something of its own.
_Key = tuple[str, str]


def _replaced(connection: Connection, table: Table, rows: Mapping[_Key, Mapping[str, Any]]) -> set[_Key]:
    """Put rows in the place of what is known, but of what is later; which of them."""
    known = select(table.c.generation).where(_here(table, "id"))
    later = {
        key
        for key, row in rows.items()
        if (connection.scalar(known, {"o": key[0], "n": key[1]}) or 0) > row["generation"]
    }
    wanted = rows.keys() - later
    _drop(connection, table, "id", wanted)
    if wanted:
        connection.execute(insert(table), [dict(rows[key]) for key in sorted(wanted)])
    return wanted


def _tell(
    connection: Connection, table: Table, name: str, wanted: set[_Key], told: Iterable[Mapping[str, Any]]
) -> None:
    """Say of the wanted ones anew what a table says of them, by the column that names them."""
    _drop(connection, table, name, wanted)
    rows = [row for row in told if (row["organisation"], row[name]) in wanted]
    if rows:
        connection.execute(insert(table), rows)


def _drop(connection: Connection, table: Table, name: str, keys: Iterable[_Key]) -> None:
    gone = [{"o": organisation, "n": one} for organisation, one in sorted(keys)]
    if gone:
        connection.execute(delete(table).where(_here(table, name)), gone)


def _here(table: Table, name: str) -> ColumnElement[bool]:
    return (table.c.organisation == bindparam("o")) & (table.c[name] == bindparam("n"))


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
    w = works.c
    if wanted.work is not None:
        found.append(_with(organisation, [wanted.work]))
    if wanted.kind is not None:
        kinds = select(w.id).where(w.organisation == organisation, w.kind == wanted.kind)
        found.append(_with(organisation, kinds))
    for table, name in ((work_cases, wanted.case), (work_feeders, wanted.feeder)):
        if name is not None:
            t = table.c
            named = select(t.work).where(t.organisation == organisation, t.name == name)
            found.append(_with(organisation, named))
    return _page(model, plans, plans.c.record, found, PLAN_SORTS, sort, limit, after)


def _with(organisation: str, among: Select[Any] | Sequence[str]) -> ColumnElement[bool]:
    """Of a plan: that one of these works was asked of it."""
    p = plan_works.c
    return plans.c.id.in_(select(p.plan).where(p.organisation == organisation, p.work.in_(among)))


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
    name, down = sort.removeprefix("-"), sort.startswith("-")
    order = Order(sorts[name], table.c.id, down=down, gaps=name in _NULLABLE)
    # Through what is found by its index, sorted; only all there is goes through the order.
    walked = order if len(found) == 1 else replace(order, by=unindexed(order.by), id=unindexed(order.id))
    keys = select(table.c.id).where(*found)
    if after is not None:
        keys = keys.where(walked.behind(after))
    keys = keys.order_by(*walked.clauses).limit(limit + 1)
    # The keys first, from an index alone: a row is read once it is known to be shown.
    shown = select(table.c.id, order.by.label("place"), whole.label("whole")).where(
        found[0], table.c.id.in_(keys)
    )
    with model.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")  # what is counted is what is shown
        total = connection.scalar(select(func.count()).select_from(table).where(*found)) or 0
        rows = connection.execute(shown.order_by(*order.clauses)).all() if total else []
    more = len(rows) > limit
    rows = rows[:limit]
    place = Place(rows[-1].place, rows[-1].id) if more else None
    return SchedulingPage([row.whole for row in rows], total, place)
