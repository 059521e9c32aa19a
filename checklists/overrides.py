"""Limits that an organisation sets over a checklist's own, from a day on: a province's stricter number holds
without a new version of every checklist that asks for it.

An override only ever adds a limit to an item. All limits are judged and the gravest finding decides, so one
more can only make a judgement stricter. One that would never decide is refused when it is entered, because
whoever entered it believes that it does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

from checklists.linting import Complaint, lint
from checklists.model import SEVERITY_RANK, Definition, Item, Limit, Section, Severity, Text
from checklists.reasons import joined
from checklists.refusal import ChecklistRefused
from checklists.units import UnitMismatch, convert

__all__ = ["Held", "Override", "applies_to", "apply", "apply_all", "check", "held_by", "in_force"]

#: Characters in an organisation's or rule's name, and in an expression.
MAX_LINE = 200
MAX_EXPRESSION = 1000
_Line = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_LINE)]
_RANK = {"warning": 0, "fail": 1}


class Override(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, dict=True
):
    """One limit of an organisation's own, for one item.

    `organisation` None: for every organisation of this house. `checklist` None: wherever the item stands. It
    holds from `since` to `until`, both included, by the day of the visit. `min` and `max` are in `unit`, that
    of the item if it is None. `basis` names whose rule it is, for the verdict's reason; `source` where it can
    be read.
    """

    id: str
    organisation: _Line | None
    item: _Line
    since: date
    basis: Text
    source: _Line
    checklist: _Line | None = None
    until: date | None = None
    min: float | None = None
    max: float | None = None
    unit: str | None = None
    verdict: Literal["fail", "warning"] = "fail"
    severity: Severity | None = None
    when: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_EXPRESSION)] | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of what it says; `until` is left out, which ends it and changes nothing before."""
        said = replace(self, until=None)
        return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()

    def holds(self, organisation: str, day: date) -> bool:
        """Whether it is in force for an organisation's visit on a day."""
        return self.organisation in (None, organisation) and self.holds_on(day)

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on a day, for whom it is."""
        return self.since <= day and (self.until is None or day <= self.until)


class Held(msgspec.Struct, frozen=True):
    """What held on the day of a visit: overrides by id, in order, and one digest of what they say."""

    day: date
    ids: tuple[str, ...]
    digest: str


def held_by(overrides: Sequence[Override], day: date) -> Held | None:
    """What an inspection pins of the overrides it is judged with; None if there is none."""
    if not overrides:
        return None
    said = "\n".join(f"{one.id} {one.digest}" for one in overrides)
    ids = tuple(one.id for one in overrides)
    return Held(day, ids, hashlib.sha256(said.encode()).hexdigest())


def in_force(
    definition: Definition, overrides: Iterable[Override], organisation: str, day: date
) -> tuple[Override, ...]:
    """The overrides that an inspection by `definition` is judged with, by the day they began and id."""
    held = (one for one in overrides if one.holds(organisation, day) and applies_to(one, definition))
    return tuple(sorted(held, key=lambda one: (one.since, one.id)))


def applies_to(override: Override, definition: Definition) -> bool:
    """Whether there is something in the definition that the override limits, on the days when it holds."""
    return _limit_of(definition, override) is not None


def apply(definition: Definition, overrides: Iterable[Override], organisation: str, day: date) -> Definition:
    """The definition as it holds for an organisation's visit on a day; itself if no override is in force."""
    return apply_all(definition, in_force(definition, overrides, organisation, day))


def apply_all(definition: Definition, held: Sequence[Override]) -> Definition:
    """The definition with these overrides in this order, whatever the day. What does not fit is left out."""
    added: dict[str, tuple[Limit, ...]] = {}
    for override in held:
        limit = _limit_of(definition, override)
        if limit is not None:
            added[override.item] = (*added.get(override.item, ()), limit)
    if not added:
        return definition
    return _with_limits(
        definition, {code: (*definition.by_code[code].limits, *more) for code, more in added.items()}
    )


def check(override: Override, newest: Sequence[Definition]) -> tuple[Definition, ...]:
    """The definitions, of the newest of each checklist, that the override will add its limit to.

    Raises ChecklistRefused: `limit_days_reversed`, `limit_words_missing`, `limit_item_unknown`,
    `limit_not_measured`, `limit_unit_mismatch`, `limit_not_sound`, `limit_not_stricter`; CelMissing.
    """
    if override.until is not None and override.until < override.since:
        params = {"since": override.since.isoformat(), "until": override.until.isoformat()}
        raise _refused("limit_days_reversed", "until", params)
    if not (override.basis.zh.strip() and override.basis.en.strip() and override.source.strip()):
        raise _refused("limit_words_missing", "basis", {})
    meant = [one for one in newest if override.checklist in (None, one.id) and override.item in one.by_code]
    if not meant:
        where = override.checklist or "*"
        raise _refused("limit_item_unknown", "item", {"item": override.item, "checklist": where})
    for definition in meant:
        _check_one(override, definition)
    return tuple(meant)


