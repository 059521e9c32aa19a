"""Which heading of a list is which field of an application, and what people write for its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
import yaml

from checklists.loader import fact_definitions
from checklists.model import FactDefinition
from server.workflow.facts import SUPPLY_FACTS, workflow_facts
from server.workflow.vocabulary import FactValue

#: What is before a fact's name in the name of its field.
FACT = "facts."
_BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal[1]
    headings: dict[str, tuple[str, ...]]
    facts: dict[str, tuple[str, ...]]
    yes: tuple[str, ...]
    no: tuple[str, ...]
    processes: dict[str, str]
    datums: dict[str, str]


@cache
def table() -> _File:
    text = (resources.files(__package__) / "columns.yaml").read_text("utf-8")
    return msgspec.convert(yaml.safe_load(text), _File)


@cache
def _by_heading() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, headings in table().headings.items():
        for heading in (name, name.replace("_", " "), name.rpartition(".")[2], *headings):
            known = found.setdefault(_plain(heading), name)
            if known != name and heading in headings:
                raise ValueError(f"columns.yaml: {heading!r} stands for {known} and for {name}")
    for name in settled_facts():
        declared = fact_definitions().get(name)
        titles = () if declared is None else (declared.title.zh, declared.title.en)
        for heading in (FACT + name, name, name.replace("_", " "), *titles, *table().facts.get(name, ())):
            # A field of the application goes before a fact of the same name.
            known = found.setdefault(_plain(heading), FACT + name)
            if known.startswith(FACT) and known != FACT + name:
                raise ValueError(f"{heading!r} stands for {known} and for {FACT}{name}")
    return found


@cache
def settled_facts() -> frozenset[str]:
    """The facts that a list may settle: those that nothing else settles."""
    declared = {name for name, fact in fact_definitions().items() if fact.derived is None}
    return frozenset((declared | set(workflow_facts())) - SUPPLY_FACTS)


def fact_value(name: str, words: str) -> FactValue:
    """What a cell says of a fact. Raises ValueError, with what would be understood."""
    declared, plain = fact_definitions().get(name), words.strip()
    if declared is None or declared.type == "bool":
        for value, said in ((True, table().yes), (False, table().no)):
            if plain.casefold() in said:
                return value
        raise ValueError(", ".join((*table().yes[:3], *table().no[:3])))
    if declared.type == "number":
        number = number_of(plain)
        if number is None or not declared.admits(number):
            raise ValueError("0 …")
        return number
    return _option(declared, plain)


def _option(declared: FactDefinition, plain: str) -> str:
    for option in declared.options:
        if plain.casefold() in {one.casefold() for one in (option.value, option.text.zh, option.text.en)}:
            return option.value
    raise ValueError(", ".join(f"{option.value} ({option.text.zh})" for option in declared.options))


#: Units that stand behind a number, as people write them into a cell.
_UNITS = ("kva", "千伏安", "kv", "千伏", "m", "米", "°")


def number_of(words: str) -> float | None:
    """The number in a cell, whatever unit is behind it."""
    plain = words.strip().replace(",", "").replace(" ", "")
    for unit in _UNITS:
        if plain.casefold().endswith(unit):
            plain = plain[: -len(unit)]
            break
    try:
        return float(plain)
    except ValueError:
        return None


@cache
def field_of(heading: str) -> str | None:
    """The field that a heading stands for, or None."""
    if heading in table().headings:
        return heading
    return _by_heading().get(_plain(heading))


def _plain(heading: str) -> str:
    return "".join(_BRACKETS.sub("", heading).split()).casefold()


def process_of(words: str) -> str:
    """A process by its own name or by what people call it."""
    return table().processes.get(words.removesuffix("业务").strip(), words.strip().casefold())


def datum_of(words: str) -> str:
    plain = words.strip().casefold()
    return table().datums.get(plain, plain.replace(" ", ""))
