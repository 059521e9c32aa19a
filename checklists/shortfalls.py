"""What an answer still lacks before it is complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from checklists.answers import Problem, Reading
from checklists.cel import Count, Decision, Outcome
from checklists.model import Item, Text, Verdict
from checklists.values import clipped
from checklists.verdicts import Ruling, wants_words

__all__ = ["shortfalls_of", "unfinished", "wants_photos"]


def shortfalls_of(item: Item, reading: Reading, decision: Decision) -> list[Problem]:
    """What is missing of a value that consists of several things: photos with views, signatures, points,
    entries."""
    if item.type == "photo":
        return [*_photos_short(item, reading), *_views_short(item, reading)]
    if reading.value is None or item.is_na(reading.value):
        return []
    if item.type == "location":
        wanted = [point for point in item.points if point.point not in reading.value]
        return [Problem("missing_point", item.code, _named("point", one.point, one.text)) for one in wanted]
    if item.type == "signature":
        return _signatures_short(item, reading.value)
    if item.type == "repeat":
        return _entries_short(item, reading.value, decision.count)
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


def _entries_short(item: Item, value: Sequence[Mapping[str, str]], count: Count | None) -> list[Problem]:
    problems = []
    have, bounds = len(value), item.entries
    if bounds is not None:
        wanted = count.counts if count is not None else ()
        short = [need for need in (*wanted, bounds.min) if have < need]
        long = [need for need in (*wanted, bounds.max) if have > need]
        if short:
            problems.append(Problem("too_few_entries", item.code, {"have": have, "need": max(short)}))
        if long:
            problems.append(Problem("too_many_entries", item.code, {"have": have, "need": min(long)}))
    labels = [entry["label"].strip() for entry in value]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    problems.extend(Problem("repeated_entry", item.code, {"label": clipped(label)}) for label in twice)
    return problems


def unfinished(
    item: Item,
    reading: Reading,
    ruling: Ruling,
    decision: Decision,
    *,
    required: bool,
    untimed: Sequence[str] = (),
) -> list[Problem]:
    """What an answer that was given still lacks, or a rule before it can be judged. `untimed` are the
    photos that keep its rule open."""
    if item.type == "rule" and not reading.defect:
        return _open(item, decision.accept, untimed)
    if reading.value is None and item.type != "photo" and not reading.defect:
        return [Problem("missing_answer", item.code)] if required and not reading.faults else []
    problems = []
    not_applicable = item.is_na(reading.value)
    if not_applicable and not item.na_allowed:
        problems.append(Problem("na_not_allowed", item.code))
    said_by_hand = reading.defect or not_applicable or ruling.rule in ("found_bad", "missing")
    if (item.options or item.limits) and reading.value is not None:
        said_by_hand = said_by_hand or wants_words(item, reading.value, decision)
    if item.instrument and reading.value is not None and not not_applicable:
        problems.extend(_instrument_short(item, reading))
    if said_by_hand and reading.note is None:
        problems.append(Problem("missing_note", item.code, {"verdict": ruling.verdict}))
    if item.type != "photo" and wants_photos(item, reading.value, ruling.verdict):
        problems.extend((*_photos_short(item, reading), *_views_short(item, reading)))
    if (decision.accept or decision.count) and not not_applicable:
        problems.extend(_open(item, decision.accept, untimed))
        problems.extend(_open(item, decision.count, ()))
    return problems


def wants_photos(item: Item, value: Any, verdict: Verdict) -> bool:
    """Whether an item with this value and verdict is to be shown in photos."""
    if item.type == "photo":
        return True
    asked = item.photo == "always" or (item.photo == "on_fail" and verdict == "fail")
    return asked and not (item.is_na(value) and verdict != "fail")


def _open(item: Item, outcome: Outcome | Count | None, untimed: Sequence[str]) -> list[Problem]:
    """A rule that cannot be evaluated: what it would need, and the photos that it waits for."""
    if outcome is None or outcome.error is None:
        return []
    needs = ", ".join((*outcome.facts, *outcome.answers)) or outcome.error
    params: dict[str, Any] = {"facts": list(outcome.facts), "answers": list(outcome.answers), "needs": needs}
    if untimed:
        params["photos"] = list(untimed)
    return [Problem("rule_not_evaluated", item.code, params)]
