"""An XLSForm as a definition, with a list of what did not come along."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

import msgspec

from checklists.model import ENTRY_MARK, Definition, Item, ItemType, Section, Stage, Text
from checklists.xlsform.bounds import Bounds
from checklists.xlsform.choices import Choice, other_choice, read_choices
from checklists.xlsform.columns import Line, Table, ours
from checklists.xlsform.conditions import Conditions
from checklists.xlsform.finding import Finding, Findings, XlsFormError
from checklists.xlsform.items import Defaults, Maker
from checklists.xlsform.parts import read_parts
from checklists.xlsform.scope import ITEM_KINDS, Effort, Kind, Question, Scope
from checklists.xlsform.settings import Settings, read_settings
from checklists.xlsform.tree import Branch, Leaf, leaves, read_tree
from checklists.xlsform.vocabulary import (
    CHOICE_ALIASES,
    CHOICE_COLUMNS,
    ITEM_COLUMNS,
    LISTS,
    PART_SHEETS,
    READ_SHEETS,
    SURVEY_ALIASES,
)
from checklists.xlsform.workbook import Sheet, read_workbook, refused

__all__ = ["Imported", "read_xlsform"]

_ITEM_TYPES: Mapping[str, ItemType] = {
    "one": "choice",
    "many": "multi_choice",
    "text": "text",
    "read_as_text": "text",
    "number": "number",
    "date": "date",
    "location": "location",
    "photo": "photo",
    "file": "file",
    "acknowledge": "pass_fail",
}
#: Answers of which whole rows are told, because no item comes of them.
_TOLD = {
    "note": "note",
    "media": "type",
    "unknown": "type",
    "metadata": "metadata",
    "calculate": "calculation",
    "elsewhere": "list_from_elsewhere",
}
#: What a row that is no begin_repeat can be.
_ASKED_TYPES = tuple(name for name in get_args(ItemType) if name != "repeat")
_WHOLE = re.compile(r"(?:add |q )?int(?:eger)?(?: prompt)?", re.IGNORECASE)


class Imported(msgspec.Struct, frozen=True):
    """A definition read from a form, and what the form says beyond it or what was filled in."""

    definition: Definition
    losses: tuple[Finding, ...]


def read_xlsform(
    data: bytes,
    *,
    checklist_id: str | None = None,
    version: int | None = None,
    stage: Stage | None = None,
    bounds: Bounds | None = None,
) -> Imported:
    """Read an untrusted XLSX file.

    `checklist_id`, `version` and `stage` go before what the form says of itself; a form that Hezha did not
    write has no stage. Raises XlsFormError if the file is not taken, with every reason that could be found.
    """
    findings = Findings()
    bounds = bounds or Bounds()
    sheets = read_workbook(data, bounds, findings)
    survey = _survey(sheets)
    settings = read_settings(sheets.get("settings"), findings)
    tables = {
        name: _table(name, sheet, settings, findings)
        for name, sheet in {**sheets, "survey": survey}.items()
        if name in READ_SHEETS - {"settings"} or name in PART_SHEETS
    }
    for name, sheet in sheets.items():
        if name not in READ_SHEETS and name not in PART_SHEETS and sheet is not survey and sheet.rows:
            findings.lose("sheet", sheet.name)
    if checklist_id is None and not settings.named:
        findings.lose("no_id", "settings", None, "form_id", value=settings.checklist_id)
    form = _Form(tables, settings, findings, bounds)
    definition = form.definition(checklist_id, version, stage)
    for table in tables.values():
        table.settle()
    findings.settle()
    if not definition.items:
        raise XlsFormError([Finding("no_items", survey.name), *findings.losses])
    return Imported(definition, tuple(sorted(findings.losses, key=_place)))


def _place(finding: Finding) -> tuple[int, str, int]:
    sheets = ["survey", "choices", *PART_SHEETS, "settings"]
    name = (finding.sheet or "").lower()
    return (sheets.index(name) if name in sheets else len(sheets), name, finding.row or 0)


def _survey(sheets: Mapping[str, Sheet]) -> Sheet:
    if "survey" in sheets:
        return sheets["survey"]
    if len(sheets) == 1:
        return next(iter(sheets.values()))
    raise refused("no_survey", found=", ".join(sheet.name for sheet in sheets.values()))


def _table(name: str, sheet: Sheet, settings: Settings, findings: Findings) -> Table:
    if name in PART_SHEETS:
        own = PART_SHEETS[name]
        aliases, prefix, wanted = {column: column for column in own}, ours("hezha::", ()), own[:1]
    elif name == "choices":
        aliases, prefix, wanted = dict(CHOICE_ALIASES), ours("hezha_", CHOICE_COLUMNS), ("list_name", "name")
    else:
        aliases, prefix, wanted = dict(SURVEY_ALIASES), ours("hezha::", ITEM_COLUMNS), ("type", "name")
    table = Table(sheet, aliases, prefix, findings, settings.restored)
    table.default_language = settings.language
    for column in wanted:
        if sheet.rows and not any(table.columns(column)):
            findings.fault("missing_column", sheet.name, 1, column)
    return table


class _Form:
    """A form being read: names are given first, because expressions refer to what comes later too."""

    def __init__(
        self, tables: Mapping[str, Table], settings: Settings, findings: Findings, bounds: Bounds
    ) -> None:
        self._survey = tables["survey"]
        self._settings = settings
        self._findings = findings
        self._choices = read_choices(tables.get("choices"))
        self._parts = read_parts(tables)
        self._codes: Counter[str] = Counter()
        self._used_lists: set[str] = set(LISTS)
        self._tree = read_tree(self._survey, bounds.nested)
        self._effort = Effort(bounds.effort)

    def definition(self, checklist_id: str | None, version: int | None, stage: Stage | None) -> Definition:
        """The definition; faults are left in the findings."""
        self._name(self._tree)
        scope = Scope(self._questions(), self._effort)
        maker = Maker(
            Defaults(self._settings.title, self._settings.written_here), Conditions(scope), self._parts
        )
        sections = tuple(self._sections(maker))
        self._tell_unused(maker)
        self._tell_unused_lists()
        return Definition(
            id=checklist_id or self._settings.checklist_id,
            version=version if version is not None else self._settings.version,
            stage=stage or self._settings.stage or self._no_stage(),
            title=self._settings.title,
            sections=sections,
        )

    def _no_stage(self) -> Stage:
        self._findings.fault("no_stage", None, None, None, allowed=", ".join(get_args(Stage)))
        return "survey"

    def _tell_unused(self, maker: Maker) -> None:
        for code, parts in self._parts.items():
            for line in parts.lines if code not in maker.used else ():
                self._findings.fault("unknown_item", line.table.name, line.number, "item", value=code)

    def _tell_unused_lists(self) -> None:
        for name, choices in self._choices.items():
            if name not in self._used_lists:
                said = ", ".join(choice.name for choice in choices)
                self._findings.lose(
                    "unused_list", "choices", choices[0].row, "list_name", value=name, said=said
                )

    # Names and types

    def _name(self, children: Iterable[Branch | Leaf]) -> None:
        for child in children:
            if isinstance(child, Branch):
                child.code = self._code(child.line, unique=child.kind == "repeat")
                self._name(child.children)
            else:
                self._settle_type(child)

    def _code(self, line: Line, *, unique: bool = True) -> str:
        name = line.word("name")
        written = line.words(line.table.own("code"))
        if written is None and name is None:
            if unique:
                self._findings.fault("missing_value", line.table.name, line.number, "name")
            return "group"
        code = written if written is not None else (name or "").replace(ENTRY_MARK, "-")
        if not unique:
            return code
        self._codes[code] += 1
        if self._codes[code] == 1:
            return code
        other = f"{code}_{self._codes[code]}"
        while other in self._codes:
            other += "_"
        self._codes[other] = 1
        self._findings.lose("duplicate_name", line.table.name, line.number, "name", value=code, other=other)
        return other

    def _settle_type(self, leaf: Leaf) -> None:
        line, own = leaf.line, leaf.line.table.own
        written = line.word(own("type"))
        if leaf.answer == "fact":
            line.forgo()
            return
        if written is not None and written not in _ASKED_TYPES:
            wanted = ", ".join(_ASKED_TYPES)
            told = {"value": written, "wanted": wanted}
            self._findings.fault("invalid_value", line.table.name, line.number, own("type"), **told)
            line.forgo()
            return
        if written is not None and leaf.answer not in ("metadata", "note"):
            leaf.type = written  # type: ignore[assignment]
        elif leaf.answer == "elsewhere" and leaf.list_name is not None:
            leaf.type = "text"
            self._findings.lose(
                "list_from_elsewhere", line.table.name, line.number, "type", value=leaf.type_word
            )
        else:
            leaf.type = _ITEM_TYPES.get(leaf.answer)
        if leaf.type is None:
            self._tell_row(leaf)
            return
        leaf.code = self._code(line)
        self._settle_answer(leaf)

    def _settle_answer(self, leaf: Leaf) -> None:
        line, findings = leaf.line, self._findings
        if leaf.answer == "photo" and leaf.type == "photo" and _signed(leaf):
            leaf.type = "signature"
        if leaf.answer == "read_as_text":
            findings.lose("read_as_text", line.table.name, line.number, "type", value=leaf.type_word)
        if leaf.answer == "file" and leaf.type == "file":
            line.table.gather("file_upload", line.number, "type")
        if leaf.answer == "number" and _WHOLE.fullmatch(leaf.type_word):
            line.table.gather("whole_number", line.number, "type")
        if leaf.type in ("choice", "multi_choice"):
            leaf.choices = self._listed(leaf)

    def _listed(self, leaf: Leaf) -> tuple[Choice, ...]:
        line, findings = leaf.line, self._findings
        if leaf.list_name not in self._choices:
            told = {"value": leaf.list_name or leaf.type_word}
            findings.fault("unknown_list", line.table.name, line.number, "type", **told)
            return ()
        choices = self._choices[leaf.list_name]
        self._used_lists.add(leaf.list_name)
        if leaf.or_other:
            findings.lose("or_other", line.table.name, line.number, "type")
            if all(choice.name != other_choice().name for choice in choices):
                choices = (*choices, other_choice())
        if len(choices) < 2:
            findings.lose("single_choice", line.table.name, line.number, "type", value=leaf.list_name)
        return choices

    def _tell_row(self, leaf: Leaf) -> None:
        line = leaf.line
        said = line.first("calculation") if leaf.answer == "calculate" else line.first("label")
        told = {"value": leaf.type_word, "name": line.first("name"), "said": said}
        what = _TOLD[leaf.answer]
        self._findings.lose(what, line.table.name, line.number, "type", **told)  # type: ignore[arg-type]
        line.forgo()

    # What expressions can refer to

    def _questions(self) -> Iterator[Question]:
        found = [*self._asked(), *self._repeats(self._tree)]
        names = Counter(question.name for question in found)
        # A name that stands twice says nothing for certain, so nothing is read into it.
        yield from (question for question in found if names[question.name] == 1)

    def _asked(self) -> Iterator[Question]:
        for leaf, repeat in leaves(self._tree):
            line = leaf.line
            name = line.row.cells.get(_heading(line, "name"), "").strip()
            within = repeat.code if repeat is not None else None
            if leaf.answer == "fact":
                yield self._fact(leaf, name)
            elif leaf.type is None and leaf.answer == "calculate":
                yield Question(name, name, "other", within, calculation=line.word("calculation") or "")
            elif leaf.type is not None:
                yield Question(
                    name, leaf.code, ITEM_KINDS.get(leaf.type, "other"), within, options=_options(leaf)
                )

    def _fact(self, leaf: Leaf, name: str) -> Question:
        choices = self._choices.get(leaf.list_name or "", ())
        options = {choice.name: choice.option.value for choice in choices}
        kind: Kind = "number"
        if leaf.answer == "fact" and leaf.list_name is not None:
            kind = "bool" if leaf.list_name == "hezha_bool" else "choice"
            self._used_lists.add(leaf.list_name)
        code = leaf.line.words(leaf.line.table.own("fact")) or name
        return Question(name, code, kind, fact=True, options=options)

    def _repeats(self, children: Iterable[Branch | Leaf]) -> Iterator[Question]:
        for child in children:
            if isinstance(child, Branch) and child.kind == "repeat":
                yield Question(child.line.word("name") or "", child.code, "entries")
            elif isinstance(child, Branch):
                yield from self._repeats(child.children)

    # Sections and items

    def _sections(self, maker: Maker) -> Iterator[Section]:
        loose: list[Item] = []
        names: Counter[str] = Counter()

        def section(code: str, title: Text, items: list[Item]) -> Section:
            names[code] += 1
            if names[code] > 1 and not self._settings.written_here:
                code = f"{code}-{names[code]}"
            return Section(code, title, tuple(items))

        for child in self._tree:
            if isinstance(child, Leaf) or child.kind == "repeat":
                loose.extend(self._items(child, maker, (), None))
                continue
            if loose:
                yield section("form", self._settings.title, loose)
                loose = []
            items = [item for one in child.children for item in self._items(one, maker, (child.line,), None)]
            if items or (self._settings.written_here and not child.children):
                yield section(child.code, child.line.text("label") or Text(child.code, child.code), items)
            else:
                self._tell_empty(child)
        if loose:
            yield section("form", self._settings.title, loose)

    def _items(
        self, node: Branch | Leaf, maker: Maker, groups: tuple[Line, ...], repeat: Branch | None
    ) -> Iterator[Item]:
        within = repeat.code if repeat is not None else None
        if isinstance(node, Leaf):
            if node.type is not None:
                yield maker.item(node, groups, within)
            return
        if node.kind == "repeat" and repeat is None:
            inner = [item for one in node.children for item in self._items(one, maker, (), node)]
            yield maker.repeat(node, groups, tuple(inner))
            return
        what = "nested_repeat" if node.kind == "repeat" else "nested_group"
        line = node.line
        told = {"value": line.first("label") or node.code}
        self._findings.lose(what, line.table.name, line.number, "type", **told)  # type: ignore[arg-type]
        for key in ("label", "hint", *(("repeat_count",) if node.kind == "repeat" else ())):
            line.pass_over(key)
        for one in node.children:
            yield from self._items(one, maker, (*groups, node.line), repeat)

    def _tell_empty(self, group: Branch) -> None:
        line = group.line
        facts = [one for one in group.children if isinstance(one, Leaf) and one.answer == "fact"]
        if not facts or len(facts) < len(group.children):
            said = {"value": line.first("label") or group.code}
            self._findings.lose("empty_group", line.table.name, line.number, "type", **said)
        line.forgo()


def _heading(line: Line, key: str) -> str:
    return next((column.heading for column in line.table.columns(key)), "")


def _signed(leaf: Leaf) -> bool:
    appearance = leaf.line.first("appearance").split()
    if appearance == ["signature"]:
        leaf.line.pass_over("appearance")
    return leaf.type_word.lower() == "signature" or "signature" in appearance


def _options(leaf: Leaf) -> dict[str, str]:
    if leaf.answer == "acknowledge":
        return {"OK": "pass"}
    if leaf.type == "pass_fail":
        return {name: name for name in LISTS["hezha_pass_fail_na"]}
    if leaf.type == "file":
        return {name: name for name in LISTS["hezha_file_na"]}
    return {choice.name: choice.option.value for choice in leaf.choices}
