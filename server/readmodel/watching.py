"""What asks for attention: the most urgent clock of each case, and what monitors tell, right on any day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, func, select

from server.readmodel.database import ReadModel
from server.readmodel.queries import unindexed
from server.readmodel.spans import NEVER
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
    """What a list of anomalies is narrowed to; `today` is the day on which they hold. `standing`: what became
    of them, as in workflow/explanations.py."""

    today: str
    monitor: str | None = None
    code: str | None = None
    watch: int | None = None
    manager: str | None = None
    standing: str | None = None


def list_anomalies(
    model: ReadModel, organisation: str, wanted: AnomalyFilter, *, offset: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Rows of one page, each with its case's id and number, the gravest first; and how many in all."""
    a = anomalies.c
    found: list[ColumnElement[bool]] = [
        a.organisation == organisation,
        a.since <= wanted.today,
        a.until > wanted.today,
    ]
    named = {
        "manager": wanted.manager,
        "code": wanted.code,
        "monitor": wanted.monitor,
        "standing": wanted.standing,
    }
    asked = {name: value for name, value in named.items() if value is not None}
    # Alone each has its index; two are found in the one that has them all, or in the manager's.
    by_index = "manager" if "manager" in asked else next(iter(asked)) if len(asked) == 1 else None
    for name, value in asked.items():
        condition = a[name] == value
        found.append(condition if name == by_index else unindexed(condition))
    if wanted.watch is not None:
        found.append(a.watch == wanted.watch)
    page = (
        select(a.key, a.n)
        .where(*found)
        .order_by(a.watch.desc(), a.since, a.key, a.n)
        .offset(offset)
        .limit(limit)
        .subquery()
    )
    # The page first, from an index alone, and then its rows.
    rows = (
        select(anomalies, cases.c.id.label("case_id"), cases.c.no, cases.c.customer, cases.c.stage)
        .select_from(page)
        .join(anomalies, (a.key == page.c.key) & (a.n == page.c.n))
        .join(cases, cases.c.key == page.c.key)
        .order_by(a.watch.desc(), a.since, a.key, a.n)
    )
    with model.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        total = connection.scalar(select(func.count()).select_from(anomalies).where(*found)) or 0
        told = [dict(row) for row in connection.execute(rows).mappings()]
    return [{**row, "until": None if row["until"] == NEVER else row["until"]} for row in told], total
