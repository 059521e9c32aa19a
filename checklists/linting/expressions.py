"""Expressions: that each can be evaluated, asks only for what there is, and says true or false."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from checklists import cel
from checklists.cel import FUNCTIONS
from checklists.linting.complaint import Complaint, NodePath, complain
from checklists.linting.walk import Placed, placed_items
from checklists.loader import fact_definitions
from checklists.model import Definition, Item

__all__ = ["CEL_TYPES", "FUNCTIONS", "Written", "inspected", "lint_expressions", "written_expressions"]

#: How many expressions are looked at in one call.
_PORTION = 100
#: The CEL type of a fact, by its own.
CEL_TYPES: dict[str, Literal["bool", "double", "string"]] = {
    "bool": "bool",
    "number": "double",
    "choice": "string",
}


@dataclass(frozen=True, slots=True)
class Written:
    """An expression of an item, the field that it stands in, and how lint calls that field; it says true or
    false, or if it `counts` a number."""

    placed: Placed
    field: NodePath
    name: str
    expression: str
    counts: bool = False


def written_expressions(definition: Definition) -> Iterator[Written]:
    """Every expression of a definition, in the order of the form."""
    for placed in placed_items(definition):
        item = placed.item
        if item.when is not None:
            yield Written(placed, ("when",), "when", item.when)
        if item.accept is not None:
            yield Written(placed, ("accept",), "accept", item.accept)
        for number, limit in enumerate(item.limits):
            if limit.when is not None:
                name = f"limit {number + 1}'s when"
                yield Written(placed, ("limits", number, "when"), name, limit.when)
        for number, rule in enumerate(item.severities):
            name = f"severity {number + 1}'s when"
            yield Written(placed, ("severities", number, "when"), name, rule.when)
        if item.entries is not None and item.entries.count is not None:
            yield Written(placed, ("entries", "count"), "count", item.entries.count, counts=True)


def inspected(
    expressions: Sequence[str], types: Mapping[str, Literal["bool", "double", "string"]]
) -> list[cel.Inspection]:
    """`cel.inspect` in portions, so that however many there are, no call is stopped. Raises CelMissing."""
    found: list[cel.Inspection] = []
    for start in range(0, len(expressions), _PORTION):
        found.extend(cel.inspect(expressions[start : start + _PORTION], types))
    return found


def lint_expressions(definition: Definition) -> Iterator[Complaint]:
    """Complaints about every expression. Raises CelMissing."""
    types = {name: CEL_TYPES[fact.type] for name, fact in fact_definitions().items()}
    found = list(written_expressions(definition))
    inspections = inspected([one.expression for one in found], types)
    order = {item.code: number for number, item in reversed(list(enumerate(definition.items)))}
    for one, seen in zip(found, inspections, strict=True):
        yield from _expression(one, seen, order, definition.repeat_of)


def _expression(
    one: Written, seen: cel.Inspection, order: dict[str, int], repeat_of: Mapping[str, Item]
) -> Iterator[Complaint]:
    def about(code: str, **params: Any) -> Complaint:
        shared = {"field": one.name, "expression": one.expression}
        return complain(code, own, (*one.placed.path, *one.field), **shared, **params)

    own, repeat = one.placed.item.code, one.placed.repeat
    asked = dict.fromkeys((*seen.answers, *seen.times, *seen.photos))
    unknown = [name for name in seen.facts if name not in fact_definitions()]
    yield from (about("fact_unknown", name=name) for name in unknown)
    if seen.error is not None and not unknown:
        yield about("expression_invalid", error=seen.error)
    elif seen.error is None and one.counts and seen.type not in ("double", "int", "dyn"):
        yield about("expression_no_count", type=seen.type)
    elif seen.error is None and not one.counts and seen.type not in ("bool", "dyn"):
        yield about("expression_not_bool", type=seen.type)
    if seen.dynamic:
        yield about("expression_computes")
    offered = ", ".join(sorted(FUNCTIONS))
    foreign = sorted(set(seen.functions) - FUNCTIONS)
    yield from (about("function_unknown", name=name, offered=offered) for name in foreign)
    yield from (about("item_unknown", name=code) for code in asked if code not in order)
    for code in asked:
        if code in repeat_of and (repeat is None or repeat_of[code].code != repeat.code):
            yield about("item_in_entries", name=code, repeat=repeat_of[code].code)
    if one.name == "accept" and seen.error is None:
        if one.placed.item.type == "rule" and not asked:
            yield about("rule_compares_nothing")
        elif one.placed.item.type != "rule" and own not in asked:
            yield about("own_answer_unused")
    if one.name == "when" and repeat is not None and repeat.code in asked:
        yield about("item_later", name=repeat.code)
    if one.name == "when":
        later = (code for code in asked if code in order and order[code] >= order[own])
        yield from (about("item_later", name=code) for code in later)
