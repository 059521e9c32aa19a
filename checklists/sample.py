"""Answers that pass, for demonstrations and tests: any definition filled in the way a good site would be."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from checklists.doubles import is_number
from checklists.evaluate import ItemJudgement, Judgement, evaluate
from checklists.lines import spelled_in
from checklists.model import Definition, Item, split_code

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
#: How many entries a made-up list has at the most, and how often answers are changed before they are given
#: up.
_MOST_ENTRIES = 10
_MOST_ROUNDS = 60


def good_answers(
    definition: Definition,
    facts: Mapping[str, Any],
    *,
    photo_for: Callable[[str, int], list[str]],
    by: str,
    at: str,
    signature_for: Callable[[str, str, int], str] | None = None,
    place: tuple[float, float] = _PLACE,
    entries: int = 2,
) -> dict[str, Any]:
    """Answer every item shown on a case with `facts` so that it passes, and so that every rule does.

    `photo_for(name, n)` gives the ids of `n` photos for an item and is asked once for each item that wants
    photos; all photos count as taken at `at`. `signature_for(name, role, n)` gives the id of the n-th
    signature of a role, counted from 0; left out, ids are made up. `place` is longitude and latitude for
    positions. A repeat has so many `entries` where its rules do not want another number. Raises ValueError
    if an item cannot be made to pass.
    """
    signature = signature_for or _made_up_signature
    site = _Site(definition, dict(facts), photo_for, signature, by, at, place, entries)
    for _ in range(_MOST_ROUNDS):
        judged = site.judged()
        shown = [item.code for item in judged.items if item.shown]
        told = {problem.item for problem in judged.problems}
        bad = [item for item in judged.items if item.shown and (item.verdict != "pass" or item.code in told)]
        gone = site.answers.keys() - set(shown)
        if not bad and not gone:
            return {name: site.answers[name] for name in shown if name in site.answers}
        for name in gone:
            del site.answers[name]
        # A rule may be broken only because of what it compares.
        own = [item.code for item in bad if item.type != "rule"]
        changed = own or list(dict.fromkeys(name for item in bad for name in site.compared_by(item)))
        for name in changed:
            # Another list of entries takes the answers of its entries with it.
            repeat = definition.repeat_of.get(split_code(name)[0])
            if repeat is None or repeat.code not in changed:
                site.answer(name)
    raise ValueError(f"{definition.id}: no answers were found that pass together")


@dataclass
class _Site:
    """A good site, being described: each item has values to try, one after another."""

    definition: Definition
    facts: dict[str, Any]
    photo_for: Callable[[str, int], list[str]]
    signature_for: Callable[[str, str, int], str]
    by: str
    at: str
    place: tuple[float, float]
    entries: int
    answers: dict[str, Any] = field(default_factory=dict)
    photos: dict[str, list[str]] = field(default_factory=dict)
    untried: dict[str, list[Any]] = field(default_factory=dict)

    def judged(self) -> Judgement:
        moment = datetime.fromisoformat(self.at).timestamp()
        taken = {photo: {"taken_at": moment} for photos in self.photos.values() for photo in photos}
        visit = {"start": moment, "end": moment}
        return evaluate(self.definition, self.facts, self.answers, visit=visit, photos=taken)

    def compared_by(self, rule: ItemJudgement) -> list[str]:
        """The answers that a broken rule compares and that can still be changed: first those in entries, last
        the lists of entries."""
        spelled = set(spelled_in(self.definition.by_code[split_code(rule.code)[0]].accept or ""))
        compared = [name for name in self.answers if split_code(name)[0] in spelled]
        left = [name for name in compared if self.untried[name]]
        if not left:
            raise ValueError(f"{self.definition.id}: no answers were found that {rule.code} accepts")
        lists = self.definition.rules.repeats
        inside = [name for name in left if split_code(name)[1] is not None]
        return inside or [name for name in left if name not in lists] or left

    def answer(self, name: str) -> None:
        """Answer an item with its next value. Raises ValueError if there is none."""
        code, _ = split_code(name)
        item = self.definition.by_code[code]
        if name not in self.untried:
            self.untried[name] = list(self._candidates(name, item))
        if not self.untried[name]:
            raise ValueError(f"{self.definition.id}: no answer to {name} was found that passes")
        answer = {"value": self.untried[name].pop(0), "photos": [], "by": self.by, "at": self.at}
        if item.photo == "always":
            if name not in self.photos:
                self.photos[name] = self.photo_for(name, item.photos_min)
            answer["photos"] = self.photos[name]
        if item.views and answer["photos"]:
            answer["views"] = _views(item, answer["photos"])
        if item.instrument:
            answer["instrument"] = {"number": _INSTRUMENT, "calibrated": self.at[:10]}
        if item.type == "repeat":
            inside = {one.code for one in item.items}
            for known in (self.answers, self.untried):
                for key in [key for key in known if split_code(key)[0] in inside]:
                    del known[key]
        self.answers[name] = answer

    def _candidates(self, name: str, item: Item) -> Iterator[Any]:
        match item.type:
            case "pass_fail":
                yield "pass"
            case "file":
                yield "provided"
            case "number":
                yield from _numbers(item)
                yield from self._shares(name, item)
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
                    {"role": role.role, "signature": self.signature_for(name, role.role, number)}
                    for role in item.roles
                    for number in range(role.min)
                ]
            case "location":
                yield _positions(item, self.place)
            case "repeat":
                yield from self._lists(item)

    def _shares(self, name: str, item: Item) -> Iterator[float]:
        """Readings that together make up a fact of the case, such as its capacity, or another reading."""
        repeat = self.definition.repeat_of.get(split_code(name)[0])
        parts = len(self.answers[repeat.code]["value"]) if repeat is not None else 1
        alike = (code for code, one in self.definition.by_code.items() if one.unit == item.unit)
        others = [self.answers[code]["value"] for code in alike if code in self.answers]
        possible = item.range
        for whole in (*self.facts.values(), *others):
            if is_number(whole) and possible and possible.min <= whole / parts <= possible.max:
                yield whole / parts

    def _lists(self, item: Item) -> Iterator[list[dict[str, str]]]:
        """Lists of entries: as many as asked for, then any other number."""
        bounds = item.entries
        if bounds is not None:
            likely = min(max(self.entries, bounds.min), bounds.max)
            counts = range(bounds.min, min(bounds.max, _MOST_ENTRIES) + 1)
            for count in dict.fromkeys((likely, *counts)):
                labels = (f"{number + 1}#{bounds.noun.zh}" for number in range(count))
                yield [{"entry": f"e{n + 1}", "label": label} for n, label in enumerate(labels)]


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
