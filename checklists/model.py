"""A checklist as a value: what is asked, what counts as good, and what to do if it is not.

Every text stands in both languages. Measurements carry their unit, and a limit is inclusive: a value equal to
`min` or `max` keeps it. Nothing here judges; see `evaluate`.
"""

from __future__ import annotations

import hashlib
import re
from functools import cached_property
from typing import Any, Literal

import msgspec

from checklists.doubles import as_double, is_number

__all__ = [
    "ENTRY_MARK",
    "MAX_ENTRIES",
    "NA_TYPES",
    "NOT_APPLICABLE",
    "SEVERITY_RANK",
    "Definition",
    "Entries",
    "FactDefinition",
    "Item",
    "ItemType",
    "Limit",
    "NumberRange",
    "Option",
    "Point",
    "Role",
    "Rules",
    "Section",
    "Severity",
    "SeverityRule",
    "Text",
    "Verdict",
    "View",
    "entry_code",
    "is_entry_key",
    "split_code",
]

Severity = Literal["critical", "major", "minor"]
Verdict = Literal["pass", "fail", "warning", "not_judged"]
Stage = Literal["survey", "intermediate", "acceptance", "reinspection", "customer_inspection"]
ItemType = Literal[
    "pass_fail",
    "number",
    "choice",
    "multi_choice",
    "text",
    "date",
    "photo",
    "signature",
    "location",
    "file",
    "repeat",
    "rule",
]

#: The value that says an item does not apply, and the types in which it says so.
NOT_APPLICABLE = "na"
NA_TYPES: frozenset[ItemType] = frozenset({"pass_fail", "file", "number", "date", "location", "repeat"})

#: Larger is graver.
SEVERITY_RANK: dict[Severity, int] = {"minor": 1, "major": 2, "critical": 3}

#: The most entries that one repeat can have.
MAX_ENTRIES = 200
#: Between an item's code and the key of the entry it is asked of, `CT-03#5f0c`; no item code contains it.
ENTRY_MARK = "#"
_ENTRY_KEY = re.compile(r"[A-Za-z0-9_-]{1,36}")


def is_entry_key(value: Any) -> bool:
    """Whether `value` can be the key of an entry: short, and safe in names and paths."""
    return isinstance(value, str) and _ENTRY_KEY.fullmatch(value) is not None


def entry_code(code: str, entry: str) -> str:
    """What an item is called in one entry of its repeat."""
    return f"{code}{ENTRY_MARK}{entry}"


def split_code(code: str) -> tuple[str, str | None]:
    """An item's own code, and the entry's key if it names one."""
    own, mark, entry = code.partition(ENTRY_MARK)
    return own, entry if mark else None


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"zh": "zh-CN"}):
    """One text in the two languages, `{"zh-CN": …, "en": …}` outside Python."""

    zh: str
    en: str


class NumberRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The readings that can exist at all; one outside was mistyped or taken in another unit."""

    min: float
    max: float


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An inclusive limit for a number, or for a location's accuracy in metres.

    Breaking it gives `verdict`, at `severity` if that differs from the item's. With `when`, it applies only
    where the condition holds; where that cannot be known, it applies. With `note`, who breaks it says why.
    `basis` and `since` (a date) stand in limits that an organisation has set: whose they are, and from when.
    """

    min: float | None = None
    max: float | None = None
    verdict: Literal["fail", "warning"] = "fail"
    severity: Severity | None = None
    when: str | None = None
    note: bool = False
    basis: Text | None = None
    since: str | None = None


class SeverityRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """While `when` (CEL) holds or cannot be known, an item is at least this grave."""

    severity: Severity
    when: str


