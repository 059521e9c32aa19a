"""What lies in a box of the map: cases, open tasks and tracks, a page at a time in the order of their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, func, insert, select, tuple_

from server.readmodel.database import ReadModel
from server.readmodel.queries import Scope
from server.readmodel.tables import case_inspectors, cases, tasks, tracks
from server.workflow.vocabulary import SETTLED_TASKS

#: West, south, east, north; WGS-84 degrees.
Box = tuple[float, float, float, float]
#: Those in which somebody has to go there: of photos that are on their way, nobody has.
_ON_SITE = ("assigned", "returned")


@dataclass(frozen=True)
class Walked:
    """Which tracks are wanted: those of one person, and of a stretch of time (UTC, as the tracks have it)."""

    by: str | None = None
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class Found:
    """Rows of a page, and whether more follow."""

    rows: list[dict[str, Any]]
    more: bool


def put_tracks(
    model: ReadModel, case_id: str, rows: Sequence[dict[str, Any]], *, gone: Sequence[str] = ()
) -> None:
    """Show these tracks of a case, in the place of what was known of them; forget those that are `gone`."""
    named = [*(row["id"] for row in rows), *gone]
    with model.writing() as connection:
        connection.execute(delete(tracks).where(tracks.c.case_id == case_id, tracks.c.id.in_(named)))
        if rows:
            connection.execute(insert(tracks), [{**row, "case_id": case_id} for row in rows])


def cases_in(model: ReadModel, scope: Scope, box: Box, *, behind: str = "", limit: int) -> Found:
    """Cases whose site lies in the box."""
    query = select(cases).where(*_in_scope(scope), *_at(box), cases.c.id > behind)
    return _page(model, query.order_by(cases.c.id), limit)


def tasks_in(
    model: ReadModel, scope: Scope, box: Box, *, behind: tuple[str, str] = ("", ""), limit: int
) -> Found:
    """Open tasks of these cases; to an inspector, those that are assigned to that person."""
    c = cases.c
    query = (
        select(tasks, c.no, c.customer, c.address, c.stage, c.manager, c.lon, c.lat)
        .join(cases, c.id == tasks.c.case_id)
        .where(*_in_scope(scope), *_at(box), tasks.c.status.not_in(sorted(SETTLED_TASKS)))
        .where(tuple_(tasks.c.case_id, tasks.c.id) > tuple_(*behind))
    )
    if scope.inspector is not None:
        assigned = func.json_each(tasks.c.assignees).table_valued("value")
        query = query.where(exists(select(assigned.c.value).where(assigned.c.value == scope.inspector)))
    return _page(model, query.order_by(tasks.c.case_id, tasks.c.id), limit)


def tracks_in(
    model: ReadModel,
    scope: Scope,
    box: Box,
    walked: Walked,
    *,
    behind: tuple[str, str] = ("", ""),
    limit: int,
) -> Found:
    """Tracks whose own box meets this one; to an inspector, that person's own."""
    west, south, east, north = box
    t = tracks.c
    meets = (t.west <= east, t.east >= west, t.south <= north, t.north >= south)
    query = (
        select(tracks, cases.c.no)
        .join(cases, cases.c.id == t.case_id)
        .where(*_in_scope(scope), *meets, tuple_(t.case_id, t.id) > tuple_(*behind))
    )
    for wanted in {*filter(None, (walked.by, scope.inspector))}:
        query = query.where(t.by == wanted)
    if walked.since is not None:
        query = query.where(t.ended_at >= walked.since)
    if walked.until is not None:
        query = query.where(t.started_at <= walked.until)
    return _page(model, query.order_by(t.case_id, t.id), limit)


def tasks_to_do(model: ReadModel, organisation: str, name: str, *, limit: int) -> Found:
    """Tasks for which this person has to go somewhere, those due first; where their cases lie."""
    c = cases.c
    assigned = func.json_each(tasks.c.assignees).table_valued("value")
    query = (
        select(tasks, c.no, c.customer, c.address, c.lon, c.lat)
        .join(cases, c.id == tasks.c.case_id)
        .where(c.organisation == organisation, tasks.c.status.in_(_ON_SITE))
        .where(exists(select(assigned.c.value).where(assigned.c.value == name)))
        .where(exists().where(case_inspectors.c.key == c.key, case_inspectors.c.name == name))
    )
    return _page(model, query.order_by(tasks.c.due.asc().nulls_last(), tasks.c.case_id, tasks.c.id), limit)


def _in_scope(scope: Scope) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [cases.c.organisation == scope.organisation]
    if scope.inspector is not None:
        theirs = case_inspectors.c.key == cases.c.key
        found.append(exists().where(theirs, case_inspectors.c.name == scope.inspector))
    return found


def _at(box: Box) -> tuple[ColumnElement[bool], ...]:
    west, south, east, north = box
    return cases.c.lon.between(west, east), cases.c.lat.between(south, north)


def _page(model: ReadModel, query: Select[Any], limit: int) -> Found:
    with model.engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(query.limit(limit + 1)).mappings()]
    return Found(rows[:limit], len(rows) > limit)
