"""A workbook as sheets of texts, and sheets of texts as a workbook.

Every cell is a text here: what a spreadsheet made of it (a number, TRUE, a date) is written as the XLSForm
standard reads it. Formulas are never evaluated; a cell that has one keeps it apart from its text.
"""

from __future__ import annotations

import io
import re
import shutil
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import IO, Any

from checklists.xlsform.bounds import CELL_CHARACTERS, LAST_ROW, Bounds
from checklists.xlsform.finding import Finding, Findings, Refusal, XlsFormError
from checklists.xlsform.package import check_package

__all__ = ["Row", "Sheet", "Words", "defused", "read_workbook", "refused", "stamp", "write_workbook"]

#: Formulas that spreadsheets write for a mere TRUE or FALSE.
_CONSTANTS = {"=TRUE()": "TRUE", "=FALSE()": "FALSE"}
#: Every cell's time, so that one definition always gives the same bytes.
_WRITTEN_AT = datetime(2000, 1, 1)  # noqa: DTZ001 - the file format knows no zones
_MOMENT = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_TO_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)|[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_WIDTH = 24


class Words(str):
    """A text that somebody wrote, to be written into a cell where programs look for `${references}`."""

    __slots__ = ()


@dataclass(frozen=True)
class Row:
    """A row by its number in the sheet; `cells` and `formulas` by heading, blank cells left out."""

    number: int
    cells: dict[str, str] = field(default_factory=dict)
    formulas: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.cells or self.formulas)


@dataclass(frozen=True)
class Sheet:
    """A sheet by its own name: the headings of its first row, and the rows below that are not empty."""

    name: str
    headings: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()


def read_workbook(data: bytes, bounds: Bounds, findings: Findings) -> dict[str, Sheet]:
    """The sheets by their names in lower case. Raises XlsFormError."""
    check_package(data, bounds, findings)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of extensions that it leaves out
            import openpyxl  # noqa: PLC0415  eight megabytes, and a server may never see a workbook

            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
            names = [str(name) for name in book.sheetnames]
            if len(names) > bounds.sheets:
                raise refused("too_many_sheets", have=len(names), limit=bounds.sheets)
            if len({name.strip().lower() for name in names}) < len(names):
                raise refused("damaged")
            return {name.strip().lower(): _read_sheet(book[name], name, bounds, findings) for name in names}
    except XlsFormError:
        raise
    except (
        # What openpyxl and the parsers below it raise at parts that are not as the format has them.
        AttributeError,
        AssertionError,
        IndexError,
        KeyError,
        OverflowError,
        SyntaxError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
    ) as error:
        raise refused("damaged") from error


def refused(
    what: Refusal,
    sheet: str | None = None,
    row: int | None = None,
    column: str | None = None,
    **params: Any,
) -> XlsFormError:
    """One fault as an error, to be raised where reading cannot go on."""
    return XlsFormError([Finding(what, sheet, row, column, params)])


def _read_sheet(sheet: Any, name: str, bounds: Bounds, findings: Findings) -> Sheet:
    if not hasattr(sheet, "iter_rows"):  # a sheet that is one chart
        return Sheet(name)
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    sheet.reset_dimensions()  # the author's word, too
    headings: dict[int, str] = {}
    rows: list[Row] = []
    cells = 0
    for number, line in enumerate(sheet.iter_rows(), 1):
        if number > LAST_ROW:
            raise refused("damaged")
        filled = [cell for cell in line if cell.value is not None and cell.value != ""]
        cells += len(filled)
        if not filled:
            continue
        if cells > bounds.cells:
            raise refused("too_many_cells", name, number, limit=bounds.cells)
        if len(rows) >= bounds.rows:
            raise refused("too_many_rows", name, number, limit=bounds.rows)
        if filled[-1].column > bounds.columns:
            letter = get_column_letter(filled[-1].column)
            raise refused("too_many_columns", name, number, letter, limit=bounds.columns)
        if number == 1:
            headings = _headings(name, filled, findings)
            continue
        row = Row(number)
        for cell in filled:
            heading = headings.get(cell.column, get_column_letter(cell.column))
            _read_cell(cell, name, row, heading, findings)
        if row:
            rows.append(row)
    return Sheet(name, tuple(headings.values()), tuple(rows))


