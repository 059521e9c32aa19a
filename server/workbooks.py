"""Workbooks for people: numbers as numbers, days as days, and no text that is a formula."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from checklists.xlsform.bounds import CELL_CHARACTERS, LAST_ROW
from checklists.xlsform.workbook import defused, stamp

__all__ = ["Sheet", "write_sheets"]

#: A sheet's name and its rows, the headings first.
Sheet = tuple[str, Iterable[list[Any]]]
_WIDTH = 18


def write_sheets(path: Path, sheets: Iterable[Sheet]) -> None:
    """A workbook at `path`, the same bytes for the same sheets. Rows beyond the last that a sheet can have
    are left out, and of a text what no cell can hold."""
    import openpyxl  # noqa: PLC0415  large, and only for who wants a workbook
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    book = openpyxl.Workbook(write_only=True)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for n, row in enumerate(rows, 1):
            if n == 1:
                for column in range(1, len(row) + 1):
                    sheet.column_dimensions[get_column_letter(column)].width = _WIDTH
            if n > LAST_ROW:
                break
            sheet.append([_cell(value) for value in row])
    with tempfile.TemporaryFile(dir=path.parent) as written:
        book.save(written)
        with path.open("wb") as target:
            stamp(written, target)


def _cell(value: Any) -> str | int | float | date | None:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # noqa: PLC0415

    if isinstance(value, str):
        told = str(ILLEGAL_CHARACTERS_RE.sub("", value))
        return str(defused(told))[:CELL_CHARACTERS] if told else None
    return value  # type: ignore[no-any-return]
