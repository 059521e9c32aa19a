"""Judging a form: a verdict with its reason for each item, and all that keeps the form from being complete.

In doubt the judgement is strict. A condition that cannot be evaluated shows its item and lets its limit
apply; a rule that cannot be evaluated is a problem; an answer that cannot be read can fail an item but never
pass it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import msgspec

from checklists.answers import Problem, Reading, read_answer
from checklists.cel import Decision
from checklists.deciding import decide_rules, titles, unknown_facts, untimed_photos, usable_facts
from checklists.lines import Line, lay_out
from checklists.model import Definition, Item, ItemType, Severity, Text, Verdict
from checklists.reasons import because
from checklists.shortfalls import shortfalls_of, unfinished
from checklists.values import clipped
from checklists.verdicts import Ruling, as_grave_as_decided, judge, with_unknown_facts

__all__ = [
    "ItemJudgement",
    "Judgement",
    "decide_rules",
    "evaluate",
    "read_form",
    "shortfalls_of",
    "usable_facts",
]

_NO_RULES = Decision()
_UNASKED = Reading()


class ItemJudgement(msgspec.Struct, frozen=True):
    """One item, judged. `severity` is that of the rule that decided, `rule` its name, `reason` its words.
    An item of a repeat stands here once for each entry: its `code` names the `entry`, its text begins with
    the entry's `label`."""

    code: str
    shown: bool
    required: bool
    verdict: Verdict
    severity: Severity
    rule: str
    reason: Text
    type: ItemType
    text: Text
    remedy: Text
    value: Any
    unit: str | None
    note: str | None
    photos: tuple[str, ...]
    by: str | None
    at: str | None
    source: str
    certainty: Literal["settled", "verify"]
    entry: str | None = None
    label: str | None = None


