"""The settings sheet: what the form is called, which version it is, and whether Hezha wrote it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, get_args

from checklists.model import Stage, Text
from checklists.xlsform.columns import Table, ours
from checklists.xlsform.finding import Findings
from checklists.xlsform.vocabulary import FORMAT, language_of
from checklists.xlsform.wanted import one_of
from checklists.xlsform.workbook import Sheet

__all__ = ["SETTINGS_COLUMNS", "Settings", "read_settings", "slug"]

SETTINGS_COLUMNS = ("format", "id", "stage", "title_en")
_ALIASES = {
    "form_title": "form_title",
    "set_form_title": "form_title",
    "title": "form_title",
    "form_id": "form_id",
    "set_form_id": "form_id",
    "id_string": "form_id",
    "version": "version",
    "default_language": "default_language",
}
_UNNAMED = Text("未命名的检查清单", "Untitled checklist")
_SLUG = re.compile(r"[^a-z0-9]+")
_LONGEST_ID = 60


@dataclass(frozen=True)
class Settings:
    """What the sheet says, with what stands in for it where it says nothing; `named`: it says an id."""

    title: Text = _UNNAMED
    checklist_id: str = "imported"
    named: bool = False
    version: int = 1
    stage: Stage | None = None
    language: Literal["zh", "en"] | None = None
    written_here: bool = False

    def restored(self, text: str) -> str:
        """A text as it was before it was written into a cell; other people's are only tidied."""
        if self.written_here:
            return text.removeprefix("'")
        return text.replace("\u00a0", " ").strip()


def read_settings(sheet: Sheet | None, findings: Findings) -> Settings:
    """Read the sheet. Settings for other programs are told as losses."""
    settings = Settings()
    if sheet is None or not sheet.rows:
        findings.lose("no_title", "settings", None, "form_title", value=_UNNAMED.zh)
        return settings
    aliases, own = dict(_ALIASES), ours("hezha::", SETTINGS_COLUMNS)
    first = Table(sheet, aliases, own, Findings(), str).lines[0]
    settings = replace(settings, written_here=first.word("hezha::format") == FORMAT)
    table = Table(sheet, aliases, own, findings, settings.restored)
    line = table.lines[0]
    for extra in table.lines[1:]:
        findings.lose(
            "form_settings", table.name, extra.number, None, value="; ".join(extra.row.cells.values())
        )
        extra.forgo()
    language = line.word("default_language")
    settings = replace(settings, language=language_of(language) if language else None)
    table.default_language = settings.language
    line.pass_over("hezha::format")
    words, english = line.words("form_title"), line.words("hezha::title_en")
    title = line.text("form_title") if words is None or english is None else Text(words, english)
    if title is None:
        findings.lose("no_title", table.name, line.number, "form_title", value=_UNNAMED.zh)
    written_id, form_id = line.words("hezha::id"), line.word("form_id")
    if written_id is None and form_id is not None:
        written_id = slug(form_id) or settings.checklist_id
        if written_id != form_id:
            findings.lose("named_anew", table.name, line.number, "form_id", value=form_id, other=written_id)
    settings = replace(
        settings,
        title=title or _UNNAMED,
        checklist_id=written_id if written_id is not None else settings.checklist_id,
        named=written_id is not None,
        stage=one_of(line, "hezha::stage", get_args(Stage), None),  # type: ignore[arg-type]
        version=_version(table, findings),
    )
    table.settle()
    return settings


def slug(name: str) -> str:
    """A name as checklists are called: small letters, digits and hyphens. Empty if nothing is left of it."""
    return _SLUG.sub("-", name.lower()).strip("-")[:_LONGEST_ID].strip("-")


def _version(table: Table, findings: Findings) -> int:
    """A whole number; XLSForms often have a date or a formula there instead."""
    line = table.lines[0]
    heading = next((column.heading for column in table.columns("version")), "version")
    formula = line.row.formulas.pop(heading, None)
    if formula is not None:
        findings.lose("formula_ignored", table.name, line.number, heading, formula=formula)
        return 1
    word = line.word("version")
    if word is None:
        return 1
    if not re.fullmatch(r"[1-9][0-9]{0,8}", word):
        findings.lose("form_settings", table.name, line.number, heading, value=word)
        return 1
    return int(word)
