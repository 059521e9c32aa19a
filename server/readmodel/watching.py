"""What asks for attention: the most urgent clock of each case, and what monitors tell, right on any day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, func, or_, select

from server.readmodel.database import ReadModel
from server.readmodel.queries import Scope, scoped
from server.readmodel.tables import anomalies, cases, clocks

ClockLevel = Literal["none", "first", "second", "full", "unknown", "over"]
#: From the least to the most urgent.
LEVELS: tuple[ClockLevel, ...] = get_args(ClockLevel)
#: What is owed by law goes before what was promised, and that before one's own limits.
_KINDS = ("legal", "promise", "internal")


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


@dataclass(frozen=True)
class AnomalyFilter:
    """What a list of anomalies is narrowed to; `today` is the day on which they hold."""

    today: str
    monitor: str | None = None
    code: str | None = None
    watch: int | None = None
    manager: str | None = None


def list_anomalies(
    model: ReadModel, scope: Scope, wanted: AnomalyFilter, *, offset: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Rows of one page, each with its case's number and manager, the gravest first; and how many in all."""
    a = anomalies.c
    found: list[ColumnElement[bool]] = [
        a.organisation == scope.organisation,
        a.since <= wanted.today,
        or_(a.until.is_(None), a.until > wanted.today),
    ]
    if scope.inspector is not None or wanted.manager is not None:
        found.append(a.case_id.in_(select(cases.c.id).where(*scoped(scope, manager=wanted.manager))))
    for column, value in ((a.monitor, wanted.monitor), (a.code, wanted.code), (a.watch, wanted.watch)):
        if value is not None:
            found.append(column == value)
    order = ("watch", "since", "case_id", "n")
    page = (
        select(anomalies)
        .where(*found)
        .order_by(a.watch.desc(), *(a[name] for name in order[1:]))
        .offset(offset)
        .limit(limit)
        .subquery()
    )
    # The page first, and then the cases of its rows alone.
    rows = (
        select(page, cases.c.no, cases.c.customer, cases.c.manager, cases.c.stage)
        .join(cases, cases.c.id == page.c.case_id)
        .order_by(page.c.watch.desc(), *(page.c[name] for name in order[1:]))
    )
    with model.engine.connect() as connection:
        total = connection.scalar(select(func.count()).select_from(anomalies).where(*found)) or 0
        return [dict(row) for row in connection.execute(rows).mappings()], total
