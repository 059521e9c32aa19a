"""Reading the values of answers: one reader for each item type.

A reader takes an item and a JSON value and returns the value in its canonical form (numbers as doubles), or
raises a Fault that says what is wrong with it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Literal

from checklists.doubles import as_double, is_number
from checklists.model import MAX_ENTRIES, NOT_APPLICABLE, Item, ItemType, is_entry_key
from checklists.reasons import number
from checklists.units import UnitMismatch, convert

__all__ = [
    "DATUMS",
    "MAX_NAME",
    "MAX_TEXT",
    "Fault",
    "ProblemCode",
    "clipped",
    "read_date",
    "read_position",
    "read_text",
    "read_value",
]

#: Characters in a text value; characters in a name or id; signatures of one answer.
MAX_TEXT = 4000
MAX_NAME = 200
MAX_SIGNATURES = 50
#: How many characters of an unreadable value a problem repeats.
CLIPPED_AT = 60

DATUMS = ("wgs84", "cgcs2000", "gcj02", "bd09")

ProblemCode = Literal[
    "unknown_item",
    "missing_answer",
    "missing_note",
    "missing_photo",
    "missing_signature",
    "repeated_signature",
    "missing_point",
    "missing_view",
    "missing_instrument",
    "calibrated_later",
    "na_not_allowed",
    "not_an_answer",
    "unknown_field",
    "wrong_type",
    "not_finite",
    "out_of_range",
    "unknown_option",
    "contradiction",
    "too_long",
    "invalid_date",
    "invalid_time",
    "invalid_location",
    "rule_not_evaluated",
    "unit_mismatch",
    "too_few_entries",
    "too_many_entries",
    "repeated_entry",
    "unlisted_entry",
]


class Fault(Exception):
    """Something in an answer cannot be read."""

    def __init__(self, code: ProblemCode, **params: Any) -> None:
        super().__init__(code)
        self.code: ProblemCode = code
        self.params = params


def clipped(value: Any) -> str:
    """The start of an unreadable JSON value, to be shown beside a problem: the same here and on a tablet."""
    if isinstance(value, list | dict):
        return "[…]" if isinstance(value, list) else "{…}"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if is_number(value):
        return number(as_double(value))
    return str(value)[:CLIPPED_AT]


def read_value(item: Item, value: Any, unit: Any = None) -> Any:
    """Read a value that is not null; a number may come in a `unit` of its own. Raises Fault."""
    if item.is_na(value):
        return value
    if unit is not None and item.type == "number":
        value = _converted(item, value, unit)
    return _READERS[item.type](item, value)


def read_text(value: Any, field: str, longest: int = MAX_NAME) -> str:
    """A text that is not blank. Raises Fault."""
    if not isinstance(value, str) or not value.strip():
        raise Fault("wrong_type", field=field, expected="text")
    if len(value) > longest:
        raise Fault("too_long", field=field, limit=longest)
    return value


def read_number(value: Any, field: str = "value") -> float:
    """A finite double. Raises Fault."""
    if not is_number(value):
        raise Fault("wrong_type", field=field, expected="number")
    double = as_double(value)
    if not math.isfinite(double):
        raise Fault("not_finite", field=field)
    return double


def read_position(value: Any) -> dict[str, Any]:
    """`{lon, lat, accuracy_m, datum}` in degrees and metres; other keys are left out. Raises Fault."""
    if not isinstance(value, Mapping):
        raise Fault("invalid_location", field="location")
    bounds = {"lon": (-180.0, 180.0), "lat": (-90.0, 90.0), "accuracy_m": (0.0, math.inf)}
    position: dict[str, Any] = {}
    for field, (low, high) in bounds.items():
        try:
            position[field] = read_number(value.get(field), field)
        except Fault as fault:
            raise Fault("invalid_location", field=field) from fault
        if not low <= position[field] <= high:
            raise Fault("invalid_location", field=field)
    if value.get("datum") not in DATUMS:
        raise Fault("invalid_location", field="datum")
    return {**position, "datum": value["datum"]}


def _one_of(words: tuple[str, ...]) -> Callable[[Item, Any], Any]:
    def read(item: Item, value: Any) -> Any:
        if value not in words:
            raise Fault("unknown_option", value=clipped(value), options=list(words))
        return value

    return read


def _converted(item: Item, value: Any, unit: Any) -> float:
    wanted = item.unit or ""
    try:
        if isinstance(unit, str):
            return convert(read_number(value), unit, wanted)
    except UnitMismatch:
        pass
    raise Fault("unit_mismatch", given=clipped(unit), wanted=wanted)


def _number(item: Item, value: Any) -> float:
    double = read_number(value)
    possible = item.range
    if possible is not None and not possible.min <= double <= possible.max:
        raise Fault("out_of_range", value=double, min=possible.min, max=possible.max, unit=item.unit or "")
    return double


def _choice(item: Item, value: Any) -> str:
    options = [option.value for option in item.options]
    if not isinstance(value, str) or value not in options:
        raise Fault("unknown_option", value=clipped(value), options=options)
    return value


def _choices(item: Item, value: Any) -> list[str]:
    if not isinstance(value, list) or not value:
        raise Fault("wrong_type", field="value", expected="list")
    if len(value) > len(item.options):
        raise Fault("too_long", field="value", limit=len(item.options))
    chosen = {_choice(item, one) for one in value}
    for option in item.options:
        if option.alone and option.value in chosen and len(chosen) > 1:
            raise Fault("contradiction", value=option.value)
    return [option.value for option in item.options if option.value in chosen]


def _text(item: Item, value: Any) -> str:
    return read_text(value, "value", MAX_TEXT)


def read_date(value: Any) -> str:
    """A date, YYYY-MM-DD. Raises Fault."""
    # The form is fixed here because fromisoformat also takes week dates and dates without hyphens.
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise Fault("invalid_date", value=clipped(value))
    try:
        date.fromisoformat(value)
    except ValueError as error:
        raise Fault("invalid_date", value=clipped(value)) from error
    return value


def _date(item: Item, value: Any) -> str:
    return read_date(value)


def _no_value(item: Item, value: Any) -> Any:
    raise Fault("wrong_type", field="value", expected="null")


def _signatures(item: Item, value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list):
        raise Fault("wrong_type", field="value", expected="list")
    if len(value) > MAX_SIGNATURES:
        raise Fault("too_long", field="value", limit=MAX_SIGNATURES)
    roles = [role.role for role in item.roles]
    for entry in value:
        if not isinstance(entry, Mapping) or set(entry) - {"role", "signature", "person"}:
            raise Fault("wrong_type", field="value", expected="signature")
        if not isinstance(entry.get("role"), str) or entry["role"] not in roles:
            raise Fault("unknown_option", value=clipped(entry.get("role")), options=roles)
        read_text(entry.get("signature"), "signature")
        if "person" in entry:
            read_text(entry["person"], "person")
    return [dict(entry) for entry in value]


def _location(item: Item, value: Any) -> dict[str, Any]:
    if not item.points:
        return read_position(value)
    if not isinstance(value, Mapping):
        raise Fault("invalid_location", field="value")
    points = [point.point for point in item.points]
    for name in sorted(value):
        if name not in points:
            raise Fault("unknown_option", value=clipped(name), options=points)
    return {name: read_position(value[name]) for name in points if name in value}


def _entries(item: Item, value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list):
        raise Fault("wrong_type", field="value", expected="list")
    if len(value) > MAX_ENTRIES:
        raise Fault("too_long", field="value", limit=MAX_ENTRIES)
    for one in value:
        if (
            not isinstance(one, Mapping)
            or set(one) - {"entry", "label"}
            or not is_entry_key(one.get("entry"))
        ):
            raise Fault("wrong_type", field="value", expected="entry")
        read_text(one.get("label"), "label")
    if len({one["entry"] for one in value}) < len(value):
        raise Fault("wrong_type", field="value", expected="different entries")
    return [dict(one) for one in value]


_READERS: dict[ItemType, Callable[[Item, Any], Any]] = {
    "pass_fail": _one_of(("pass", "fail", NOT_APPLICABLE)),
    "file": _one_of(("provided", "missing", NOT_APPLICABLE)),
    "number": _number,
    "choice": _choice,
    "multi_choice": _choices,
    "text": _text,
    "date": _date,
    "photo": _no_value,
    "signature": _signatures,
    "location": _location,
    "repeat": _entries,
    "rule": _no_value,
}
