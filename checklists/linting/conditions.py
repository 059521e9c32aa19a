"""Conditions: that each can hold and can fail, and is not turned in a circle.

Bools and choices are tried in every combination, numbers at and around every literal that they are compared
with. That decides most conditions. One that computes with numbers, looks into lists or has too many
combinations is only complained of where trying it failed; otherwise it is left undecided, see `undecided`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from checklists import cel
from checklists.linting.complaint import Complaint, complain
from checklists.linting.expressions import Written, inspected, written_expressions
from checklists.loader import derived_facts, fact_definitions
from checklists.model import NOT_APPLICABLE, Definition, Item

__all__ = ["Effort", "lint_conditions", "undecided"]

#: Photos of an item: times long before, amid and long after those that are tried of a visit.
_MOMENTS = (-1e12, 100.0, 1e12)
_PHOTOS = [[{"taken_at": moment}] for moment in _MOMENTS] + [[{"taken_at": moment} for moment in _MOMENTS]]
#: What stands for any text and any date in an entry.
_ANY = {"text": "", "date": "2025-06-30"}
#: A multiple choice has this many sets of options at the most for all of them to be tried.
_MOST_SETS = 64

Domain = Mapping[str, Any]


@dataclass(slots=True)
class Effort:
    """How many situations are tried: of one expression, and of one definition in all. Beyond it, a condition
    stays undecided."""

    of_expression: int = 4096
    of_definition: int = 100_000
    spent: int = field(default=0, init=False)

    def left(self) -> int:
        return max(0, min(self.of_expression, self.of_definition - self.spent))


def lint_conditions(definition: Definition, effort: Effort | None = None) -> Iterator[Complaint]:
    """Complaints about conditions that never or always hold, fail to be evaluated or ask for each other.
    Raises CelMissing."""
    yield from _circles(definition)
    for one, seen in _explored(definition, effort or Effort()):
        if seen is not None:
            yield from _verdict(one, seen)


def undecided(definition: Definition, effort: Effort | None = None) -> list[Written]:
    """The conditions of which it is not known whether they can hold and can fail. Raises CelMissing."""
    return [
        one
        for one, seen in _explored(definition, effort or Effort())
        if seen is None or not (seen.decided or (seen.holds and seen.fails))
    ]


def _explored(definition: Definition, effort: Effort) -> Iterator[tuple[Written, cel.Exploration | None]]:
    declared = _declared(definition)
    for one in written_expressions(definition):
        if one.counts:
            continue
        left = effort.left()
        seen = cel.explore(one.expression, declared, derived_facts(), left) if left else None
        effort.spent += seen.tried if seen is not None else 0
        yield one, seen


def _verdict(one: Written, seen: cel.Exploration) -> Iterator[Complaint]:
    def about(code: str, **params: Any) -> Complaint:
        place = (*one.placed.path, *one.field)
        return complain(
            code, one.placed.item.code, place, field=one.name, expression=one.expression, **params
        )

    judges = one.name == "accept"
    if seen.failure is not None:
        situation = {**seen.failure["facts"], **seen.failure["answers"]}
        values = ", ".join(f"{name} = {value!r}" for name, value in sorted(situation.items()))
        yield about("expression_fails", error=seen.failure["error"], values=values)
    elif seen.decided and not seen.holds:
        yield about("accept_never" if judges else "condition_never")
    elif seen.decided and not seen.fails:
        yield about("accept_always" if judges else "condition_always")


def _circles(definition: Definition) -> Iterator[Complaint]:
    """Items that are shown by one another's answers: none of them is ever asked first."""
    asked: dict[str, list[str]] = {}
    written = [one for one in written_expressions(definition) if one.name == "when"]
    inspections = inspected([one.expression for one in written], {})
    for one, seen in zip(written, inspections, strict=True):
        asked.setdefault(one.placed.item.code, []).extend(seen.answers)
    for one in written:
        code = one.placed.item.code
        way = _way_back(code, asked)
        if way is not None and code == min(way):
            yield complain("condition_circle", code, (*one.placed.path, "when"), way=" → ".join((*way, code)))


def _way_back(code: str, asked: Mapping[str, list[str]]) -> list[str] | None:
    """The shortest way from an item over the items that its condition asks for, back to it."""
    ways = [[code]]
    seen = {code}
    for way in ways:
        for other in asked.get(way[-1], ()):
            if other == code:
                return way
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return None


def _declared(definition: Definition) -> dict[str, Domain]:
    """The values of every fact and answer, as `cel.explore` wants them."""
    declared: dict[str, Domain] = {}
    for name, fact in fact_definitions().items():
        if fact.type == "number":
            declared[f"facts.{name}"] = {"kind": "number", "min": 0.0}
        else:
            values = [True, False] if fact.type == "bool" else [option.value for option in fact.options]
            declared[f"facts.{name}"] = {"kind": "all", "values": values}
    for item in definition.items:
        declared[f"answers.{item.code}"] = _domain(item)
        declared[f"times.{item.code}"] = {"kind": "number"}
        declared[f"photos.{item.code}"] = {"kind": "some", "values": _PHOTOS}
    declared |= {f"visit.{end}": {"kind": "number"} for end in ("start", "end")}
    return declared


def _domain(item: Item) -> Domain:
    match item.type:
        case "pass_fail":
            return {"kind": "all", "values": ["pass", "fail", NOT_APPLICABLE]}
        case "file":
            return {"kind": "all", "values": ["provided", "missing", NOT_APPLICABLE]}
        case "choice":
            return {"kind": "all", "values": [option.value for option in item.options]}
        case "multi_choice":
            return _sets([option.value for option in item.options])
        case "number":
            ends = {"min": item.range.min, "max": item.range.max} if item.range is not None else {}
            return {"kind": "number", **ends}
        case "text" | "date":
            return {"kind": item.type}
        case _:
            return {"kind": "some", "values": _samples(item)}


def _sets(options: list[str]) -> Domain:
    small = 2 ** len(options) - 1 <= _MOST_SETS
    sizes = range(1, len(options) + 1) if small else (1, 2, len(options))
    return {
        "kind": "all" if small else "some",
        "values": [list(chosen) for size in sizes for chosen in combinations(options, size)],
    }


def _samples(item: Item) -> list[Any]:
    position = {"lon": 120.0, "lat": 30.0, "accuracy_m": 5.0, "datum": "wgs84"}
    if item.type == "location":
        return [{point.point: position for point in item.points} if item.points else position]
    if item.type == "signature":
        return [[{"role": role.role, "signature": "signature:1"} for role in item.roles]]
    if item.type == "repeat":
        return [[_entry(item, number) for number in range(count)] for count in (1, 2)]
    return []


def _entry(repeat: Item, number: int) -> dict[str, Any]:
    """What an entry of a repeat looks like to the rules outside it, each of its items answered somehow."""
    entry: dict[str, Any] = {"entry": str(number), "label": str(number)}
    for item in repeat.items:
        domain = _domain(item)
        ends = [domain.get("min", 0.0), domain.get("max", 1.0)]
        values = domain.get("values", [_ANY[domain["kind"]]] if domain["kind"] in _ANY else ends)
        if values:
            entry[item.code] = values[number % len(values)]
    return entry