class Entries(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How many entries a repeat has: from `min` to `max`, and as many as `count` (CEL) says if it is there.
    `noun` is what one of them is, such as a transformer."""

    noun: Text
    min: int = 1
    max: int = MAX_ENTRIES
    count: str | None = None


class Option(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A choice, and what choosing it means; `alone` if nothing else can be chosen beside it, `note` if who
    chooses it says why."""

    value: str
    text: Text
    verdict: Literal["pass", "warning", "fail"] = "pass"
    severity: Severity | None = None
    alone: bool = False
    note: bool = False


class Role(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A party that signs, with at least `min` different signatures."""

    role: str
    text: Text
    min: int = 1


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of several positions that a location item asks for."""

    point: str
    text: Text


class View(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What at least `min` of an item's photos must show."""

    view: str
    text: Text
    min: int = 1


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of a checklist.

    `when` (CEL over `facts` and earlier `answers`) shows the item; `accept` (CEL) must be true for a pass,
    or it gives `accept_verdict`. A `photo` of `always` or `on_fail` asks for `photos_min` photos, and
    `views` for what they must show. With `instrument`, a reading names what it was taken with. `na` says
    whether "not applicable" is an answer; left out, it is one to pass_fail and file items that are not
    critical. `source` names the rule: S1 to S3 are the papers on county practice that these checklists were
    founded on, standards are named by number, `practice` is a utility's or builder's habit without a
    standard at hand, `judgement` is ours. `certainty: verify` marks a number or rule whose text was not at
    hand.

    An item is as grave as the gravest of `severity` and those `severities` that may hold. An item of the type
    `repeat` is answered by a list of `entries` and asks its `items` of each; an item of the type `rule` is
    asked of nobody, its `accept` judges the answers to others.
    """

    code: str
    text: Text
    type: ItemType
    severity: Severity
    remedy: Text
    source: str
    criterion: Text | None = None
    certainty: Literal["settled", "verify"] = "settled"
    photo: Literal["always", "on_fail", "never"] = "never"
    photos_min: int = 1
    required: bool = True
    na: Literal["allowed", "refused"] | None = None
    when: str | None = None
    accept: str | None = None
    unit: str | None = None
    range: NumberRange | None = None
    limits: tuple[Limit, ...] = ()
    options: tuple[Option, ...] = ()
    roles: tuple[Role, ...] = ()
    points: tuple[Point, ...] = ()
    views: tuple[View, ...] = ()
    instrument: bool = False
    accept_verdict: Literal["fail", "warning"] = "fail"
    severities: tuple[SeverityRule, ...] = ()
    entries: Entries | None = None
    items: tuple[Item, ...] = ()

    @property
    def na_allowed(self) -> bool:
        """Whether "not applicable" answers this item without being a problem."""
        if self.na is not None:
            return self.na == "allowed"
        return self.type in ("pass_fail", "file") and self.severity != "critical"

    def is_na(self, value: Any) -> bool:
        """Whether `value` says that the item does not apply, allowed or not."""
        return value == NOT_APPLICABLE and self.type in NA_TYPES


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a form, shared by the definitions that list it."""

    id: str
    title: Text
    items: tuple[Item, ...]


class Rules(msgspec.Struct, frozen=True, dict=True):
    """What a form decides by: `items` with their expressions by field, in the order of the form, and by the
    code of each repeat the codes of its items."""

    items: tuple[dict[str, Any], ...]
    repeats: dict[str, list[str]] = {}

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of all of it, by which the evaluator keeps them."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()

    @cached_property
    def spelled(self) -> str:
        """Every expression, one below the other."""
        written: list[str] = []
        for item in self.items:
            for field in ("when", "accept", "limits", "severities", "count"):
                value = item.get(field)
                written.extend([value] if isinstance(value, str) else filter(None, value or ()))
        return "\n".join(written)

    @cached_property
    def look_at_times(self) -> bool:
        return "times" in self.spelled

    @cached_property
    def look_at_photos(self) -> bool:
        return "photos" in self.spelled


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """One version of a checklist, whole: its sections are included, not referred to."""

    id: str
    version: int
    stage: Stage
    title: Text
    sections: tuple[Section, ...]

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """All items, in the order of the form; those of a repeat follow it."""
        listed = (item for section in self.sections for item in section.items)
        return tuple(one for item in listed for one in (item, *item.items))

    @cached_property
    def repeat_of(self) -> dict[str, Item]:
        """The repeat of every item that is asked of entries, by the item's code."""
        return {one.code: item for item in self.items for one in item.items}

    @cached_property
    def by_code(self) -> dict[str, Item]:
        return {item.code: item for item in self.items}

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON: equal if and only if the definitions are."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()

    def item_at(self, name: str) -> Item | None:
        """The item that an answer's name means: a code, or `code#entry` for an item of a repeat; or None."""
        code, entry = split_code(name)
        item = self.by_code.get(code)
        if item is None or (entry is None) == (code in self.repeat_of):
            return None
        return item if entry is None or is_entry_key(entry) else None

    @cached_property
    def rules(self) -> Rules:
        """The items' expressions in the shape that `cel.decide` takes; items without any are left out."""
        items = []
        for item in self.items:
            rule = _expressions(item)
            if rule:
                repeat = self.repeat_of.get(item.code)
                items.append({"code": item.code, **({"repeat": repeat.code} if repeat else {}), **rule})
        repeats = {
            item.code: [one.code for one in item.items] for item in self.items if item.type == "repeat"
        }
        return Rules(tuple(items), repeats)

    @cached_property
    def compared(self) -> frozenset[str]:
        """The items whose answers expressions may look at: all that some expression spells out."""
        return frozenset(item.code for item in self.items if item.code in self.rules.spelled)


def _expressions(item: Item) -> dict[str, Any]:
    """The expressions that an item has, by field."""
    limits = [limit.when for limit in item.limits]
    found = {
        "when": item.when,
        "accept": item.accept,
        "limits": limits if any(limits) else None,
        "severities": [rule.when for rule in item.severities],
        "count": item.entries.count if item.entries is not None else None,
    }
    return {field: expression for field, expression in found.items() if expression}


class FactDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A fact of the case that conditions ask for; `options` are the values of a choice, `unit` a number's.

    A fact with `derived` (CEL over facts that are not) is true or false by itself; nobody settles it.
    """

    name: str
    type: Literal["bool", "number", "choice"]
    title: Text
    definition: Text
    unit: str | None = None
    options: tuple[Option, ...] = ()
    derived: str | None = None

    def admits(self, value: Any) -> bool:
        """Whether `value` can be this fact's value. A number is finite and not negative."""
        if self.type == "bool":
            return isinstance(value, bool)
        if self.type == "number":
            return is_number(value) and 0 <= as_double(value) < float("inf")
        return any(value == option.value for option in self.options)
