"""The choices sheet: lists of choices, and what choosing one means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from checklists.model import Option, Severity, Text
from checklists.xlsform.columns import Line, Table
from checklists.xlsform.vocabulary import words
from checklists.xlsform.wanted import flag, one_of

__all__ = ["Choice", "other_choice", "read_choices"]

#: The choice that `or_other` adds.
OTHER = "other"


@dataclass(frozen=True)
class Choice:
    """A choice by the name that expressions use, as the option it becomes; `row` is where it stands."""

    name: str
    option: Option
    row: int = 0


def read_choices(table: Table | None) -> dict[str, tuple[Choice, ...]]:
    """The lists by name. A choice that stands twice is told and counts once."""
    lists: dict[str, dict[str, Choice]] = {}
    for line in table.lines if table is not None else ():
        list_name, name = line.word("list_name"), line.word("name")
        if list_name is None and name is None:
            continue
        if list_name is None or name is None:
            column = "list_name" if list_name is None else "name"
            line.table.findings.fault("missing_value", line.table.name, line.number, column)
            continue
        known = lists.setdefault(list_name, {})
        choice = Choice(name, _option(line, name), line.number)
        if name in known:
            what = {"list": list_name, "value": name}
            line.table.findings.lose("duplicate_choice", line.table.name, line.number, "name", **what)
        else:
            known[name] = choice
    return {name: tuple(choices.values()) for name, choices in lists.items()}


def _option(line: Line, name: str) -> Option:
    own = line.table.own
    value = line.words(own("value"))
    return Option(
        value=name if value is None else value,
        text=line.text("label") or Text(name, name),
        verdict=one_of(line, own("verdict"), ("pass", "warning", "fail"), "pass"),  # type: ignore[arg-type]
        severity=one_of(line, own("severity"), get_args(Severity), None),  # type: ignore[arg-type]
        alone=flag(line, own("alone"), default=False),
        note=flag(line, own("note"), default=False),
    )


def other_choice() -> Choice:
    """What `or_other` stands for: another answer, and a note that says which."""
    return Choice(OTHER, Option(value=OTHER, text=words("other"), note=True))
