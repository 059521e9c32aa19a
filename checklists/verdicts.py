"""The verdict on one item: its value against its limits, options and rule.

Everything that speaks to an item is a finding; the gravest finding is the verdict and gives its reason.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec

from checklists.answers import Reading
from checklists.cel import Decision, Outcome
from checklists.model import SEVERITY_RANK, Item, Limit, Option, Severity, Text, Verdict
from checklists.reasons import because, joined, number

__all__ = ["Ruling", "as_grave_as_decided", "judge", "margin", "wants_words", "with_unknown_facts"]

#: Of two findings the one with the higher rank decides.
_RANK: dict[Verdict, int] = {"fail": 3, "warning": 2, "not_judged": 1, "pass": 0}


class Ruling(msgspec.Struct, frozen=True):
    """A verdict with its severity and reason; `rule` names the kind of rule that decided."""

    verdict: Verdict
    severity: Severity
    rule: str
    reason: Text

    @property
    def rank(self) -> tuple[int, int]:
        return _RANK[self.verdict], SEVERITY_RANK[self.severity]


def as_grave_as_decided(item: Item, decision: Decision) -> Item:
    """The item with the gravest severity that holds or may hold."""
    if not item.severities:
        return item
    held = (rule.severity for index, rule in enumerate(item.severities) if decision.severity_applies(index))
    gravest = max((item.severity, *held), key=lambda severity: SEVERITY_RANK[severity])
    return item if gravest == item.severity else msgspec.structs.replace(item, severity=gravest)


def judge(item: Item, reading: Reading, decision: Decision, *, enough: bool = True) -> Ruling:
    """Judge an answer; `enough` is false if photos, signatures or points that make its value are missing.

    An answer with faults fails where its value does, and is otherwise not judged.
    """
    findings = _findings(item, reading, decision, enough)
    worst = findings[0] if len(findings) == 1 else max(findings, key=lambda finding: finding.rank)
    if worst.verdict == "fail" or not reading.faults:
        return worst
    return _ruling(item, "not_judged", "malformed")


def _ruling(
    item: Item, verdict: Verdict, rule: str, severity: Severity | None = None, **params: Any
) -> Ruling:
    return Ruling(verdict, severity or item.severity, rule, because(rule, **params))


def _findings(item: Item, reading: Reading, decision: Decision, enough: bool) -> list[Ruling]:
    findings = [*_of_value(item, reading, decision, enough)]
    if reading.defect:
        findings.insert(0, _ruling(item, "fail", "defect"))
    if decision.accept is not None:
        findings.extend(_accepted(item, reading, decision.accept))
    elif item.type == "rule":
        findings.append(_ruling(item, "not_judged", "rule_open"))
    if decision.count is not None and decision.count.error is not None:
        findings.append(_ruling(item, "not_judged", "rule_open"))
    return findings


def _of_value(item: Item, reading: Reading, decision: Decision, enough: bool) -> Iterator[Ruling]:
    if item.type == "photo":
        have, need = len(reading.photos), item.photos_min
        yield _ruling(item, "pass" if enough else "not_judged", "photos", have=have, need=need)
    elif item.type == "rule":
        return
    elif reading.value is None:
        yield _ruling(item, "not_judged", "unanswered")
    elif item.is_na(reading.value):
        yield _ruling(item, "not_judged", "not_applicable" if item.na_allowed else "na_refused")
    else:
        yield from _by_type(item, reading.value, decision)
        if not enough:
            yield _ruling(item, "not_judged", "incomplete")


def _by_type(item: Item, value: Any, decision: Decision) -> Iterator[Ruling]:
    match item.type:
        case "pass_fail":
            good = value == "pass"
            yield _ruling(item, "pass" if good else "fail", "found_good" if good else "found_bad")
        case "file":
            good = value == "provided"
            yield _ruling(item, "pass" if good else "fail", "provided" if good else "missing")
        case "choice":
            yield _option(item, value)
        case "multi_choice":
            yield from (_option(item, one) for one in value)
        case "number" | "location":
            yield from _measurements(item, value, decision)
        case "signature":
            yield _ruling(item, "pass", "signed", have=len(value))
        case "repeat":
            noun = item.entries.noun if item.entries is not None else Text("", "")
            yield _ruling(item, "pass", "entries", have=len(value), noun=noun)
        case _:
            yield _ruling(item, "pass", "recorded")


def _option(item: Item, value: str) -> Ruling:
    option: Option = next(option for option in item.options if option.value == value)
    return _ruling(item, option.verdict, "chosen", option.severity, option=option.text)


def _quantities(item: Item, value: Any) -> tuple[float, ...]:
    """The quantities that an item's limits are about: a number itself, the accuracy of each position."""
    if item.type == "number":
        return (value,)
    positions = value.values() if item.points else (value,)
    return tuple(position["accuracy_m"] for position in positions)


