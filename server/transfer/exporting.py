"""Lists for spreadsheets and other programs: cases, notices and tasks, written as they are read.

Texts that a spreadsheet would take for a formula get an apostrophe before them, in CSV and XLSX; JSON has
them as they are.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import select

from checklists.xlsform.bounds import LAST_ROW
from checklists.xlsform.workbook import defused
from server.readmodel.database import ReadModel
from server.readmodel.queries import CaseFilter, Scope, list_cases
from server.readmodel.tables import notices, tasks
from server.texts import text

What = Literal["cases", "notices", "tasks"]
Cell = str | int | float | bool | None

#: What positions of the read model are in, whatever they came in.
_READ: dict[str, Cell] = {"datum": "wgs84"}
#: Cases read at a time.
_PAGE = 500
_CASE = ("no", "customer", "stage", "manager")
COLUMNS: dict[What, tuple[str, ...]] = {
    "cases": (
        *("no", "customer", "address", "process", "voltage_kv", "capacity_kva", "manager", "stage"),
        *("energization", "ready", "open_tasks", "open_notices", "next_due", "lon", "lat"),
        *("datum", "opened_at", "updated_at"),
    ),
    "notices": (*_CASE, "n", "status", "round", "items", "due"),
    "tasks": (*_CASE, "id", "kind", "status", "due", "assignees"),
}
_TABLES = {"notices": notices, "tasks": tasks}


class TooManyRows(Exception):
    """More rows than a sheet has."""


def rows(
    model: ReadModel, scope: Scope, wanted: CaseFilter, what: What, sort: str
) -> Iterator[dict[str, Cell]]:
    """Every row, page by page, in the order of its cases; what is written meanwhile may be missing."""
    place = None
    while True:
        page = list_cases(model, scope, wanted, sort=sort, limit=_PAGE, after=place)
        if what == "cases":
            yield from ({name: {**_READ, **row}[name] for name in COLUMNS[what]} for row in page.rows)
        else:
            yield from _of_cases(model, what, page.rows)
        place = page.next
        if place is None:
            return


def _of_cases(model: ReadModel, what: What, cases: Sequence[dict[str, Any]]) -> Iterator[dict[str, Cell]]:
    table = _TABLES[what]
    found: dict[str, list[dict[str, Any]]] = {}
    query = select(table).where(table.c.case_id.in_([case["id"] for case in cases]))
    with model.engine.connect() as connection:
        for one in connection.execute(query.order_by(*table.primary_key.columns)).mappings():
            found.setdefault(one["case_id"], []).append(dict(one))
    for case in cases:
        for row in found.get(case["id"], ()):
            if isinstance(row.get("assignees"), list):
                row["assignees"] = ", ".join(row["assignees"])
            yield {name: case[name] if name in _CASE else row[name] for name in COLUMNS[what]}


def headings(what: What, lang: str) -> list[str]:
    return [text(f"export.{name}", lang) for name in COLUMNS[what]]


def as_csv(what: What, found: Iterator[dict[str, Cell]], lang: str) -> Iterator[bytes]:
    """UTF-8 with a mark, by which spreadsheets know it; lines end as RFC 4180 has it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(headings(what, lang))
    yield b"\xef\xbb\xbf"
    for n, row in enumerate(found, 1):
        writer.writerow([_defused(value) for value in row.values()])
        if n % _PAGE == 0:
            yield _taken(out)
    yield _taken(out)


def _taken(out: io.StringIO) -> bytes:
    data = out.getvalue().encode()
    out.seek(0)
    out.truncate()
    return data


def as_json(found: Iterator[dict[str, Cell]]) -> Iterator[bytes]:
    """An array, an object a line."""
    before = b"[\n"
    for row in found:
        yield before + json.dumps(row, ensure_ascii=False).encode()
        before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"


def write_xlsx(path: Path, what: What, found: Iterator[dict[str, Cell]], lang: str) -> None:
    """Raises TooManyRows."""
    import openpyxl  # noqa: PLC0415  large, and only for who wants a workbook

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(what)
    sheet.freeze_panes = "A2"
    sheet.append(headings(what, lang))
    for n, row in enumerate(found, 2):
        if n > LAST_ROW:
            raise TooManyRows
        sheet.append([_defused(value) for value in row.values()])
    book.save(path)


def _defused(value: Cell) -> Cell:
    """A text as `defused` has it; a blank one stays blank."""
    if not isinstance(value, str):
        return value
    return str(defused(value)) if value else value
