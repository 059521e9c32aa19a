"""XLSX files as other people's programs write them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import openpyxl

from checklists.xlsform import Imported, XlsFormError, read_xlsform

Rows = Sequence[Mapping[str, Any]]

YES_NO: Rows = (
    {"list_name": "yn", "name": "yes", "label::中文 (zh)": "是", "label::English (en)": "Yes"},
    {"list_name": "yn", "name": "no", "label::中文 (zh)": "否", "label::English (en)": "No"},
)
TITLED: Rows = ({"form_title": "配电房", "form_id": "room", "hezha::title_en": "Switch room"},)


def workbook(**sheets: Rows) -> bytes:
    """A workbook of sheets, each row a mapping from heading to cell."""
    book = openpyxl.Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        headings = list(dict.fromkeys(heading for row in rows for heading in row))
        sheet.append(headings)
        for row in rows:
            sheet.append([row.get(heading) for heading in headings])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def imported(
    survey: Rows, choices: Rows = YES_NO, settings: Rows = TITLED, stage: Any = "survey", **more: Rows
) -> Imported:
    """What a form gives."""
    return read_xlsform(workbook(survey=survey, choices=choices, settings=settings, **more), stage=stage)


def question(kind: str, name: str = "q", /, **cells: Any) -> dict[str, Any]:
    """A row of the survey sheet in both languages."""
    return {"type": kind, "name": name, "label::中文 (zh)": "题", "label::English (en)": "Question", **cells}


def refusals(data: bytes, **options: Any) -> list[tuple[str, str | None, int | None, str | None]]:
    """Why a file is refused: what, and where."""
    try:
        read_xlsform(data, **{"stage": "survey", **options})
    except XlsFormError as error:
        return [(found.what, found.sheet, found.row, found.column) for found in error.findings]
    return []


def repacked(data: bytes, change: Callable[[str, bytes], bytes | None], **added: bytes) -> bytes:
    """The file with its parts changed (None leaves one out) and others added."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            content = change(part, old.read(part))
            if content is not None:
                new.writestr(part, content)
        for part, content in added.items():
            new.writestr(part, content)
    return buffer.getvalue()
