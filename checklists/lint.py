"""What is wrong with a definition, told to its author.

A definition that loads has the right shape. Lint asks whether it makes sense: whether every expression can be
evaluated, every text is there in both languages, and every limit can be kept and broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from checklists import cel
from checklists.loader import fact_definitions
from checklists.model import NA_TYPES, Definition, FactDefinition, Item, Limit, Text

__all__ = ["FUNCTIONS", "lint", "lint_facts"]

#: What expressions may call. Nothing here reads a clock, backtracks or grows its input.
FUNCTIONS = frozenset(
    {"all", "contains", "endsWith", "exists", "exists_one", "filter", "has", "map", "size", "startsWith"}
)

_CEL_TYPES: dict[str, Literal["bool", "double", "string"]] = {
    "bool": "bool",
    "number": "double",
    "choice": "string",
}


def lint(definition: Definition) -> list[str]:
    """Every complaint as `<item>: <what is wrong>`; empty if there is none. Raises CelMissing."""
    return [*_texts(definition), *_codes(definition), *_expressions(definition), *_items(definition)]


def lint_facts(declared: Mapping[str, FactDefinition] | None = None) -> list[str]:
    """Every complaint about the facts (by default those of `facts.yaml`). Raises CelMissing."""
    facts = fact_definitions() if declared is None else declared
    return list(_facts(facts))


def _facts(facts: Mapping[str, FactDefinition]) -> Iterator[str]:
    for fact in facts.values():
        yield from _missing(fact.name, "title", fact.title)
        yield from _missing(fact.name, "definition", fact.definition)
        if (fact.type == "choice") != bool(fact.options):
            yield f"{fact.name}: options belong to choices, and a choice needs them"
        if fact.derived is not None and fact.type != "bool":
            yield f"{fact.name}: what is derived is true or false"
    settled = {name: _CEL_TYPES[fact.type] for name, fact in facts.items() if fact.derived is None}
    derived = [(fact.name, fact.derived) for fact in facts.values() if fact.derived is not None]
    for (name, expression), seen in zip(
        derived, cel.inspect([expression for _, expression in derived], settled), strict=True
    ):
        place = f"{name}: `{expression}`"
        others = [other for other in seen.facts if other not in settled]
        yield from (f"{place} uses {other}, which nobody settles" for other in others)
        if seen.error is not None and not others:
            yield f"{place} is not valid: {seen.error}"
        elif seen.error is None and seen.type != "bool":
            yield f"{place} gives {seen.type}, not true or false"
        if seen.answers:
            yield f"{place} looks at answers; a fact holds for the whole case"


def _texts(definition: Definition) -> Iterator[str]:
    yield from _missing(definition.id, "title", definition.title)
    for section in definition.sections:
        yield from _missing(section.id, "title", section.title)
    for item in definition.items:
        yield from _missing(item.code, "text", item.text)
        yield from _missing(item.code, "remedy", item.remedy)
        if item.criterion is not None:
            yield from _missing(item.code, "criterion", item.criterion)
        for option in item.options:
            yield from _missing(item.code, f"option {option.value}", option.text)
        for role in item.roles:
            yield from _missing(item.code, f"role {role.role}", role.text)
        for point in item.points:
            yield from _missing(item.code, f"point {point.point}", point.text)
        for view in item.views:
            yield from _missing(item.code, f"view {view.view}", view.text)


def _missing(place: str, what: str, text: Text) -> Iterator[str]:
    for language, words in (("zh-CN", text.zh), ("en", text.en)):
        if not words.strip():
            yield f"{place}: {what} has no {language} words"


def _codes(definition: Definition) -> Iterator[str]:
    if not definition.items:
        yield f"{definition.id}: there is no item"
    seen: set[str] = set()
    for item in definition.items:
        if item.code in seen:
            yield f"{item.code}: the code stands twice"
        seen.add(item.code)


def _expressions(definition: Definition) -> Iterator[str]:
    facts = fact_definitions()
    found = list(_written(definition))
    types = {name: _CEL_TYPES[fact.type] for name, fact in facts.items()}
    inspections = cel.inspect([expression for _, _, expression in found], types)
    earlier: dict[str, set[str]] = {}
    before: set[str] = set()
    for item in definition.items:
        earlier[item.code] = set(before)
        before.add(item.code)
    for (item, field, expression), seen in zip(found, inspections, strict=True):
        place = f"{item.code}: {field} `{expression}`"
        unknown = [name for name in seen.facts if name not in facts]
        yield from (f"{place} uses the unknown fact {name}" for name in unknown)
        if seen.error is not None and not unknown:
            yield f"{place} is not valid: {seen.error}"
        elif seen.error is None and seen.type not in ("bool", "dyn"):
            yield f"{place} gives {seen.type}, not true or false"
        if seen.dynamic:
            yield f"{place} computes a name; names must be spelled out"
        yield from (f"{place} calls {name}, which is not offered" for name in set(seen.functions) - FUNCTIONS)
        yield from (f"{place} uses the unknown item {code}" for code in seen.answers if code not in before)
        if field == "accept" and item.code not in seen.answers and seen.error is None:
            yield f"{place} does not look at the item's own answer"
        if field == "when":
            later = [code for code in seen.answers if code in before and code not in earlier[item.code]]
            yield from (f"{place} uses {code}, which is not an earlier item" for code in later)


def _written(definition: Definition) -> Iterator[tuple[Item, str, str]]:
    for item in definition.items:
        if item.when is not None:
            yield item, "when", item.when
        if item.accept is not None:
            yield item, "accept", item.accept
        for number, limit in enumerate(item.limits, 1):
            if limit.when is not None:
                yield item, f"limit {number}'s when", limit.when


def _items(definition: Definition) -> Iterator[str]:
    for item in definition.items:
        for complaint in (*_limits(item), *_parts(item), *_photo_rules(item)):
            yield f"{item.code}: {complaint}"


def _limits(item: Item) -> Iterator[str]:
    if item.type == "number":
        if item.unit is None:
            yield "a number needs a unit"
        if item.range is None:
            yield "a number needs the range of possible readings"
        elif item.range.min >= item.range.max:
            yield "the range is upside down"
    elif item.unit is not None or item.range is not None:
        yield f"unit and range belong to numbers, not to {item.type}"
    if item.limits and item.type not in ("number", "location"):
        yield f"limits belong to numbers and locations, not to {item.type}"
    for limit in item.limits:
        yield from _limit(item, limit)
    always = [limit for limit in item.limits if limit.when is None]
    hard = [limit for limit in always if limit.verdict == "fail"]
    for soft in (limit for limit in always if limit.verdict == "warning"):
        if any(_never_reached(soft, limit) for limit in hard):
            yield "a limit that warns lies beyond one that fails, so it never decides"


def _limit(item: Item, limit: Limit) -> Iterator[str]:
    if limit.min is None and limit.max is None:
        yield "a limit needs min or max"
    if limit.min is not None and limit.max is not None and limit.min > limit.max:
        yield "a limit is upside down"
    for bound in (limit.min, limit.max):
        if bound is None or item.range is None:
            continue
        if not item.range.min <= bound <= item.range.max:
            yield f"the limit {bound:g} lies outside the range of possible readings"
    if item.range is not None and (limit.min == item.range.min or limit.max == item.range.max):
        yield "a limit equals the end of the range, so that nothing can break it"


def _never_reached(soft: Limit, hard: Limit) -> bool:
    below = soft.min is None or (hard.min is not None and soft.min <= hard.min)
    above = soft.max is None or (hard.max is not None and soft.max >= hard.max)
    return below and above


def _parts(item: Item) -> Iterator[str]:
    if item.type in ("choice", "multi_choice"):
        if len(item.options) < 2:
            yield "a choice needs two options or more"
        if not any(option.verdict == "pass" for option in item.options):
            yield "no option passes"
    elif item.options:
        yield f"options belong to choices, not to {item.type}"
    if (item.type == "signature") != bool(item.roles):
        yield "roles belong to signatures, and a signature needs them"
    if item.points and item.type != "location":
        yield f"points belong to locations, not to {item.type}"
    if any(role.min < 1 for role in item.roles):
        yield "a role signs at least once"
    if item.na is not None and item.type not in NA_TYPES:
        yield f"na is no answer to {item.type}"
    names = (
        [option.value for option in item.options],
        [role.role for role in item.roles],
        [point.point for point in item.points],
        [view.view for view in item.views],
    )
    if any(len(set(group)) < len(group) for group in names):
        yield "an option, role, point or view stands twice"
    if item.instrument and item.type != "number":
        yield f"an instrument belongs to numbers, not to {item.type}"
    if item.accept_verdict != "fail" and item.accept is None:
        yield "accept_verdict is set, but there is nothing to accept"


def _photo_rules(item: Item) -> Iterator[str]:
    if item.photos_min < 1:
        yield "photos_min is at least 1"
    if item.type == "photo" and item.photo != "always":
        yield "a photo item asks for photos always"
    if item.views and item.photo != "always":
        yield "views belong to items that ask for photos always"
    if any(view.min < 1 for view in item.views):
        yield "a view is shown at least once"
    if sum(view.min for view in item.views) > item.photos_min:
        yield "photos_min is less than the views together ask for"
    if item.photos_min > 1 and item.photo == "never":
        yield "photos_min is set, but no photo is ever asked for"
