"""What the rules of a form see of it, and what they say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from checklists import cel
from checklists.answers import Reading
from checklists.cel import Decision, Filled
from checklists.doubles import as_double, is_number
from checklists.loader import derived_facts, fact_definitions
from checklists.model import Definition, Item, Text, split_code
from checklists.reasons import joined

__all__ = ["decide_rules", "titles", "unknown_facts", "untimed_photos", "usable_facts"]


def usable_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that conditions may start from: declared, of their declared type, and not derived.

    Others count as unknown. What somebody stated of a derived fact is not listened to.
    """
    declared = fact_definitions()
    usable = (
        name
        for name, value in facts.items()
        if name in declared and declared[name].derived is None and declared[name].admits(value)
    )
    return {name: as_double(facts[name]) if is_number(facts[name]) else facts[name] for name in usable}


def decide_rules(
    definition: Definition,
    known: Mapping[str, Any],
    given: Mapping[str, Sequence[Reading]],
    *,
    entries: Mapping[str, Sequence[tuple[str, str]]] | None = None,
    forced: Collection[str] = (),
    visit: Mapping[str, float] | None = None,
    photos: Mapping[str, Mapping[str, float]] | None = None,
) -> dict[str, Decision]:
    """Decide the definition's rules with usable facts and, by name, all that each item was answered.

    `entries` are by repeat those that it has, key and label; the rest is as in `evaluate`. Raises CelMissing.
    """
    if not definition.rules.items:
        return {}
    seen = {}
    compared = definition.compared
    for name, readings in given.items():
        item = definition.item_at(name) if split_code(name)[0] in compared else None
        if item is not None:
            alternatives = [one for reading in readings for one in _seen(definition, item, reading)]
            if alternatives:
                seen[name] = alternatives
    filled = Filled(known, seen, entries or {}, photos or {}, visit or {}, forced)
    return cel.decide(definition.rules, filled, derived_facts())


def _seen(definition: Definition, item: Item, reading: Reading) -> Iterator[dict[str, Any]]:
    """An answer as rules see it, once for each time at which it was given. "Not applicable" is no value
    where a rule would expect a measurement; of a repeat they see the entries."""
    answer: dict[str, Any] = {}
    if reading.value is not None and (item.type in ("pass_fail", "file") or not item.is_na(reading.value)):
        answer["value"] = reading.value if item.type != "repeat" else True
    elif item.type == "repeat":
        return
    if definition.rules.look_at_photos:
        answer["photos"] = reading.photos
    if definition.rules.look_at_times and reading.moments:
        yield from ({**answer, "at": moment} for moment in reading.moments)
    elif answer:
        yield answer


def unknown_facts(decisions: Iterable[Decision]) -> tuple[str, ...]:
    """The facts whose absence left an expression open."""
    return tuple(sorted({name for decision in decisions for one in decision.open for name in one.facts}))


def titles(names: Iterable[str]) -> Text:
    """The titles of facts, listed."""
    declared = fact_definitions()
    found = [declared[name].title if name in declared else Text(name, name) for name in names]
    return joined(found, zh="、", en=", ")


def untimed_photos(
    names: Iterable[str],
    given: Mapping[str, Sequence[Reading]],
    photos: Mapping[str, Mapping[str, float]],
) -> list[str]:
    """The photos of these answers of which nobody knows when they were taken, sorted."""
    shown = {photo for name in names for reading in given.get(name, ()) for photo in reading.photos}
    return sorted(photo for photo in shown if "taken_at" not in photos.get(photo, ()))
