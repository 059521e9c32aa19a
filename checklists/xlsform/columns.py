"""Sheets by the meaning of their columns: which of a row's cells is the hint, and in which language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from checklists.model import Text
from checklists.xlsform.finding import Findings, Loss
from checklists.xlsform.vocabulary import UNCARRIED, language_of
from checklists.xlsform.workbook import Row, Sheet

__all__ = ["Column", "Line", "Table", "ours", "ranges", "tidy"]

Language = Literal["zh", "en", "plain"]
#: Cells of one column that are told one by one; of further ones it is told which rows they are in.
CELLS_TOLD = 50
#: Prefixes under which XLSForms may say the same columns.
_PREFIXES = ("bind::", "bind:", "control::", "control:", "media::", "media:")


@dataclass(frozen=True)
class Column:
    """A heading, read: what the column holds and in which language, `plain` if it names none.

    `key` is None for a column that nobody knows; `named` is a language that definitions have no place for."""

    heading: str
    key: str | None
    language: Language = "plain"
    named: str | None = None


def _column(heading: str, aliases: Mapping[str, str], ours: str, own: frozenset[str]) -> Column:
    lowered = heading.lower()
    if lowered.startswith(ours):
        key = lowered.removeprefix(ours)
        return Column(heading, f"{ours}{key}" if key in own else None)
    bare, prefix = heading, next((one for one in _PREFIXES if lowered.startswith(one)), "")
    bare = heading[len(prefix) :]
    if bare.lower() in aliases:
        return Column(heading, aliases[bare.lower()])
    for separator in ("::", ":"):
        name, found, language = bare.partition(separator)
        if found and name.strip().lower() in aliases:
            key = aliases[name.strip().lower()]
            ours_or_none = language_of(language)
            if ours_or_none is not None:
                return Column(heading, key, ours_or_none)
            return Column(heading, key, named=language.strip())
    return Column(heading, None)


def tidy(text: str) -> str:
    """A text without space around it, every space in it a plain one."""
    return text.replace("\u00a0", " ").strip()


def ours(prefix: str, names: tuple[str, ...]) -> tuple[str, frozenset[str]]:
    """The columns of a sheet that are ours: their prefix and their names."""
    return prefix, frozenset(names)


@dataclass
class Line:
    """A row by what its cells mean. Blank cells are None."""

    table: Table
    row: Row
    #: Columns whose cells have been asked for; the others are told of at the end.
    _asked: set[str] = field(default_factory=set)

    @property
    def number(self) -> int:
        return self.row.number

    def raw(self, key: str) -> str | None:
        """The cell as it stands in the column of no language. A formula there is a fault."""
        for column in self.table.columns(key):
            if column.language == "plain" and column.named is None:
                return self._cell(column)
        return None

    def word(self, key: str) -> str | None:
        """The cell without space around it; nothing is restored in it, so it fits names and XPath."""
        value = self.raw(key)
        return tidy(value) or None if value is not None else None

    def words(self, key: str) -> str | None:
        """The cell as a text that somebody wrote."""
        value = self.raw(key)
        return None if value is None else self.table.restored(value)

    def pair(self, key: str) -> Text | None:
        """A text of ours that stands in `<key>_zh` and `<key>_en`."""
        zh, en = self.words(f"{key}_zh"), self.words(f"{key}_en")
        if zh is None and en is None:
            return None
        if zh is None or en is None:
            self.table.gather("mirrored", self.number, key, languages="zh" if zh is None else "en")
        return Text(zh if zh is not None else en or "", en if en is not None else zh or "")

    def text(self, key: str) -> Text | None:
        """A text in the languages that it has; what one lacks is taken from the other, and told."""
        found: dict[Language, str] = {}
        foreign: str | None = None
        for column in self.table.columns(key):
            value = self._cell(column)
            if value is None:
                continue
            value = self.table.restored(value)
            if column.named is not None:
                foreign = foreign if foreign is not None else value
            else:
                language = self.table.plain_language(value) if column.language == "plain" else column.language
                if language in found:
                    self._tell(column.heading, value)
                found.setdefault(language, value)
        if not found and foreign is None:
            return None
        missing = [language for language in ("zh", "en") if language not in found]
        other = next(iter(found.values()), foreign or "")
        if missing:
            self.table.gather("mirrored", self.number, key, languages=" ".join(missing))
        return Text(found.get("zh", other), found.get("en", other))

    def first(self, key: str) -> str:
        """The cell in a language of ours or else in any, to be shown beside a loss."""
        columns = sorted(self.table.columns(key), key=lambda column: column.named is not None)
        cells = [self.row.cells[column.heading] for column in columns if column.heading in self.row.cells]
        return self.table.restored(cells[0]) if cells else ""

    def _cell(self, column: Column) -> str | None:
        self._asked.add(column.heading)
        if column.heading in self.row.formulas:
            self.table.findings.fault(
                "formula",
                self.table.name,
                self.number,
                column.heading,
                formula=self.row.formulas[column.heading],
            )
        return self.row.cells.get(column.heading)

    def pass_over(self, key: str) -> None:
        """Say nothing of a column's cells: what becomes of them is told."""
        self._asked.update(column.heading for column in self.table.columns(key))

    def forgo(self) -> None:
        """Say nothing more of the row: what becomes of it is told."""
        self._asked.update(self.table.headings)

    def tell_rest(self) -> None:
        """Tell as losses the cells of known columns that a definition has no place for."""
        for heading, value in {**self.row.cells, **self.row.formulas}.items():
            column = self.table.headings.get(heading)
            if column is None or column.key is None or heading in self._asked:
                continue
            self._tell(heading, value)

    def _tell(self, heading: str, value: str) -> None:
        self.table.told[heading] += 1
        if self.table.told[heading] > CELLS_TOLD:
            self.table.gather("more_like_it", self.number, heading)
            return
        what: Loss = UNCARRIED.get(self.table.headings[heading].key or "", "uncarried")
        self.table.findings.lose(what, self.table.name, self.number, heading, value=value)


