"""What surrounds cases, over all of an organisation: duties, and instruments that are still to be fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, func, select

from server.readmodel.database import ReadModel
from server.readmodel.surrounding_tables import duties, metering_needs
from server.readmodel.tables import cases
from server.workflow.metering import Instrument, Need


@dataclass(frozen=True)
class DutyFilter:
    """What a list of duties is narrowed to. `until`: due on that day or before; `overdue`: before today."""

    today: str
    kind: str | None = None
    who: str | None = None
    until: str | None = None
    overdue: bool = False


def list_duties(
    model: ReadModel, organisation: str, wanted: DutyFilter, *, offset: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Rows of one page, the earliest due first, each with its case; and how many in all."""
    d = duties.c
    found: list[ColumnElement[bool]] = [d.organisation == organisation, d.since <= wanted.today]
    if wanted.kind is not None:
        found.append(d.kind == wanted.kind)
    if wanted.who is not None:
        found.append(d.who == wanted.who)
    if wanted.until is not None:
        found.append(d.due <= wanted.until)
    if wanted.overdue:
        found.append(d.due < wanted.today)
    order = (d.due, d.key, d.n)
    page = select(d.key, d.n).where(*found).order_by(*order).offset(offset).limit(limit).subquery()
    # The page first, from an index alone, and then its rows.
    rows = (
        select(
            duties, cases.c.id.label("case_id"), cases.c.no, cases.c.customer, cases.c.manager, cases.c.stage
        )
        .select_from(page)
        .join(duties, (d.key == page.c.key) & (d.n == page.c.n))
        .join(cases, cases.c.key == page.c.key)
        .order_by(*order)
    )
    with model.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        total = connection.scalar(select(func.count()).select_from(duties).where(*found)) or 0
        return [dict(row) for row in connection.execute(rows).mappings()], total


def duties_since(model: ReadModel, organisation: str, today: str) -> list[dict[str, Any]]:
    """Every duty that shows on a day, each with its case's id."""
    query = (
        select(duties, cases.c.id.label("case_id"))
        .join(cases, cases.c.key == duties.c.key)
        .where(duties.c.organisation == organisation, duties.c.since <= today)
    )
    with model.engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def metering_demand(model: ReadModel, organisation: str, month: str) -> list[Need]:
    """What cases of an organisation need up to a month, `2026-12`, and was not fitted yet."""
    m = metering_needs.c
    query = (
        select(m.month, m.instrument, m.quantity, cases.c.no)
        .join(cases, cases.c.key == m.key)
        .where(m.organisation == organisation, m.month <= month)
        .order_by(m.month, cases.c.no, m.n)
    )
    with model.engine.connect() as connection:
        return [
            Need(row.month, msgspec.convert(row.instrument, Instrument), row.quantity, row.no)
            for row in connection.execute(query)
        ]