def _check_one(override: Override, definition: Definition) -> None:
    item = definition.by_code[override.item]
    name = {"item": item.code, "checklist": f"{definition.id}@{definition.version}"}
    if item.type not in ("number", "location"):
        raise _refused("limit_not_measured", "item", {**name, "type": item.type})
    limit = _limit_of(definition, override)
    if limit is None:
        units = {"given": override.unit or "", "wanted": _unit(item)}
        raise _refused("limit_unit_mismatch", "unit", {**name, **units})
    complaints = _complaints(definition, item, limit)
    if complaints:
        why = joined([one.text for one in complaints], zh="；", en="; ")
        told = {"why_zh": why.zh, "why_en": why.en}
        raise _refused("limit_not_sound", "max" if limit.min is None else "min", {**name, **told})
    for side in ("min", "max"):
        _require_stricter(item, limit, side, name)


def _complaints(definition: Definition, item: Item, limit: Limit) -> list[Complaint]:
    """What lint says of the limit, put alone where the item's own limits stood."""
    without = {(one.code, one.path) for one in lint(_with_limits(definition, {item.code: ()}))}
    written = replace(limit, basis=None, since=None)  # an author writes neither, and lint would say so
    alone = lint(_with_limits(definition, {item.code: (written,)}))
    return [one for one in alone if (one.code, one.path) not in without]


def _require_stricter(item: Item, limit: Limit, side: str, name: Mapping[str, str]) -> None:
    """Refuse a bound beyond which something stands that is as grave: it would never decide."""
    bound = getattr(limit, side)
    if bound is None:
        return
    grave = _grave(limit, item, gravest=True)
    beside = [
        one
        for one in item.limits
        if getattr(one, side) is not None and _grave(one, item, gravest=False) >= grave
    ]
    if side == "min":
        first = [one for one in beside if one.min is not None and one.min >= bound]
    else:
        first = [one for one in beside if one.max is not None and one.max <= bound]
    always = [one for one in first if one.when in (None, limit.when)]
    if always or (first and len(first) == len(beside)):
        stands = (always or first)[0]
        params = {**name, "given": bound, "stands": getattr(stands, side), "unit": _unit(item)}
        raise _refused("limit_not_stricter", side, params)


def _grave(limit: Limit, item: Item, *, gravest: bool) -> tuple[int, int]:
    """How grave it is to break a limit; without a severity of its own as grave as the item may be, or is at
    the least."""
    more = (rule.severity for rule in item.severities) if gravest else ()
    severities = [limit.severity] if limit.severity else [item.severity, *more]
    return _RANK[limit.verdict], max(SEVERITY_RANK[severity] for severity in severities)


def _limit_of(definition: Definition, override: Override) -> Limit | None:
    """The limit that an override adds to a definition; None if there is nothing there that it could limit."""
    item = definition.by_code.get(override.item)
    if item is None or override.checklist not in (None, definition.id):
        return None
    if item.type not in ("number", "location"):
        return None
    given = (override.min, override.max)
    bounds = [None if bound is None else _converted(bound, override.unit, _unit(item)) for bound in given]
    if any(bound is None for bound, was in zip(bounds, given, strict=True) if was is not None):
        return None
    return Limit(
        min=bounds[0],
        max=bounds[1],
        verdict=override.verdict,
        severity=override.severity,
        when=override.when,
        basis=override.basis,
        since=override.since.isoformat(),
    )


def _converted(bound: float, given: str | None, wanted: str) -> float | None:
    try:
        return convert(bound, given or wanted, wanted)
    except UnitMismatch:
        return None


def _unit(item: Item) -> str:
    return (item.unit or "") if item.type == "number" else "m"


def _with_limits(definition: Definition, limits: Mapping[str, tuple[Limit, ...]]) -> Definition:
    def of(items: tuple[Item, ...]) -> Iterator[Item]:
        for item in items:
            changed = replace(item, limits=limits[item.code]) if item.code in limits else item
            yield replace(changed, items=tuple(of(item.items))) if item.items else changed

    sections = (Section(one.id, one.title, tuple(of(one.items))) for one in definition.sections)
    return replace(definition, sections=tuple(sections))


def _refused(code: str, field: str, params: Mapping[str, object]) -> ChecklistRefused:
    return ChecklistRefused(code, params, facts=(f"field:{field}",), kind="invalid")