class Table:
    """A sheet whose columns are known. Losses of one kind in many rows are gathered and told once."""

    def __init__(
        self,
        sheet: Sheet,
        aliases: Mapping[str, str],
        own: tuple[str, frozenset[str]],
        findings: Findings,
        restore: Callable[[str], str],
    ) -> None:
        self.name = sheet.name
        self.findings = findings
        self.headings = {heading: _column(heading, aliases, *own) for heading in sheet.headings}
        self.lines = [Line(self, row) for row in sheet.rows]
        self.restored = restore
        self.default_language: Language | None = None
        self.told: Counter[str] = Counter()
        self._prefix = own[0]
        self._gathered: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[int]] = {}
        self._tell_columns(sheet)

    def columns(self, key: str) -> Iterator[Column]:
        """The columns that hold `key`, in the order of the sheet."""
        return (column for column in self.headings.values() if column.key == key)

    def own(self, name: str) -> str:
        """The key of a column of ours."""
        return f"{self._prefix}{name}"

    def plain_language(self, text: str) -> Language:
        """The language of a column that names none: the form's default, or what the words look like."""
        if self.default_language is not None:
            return self.default_language
        return "zh" if any("\u4e00" <= character <= "\u9fff" for character in text) else "en"

    def gather(self, what: str, row: int, column: str, **params: str) -> None:
        """Tell a loss of one row, together with its like in others."""
        self._gathered.setdefault((what, column, tuple(sorted(params.items()))), []).append(row)

    def settle(self) -> None:
        """Tell what was gathered, and what no one asked for."""
        for line in self.lines:
            line.tell_rest()
        for (what, column, params), rows in self._gathered.items():
            told = {**dict(params), "rows": ranges(rows), "count": len(set(rows))}
            self.findings.lose(what, self.name, min(rows), column, **told)  # type: ignore[arg-type]

    def _tell_columns(self, sheet: Sheet) -> None:
        for column in self.headings.values():
            rows = [
                row.number
                for row in sheet.rows
                if column.heading in row.cells or column.heading in row.formulas
            ]
            if not rows:
                continue
            told = {"rows": ranges(rows), "count": len(rows)}
            if column.key is None:
                self.findings.lose("unknown_column", sheet.name, rows[0], column.heading, **told)
            elif column.named is not None and column.key not in UNCARRIED:
                language = {"language": column.named, **told}
                self.findings.lose("language", sheet.name, rows[0], column.heading, **language)


def ranges(rows: list[int]) -> str:
    """Row numbers as people write them: 2-4, 7."""
    spans: list[list[int]] = []
    for row in sorted(set(rows)):
        if spans and row == spans[-1][1] + 1:
            spans[-1][1] = row
        else:
            spans.append([row, row])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in spans)
