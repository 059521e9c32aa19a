"""Rows of a list, one at a time, from XLSX, CSV or JSON; what a file is, its first bytes say.

A cell is a text, whatever it was: what a spreadsheet made of it is written as a person would. Formulas are
never evaluated. Nothing but a few pieces of the file is held at any time.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, BinaryIO

from checklists.xlsform.bounds import CELL_CHARACTERS, LAST_ROW, Bounds
from checklists.xlsform.finding import Findings, XlsFormError
from checklists.xlsform.package import check_file
from server.transfer.findings import Finding, ListRefused

_ZIP, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_CHUNK = 64 * 1024
#: A JSON object of a list is a row; one that does not end within this is none.
_OBJECT_CHARACTERS = 1024 * 1024
_DELIMITERS = ",;\t"
#: Tried in this order; the second takes almost any bytes, so that a list in it is known by its headings.
_ENCODINGS = ("utf-8", "gb18030")


@dataclass(frozen=True)
class Limits:
    """The largest list that is read. `bytes` counts the file; the rest is of what it unpacks to."""

    rows: int
    bytes: int
    columns: int = 200
    unpacked_bytes: int = 4 * 1024 * 1024 * 1024
    cells: int = 20_000_000

    @property
    def workbook(self) -> Bounds:
        """The same for what a workbook is made of: a cell is two elements, and a row one."""
        return replace(
            Bounds(),
            file_bytes=self.bytes,
            unpacked_bytes=self.unpacked_bytes,
            elements=3 * self.cells,
        )


@dataclass(frozen=True)
class Row:
    """A row by its number in the list, headings included: texts by heading, blank cells left out."""

    number: int
    cells: Mapping[str, str]
    findings: tuple[Finding, ...] = field(default=())


def read_list(path: Path, limits: Limits) -> Iterator[Row]:
    """The rows of a list. Raises ListRefused, at once or at the row beyond which nothing can be read."""
    size = path.stat().st_size
    if size > limits.bytes:
        raise ListRefused(Finding("too_many_bytes", params={"have": size, "limit": limits.bytes}))
    with path.open("rb") as file:
        begins = file.read(_CHUNK)
    if not begins.strip(codecs.BOM_UTF8 + b" \t\r\n"):
        raise ListRefused(Finding("empty"))
    if begins.startswith(_ZIP):
        rows = _workbook(path, limits)
    elif begins.startswith(_OLD_EXCEL):
        raise ListRefused(Finding("xlsform.old_excel"))
    elif begins.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in {b"[", b"{"}:
        rows = _json(path)
    else:
        rows = _csv(path, limits)
    return _counted(rows, limits)


def _counted(rows: Iterator[Row], limits: Limits) -> Iterator[Row]:
    for n, row in enumerate(rows, 1):
        if n > limits.rows:
            raise ListRefused(Finding("too_many_rows", row.number, params={"limit": limits.rows}))
        yield row


# -- XLSX


def _workbook(path: Path, limits: Limits) -> Iterator[Row]:
    with path.open("rb") as file:
        yield from _sheet(file, _merged(file, limits), limits)


#: Ranges of merged cells that are named.
_TOLD = 5
_CELL = re.compile(r"^[A-Z]{1,3}[0-9]{1,7}(:[A-Z]{1,3}[0-9]{1,7})?$")


def _merged(file: BinaryIO, limits: Limits) -> list[str]:
    """Check the file before anything opens it; the first ranges of merged cells, as the sheets have them."""
    found: list[str] = []

    def watch(_part: str, name: str, attrs: Mapping[str, str]) -> None:
        if name.rpartition(":")[2] == "mergeCell" and len(found) < _TOLD:
            found.append(str(attrs.get("ref", "")))

    try:
        check_file(file, limits.workbook, Findings(), watch)
    except XlsFormError as error:
        raise _refused(error) from None
    return found


def _refused(error: XlsFormError) -> ListRefused:
    first = error.findings[0]
    return ListRefused(Finding(f"xlsform.{first.what}", first.row, params=first.params))


def _sheet(file: BinaryIO, merged: Sequence[str], limits: Limits) -> Iterator[Row]:
    if merged:
        ranges = ", ".join(one if _CELL.match(one) else "?" for one in merged)
        raise ListRefused(Finding("merged_cells", params={"ranges": ranges}))
    import openpyxl  # noqa: PLC0415  large, and only for who has a list

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of extensions that it leaves out
            book = openpyxl.load_workbook(file, read_only=True, keep_links=False)
            sheets = [sheet for sheet in book.worksheets if hasattr(sheet, "iter_rows")]
            if not sheets:
                raise ListRefused(Finding("empty"))
            sheet = sheets[0]
            sheet.reset_dimensions()  # the author's word, and not to be trusted
            yield from _lines(sheet, limits)
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
        raise ListRefused(Finding("xlsform.damaged")) from error


def _lines(sheet: Any, limits: Limits) -> Iterator[Row]:
    headings: list[str] | None = None
    for number, line in enumerate(sheet.iter_rows(), 1):
        if number > LAST_ROW:
            raise ListRefused(Finding("xlsform.damaged"))
        filled = [cell for cell in line if cell.value is not None and cell.value != ""]
        if not filled:
            continue
        if filled[-1].column > limits.columns:
            letter = _letter(filled[-1].column)
            params = {"limit": limits.columns}
            raise ListRefused(Finding("too_many_columns", number, column=letter, params=params))
        if headings is None:
            texts = {cell.column: _text(cell.value) for cell in filled}
            headings = _headings([texts.get(n, "") for n in range(1, filled[-1].column + 1)], number)
            continue
        cells: dict[str, str] = {}
        findings = []
        for cell in filled:
            heading = headings[cell.column - 1] if cell.column <= len(headings) else ""
            heading = heading or _letter(cell.column)
            code = _fault(cell)
            if code is not None:
                where = f"{_letter(cell.column)}{number}"
                findings.append(Finding(code, number, None, heading, {"cell": where}))
            elif words := _text(cell.value).strip():
                cells[heading] = words
        yield Row(number, cells, tuple(findings))
    if headings is None:
        raise ListRefused(Finding("empty"))


def _fault(cell: Any) -> str | None:
    if cell.data_type == "f":
        return "formula"
    if cell.data_type == "e":
        return "error_value"
    if not isinstance(cell.value, str | bool | int | float | date | time):
        return "formula"
    return "cell_too_long" if isinstance(cell.value, str) and len(cell.value) > CELL_CHARACTERS else None


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time.min:
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _letter(column: int) -> str:
    """What spreadsheets call a column."""
    from openpyxl.utils import get_column_letter  # noqa: PLC0415  as above

    return str(get_column_letter(column))


# -- CSV


def _csv(path: Path, limits: Limits) -> Iterator[Row]:
    encoding = _encoding(path)
    with path.open("r", encoding=encoding, newline="") as file:
        first = file.readline(CELL_CHARACTERS)
        file.seek(0)
        delimiter = max(_DELIMITERS, key=first.count)
        headings: list[str] | None = None
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        while True:
            try:
                line = next(reader)
            except StopIteration:
                if headings is None:
                    raise ListRefused(Finding("empty")) from None
                return
            except csv.Error as error:
                params = {"detail": str(error)}
                raise ListRefused(Finding("broken_csv", reader.line_num, params=params)) from error
            if not any(cell.strip() for cell in line):
                continue
            if len(line) > limits.columns:
                beyond = Finding("too_many_columns", reader.line_num, params={"limit": limits.columns})
                raise ListRefused(beyond)
            if headings is None:
                headings = _headings(line, reader.line_num)
                continue
            yield _csv_row(reader.line_num, headings, line)


def _csv_row(number: int, headings: Sequence[str], line: Sequence[str]) -> Row:
    cells: dict[str, str] = {}
    findings: list[Finding] = []
    for n, raw in enumerate(line):
        words = raw.strip()
        if n >= len(headings):
            if words:
                findings.append(Finding("cells_beyond", number, params={"have": len(line)}))
                break
            continue
        heading = headings[n] or _letter(n + 1)
        if len(words) > 1 and words.startswith("="):
            # A spreadsheet writes ="007" so that another keeps the zeros; anything else is a formula.
            plain = re.fullmatch(r'="([^"]*)"', words)
            if plain is None:
                findings.append(Finding("formula", number, None, heading, {"cell": heading}))
                continue
            words = plain[1]
        if words:
            cells[heading] = words
    return Row(number, cells, tuple(findings))


def _encoding(path: Path) -> str:
    """How a text file is written, by its bytes. Raises ListRefused with the first line that fits nothing."""
    with path.open("rb") as file:
        begins = file.read(4)
    if begins.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decodes(path, "utf-16")
    if begins.startswith(codecs.BOM_UTF8):
        return _decodes(path, "utf-8-sig")
    faults = {encoding: _first_fault(path, encoding) for encoding in _ENCODINGS}
    for encoding, fault in faults.items():
        if fault is None:
            return encoding
    # What it is meant to be is what it is for longest.
    likeliest = max(faults, key=lambda encoding: faults[encoding] or 0)
    return _decodes(path, likeliest)


def _decodes(path: Path, encoding: str) -> str:
    line = _first_fault(path, encoding)
    if line is not None:
        raise ListRefused(Finding("wrong_encoding", line, params={"encoding": encoding}))
    return encoding


def _first_fault(path: Path, encoding: str) -> int | None:
    """The number of the first line with bytes that are none of the encoding, or with a character that no
    text has; None if there is none."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with path.open("rb") as file:
        while True:
            piece = file.read(_CHUNK)
            try:
                words = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                return line + piece[: error.start].count(b"\n")
            if "\x00" in words:
                return line + words[: words.index("\x00")].count("\n")
            line += words.count("\n")
            if not piece:
                return None


