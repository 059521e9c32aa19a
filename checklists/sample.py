"""Answers that pass, for demonstrations and tests: any definition filled in the way a good site would be."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from checklists.evaluate import evaluate
from checklists.model import Definition, Item

__all__ = ["good_answers"]

#: The namespace of made-up signature ids, so that the same form always gets the same ones.
_SIGNATURES = uuid.UUID("5f0c9bb8-6f0f-5e0b-9d6c-2f6f5a0c7e11")
#: Where made-up positions lie: degrees of longitude and latitude, WGS-84; points of one item are set apart.
_PLACE = (120.0, 30.0)
_APART = 0.0005
_ACCURACY_M = 5.0
#: The number of the made-up instrument, calibrated on the day of the reading.
_INSTRUMENT = "0001"
#: How far within a limit a made-up reading lies, as a share of the limit; its decimals; and how far into the
#: range of possible readings where there is no limit.
_WITHIN = 0.5
_DIGITS = 3
_INTO_RANGE = 0.001


def good_answers(
    definition: Definition,
    facts: Mapping[str, Any],
    *,
    photo_for: Callable[[str, int], list[str]],
    by: str,
    at: str,
    signature_for: Callable[[str, str, int], str] | None = None,
    place: tuple[float, float] = _PLACE,
) -> dict[str, Any]:
    """Answer every item shown on a case with `facts` so that it passes.

    `photo_for(code, n)` gives the ids of `n` photos for an item and is asked for each item that wants
    photos; `signature_for(code, role, n)` gives the id of the n-th signature of a role, counted from 0;
    left out, ids are made up. `place` is longitude and latitude for positions. Raises ValueError if an item
    cannot be made to pass.
    """
    signature = signature_for or _made_up_signature
    answers: dict[str, Any] = {}
    while True:
        judged = evaluate(definition, facts, answers)
        shown = {item.code for item in judged.items if item.shown}
        item = next((item for item in definition.items if item.code in shown - answers.keys()), None)
        if item is None:
            break
        photos = photo_for(item.code, item.photos_min) if item.photo == "always" else []
        for value in _candidates(item, place, signature):
            answers[item.code] = {"value": value, "photos": photos, "by": by, "at": at}
            if item.views and photos:
                answers[item.code]["views"] = _views(item, photos)
            if item.instrument:
                answers[item.code]["instrument"] = {"number": _INSTRUMENT, "calibrated": at[:10]}
            if _passes(definition, facts, answers, item.code):
                break
        else:
            raise ValueError(f"{definition.id}: no answer to {item.code} was found that passes")
    return {code: answers[code] for code in (item.code for item in definition.items) if code in answers}


def _passes(definition: Definition, facts: Mapping[str, Any], answers: Mapping[str, Any], code: str) -> bool:
    judged = evaluate(definition, facts, answers)
    good = any(item.code == code and item.verdict == "pass" for item in judged.items)
    return good and not any(problem.item == code for problem in judged.problems)


def _candidates(
    item: Item, place: tuple[float, float], signature: Callable[[str, str, int], str]
) -> Iterator[Any]:
    match item.type:
        case "pass_fail":
            yield "pass"
        case "file":
            yield "provided"
        case "number":
            yield from _numbers(item)
        case "choice":
            yield from (option.value for option in item.options)
        case "multi_choice":
            yield from ([option.value] for option in item.options)
        case "text":
            yield "已核对,与设计一致"
        case "date":
            yield "2025-01-01"
        case "photo":
            yield None
        case "signature":
            yield [
                {"role": role.role, "signature": signature(item.code, role.role, number)}
                for role in item.roles
                for number in range(role.min)
            ]
        case "location":
            yield _positions(item, place)


def _numbers(item: Item) -> Iterator[float]:
    """Readings worth trying: between the limits, well within each, on each, and a small one."""
    low = max((limit.min for limit in item.limits if limit.min is not None), default=None)
    high = min((limit.max for limit in item.limits if limit.max is not None), default=None)
    possible = item.range
    if low is not None and high is not None:
        yield (low + high) / 2
    for bound, inward in ((low, 1), (high, -1)):
        if bound is not None:
            yield round(bound + inward * abs(bound) * _WITHIN, _DIGITS)
            yield bound
    if possible is not None:
        yield possible.min + (possible.max - possible.min) * _INTO_RANGE


def _positions(item: Item, place: tuple[float, float]) -> Any:
    lon, lat = place

    def position(number: int) -> dict[str, Any]:
        return {
            "lon": lon + number * _APART,
            "lat": lat,
            "accuracy_m": _ACCURACY_M,
            "datum": "wgs84",
        }

    if not item.points:
        return position(0)
    return {point.point: position(number) for number, point in enumerate(item.points)}


def _views(item: Item, photos: Sequence[str]) -> dict[str, list[str]]:
    """The photos dealt out to the views, in order."""
    left = iter(photos)
    return {view.view: list(islice(left, view.min)) for view in item.views}


def _made_up_signature(code: str, role: str, number: int) -> str:
    return f"signature:{uuid.uuid5(_SIGNATURES, f'{code}/{role}/{number}')}"
