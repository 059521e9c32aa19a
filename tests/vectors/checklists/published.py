"""The published checklists, answered as on a good site, and each of their items with a fault of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import cycle
from typing import Any

from hypothesis import strategies as st

from checklists import Definition, fact_definitions, good_answers
from checklists.model import FactDefinition, Item, ItemType
from tests.vectors.checklists.answers import AT, answers_to, plain
from tests.vectors.checklists.forms import Case
from tests.vectors.checklists.pools import edges
from tests.vectors.checklists.vectors import LIBRARY, PUBLISHED

__all__ = ["published_forms", "spoiled_forms"]

_START = 1741051800.0 - 3600

_FAR = {"lon": 120.1, "lat": 30.2, "accuracy_m": 5000.5, "datum": "wgs84"}
_FAULTS: dict[ItemType, tuple[Any, ...]] = {
    "pass_fail": ("fail", "na", "合格"),
    "file": ("missing", "na", True),
    "number": (-1, 0, 1e9, "4", 0.1 + 0.2, 10**400),
    "choice": ("none", "refuse", "zz", ["a"]),
    "multi_choice": ([], ["zz"], "a"),
    "text": ("", "　", 4),
    "date": ("2025-02-30", "2999-12-31", "na"),
    "photo": (None, "pass"),
    "signature": (
        [],
        [{"role": "utility", "signature": "signature:1"}],
        [{"role": "mayor", "signature": "s"}],
    ),
    "location": (_FAR, {"premises": _FAR}, {"there": _FAR}, [120.1, 30.2]),
}


def published_forms() -> Iterator[Case]:
    """Whole forms with good answers, with all facts known and with hardly one; then each item alone."""
    for definition in LIBRARY.all():
        name = f"{definition.id}@{definition.version}"
        if not (PUBLISHED / f"{name}.json").is_file():
            continue
        for facts in (_ALL_KNOWN, _LITTLE_KNOWN):
            yield {"definition": name, "facts": facts, "answers": _good(definition, facts)}
        faults = {kind: cycle(values) for kind, values in _FAULTS.items()}
        for item in definition.items:
            answer = plain(next(faults[item.type]), **_beside(item))
            yield {"definition": name, "facts": {}, "answers": {item.code: answer}, "only": [item.code]}


def _known(fact: FactDefinition) -> Any:
    if fact.type == "choice":
        return fact.options[0].value
    return 630 if fact.type == "number" else True


def _good(definition: Definition, facts: dict[str, Any]) -> dict[str, Any]:
    def photos(code: str, wanted: int) -> list[str]:
        return [f"photo:{code}-{number}" for number in range(wanted)]

    return good_answers(definition, facts, photo_for=photos, by="lin", at=AT)


def _beside(item: Item) -> dict[str, Any]:
    """A photo where any is asked for, so that the fault stands out."""
    return {} if item.photo == "never" else {"photos": [f"photo:{item.code}"]}


_ALL_KNOWN = {fact.name: _known(fact) for fact in fact_definitions().values()}
#: Without the capacity no ratings could add up to it.
_LITTLE_KNOWN = {"capacity_kva": 630}


@cache
def _good_site(definition: str, known: bool) -> dict[str, Any]:
    checklist, _, version = definition.partition("@")
    return _good(LIBRARY.get(checklist, int(version)), _ALL_KNOWN if known else _LITTLE_KNOWN)


@st.composite
def spoiled_forms(draw: st.DrawFn) -> Case:
    """Any checklist that comes with Hezha, well answered but for a few items; whole, or inspected again."""
    definition = draw(edges(*LIBRARY.all()))
    name, known = f"{definition.id}@{definition.version}", draw(st.booleans())
    good = _good_site(name, known)
    answers = dict(good)
    for code in draw(st.lists(edges(*good), max_size=5, unique=True)):
        item = definition.item_at(code)
        assert item is not None
        answers[code] = draw(answers_to(item))
    for code in draw(st.lists(edges(*good), max_size=3, unique=True)):
        del answers[code]
    case: Case = {"definition": name, "facts": _ALL_KNOWN if known else _LITTLE_KNOWN, "answers": answers}
    if draw(st.booleans()):
        case["visit"] = {"start": _START, "end": _START + draw(edges(3600, 7200))}
        taken = st.fixed_dictionaries({}, optional={"taken_at": edges(_START + 1, _START - 1)})
        photos = sorted({photo for answer in good.values() for photo in answer.get("photos") or ()})
        case["photos"] = {photo: draw(taken) for photo in photos[:5]}
    if draw(edges(False, False, True)):
        case["only"] = draw(st.lists(edges(*good), min_size=1, max_size=5, unique=True))
        case["context"] = good
    return case
