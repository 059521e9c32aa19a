"""Choice lists as they are written: one for each different set of options, with names that XForms takes."""

from __future__ import annotations

from checklists.model import FactDefinition, Item, Option, Text
from checklists.xlsform.names import Names
from checklists.xlsform.vocabulary import ENGLISH, LISTS, ZH, words
from checklists.xlsform.workbook import defused

__all__ = ["Lists"]

_COLUMNS = (
    "list_name",
    "name",
    f"label::{ZH}",
    f"label::{ENGLISH}",
    "hezha_value",
    "hezha_verdict",
    "hezha_severity",
    "hezha_alone",
    "hezha_note",
)
_BOOL = "hezha_bool"


class Lists:
    """Gathers the lists of a form. Items with the same options share the list of the first of them."""

    def __init__(self) -> None:
        self._names = Names(choices=True)
        for name in LISTS:
            self._names.give(name)
        self._by_options: dict[tuple[Option, ...], str] = {}
        self._choices: dict[str, list[tuple[str, Option]]] = {
            name: [(value, Option(value=value, text=words(value))) for value in values]
            for name, values in LISTS.items()
        }

    def of_item(self, item: Item, name: str) -> dict[str, str]:
        """The values that expressions may compare an item's answer with, by the names of their choices."""
        if item.type in ("pass_fail", "file"):
            values = LISTS["hezha_pass_fail_na" if item.type == "pass_fail" else "hezha_file_na"]
            return {value: value for value in values}
        return self._of_options(item.options, name)

    def of_fact(self, fact: FactDefinition, name: str) -> dict[str, str]:
        """The same of a fact that is a choice, or true or false."""
        if fact.type == "bool":
            return {value: value for value in LISTS[_BOOL]}
        return self._of_options(fact.options, name)

    def _of_options(self, options: tuple[Option, ...], name: str) -> dict[str, str]:
        if options not in self._by_options:
            names = Names(choices=True)
            self._by_options[options] = self._names.give(name)
            self._choices[self._by_options[options]] = [(names.give(one.value), one) for one in options]
        return {choice: option.value for choice, option in self._choices[self._by_options[options]]}

    def select(self, item: Item, name: str) -> str:
        """The type of a question that chooses."""
        if item.type in ("pass_fail", "file"):
            return f"select_one hezha_{item.type}{'_na' if item.na_allowed else ''}"
        how = "select_multiple" if item.type == "multi_choice" else "select_one"
        return f"{how} {self._by_options[item.options]}"

    def fact_list(self, fact: FactDefinition, name: str) -> str:
        """The list that a fact is chosen from."""
        return _BOOL if fact.type == "bool" else self._by_options[fact.options]

    def rows(self, types: set[str]) -> list[list[str | None]]:
        """The choices sheet: the lists that one of the types names, under the headings that are in use."""
        used = {kind.partition(" ")[2] for kind in types}
        rows = [
            self._row(list_name, name, option)
            for list_name, choices in self._choices.items()
            if list_name in used
            for name, option in choices
        ]
        filled = {column for row in rows for column, value in row.items() if value is not None}
        kept = [column for column in _COLUMNS if column in filled or column in _COLUMNS[:4]]
        return [list(kept), *([row.get(column) for column in kept] for row in rows)]

    @staticmethod
    def _row(list_name: str, name: str, option: Option) -> dict[str, str | None]:
        text: Text = option.text
        return {
            "list_name": list_name,
            "name": name,
            f"label::{ZH}": defused(text.zh),
            f"label::{ENGLISH}": defused(text.en),
            "hezha_value": defused(option.value) if name != option.value else None,
            "hezha_verdict": option.verdict if option.verdict != "pass" else None,
            "hezha_severity": option.severity,
            "hezha_alone": "yes" if option.alone else None,
            "hezha_note": "yes" if option.note else None,
        }
