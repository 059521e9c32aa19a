"""The trade's table of items, `coverage.tsv`, and whether the definitions keep to it row by row.

The table is what the checklists are held to: one row for each item, with the definition and section where it
stands, its type, unit, limits, severity, photo rule, the facts its condition asks for, and whether its number
still has to be verified. Repeats, rules, and what rules compare may stand beside the rows.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import msgspec

from checklists.lines import spelled_in
from checklists.loader import Library, UnknownChecklist
from checklists.model import Definition, Item, ItemType

__all__ = ["Row", "count_by_template", "coverage_rows", "departures"]

_TABLE = Path(__file__).resolve().parent / "coverage.tsv"
#: What the table calls a choice may let one choose several.
_KINDS: dict[ItemType, ItemType] = {"multi_choice": "choice"}


class Row(msgspec.Struct, frozen=True):
    """One row. Empty text is none; `min` and `max` are numbers; `condition` lists facts."""

    template: str
    code: str
    definition: str
    section: str
    type: str
    unit: str
    min: str
    max: str
    severity: str
    photo: str
    condition: str
    certainty: str


@cache
def coverage_rows() -> tuple[Row, ...]:
    """Every row, in the order of the table."""
    lines = _TABLE.read_text(encoding="utf-8").splitlines()
    return msgspec.convert(list(csv.DictReader(lines, delimiter="\t")), tuple[Row, ...])


def count_by_template(library: Library, rows: Iterable[Row] | None = None) -> dict[str, int]:
    """How many rows of each template have their item in the newest version of their definition."""
    wanted = coverage_rows() if rows is None else rows
    return dict(Counter(row.template for row in wanted if _item(library, row) is not None))


def departures(library: Library, rows: Iterable[Row] | None = None) -> list[str]:
    """Every way in which the newest definitions differ from the table, as `<code>: <what>`."""
    wanted = tuple(coverage_rows() if rows is None else rows)
    complaints = [f"{row.code}: {complaint}" for row in wanted for complaint in _compare(library, row)]
    codes = {row.code for row in wanted}
    named = dict.fromkeys(row.definition for row in wanted)
    for definition in filter(None, (_latest(library, name) for name in named)):
        strange = (code for code in definition.by_code if code not in codes | _beside(definition))
        complaints.extend(f"{code}: stands in {definition.id} and not in the table" for code in strange)
    return complaints


def _beside(definition: Definition) -> set[str]:
    """What needs no row: repeats and rules, and the items that rules compare."""
    rules = [item for item in definition.items if item.type == "rule"]
    compared = {code for rule in rules for code in spelled_in(rule.accept or "")}
    return compared | {item.code for item in definition.items if item.type in ("repeat", "rule")}


def _latest(library: Library, name: str) -> Definition | None:
    try:
        return library.latest(name)
    except UnknownChecklist:
        return None


def _item(library: Library, row: Row) -> Item | None:
    definition = _latest(library, row.definition)
    return definition.by_code.get(row.code) if definition is not None else None


def _compare(library: Library, row: Row) -> Iterator[str]:
    definition = _latest(library, row.definition)
    item = _item(library, row)
    if definition is None or item is None:
        yield f"{row.definition} does not have it"
        return
    listed = definition.repeat_of.get(item.code, item)
    section = next(section.id for section in definition.sections if listed in section.items)
    has = {
        "section": section,
        "type": _KINDS.get(item.type, item.type),
        "unit": item.unit or "",
        "severity": item.severity,
        "photo": item.photo,
        "certainty": item.certainty,
    }
    for field, value in has.items():
        if value != getattr(row, field):
            yield f"{field} is {value!r}, the table says {getattr(row, field)!r}"
    yield from _bounds(item, row)
    asked = set(re.findall(r"\bfacts\.(\w+)", item.when or ""))
    yield from (
        f"its condition does not ask for {fact}" for fact in row.condition.split() if fact not in asked
    )
    if item.when is not None and not row.condition:
        yield f"it is shown only when {item.when}, the table says always"


def _bounds(item: Item, row: Row) -> Iterator[str]:
    """Limits, or the ends of what can be read; for photos and signatures, how many there have to be."""
    if item.type in ("photo", "signature"):
        least = item.photos_min if item.type == "photo" else sum(role.min for role in item.roles)
        if row.min and float(row.min) > least:
            yield f"{least} are enough, the table asks for {row.min}"
        return
    ends = () if item.range is None else (item.range,)
    if row.min and float(row.min) not in {bound.min for bound in (*item.limits, *ends)}:
        yield f"no limit is at least {row.min}"
    if row.max and float(row.max) not in {bound.max for bound in (*item.limits, *ends)}:
        yield f"no limit is at most {row.max}"
