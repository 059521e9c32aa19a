"""Judging a form: a verdict with its reason for each item, and all that keeps the form from being complete.

In doubt the judgement is strict. A condition that cannot be evaluated shows its item and lets its limit
apply; a rule that cannot be evaluated is a problem; an answer that cannot be read can fail an item but never
pass it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from checklists import cel
from checklists.answers import Problem, Reading, read_answer
from checklists.cel import Decision
from checklists.doubles import as_double, is_number
from checklists.loader import derived_facts, fact_definitions
from checklists.model import Definition, Item, ItemType, Severity, Text, Verdict
from checklists.reasons import because, joined
from checklists.values import clipped
from checklists.verdicts import Ruling, judge, wants_words, with_unknown_facts

__all__ = ["ItemJudgement", "Judgement", "decide_rules", "evaluate", "shortfalls_of", "usable_facts"]

_NO_RULES = Decision()


class ItemJudgement(msgspec.Struct, frozen=True):
    """One item, judged. `severity` is that of the rule that decided, `rule` its name, `reason` its words."""

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
) -> Judgement:
    """Judge `answers` (by item code) to `definition` on a case with `facts`.

    `only` restricts the judgement to these items, as a re-inspection does: each of them is shown and required
    whatever its condition says now; answers to others are ignored, but rules that compare items see them too.
    `context` is what such rules see beside: the answers of the repeated inspection. `superseded` is what
    `merge` set aside. Where that gives an item several values, rules are tried with each of them.

    Raises ValueError if `only` names an item that the definition does not have, CelMissing if the evaluator
    is not built.
    """
    judged = _chosen(definition, only)
    readings = _read(definition, answers)
    given = {code: [reading.value] for code, reading in _read(definition, context or {}).items()}
    for code, reading in readings.items():
        if reading.value is not None and (only is None or code in only):
            given[code] = [reading.value]
        else:
            given.setdefault(code, []).append(reading.value)
    for code, others in (superseded or {}).items():
        if code in definition.by_code:
            item = definition.by_code[code]
            given.setdefault(code, []).extend(read_answer(item, raw).value for raw in others)
    decisions = decide_rules(definition, usable_facts(facts), given, forced=only or ())

    items, problems = [], []
    for item in judged:
        decision = decisions.get(item.code, _NO_RULES)
        judgement, faults = _judge_item(item, readings.get(item.code), decision, forced=only is not None)
        items.append(judgement)
        problems.extend(faults)
    shown = {item.code for item in items if item.shown}
    foreign = sorted(code for code in answers if code not in definition.by_code)
    problems.extend(Problem("unknown_item", clipped(code)) for code in foreign)
    return Judgement(
        items=tuple(items),
        problems=tuple(problems),
        ignored=tuple(code for code in readings if code not in shown),
        unknown_facts=_unknown_facts(decisions[item.code] for item in judged if item.code in decisions),
    )


def _chosen(definition: Definition, only: Collection[str] | None) -> tuple[Item, ...]:
    if only is None:
        return definition.items
    foreign = sorted(code for code in only if code not in definition.by_code)
    if foreign:
        raise ValueError(f"{definition.id}@{definition.version} has no items {', '.join(foreign)}")
    return tuple(item for item in definition.items if item.code in only)


def _read(definition: Definition, answers: Mapping[str, Any]) -> dict[str, Reading]:
    return {
        item.code: read_answer(item, answers[item.code]) for item in definition.items if item.code in answers
    }


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
    alternatives: Mapping[str, Sequence[Any]],
    forced: Collection[str] = (),
) -> dict[str, Decision]:
    """Decide the definition's rules with usable facts and the values that each item was given.

    A value of None is none, and neither is "not applicable" where a rule would expect a measurement.
    """
    if not definition.rules:
        return {}
    seen = {}
    for code in definition.compared & alternatives.keys():
        item = definition.by_code[code]
        choice = item.type in ("pass_fail", "file")
        values = [
            value for value in alternatives[code] if value is not None and (choice or not item.is_na(value))
        ]
        if values:
            seen[code] = values
    return cel.decide(definition.rules, known, seen, forced, derived_facts())


def _judge_item(
    item: Item, reading: Reading | None, decision: Decision, *, forced: bool
) -> tuple[ItemJudgement, list[Problem]]:
    if not (forced or decision.shown):
        ruling = Ruling("not_judged", item.severity, "hidden", because("hidden"))
        return _judgement(item, Reading(), ruling, shown=False, required=False), []
    required = item.required or forced
    problems: list[Problem] = []
    if reading is None:
        reading = Reading()
        ruling = Ruling("not_judged", item.severity, "unanswered", because("unanswered"))
        if required:
            problems.append(Problem("missing_answer", item.code))
    else:
        shortfalls = shortfalls_of(item, reading)
        ruling = judge(item, reading, decision, enough=not shortfalls)
        problems.extend((*reading.faults, *shortfalls))
        problems.extend(_unfinished(item, reading, ruling, decision, required))
    unknown = _unknown_facts((decision,))
    if unknown:
        ruling = with_unknown_facts(ruling, _titles(unknown))
    return _judgement(item, reading, ruling, shown=True, required=required), problems


def _judgement(item: Item, reading: Reading, ruling: Ruling, *, shown: bool, required: bool) -> ItemJudgement:
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
    )


def shortfalls_of(item: Item, reading: Reading) -> list[Problem]:
    """What is missing of a value that consists of several things: photos with views, signatures, points."""
    if item.type == "photo":
        return [*_photos_short(item, reading), *_views_short(item, reading)]
    if reading.value is None or item.is_na(reading.value):
        return []
    if item.type == "location":
        wanted = [point for point in item.points if point.point not in reading.value]
        return [Problem("missing_point", item.code, _named("point", one.point, one.text)) for one in wanted]
    if item.type == "signature":
        return _signatures_short(item, reading.value)
    return []


def _named(what: str, name: str, text: Text) -> dict[str, Any]:
    """A thing with a name for programs and one for each language."""
    return {what: name, f"{what}_zh": text.zh, f"{what}_en": text.en}


def _photos_short(item: Item, reading: Reading) -> list[Problem]:
    have = len(reading.photos)
    if have >= item.photos_min:
        return []
    return [Problem("missing_photo", item.code, {"have": have, "need": item.photos_min})]


def _views_short(item: Item, reading: Reading) -> list[Problem]:
    problems = []
    for view in item.views:
        have = len(reading.views.get(view.view, ()))
        if have < view.min:
            params = {**_named("view", view.view, view.text), "have": have, "need": view.min}
            problems.append(Problem("missing_view", item.code, params))
    return problems


def _instrument_short(item: Item, reading: Reading) -> list[Problem]:
    """What a reading lacks to be traced to its instrument, and an instrument that was not yet calibrated."""
    given = reading.instrument
    lacking = [name for name in ("number", "calibrated") if name not in given]
    if lacking:
        # An instrument that could not be read is a fault of the answer already.
        told = any(fault.params.get("field") == "instrument" for fault in reading.faults)
        return [] if told else [Problem("missing_instrument", item.code, {"field": name}) for name in lacking]
    if reading.at is not None and given["calibrated"] > reading.at[:10]:
        params = {"calibrated": given["calibrated"], "at": reading.at}
        return [Problem("calibrated_later", item.code, params)]
    return []


def _signatures_short(item: Item, value: Sequence[Mapping[str, str]]) -> list[Problem]:
    problems = []
    for field in ("signature", "person"):
        given = [entry[field] for entry in value if field in entry]
        if len(set(given)) < len(given):
            problems.append(Problem("repeated_signature", item.code, {"field": field}))
    for role in item.roles:
        have = len({entry["signature"] for entry in value if entry["role"] == role.role})
        if have < role.min:
            params = {**_named("role", role.role, role.text), "have": have, "need": role.min}
            problems.append(Problem("missing_signature", item.code, params))
    return problems


def _unfinished(
    item: Item, reading: Reading, ruling: Ruling, decision: Decision, required: bool
) -> list[Problem]:
    """What an answer that was given still lacks."""
    if reading.value is None and item.type != "photo" and not reading.defect:
        return [Problem("missing_answer", item.code)] if required and not reading.faults else []
    problems = []
    not_applicable = item.is_na(reading.value)
    if not_applicable and not item.na_allowed:
        problems.append(Problem("na_not_allowed", item.code))
    said_by_hand = reading.defect or not_applicable or ruling.rule in ("found_bad", "missing")
    if reading.value is not None and wants_words(item, reading.value, decision):
        said_by_hand = True
    if item.instrument and reading.value is not None and not not_applicable:
        problems.extend(_instrument_short(item, reading))
    if said_by_hand and reading.note is None:
        problems.append(Problem("missing_note", item.code, {"verdict": ruling.verdict}))
    wants_photo = item.photo == "always" or (item.photo == "on_fail" and ruling.verdict == "fail")
    if wants_photo and not (not_applicable and ruling.verdict != "fail") and item.type != "photo":
        problems.extend((*_photos_short(item, reading), *_views_short(item, reading)))
    rule = decision.accept
    if rule is not None and rule.error is not None and not not_applicable:
        needs = ", ".join((*rule.facts, *rule.answers)) or rule.error
        params = {"facts": list(rule.facts), "answers": list(rule.answers), "needs": needs}
        problems.append(Problem("rule_not_evaluated", item.code, params))
    return problems


def _unknown_facts(decisions: Iterable[Decision]) -> tuple[str, ...]:
    """The facts whose absence left an expression open."""
    outcomes = (
        outcome
        for decision in decisions
        for outcome in (decision.when, decision.accept, *decision.limits)
        if outcome is not None and outcome.error is not None
    )
    return tuple(sorted({name for outcome in outcomes for name in outcome.facts}))


def _titles(names: Iterable[str]) -> Text:
    declared = fact_definitions()
    titles = [declared[name].title if name in declared else Text(name, name) for name in names]
    return joined(titles, zh="、", en=", ")
