"""The published checklists, answered as on a good site, and each of their items with a fault of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

from checklists import Definition, fact_definitions, good_answers, load_definitions
from checklists.model import FactDefinition, Item, ItemType
from tests.vectors.checklists.answers import AT, plain
from tests.vectors.checklists.forms import Case
from tests.vectors.checklists.vectors import PUBLISHED

__all__ = ["published_forms"]

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
    """Whole forms with good answers where all facts are known, and where none is; then each item alone."""
    for definition in load_definitions().all():
        name = f"{definition.id}@{definition.version}"
        if not (PUBLISHED / f"{name}.json").is_file():
            continue
        for facts in ({fact.name: _known(fact) for fact in fact_definitions().values()}, {}):
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
