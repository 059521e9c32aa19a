"""A definition as an XLSForm that other programs can use, and that comes back as it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import msgspec

from checklists.loader import fact_definitions
from checklists.model import MAX_ENTRIES, Definition, FactDefinition, Item, Text
from checklists.xlsform.columns import ranges
from checklists.xlsform.conditions import NOT_CALCULATED
from checklists.xlsform.finding import Finding, XlsFormError
from checklists.xlsform.lists import Lists
from checklists.xlsform.names import Names
from checklists.xlsform.reading import read_xlsform
from checklists.xlsform.scope import Question, Scope, fact_kind
from checklists.xlsform.settings import slug
from checklists.xlsform.syntax import Untranslatable
from checklists.xlsform.to_xpath import condition_to_xpath, digits, number_to_xpath
from checklists.xlsform.vocabulary import ENGLISH, FORMAT, ITEM_COLUMNS, PART_SHEETS, ZH, words
from checklists.xlsform.workbook import defused, refused, write_workbook

__all__ = ["Exported", "write_xlsform"]

Cells = dict[str, str | None]
_SURVEY_COLUMNS = (
    "type",
    "name",
    f"label::{ZH}",
    f"label::{ENGLISH}",
    f"hint::{ZH}",
    f"hint::{ENGLISH}",
    "relevant",
    "required",
    "constraint",
    "calculation",
    "repeat_count",
    "appearance",
)
#: Columns of ours that are there even where nothing stands in them: what an office fills in first.
_ALWAYS = ("severity", "certainty", "source", "remedy_zh", "remedy_en", "unit", "photo")
#: Columns of ours that say again, or name, what other programs see.
_SEEN_BY_OTHERS = ("code", "type", "fact", "when", "required", "entries_count", "noun_zh", "noun_en")
_TYPES = {
    "number": "decimal",
    "text": "text",
    "date": "date",
    "photo": "image",
    "signature": "image",
    "location": "geopoint",
    "rule": "calculate",
    "repeat": "begin_repeat",
}
_FACT_NAME = re.compile(r"\$\{([^}]+)\}")


class Exported(msgspec.Struct, frozen=True):
    """An XLSX file, and what of the definition only Hezha reads in it."""

    data: bytes
    losses: tuple[Finding, ...]


def write_xlsform(definition: Definition, facts: Mapping[str, FactDefinition] | None = None) -> Exported:
    """Write a definition; `facts` are those that conditions may use, by default all there are.

    The file is read back before it is handed out. Raises XlsFormError for a definition that would not come
    back as it is: one that lint complains of, or with texts longer than a cell."""
    writer = _Writer(definition, fact_definitions() if facts is None else facts)
    data = write_workbook(writer.sheets())
    try:
        again = read_xlsform(data).definition
    except XlsFormError as error:
        raise XlsFormError([Finding("not_writable"), *error.findings]) from error
    if again != definition:
        raise refused("not_restored", item=_first_difference(definition, again))
    return Exported(data, tuple(writer.losses))


def _first_difference(one: Definition, other: Definition) -> str:
    for mine, theirs in zip(one.items, other.items, strict=False):
        if mine != theirs:
            return mine.code
    return one.id


class _Writer:
    """Writes one definition. The rows are filled first, so that only columns in use are written."""

    def __init__(self, definition: Definition, facts: Mapping[str, FactDefinition]) -> None:
        self._definition = definition
        self._facts = facts
        self.losses: list[Finding] = []
        names = Names()
        self._names = {item.code: names.give(item.code) for item in definition.items}
        self._sections = [names.give(section.id) for section in definition.sections]
        self._fact_names = {name: names.give(f"fact_{name}") for name in facts}
        self._facts_group = names.give("hezha_facts")
        self._lists = Lists()
        self._scope = Scope(self._questions())
        self._used_facts: set[str] = set()
        self._survey: list[Cells] = []
        self._parts: dict[str, list[Cells]] = {name: [] for name in PART_SHEETS}
        self._unsaid: list[tuple[int, str, str, str]] = []

    def _questions(self) -> Iterable[Question]:
        repeats = self._definition.repeat_of
        for item in self._definition.items:
            repeat = repeats.get(item.code)
            options = self._lists.of_item(item, self._names[item.code])
            within = repeat.code if repeat is not None else None
            yield Question.of(item, self._names[item.code], within, options)
        for fact in self._facts.values():
            name = self._fact_names[fact.name]
            options = {} if fact.type == "number" else self._lists.of_fact(fact, name)
            yield Question(name, fact.name, fact_kind(fact), fact=True, options=options)

    def sheets(self) -> list[tuple[str, list[list[str | None]]]]:
        """Every sheet with its name and rows, the first of them the headings."""
        for section, name in zip(self._definition.sections, self._sections, strict=True):
            self._row("begin_group", name, section.title, code=section.id if name != section.id else None)
            for item in section.items:
                self._item(item, None)
            self._survey.append({"type": "end_group"})
        asked = self._asked_facts()
        self._survey[:0] = asked
        self._tell(len(asked))
        survey = self._shaped(
            (*_SURVEY_COLUMNS, *(f"hezha::{column}" for column in ITEM_COLUMNS)),
            {f"hezha::{column}" for column in _ALWAYS} | set(_SURVEY_COLUMNS),
            self._survey,
        )
        choices = self._lists.rows({line.get("type") or "" for line in self._survey})
        parts = [
            (name, self._shaped(columns, set(columns), self._parts[name]))
            for name, columns in PART_SHEETS.items()
            if self._parts[name]
        ]
        return [("survey", survey), ("choices", choices), ("settings", self._settings()), *parts]

    @staticmethod
    def _shaped(columns: Iterable[str], always: set[str], rows: list[Cells]) -> list[list[str | None]]:
        used = {column for row in rows for column, value in row.items() if value is not None}
        kept = [column for column in columns if column in always or column in used]
        return [list(kept), *([row.get(column) for column in kept] for row in rows)]

    def _settings(self) -> list[list[str | None]]:
        definition = self._definition
        form_id = slug(definition.id) or "checklist"
        values = {
            "form_title": defused(definition.title.zh),
            "form_id": form_id,
            "version": str(definition.version),
            "default_language": ZH,
            "hezha::format": FORMAT,
            "hezha::id": None if form_id == definition.id else defused(definition.id),
            "hezha::stage": definition.stage,
            "hezha::title_en": defused(definition.title.en),
        }
        return [list(values), list(values.values())]

    # Rows of the survey

    def _row(self, kind: str, name: str, label: Text, **ours: str | None) -> Cells:
        row: Cells = {"type": kind, "name": name}
        row[f"label::{ZH}"], row[f"label::{ENGLISH}"] = defused(label.zh), defused(label.en)
        for column, value in ours.items():
            row[f"hezha::{column}"] = None if value is None else defused(value)
        self._survey.append(row)
        return row

    def _item(self, item: Item, within: str | None) -> None:
        name = self._names[item.code]
        asked = item.type not in ("repeat", "rule")
        row = self._row(
            _TYPES.get(item.type) or self._lists.select(item, name),
            name,
            item.text,
            **self._ours(item, name, asked=asked),
        )
        if item.criterion is not None:
            heading = "hint::" if asked else "hezha::criterion_"
            zh, en = (ZH, ENGLISH) if asked else ("zh", "en")
            row[f"{heading}{zh}"], row[f"{heading}{en}"] = (
                defused(item.criterion.zh),
                defused(item.criterion.en),
            )
        if asked:
            row["required"] = "yes" if item.required else "no"
        if item.type == "signature":
            row["appearance"] = "signature"
        row["relevant"] = self._said(item.when, "relevant", lambda cel: self._condition(cel, within))
        self._range(item, row)
        self._item_parts(item)
        if item.type == "rule":
            said = self._said(item.accept, "calculation", lambda cel: self._condition(cel, within))
            row["calculation"] = said or NOT_CALCULATED
        if item.entries is not None or item.type == "repeat":
            self._entries(item, row)
        for inner in item.items:
            self._item(inner, item.code)
        if item.type == "repeat":
            self._survey.append({"type": "end_repeat"})

    def _ours(self, item: Item, name: str, *, asked: bool) -> dict[str, str | None]:
        default = "always" if item.type == "photo" else "never"
        return {
            "code": item.code if name != item.code else None,
            "type": item.type if item.type in ("pass_fail", "file", "rule") else None,
            "severity": item.severity,
            "certainty": item.certainty,
            "source": item.source,
            "remedy_zh": item.remedy.zh,
            "remedy_en": item.remedy.en,
            "unit": item.unit,
            "photo": item.photo if item.photo != default else None,
            "photos_min": str(item.photos_min) if item.photos_min != 1 else None,
            "na": item.na,
            "required": "no" if not asked and not item.required else None,
            "instrument": "yes" if item.instrument else None,
            "when": item.when,
            "accept": item.accept,
            "accept_verdict": item.accept_verdict if item.accept_verdict != "fail" else None,
        }

    def _range(self, item: Item, row: Cells) -> None:
        if item.range is None:
            return
        low, high = digits(item.range.min), digits(item.range.max)
        if item.type == "number":
            row["constraint"] = f". >= {low} and . <= {high}"
        else:
            row["hezha::range_min"], row["hezha::range_max"] = low, high

    def _entries(self, item: Item, row: Cells) -> None:
        entries = item.entries
        if entries is None:
            raise refused("not_writable", item=item.code)
        row["hezha::noun_zh"], row["hezha::noun_en"] = defused(entries.noun.zh), defused(entries.noun.en)
        if entries.count is None and entries.min == entries.max and 0 <= entries.min <= MAX_ENTRIES:
            row["repeat_count"] = str(entries.min)
            return
        row["hezha::entries_min"], row["hezha::entries_max"] = str(entries.min), str(entries.max)
        if entries.count is not None:
            row["hezha::entries_count"] = defused(entries.count)
            row["repeat_count"] = self._said(
                entries.count, "repeat_count", lambda cel: number_to_xpath(cel, self._scope)
            )

    # Expressions

    def _condition(self, cel: str, within: str | None) -> str:
        return condition_to_xpath(cel, self._scope, within)

    def _said(self, cel: str | None, column: str, translate: Callable[[str], str]) -> str | None:
        if cel is None:
            return None
        try:
            xpath = translate(cel)
        except Untranslatable as error:
            self._unsaid.append((len(self._survey), column, cel, error.reason))
            return None
        self._used_facts.update(set(_FACT_NAME.findall(xpath)) & set(self._fact_names.values()))
        return xpath

    def _asked_facts(self) -> list[Cells]:
        """A group that asks for the facts that conditions look at: other programs know of no cases."""
        asked = [fact for fact in self._facts.values() if self._fact_names[fact.name] in self._used_facts]
        if not asked:
            return []
        written, self._survey = self._survey, []
        self._row("begin_group", self._facts_group, words("facts"))
        for fact in asked:
            name = self._fact_names[fact.name]
            kind = "decimal" if fact.type == "number" else f"select_one {self._lists.fact_list(fact, name)}"
            row = self._row(kind, name, fact.title, fact=fact.name)
            row[f"hint::{ZH}"], row[f"hint::{ENGLISH}"] = (
                defused(fact.definition.zh),
                defused(fact.definition.en),
            )
        self._survey.append({"type": "end_group"})
        rows, self._survey = self._survey, written
        return rows

    # Sheets of parts

    def _item_parts(self, item: Item) -> None:
        def add(sheet: str, **cells: str | None) -> None:
            row = {column: None if value is None else defused(value) for column, value in cells.items()}
            self._parts[sheet].append({"item": defused(item.code), **row})

        for limit in item.limits:
            add(
                "hezha_limits",
                verdict=limit.verdict,
                severity=limit.severity,
                when=limit.when,
                note="yes" if limit.note else None,
                basis_zh=limit.basis.zh if limit.basis is not None else None,
                basis_en=limit.basis.en if limit.basis is not None else None,
                since=limit.since,
            )
            # A negative number is a number, and no formula.
            row = self._parts["hezha_limits"][-1]
            row["min"] = None if limit.min is None else digits(limit.min)
            row["max"] = None if limit.max is None else digits(limit.max)
        for rule in item.severities:
            add("hezha_severities", severity=rule.severity, when=rule.when)
        for role in item.roles:
            add("hezha_parts", **_part("role", role.role, role.text, role.min))
        for point in item.points:
            add("hezha_parts", **_part("point", point.point, point.text, 1))
        for view in item.views:
            add("hezha_parts", **_part("view", view.view, view.text, view.min))

    # What only Hezha reads

    def _tell(self, asked: int) -> None:
        first = 1 + asked
        for row, column, cel, reason in self._unsaid:
            told = {"expression": cel, "reason": reason}
            self.losses.append(Finding("condition_only_here", "survey", first + row, column, told))
        for column in (column for column in ITEM_COLUMNS if column not in _SEEN_BY_OTHERS):
            heading = f"hezha::{column}"
            rows = [first + 1 + index for index, row in enumerate(self._survey[asked:]) if row.get(heading)]
            if rows:
                counted = {"rows": ranges(rows), "count": len(rows)}
                self.losses.append(Finding("only_here", "survey", rows[0], heading, counted))
        for name, parts in self._parts.items():
            if parts:
                count = {"rows": ranges(list(range(2, len(parts) + 2))), "count": len(parts)}
                self.losses.append(Finding("only_here", name, 2, None, count))


def _part(kind: str, name: str, label: Text, least: int) -> dict[str, str | None]:
    return {
        "kind": kind,
        "name": name,
        "label_zh": label.zh,
        "label_en": label.en,
        "min": str(least) if least != 1 else None,
    }