def _headings(cells: Sequence[str], number: int) -> list[str]:
    """The first row with something in it. Raises ListRefused for a heading that is there twice."""
    found = [" ".join(cell.split()) for cell in cells]
    twice = sorted({one for one in found if one and found.count(one) > 1})
    if twice:
        raise ListRefused(Finding("repeated_column", number, column=twice[0]))
    return found


# -- JSON


def _json(path: Path) -> Iterator[Row]:
    """The objects of an array, or one after the other; nested ones with their keys joined by dots."""
    encoding = _decodes(path, "utf-8-sig")
    with path.open("r", encoding=encoding) as file:
        for number, value in enumerate(_values(file), 1):
            if not isinstance(value, dict):
                raise ListRefused(Finding("not_an_object", number))
            cells: dict[str, str] = {}
            findings: list[Finding] = []
            for name, inner in _flat(value):
                if isinstance(inner, dict | list):
                    findings.append(Finding("not_a_value", number, None, name))
                elif inner is not None and (words := _plain(inner)):
                    cells[name] = words
            yield Row(number, cells, tuple(findings))


def _plain(value: object) -> str:
    return "" if isinstance(value, float) and value != value else _text(value).strip()  # noqa: PLR0124  NaN


def _flat(value: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if isinstance(inner, dict) and depth < 1:
            yield from _flat(inner, f"{name}.", depth + 1)
        else:
            yield name, inner


def _values(file: io.TextIOBase) -> Iterator[Any]:
    decoder = json.JSONDecoder(parse_constant=_no_number)
    pending, number, ended, listed = "", 0, False, None
    while True:
        pending = pending.lstrip(" \t\r\n")
        if listed is None and pending:
            listed = pending.startswith("[")
            pending = pending[1:] if listed else pending
            continue
        if number and listed and pending.startswith(","):
            pending = pending[1:].lstrip(" \t\r\n")
        if listed and pending.startswith("]"):
            if pending[1:].strip() or file.read(_CHUNK).strip():
                raise ListRefused(Finding("broken_json", number + 1, params={"detail": "after the array"}))
            return
        if pending:
            try:
                value, end = decoder.raw_decode(pending)
            except (ValueError, RecursionError) as error:
                if ended or len(pending) > _OBJECT_CHARACTERS:
                    params = {"detail": str(error)}
                    raise ListRefused(Finding("broken_json", number + 1, params=params)) from error
            else:
                if end < len(pending) or ended:
                    number += 1
                    yield value
                    pending = pending[end:]
                    continue
        if ended:
            if pending or listed:
                raise ListRefused(Finding("broken_json", number + 1, params={"detail": "ends too early"}))
            return
        piece = file.read(_CHUNK)
        ended = not piece
        pending += piece


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")
