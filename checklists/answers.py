"""Answers as they come from a tablet, read with distrust.

An answer is `{value, unit?, note?, photos?, views?, by, at, location?, instrument?, defect?}`:

- `value`: by the item's type; null or absent where the photos are the answer. For a repeat it is the list
  of its entries, `{entry, label}`; the answers to the items of an entry stand beside it, named
  `code#entry`;
- `unit`: of a number that was read in another unit than the item's; it is converted;
- `note`: a text; `photos`: ids of photo documents; `views`: which of them show what, a list of ids by view;
- `by`: who answered; `at`: when, RFC 3339 with offset;
- `location`: `{lon, lat, accuracy_m, datum}` in degrees and metres;
- `instrument`: what it was measured with, a text or an object of texts (`number`, `calibrated`, …). Where the
  item asks for it, it is an object with `number` and, as a date, `calibrated`;
- `defect`: true if the inspector calls the item defective whatever its value. Types such as text, number or
  photo have no other way to say so. It wants a note, as every failure does.

`merge` adds `merged`: the answers of which one is made. Whatever else arrives is a fault of the answer, told
as a Problem. Reading never raises, and an answer with a fault can fail an item but never pass it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from checklists.doubles import as_json_number, is_number
from checklists.model import Item
from checklists.values import (
    MAX_NAME,
    Fault,
    ProblemCode,
    clipped,
    read_date,
    read_position,
    read_text,
    read_value,
)

__all__ = ["MAX_NOTE", "MAX_PHOTOS", "Problem", "Reading", "canonical", "combine", "parts_of", "read_answer"]

#: Characters in a note; photos of one answer; entries of an instrument.
MAX_NOTE = 2000
MAX_PHOTOS = 100
MAX_INSTRUMENT_FIELDS = 10

_FIELDS = frozenset(
    {"value", "note", "photos", "by", "at", "location", "instrument", "defect", "merged", "views"}
)
_FIELDS_OF_NUMBERS = _FIELDS | {"unit"}
_NO_INSTRUMENT: Mapping[str, str] = {}
_NO_VIEWS: Mapping[str, tuple[str, ...]] = {}
#: Hours and minutes are bounded here: what fromisoformat takes of 24:00 and of offsets differs by version.
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)


class Problem(msgspec.Struct, frozen=True):
    """Why a form is not complete. `params` fill the text of `code`; `item` is None without an item."""

    code: ProblemCode
    item: str | None
    params: dict[str, Any] = {}


class Reading(msgspec.Struct, frozen=True):
    """What could be read of an answer. A `value` of None is absent, or unreadable as `faults` then say; a
    number is in its item's unit. `moments` are the times of all the answers that this one was made of."""

    value: Any = None
    note: str | None = None
    photos: tuple[str, ...] = ()
    by: str | None = None
    at: str | None = None
    defect: bool = False
    instrument: Mapping[str, str] = {}
    views: Mapping[str, tuple[str, ...]] = {}
    faults: tuple[Problem, ...] = ()
    moments: tuple[str, ...] = ()


def canonical(value: Any) -> str:
    """Canonical JSON: the same for equal values, and the order that breaks ties.

    Numbers are doubles: 4.0 is 4, whether or not the answer has been through JavaScript.
    """
    try:
        return json.dumps(_with_doubles(value), sort_keys=True, separators=(",", ":"))
    except RecursionError:
        return _canonical_of_deep(value)