def margin(item: Item, value: Any, decision: Decision) -> float:
    """How far a measurement stays within its limits, negative beyond them; infinite without limits.

    Of two readings with the same verdict, the one with the smaller margin is the more cautious.
    """
    applying = _applying(item, decision)
    distances = [
        distance
        for quantity in _quantities(item, value)
        for limit in applying
        for distance in (
            quantity - limit.min if limit.min is not None else math.inf,
            limit.max - quantity if limit.max is not None else math.inf,
        )
    ]
    return min(distances, default=math.inf)


def _applying(item: Item, decision: Decision) -> list[Limit]:
    return [limit for index, limit in enumerate(item.limits) if decision.limit_applies(index)]


def wants_words(item: Item, value: Any, decision: Decision) -> bool:
    """Whether a value that is there chooses or breaks something that asks for a reason in the note."""
    if item.type in ("choice", "multi_choice"):
        chosen = value if isinstance(value, list) else [value]
        return any(option.note and option.value in chosen for option in item.options)
    if item.type not in ("number", "location") or item.is_na(value):
        return False
    return any(
        (limit.min is not None and quantity < limit.min) or (limit.max is not None and quantity > limit.max)
        for limit in _applying(item, decision)
        if limit.note
        for quantity in _quantities(item, value)
    )


def _measurements(item: Item, value: Any, decision: Decision) -> Iterator[Ruling]:
    unit = item.unit if item.type == "number" else "m"
    applying = _applying(item, decision)
    for quantity in _quantities(item, value):
        said = number(quantity, unit)
        for limit in applying:
            if limit.min is not None and quantity < limit.min:
                yield _broken(item, limit, "below", said, number(limit.min, unit))
            if limit.max is not None and quantity > limit.max:
                yield _broken(item, limit, "above", said, number(limit.max, unit))
        if applying:
            bounds = joined([_bounds(limit, unit) for limit in applying], zh="; ", en="; ")
            yield _ruling(item, "pass", "within", value=said, limits=bounds)
        else:
            yield _ruling(item, "pass", "measured", value=said)


def _broken(item: Item, limit: Limit, rule: str, said: str, bound: str) -> Ruling:
    ruling = _ruling(item, limit.verdict, rule, limit.severity, value=said, limit=bound)
    if limit.basis is None:
        return ruling
    reason = joined((ruling.reason, because("by_basis", basis=limit.basis, since=limit.since or "")))
    return msgspec.structs.replace(ruling, reason=reason)


def _bounds(limit: Limit, unit: str | None) -> Text:
    low = f"≥ {number(limit.min, unit)}" if limit.min is not None else ""
    high = f"≤ {number(limit.max, unit)}" if limit.max is not None else ""
    said = ", ".join(bound for bound in (low, high) if bound)
    if limit.basis is None:
        return Text(said, said)
    return because("bound_by_basis", bound=said, basis=limit.basis)


def _accepted(item: Item, reading: Reading, outcome: Outcome) -> Iterator[Ruling]:
    criterion = item.criterion or item.text
    if outcome.no:
        # Even if this answer says nothing: then another inspector's, which was set aside, broke the rule.
        yield _ruling(item, item.accept_verdict, "not_accepted", criterion=criterion)
    elif item.type != "rule" and (reading.value is None or item.is_na(reading.value)):
        return
    elif outcome.error is not None or not outcome.yes:
        yield _ruling(item, "not_judged", "rule_open")
    else:
        yield _ruling(item, "pass", "accepted", criterion=criterion)


def with_unknown_facts(ruling: Ruling, names: Text) -> Ruling:
    """The same ruling, its reason saying which facts were not known and therefore taken strictly."""
    reason = joined((ruling.reason, because("facts_unknown", facts=names)))
    return Ruling(ruling.verdict, ruling.severity, ruling.rule, reason)