class Judgement(msgspec.Struct, frozen=True):
    """A form, judged. `ignored` are the items that were answered and not judged: hidden, or outside `only`;
    `unknown_facts` are the facts that would have been needed and were missing or unusable."""

    items: tuple[ItemJudgement, ...]
    problems: tuple[Problem, ...]
    ignored: tuple[str, ...] = ()
    unknown_facts: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Every shown item is answered as it must be. It says nothing about what passed."""
        return not self.problems

    @property
    def failed(self) -> tuple[ItemJudgement, ...]:
        return tuple(item for item in self.items if item.verdict == "fail")

    @property
    def warnings(self) -> tuple[ItemJudgement, ...]:
        return tuple(item for item in self.items if item.verdict == "warning")

    @property
    def photo_ids(self) -> tuple[str, ...]:
        """Every photo that the judged answers name, once, in the order of the form."""
        return tuple(dict.fromkeys(photo for item in self.items for photo in item.photos))

    @property
    def signature_ids(self) -> tuple[str, ...]:
        """Every signature that the judged answers name, once, in the order of the form."""
        signed = (item.value for item in self.items if item.type == "signature" and item.value is not None)
        return tuple(dict.fromkeys(entry["signature"] for value in signed for entry in value))


def evaluate(
    definition: Definition,
    facts: Mapping[str, Any],
    answers: Mapping[str, Any],
    *,
    only: Collection[str] | None = None,
    context: Mapping[str, Any] | None = None,
    superseded: Mapping[str, Sequence[Any]] | None = None,
    visit: Mapping[str, float] | None = None,
    photos: Mapping[str, Mapping[str, float]] | None = None,
) -> Judgement:
    """Judge `answers` (by item code, in an entry by `code#entry`) to `definition` on a case with `facts`.

    `only` restricts the judgement to these items, as a re-inspection does: each of them is shown and
    required whatever its condition says now; answers to others are ignored, but rules that compare items
    see them too. A rule among them brings along what it compares. `context` is what such rules see beside,
    and where entries have their labels from: the answers of the repeated inspection. `superseded` is what
    `merge` set aside. Where that gives an item several values, rules are tried with each of them.

    `visit` is when the form was filled in, `{"start", "end"}` in seconds since 1970; `photos` says of each
    photo, by id, when it was `taken_at`, in the same seconds. Rules that ask for what is not there are left
    open.

    Raises ValueError if `only` names an item that the definition does not have, CelMissing if the evaluator
    is not built.
    """
    readings, before = read_form(definition, answers), read_form(definition, context or {})
    layout = lay_out(definition, readings, before, only)
    names = {line.item.code for line in layout.lines}
    given = {name: [reading] for name, reading in before.items()}
    for name, reading in readings.items():
        if name in names and (reading.value is not None or reading.photos):
            given[name] = [reading]
        else:
            given.setdefault(name, []).append(reading)
    for name, others in (superseded or {}).items():
        item = definition.item_at(name)
        if item is not None and item.type != "repeat":
            given.setdefault(name, []).extend(read_answer(item, raw) for raw in others)
    decisions = decide_rules(
        definition,
        usable_facts(facts),
        given,
        entries=layout.entries,
        forced=layout.forced,
        visit=visit,
        photos=photos,
    )
    items, problems = [], []
    for line in layout.lines:
        decision = decisions.get(line.item.code, _NO_RULES)
        repeat = decisions.get(line.repeat or "", _NO_RULES)
        rule = decision.accept
        untimed = untimed_photos(rule.photos, given, photos or {}) if rule and rule.photos else ()
        judgement, faults = _judge_line(
            line,
            readings.get(line.item.code),
            decision,
            shown=line.forced or (repeat.shown and decision.shown),
            untimed=untimed,
        )
        items.append(judgement)
        problems.extend(faults)
    shown = {item.code for item in items if item.shown}
    for repeat_code, entry in layout.unlisted:
        if decisions.get(repeat_code, _NO_RULES).shown:
            problems.append(Problem("unlisted_entry", repeat_code, {"entry": entry}))
    foreign = sorted(name for name in answers if name not in readings)
    problems.extend(Problem("unknown_item", clipped(name)) for name in foreign)
    return Judgement(
        items=tuple(items),
        problems=tuple(problems),
        ignored=tuple(name for name in readings if name not in shown),
        unknown_facts=unknown_facts(decisions[name] for name in names if name in decisions),
    )


def read_form(definition: Definition, answers: Mapping[str, Any]) -> dict[str, Reading]:
    """Every answer that means an item, read, in the order of the form and there by entry."""
    named = {name: definition.item_at(name) for name in answers}
    place = {item.code: number for number, item in enumerate(definition.items)}
    known = {name: item for name, item in named.items() if item is not None}
    order = sorted(known, key=lambda name: (place[known[name].code], name))
    return {name: _read(known[name], name, answers[name]) for name in order}


def _read(item: Item, name: str, raw: Any) -> Reading:
    return read_answer(item if item.code == name else msgspec.structs.replace(item, code=name), raw)


def _judge_line(
    line: Line, reading: Reading | None, decision: Decision, *, shown: bool, untimed: Sequence[str]
) -> tuple[ItemJudgement, list[Problem]]:
    item = as_grave_as_decided(line.item, decision)
    if not shown:
        ruling = Ruling("not_judged", item.severity, "hidden", because("hidden"))
        return _judgement(line, _UNASKED, ruling, shown=False, required=False), []
    required = (item.required or line.forced) and item.type != "rule"
    problems: list[Problem] = []
    if reading is None and item.type != "rule":
        reading = _UNASKED
        ruling = Ruling("not_judged", item.severity, "unanswered", because("unanswered"))
        if required:
            problems.append(Problem("missing_answer", item.code))
    else:
        reading = reading or _UNASKED
        shortfalls = shortfalls_of(item, reading, decision)
        ruling = judge(item, reading, decision, enough=not shortfalls)
        problems.extend((*reading.faults, *shortfalls))
        lacking = unfinished(item, reading, ruling, decision, required=required, untimed=untimed)
        problems.extend(lacking)
    unknown = unknown_facts((decision,)) if decision is not _NO_RULES else ()
    if unknown:
        ruling = with_unknown_facts(ruling, titles(unknown))
    return _judgement(line, reading, ruling, shown=True, required=required), problems


def _judgement(line: Line, reading: Reading, ruling: Ruling, *, shown: bool, required: bool) -> ItemJudgement:
    item = line.item
    return ItemJudgement(
        code=item.code,
        shown=shown,
        required=required,
        verdict=ruling.verdict,
        severity=ruling.severity,
        rule=ruling.rule,
        reason=ruling.reason,
        type=item.type,
        text=item.text,
        remedy=item.remedy,
        value=reading.value,
        unit=item.unit,
        note=reading.note,
        photos=reading.photos,
        by=reading.by,
        at=reading.at,
        source=item.source,
        certainty=item.certainty,
        entry=line.entry,
        label=line.label,
    )