def _with_doubles(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _with_doubles(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_doubles(inner) for inner in value]
    return as_json_number(value) if is_number(value) else value


def _canonical_of_deep(value: Any) -> str:
    """`canonical` without recursion, for what somebody nested a thousand times."""
    written: list[str] = []
    todo: list[tuple[str, Any]] = [("", value)]
    while todo:
        prefix, node = todo.pop()
        written.append(prefix)
        if isinstance(node, Mapping):
            todo.append(("}", None))
            todo.extend((json.dumps(key) + ":", node[key]) for key in sorted(node, reverse=True))
            written.append("{")
        elif isinstance(node, list):
            todo.append(("]", None))
            todo.extend((",", entry) for entry in reversed(node))
            written.append("[")
        elif prefix not in ("}", "]"):
            written.append(json.dumps(as_json_number(node) if is_number(node) else node))
    return "".join(written)


def read_answer(item: Item, raw: Any) -> Reading:
    """Read one answer; whatever is wrong with it stands in `faults`."""
    if not isinstance(raw, Mapping):
        return Reading(faults=(Problem("not_an_answer", item.code),))
    faults: list[Problem] = []
    known = _FIELDS_OF_NUMBERS if item.type == "number" else _FIELDS
    if not raw.keys() <= known:
        unknown = sorted(raw.keys() - known)
        faults.extend(Problem("unknown_field", item.code, {"field": clipped(field)}) for field in unknown)
    get = raw.get
    parts: tuple[Mapping[str, Any], ...] = ()
    if get("merged") is not None:
        parts = parts_of(item, raw) or ()
        if not parts:
            faults.append(Problem("wrong_type", item.code, {"field": "merged", "expected": "merged answers"}))
    for field in ("by", "at"):
        if get(field) is None:
            faults += (Problem("wrong_type", item.code, {"field": field, "expected": "text"}),)
    # A merged answer carries the notes and photos of all its parts.
    share = max(len(parts), 1)

    def attempt(absent: Any, read: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return read(*arguments)
        except Fault as fault:
            faults.append(Problem(fault.code, item.code, fault.params))
            return absent

    if (location := get("location")) is not None:
        attempt(None, read_position, location)
    if (instrument := get("instrument")) is not None:
        instrument = attempt(None, _instrument, item, instrument)
    photos = get("photos")
    photos = () if photos is None else attempt((), _photos, photos, MAX_PHOTOS * share)
    if (value := get("value")) is not None:
        value = attempt(None, read_value, item, value, get("unit"))
    if (note := get("note")) is not None:
        note = attempt(None, _note, note, (MAX_NOTE + 1) * share - 1)
    if (by := get("by")) is not None:
        by = attempt(None, read_text, by, "by")
    if (at := get("at")) is not None:
        at = attempt(None, _time, at)
    defect = get("defect")
    # Somebody set the flag: in doubt about what they wrote there, they meant it.
    defect = False if defect is None else attempt(True, _flag, defect)
    views = get("views")
    views = _NO_VIEWS if views is None else attempt(_NO_VIEWS, _views, item, views, photos)
    moments: tuple[str, ...] = () if at is None else (at,)
    if parts:
        moments = tuple(sorted({part["at"] for part in parts}))
    if not isinstance(instrument, Mapping):
        instrument = _NO_INSTRUMENT
    return Reading(value, note, photos, by, at, defect, instrument, views, tuple(faults), moments)


def _note(value: Any, longest: int) -> str | None:
    if value == "":
        return None
    return read_text(value, "note", longest)


def _photos(value: Any, most: int) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Fault("wrong_type", field="photos", expected="list")
    if len(value) > most:
        raise Fault("too_long", field="photos", limit=most)
    return tuple(dict.fromkeys(read_text(photo, "photos") for photo in value))


def _time(value: Any) -> str:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise Fault("invalid_time", value=clipped(value))
    try:
        datetime.fromisoformat(value)
    except ValueError as error:
        raise Fault("invalid_time", value=clipped(value)) from error
    return value


def _instrument(item: Item, value: Any) -> Any:
    if isinstance(value, str):
        return read_text(value, "instrument")
    if not isinstance(value, Mapping) or len(value) > MAX_INSTRUMENT_FIELDS:
        raise Fault("wrong_type", field="instrument", expected="text")
    for name, entry in sorted(value.items()):
        if len(name) > MAX_NAME:
            raise Fault("too_long", field="instrument", limit=MAX_NAME)
        read_text(entry, "instrument")
    if item.instrument and "calibrated" in value:
        read_date(value["calibrated"])
    return value


def _views(item: Item, value: Any, photos: Sequence[str]) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise Fault("wrong_type", field="views", expected="lists of photos by view")
    known = [view.view for view in item.views]
    for name, shown in sorted(value.items()):
        if name not in known:
            raise Fault("unknown_option", value=clipped(name), options=known)
        if not isinstance(shown, list) or any(photo not in photos for photo in shown):
            raise Fault("wrong_type", field="views", expected="photos of this answer")
    return {name: tuple(dict.fromkeys(shown)) for name, shown in value.items()}


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Fault("wrong_type", field="defect", expected="true or false")
    return value


def combine(item: Item, answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Answers of equal value as one: the earliest, with what the others add, and all in `merged`.

    They must be readable and different; their order does not matter. Photos, views and notes are of all.
    Signatures and entries are collected: people sign, and list what they find, on whichever tablet is at
    hand.
    """
    parts = sorted(answers, key=canonical)
    if len(parts) == 1:
        return dict(parts[0])
    first = min(parts, key=lambda part: datetime.fromisoformat(part["at"]))
    united = {**first, "merged": parts}
    photos = {photo for part in parts for photo in part.get("photos") or ()}
    notes = {part["note"] for part in parts if part.get("note")}
    if item.type == "signature":
        entries = {canonical(entry): entry for part in parts for entry in part.get("value") or ()}
        united["value"] = [entries[key] for key in sorted(entries)]
    if item.type == "repeat":
        listed = [part for part in parts if isinstance(part.get("value"), list)]
        if listed:
            united["value"] = _united_entries(listed)
        if any(part.get("defect") for part in parts):
            united["defect"] = True
    views = [view for part in parts for view in (part.get("views") or {}).items()]
    shown = [(name, photo) for name, ids in views for photo in ids]
    if shown:
        names = sorted({name for name, _ in shown})
        united["views"] = {name: sorted({photo for view, photo in shown if view == name}) for name in names}
    named = [part["instrument"] for part in parts if part.get("instrument")]
    if named and not first.get("instrument"):
        united["instrument"] = named[0]
    if photos:
        united["photos"] = sorted(photos)
    if notes:
        united["note"] = "\n".join(sorted(notes))
    return united


def _united_entries(parts: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Every entry once, as the earliest answer calls it."""
    entries: dict[str, Any] = {}
    for part in sorted(parts, key=lambda part: (datetime.fromisoformat(part["at"]), canonical(part))):
        for entry in part["value"]:
            entries.setdefault(entry["entry"], entry)
    return list(entries.values())


def parts_of(item: Item, raw: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...] | None:
    """The answers that a merged answer was made of; None if it is not exactly what they make.

    The test keeps a forged `merged` from hiding what the answer itself says.
    """
    parts = raw.get("merged")
    if not isinstance(parts, list) or len(parts) < 2:
        return None
    for part in parts:
        if not isinstance(part, Mapping) or "merged" in part or read_answer(item, part).faults:
            return None
    return tuple(parts) if canonical(combine(item, parts)) == canonical(raw) else None
