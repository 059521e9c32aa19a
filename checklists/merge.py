"""Several inspectors' answers to one form, merged item by item.

What stands depends only on the set of answers given, not on who came first: the answers of one item are
grouped by value, each group becomes one answer with the photos and notes of all its parts, and the group that
is safest to believe stands. The others are set aside, whole. Signatures are one group, because they complete
each other. Safest is, in this order:

1. a failure;
2. an answer that cannot be read or used: it may have meant a failure, and it sends the form back;
3. a warning;
4. not applicable, which claims less than
5. a pass;
6. an answer that says nothing yet.

Between equals the larger severity counts, then the more cautious measurement (nearer to its limit or further
beyond it), then the answer without faults, then canonical JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from checklists.answers import Reading, canonical, combine, parts_of, read_answer
from checklists.cel import Decision
from checklists.evaluate import decide_rules, shortfalls_of, usable_facts
from checklists.model import SEVERITY_RANK, Definition, Item
from checklists.verdicts import judge, margin

__all__ = ["Merged", "merge"]

_FAIL, _UNUSABLE, _WARNING, _NOT_APPLICABLE, _PASS, _EMPTY = 5, 4, 3, 2, 1, 0
_RANK = {
    "not_applicable": _NOT_APPLICABLE,
    "unanswered": _EMPTY,
    "incomplete": _EMPTY,
    "photos": _EMPTY,
}
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


def merge(definition: Definition, facts: Mapping[str, Any], branches: Sequence[Mapping[str, Any]]) -> Merged:
    """Merge branches, each a mapping from item code to answer. Commutative, associative (through
    `Merged.branches`) and idempotent; every answer given is in the result. Judge it with
    `evaluate(definition, facts, merged.answers, superseded=merged.superseded)`: so a merge never removes a
    failure that one branch alone would have had. Raises CelMissing."""
    given = _answers_by_item(definition, branches)
    readings = {
        code: {key: read_answer(definition.by_code[code], raw) for key, raw in raws.items()}
        for code, raws in given.items()
        if code in definition.by_code
    }
    alternatives = {code: [reading.value for reading in found.values()] for code, found in readings.items()}
    decisions = decide_rules(definition, usable_facts(facts), alternatives)

    answers: dict[str, Any] = {}
    superseded: dict[str, tuple[Any, ...]] = {}
    for code in sorted(given):
        item = definition.by_code.get(code)
        decision = decisions.get(code, Decision())
        groups = list(_groups(item, given[code], readings.get(code, {})))
        groups.sort(key=lambda group: _caution(item, group, decision), reverse=True)
        answers[code] = groups[0]
        if len(groups) > 1:
            superseded[code] = tuple(groups[1:])
    return Merged(answers, superseded)


def _answers_by_item(
    definition: Definition, branches: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Every different answer of each item by its canonical JSON; merged ones are taken apart again."""
    given: dict[str, dict[str, Any]] = {}
    for branch in branches:
        for code, raw in branch.items():
            item = definition.by_code.get(code)
            parts = parts_of(item, raw) if item is not None and isinstance(raw, Mapping) else None
            for part in parts or (raw,):
                given.setdefault(code, {})[canonical(part)] = part
    return given


def _groups(item: Item | None, raws: Mapping[str, Any], readings: Mapping[str, Reading]) -> Iterator[Any]:
    """Readable answers of equal value as one; every other answer alone."""
    if item is None:
        yield from raws.values()
        return
    collected = item.type == "signature"
    by_value: dict[str, list[Any]] = {}
    for key, raw in raws.items():
        reading = readings[key]
        if reading.faults:
            yield raw
        else:
            value = None if collected else reading.value
            by_value.setdefault(canonical([value, reading.defect]), []).append(raw)
    for alike in by_value.values():
        yield combine(item, alike)


def _caution(item: Item | None, answer: Any, decision: Decision) -> tuple[int, int, float, int, str]:
    """The place of an answer in the order of caution, larger first."""
    if item is None:
        return _UNUSABLE, 0, 0.0, 0, canonical(answer)
    reading = read_answer(item, answer)
    # Without `accept`: a rule that compares items is judged on the merged form, with every value given.
    alone = Decision(limits=decision.limits)
    ruling = judge(item, reading, alone, enough=not shortfalls_of(item, reading))
    rank = _RANK.get(ruling.verdict) or _UNJUDGED_RANK.get(ruling.rule, _UNUSABLE)
    measured = item.type in ("number", "location") and reading.value is not None
    measured = measured and not item.is_na(reading.value)
    room = margin(item, reading.value, decision) if measured else 0.0
    return rank, SEVERITY_RANK[ruling.severity], -room, int(not reading.faults), canonical(answer)