def _headings(sheet: str, filled: Sequence[Any], findings: Findings) -> dict[int, str]:
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    headings: dict[int, str] = {}
    row = Row(1)
    for cell in filled:
        letter = get_column_letter(cell.column)
        _read_cell(cell, sheet, row, letter, findings)
        if letter in row.formulas:
            findings.fault("formula", sheet, 1, letter, formula=row.formulas[letter])
        heading = " ".join(row.cells.get(letter, "").split())
        if heading in headings.values():
            findings.fault("repeated_column", sheet, 1, letter, heading=heading)
        elif heading:
            headings[cell.column] = heading
    return headings


def _read_cell(cell: Any, sheet: str, row: Row, heading: str, findings: Findings) -> None:
    value = cell.value
    if cell.data_type == "e":
        findings.fault("error_value", sheet, row.number, heading, value=str(value))
    elif cell.data_type == "f" or not isinstance(value, str | bool | int | float | date | time | timedelta):
        formula = value if isinstance(value, str) else "{=…}"
        if formula in _CONSTANTS:
            row.cells[heading] = _CONSTANTS[formula]
        else:
            row.formulas[heading] = formula
    else:
        text = _text(value)
        if len(text) > CELL_CHARACTERS:
            findings.fault("too_long", sheet, row.number, heading, limit=CELL_CHARACTERS)
        elif text.strip():
            row.cells[heading] = text


def _text(value: str | bool | int | float | date | time | timedelta) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time.min:
        return value.date().isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), str(value))


def defused(text: str) -> Words:
    """A text that no spreadsheet takes for a formula, by an apostrophe before it; a blank one keeps its
    place in the same way.

    Reading a form that Hezha wrote takes the apostrophe away again."""
    return Words(f"'{text}" if not text.strip() or text[0] in "=+-@\t\r\n'" else text)


def write_workbook(sheets: Iterable[tuple[str, Sequence[Sequence[str | None]]]]) -> bytes:
    """An XLSX file of sheets, each with its name and rows; every cell is a text and stays one.

    The same sheets give the same bytes. Raises XlsFormError for a text that no cell can hold."""
    import openpyxl  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    book = openpyxl.Workbook(write_only=True)
    book.properties.creator = "Hezha"
    book.properties.created = book.properties.modified = _WRITTEN_AT
    ready = [
        (name, [[_escaped(text, name, number) for text in row] for number, row in enumerate(rows, 1)])
        for name, rows in sheets
    ]
    for name, rows in ready:
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for column in range(1, len(rows[0]) + 1):
            sheet.column_dimensions[get_column_letter(column)].width = _WIDTH
        for number, row in enumerate(rows, 1):
            sheet.append([_cell(sheet, text, heading=number == 1) for text in row])
    buffer = io.BytesIO()
    book.save(buffer)
    stamped = io.BytesIO()
    stamp(buffer, stamped)
    return stamped.getvalue()


def _escaped(text: str | None, sheet: str, row: int) -> str | None:
    if text is None:
        return None
    escaped = _TO_ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    if isinstance(text, Words):
        escaped = escaped.replace("${", "$_x007B_")
    if len(escaped) > CELL_CHARACTERS:
        raise refused("too_long", sheet, row, limit=CELL_CHARACTERS)
    return escaped


def _cell(sheet: Any, text: str | None, *, heading: bool) -> Any:
    if text is None:
        return None
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    from openpyxl.styles import Alignment, Font  # noqa: PLC0415

    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"  # openpyxl takes a text that begins with = for a formula
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    if heading:
        cell.font = Font(bold=True)
    return cell


def stamp(source: IO[bytes], target: IO[bytes]) -> None:
    """Write the workbook `source` to `target` with one time on everything: openpyxl stamps every part, and
    the properties, with the time of writing."""
    with zipfile.ZipFile(source) as written, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as stamped:
        for part in written.infolist():
            about = zipfile.ZipInfo(part.filename, _WRITTEN_AT.timetuple()[:6])
            about.compress_type = zipfile.ZIP_DEFLATED
            about.file_size = part.file_size
            with written.open(part) as content, stamped.open(about, "w") as copy:
                if part.filename == "docProps/core.xml":
                    copy.write(_MOMENT.sub(rb"\g<1>2000-01-01T00:00:00Z", content.read()))
                else:
                    shutil.copyfileobj(content, copy)
