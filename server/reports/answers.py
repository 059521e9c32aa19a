"""Answers in words: what an inspector found, as a reader of paper takes it in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from checklists.model import NOT_APPLICABLE, Item
from checklists.reasons import number
from server.reports.wording import Wording, Words

__all__ = ["measured_words", "source_words", "value_words"]

#: Values of pass_fail and file items, and of any item that does not apply.
_TICKED = ("pass", "fail", "provided", "missing", NOT_APPLICABLE)
#: The papers on county practice that the checklists were founded on, by section.
_FOUNDING = re.compile(r"S[1-3]\b.*")


def source_words(source: str, say: Wording) -> Words:
    """The rules that an item quotes; what is no published rule by a name that says so."""
    told = [_source(part.strip(), say) for part in source.split(";") if part.strip()]
    if not told:
        return ()
    return tuple("；".join(one[min(at, len(one) - 1)] for one in told) for at in range(len(say.languages)))


def _source(part: str, say: Wording) -> Words:
    if part in ("practice", "judgement"):
        return say.say(f"source_{part}")
    return say.say("source_founding", part=part) if _FOUNDING.fullmatch(part) else say.own(part)


def measured_words(value: Any, unit: str | None, say: Wording) -> Words:
    """A value that was measured or written; none for a mere tick, which the verdict tells of."""
    return () if value in _TICKED else value_words(value, unit, None, say)


def value_words(value: Any, unit: str | None, item: Item | None, say: Wording) -> Words:
    """A value in words; none for a value that is shown elsewhere, such as a signature. `item` None: where
    the definition is not at hand."""
    if value is None or isinstance(value, bool):
        return ()
    if isinstance(value, int | float):
        return (number(float(value), unit),)
    if isinstance(value, str):
        return _text(value, item, say)
    if item is not None and item.type == "multi_choice" and isinstance(value, list):
        return say.own("；".join(" / ".join(_text(str(one), item, say)) for one in value))
    if item is not None and item.type == "repeat" and isinstance(value, list):
        return say.own("、".join(str(one.get("label") or "") for one in value if isinstance(one, Mapping)))
    if item is not None and item.type == "location" and isinstance(value, Mapping):
        return _places(value, item, say)
    return ()


def _text(value: str, item: Item | None, say: Wording) -> Words:
    option = next((one for one in item.options if one.value == value), None) if item is not None else None
    if option is not None:
        return say.text(option.text)
    ticks = item is None or item.type in ("pass_fail", "file") or value == NOT_APPLICABLE
    if ticks and value in _TICKED:
        return say.catalogued(f"form.box_{value}")
    return say.own(value)


def _places(value: Mapping[str, Any], item: Item, say: Wording) -> Words:
    if not item.points:
        return say.own(_place(value))
    named = [
        f"{say.text(point.text)[0]} {_place(value[point.point])}"
        for point in item.points
        if isinstance(value.get(point.point), Mapping)
    ]
    return say.own("；".join(named))


def _place(place: Mapping[str, Any]) -> str:
    """Degrees to about a metre, the datum named: what is printed is never converted."""
    accuracy = place.get("accuracy_m")
    around = f" ±{round(accuracy)} m" if isinstance(accuracy, int | float) else ""
    return f"{place['lat']:.5f}, {place['lon']:.5f} {str(place['datum']).upper()}{around}"
