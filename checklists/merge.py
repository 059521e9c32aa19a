"""Several inspectors' answers to one form, merged item by item.

What stands depends only on the set of answers given, not on who came first: the answers of one item are
grouped by value, each group becomes one answer with the photos and notes of all its parts, and the group
that is safest to believe stands. The others are set aside, whole. Signatures are one group, because they
complete each other, and so are the lists of a repeat's entries: what either inspector found is there.
Safest is, in this order:

1. a failure;
2. an answer that cannot be read or used: it may have meant a failure, and it sends the form back;
3. a warning;
4. not applicable, which claims less than
5. a pass;
6. of a repeat, that it has no entries;
7. an answer that says nothing yet.

Between equals the larger severity counts, then the more cautious measurement (nearer to its limit or further
beyond it), then the answer without faults, then canonical JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from checklists.answers import Reading, canonical, combine, parts_of, read_answer
from checklists.cel import Decision
from checklists.deciding import decide_rules, usable_facts
from checklists.model import SEVERITY_RANK, Definition, Item, split_code
from checklists.shortfalls import shortfalls_of
from checklists.verdicts import as_grave_as_decided, judge, margin

__all__ = ["Merged", "merge"]

_FAIL, _UNUSABLE, _WARNING, _NOT_APPLICABLE, _PASS, _NO_ENTRIES, _EMPTY = 6, 5, 4, 3, 2, 1, 0
_RANK = {"fail": _FAIL, "warning": _WARNING, "pass": _PASS}
#: A ruling without a verdict ranks by its rule; one that is not named here is unusable.
_UNJUDGED_RANK = {
    "not_applicable": _NOT_APPLICABLE,
    "unanswered": _EMPTY,
    "incomplete": _EMPTY,
    "photos": _EMPTY,
}


class Merged(msgspec.Struct, frozen=True):
    """`answers` by item code, and `superseded`: the answers set aside, by item code, the safest first."""

    answers: dict[str, Any]
    superseded: dict[str, tuple[Any, ...]]

    def branches(self) -> tuple[dict[str, Any], ...]:
        """All of it as branches again, so that a later branch can be merged with all that came before."""
        depth = max((len(others) for others in self.superseded.values()), default=0)
        layers = (
            {code: others[layer] for code, others in self.superseded.items() if layer < len(others)}
            for layer in range(depth)
        )
        return (self.answers, *layers)


def merge(
    definition: Definition,
    facts: Mapping[str, Any],
    branches: Sequence[Mapping[str, Any]],
    *,
    visit: Mapping[str, float] | None = None,
    photos: Mapping[str, Mapping[str, float]] | None = None,
) -> Merged:
    """Merge branches, each a mapping from an item's name (its code, in an entry `code#entry`) to the answer.

    Commutative, associative (through `Merged.branches`) and idempotent; every answer given is in the
    result. Judge it with `evaluate(definition, facts, merged.answers, superseded=merged.superseded)` and
    the same `visit` and `photos`: so a merge never removes a failure that one branch alone would have had,
    but for rules over all entries of a repeat, which see the entries of every branch. Raises CelMissing."""
    given = _answers_by_item(definition, branches)
    items = {name: item for name in given if (item := definition.item_at(name)) is not None}
    readings = {
        name: {key: read_answer(item, raw) for key, raw in given[name].items()}
        for name, item in items.items()
    }
    decisions = decide_rules(
        definition,
        usable_facts(facts),
        {name: list(found.values()) for name, found in readings.items()},
        entries=_entries(definition, readings),
        visit=visit,
        photos=photos,
    )

    answers: dict[str, Any] = {}
    superseded: dict[str, tuple[Any, ...]] = {}
    for code in sorted(given):
        item, decision = items.get(code), decisions.get(code, Decision())
        groups = list(_groups(item, given[code], readings.get(code, {})))
        groups.sort(key=lambda group: _caution(item, group, decision), reverse=True)
        answers[code] = groups[0]
        if len(groups) > 1:
            superseded[code] = tuple(groups[1:])
    return Merged(answers, superseded)


def _entries(
    definition: Definition, readings: Mapping[str, Mapping[str, Reading]]
) -> dict[str, list[tuple[str, str]]]:
    """Every entry of each repeat that some answer lists or names, by its key; labels do not matter here."""
    found: dict[str, set[str]] = {repeat: set() for repeat in definition.rules.repeats}
    for name, read in readings.items():
        code, entry = split_code(name)
        if entry is not None:
            found[definition.repeat_of[code].code].add(entry)
        elif code in found:
            for reading in read.values():
                listed = reading.value if isinstance(reading.value, list) else ()
                found[code].update(one["entry"] for one in listed)
    return {repeat: [(key, key) for key in sorted(keys)] for repeat, keys in found.items()}


def _answers_by_item(
    definition: Definition, branches: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Every different answer of each item by its canonical JSON; merged ones are taken apart again."""
    given: dict[str, dict[str, Any]] = {}
    for branch in branches:
        for code, raw in branch.items():
            item = definition.item_at(code)
            parts = parts_of(item, raw) if item is not None and isinstance(raw, Mapping) else None
            for part in parts or (raw,):
                given.setdefault(code, {})[canonical(part)] = part
    return given


def _groups(item: Item | None, raws: Mapping[str, Any], readings: Mapping[str, Reading]) -> Iterator[Any]:
    """Readable answers of equal value as one; every other answer alone."""
    if item is None:
        yield from raws.values()
        return
    by_value: dict[str, list[Any]] = {}
    for key, raw in raws.items():
        reading = readings[key]
        if reading.faults:
            yield raw
        else:
            by_value.setdefault(_likeness(item, reading), []).append(raw)
    for alike in by_value.values():
        yield combine(item, alike)


def _likeness(item: Item, reading: Reading) -> str:
    """What answers have in common that are made one."""
    if item.type == "repeat":
        return canonical(item.is_na(reading.value))
    return canonical([None if item.type == "signature" else reading.value, reading.defect])


def _caution(item: Item | None, answer: Any, decision: Decision) -> tuple[int, int, float, int, str]:
    """The place of an answer in the order of caution, larger first."""
    if item is None:
        return _UNUSABLE, 0, 0.0, 0, canonical(answer)
    reading = read_answer(item, answer)
    # Without `accept`: a rule that compares items is judged on the merged form, with every value given.
    alone = Decision(limits=decision.limits, severities=decision.severities)
    item = as_grave_as_decided(item, alone)
    ruling = judge(item, reading, alone, enough=not shortfalls_of(item, reading, alone))
    rank = _RANK.get(ruling.verdict) or _UNJUDGED_RANK.get(ruling.rule, _UNUSABLE)
    if item.type == "repeat" and rank < _UNUSABLE and not reading.faults:
        rank = _PASS if isinstance(reading.value, list) else min(rank, _NO_ENTRIES)
    measured = item.type in ("number", "location") and reading.value is not None
    measured = measured and not item.is_na(reading.value)
    room = margin(item, reading.value, decision) if measured else 0.0
    return rank, SEVERITY_RANK[ruling.severity], -room, int(not reading.faults), canonical(answer)
