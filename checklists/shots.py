"""Which photos a form wants of each item, which it has, and what they do not show yet.

Only photos that were verified count: one that has not come, or was refused, shows nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from checklists.evaluate import ItemJudgement
from checklists.model import Definition, Item, Text, Verdict, split_code
from checklists.shortfalls import wants_photos

__all__ = ["ItemShots", "ViewShots", "shots_of"]


class ViewShots(msgspec.Struct, frozen=True):
    """A view that an item's photos must show: at least `min` of them, and the verified ones that do."""

    view: str
    text: Text
    min: int
    photos: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        return len(self.photos) >= self.min


class ItemShots(msgspec.Struct, frozen=True):
    """An item's photos. `photos` are all that its answer names, `verified` those that count; `wanted` is how
    many there must be, 0 if its verdict asks for none. `label` is that of the entry of a repeat."""

    code: str
    text: Text
    verdict: Verdict
    wanted: int
    photos: tuple[str, ...]
    verified: tuple[str, ...]
    views: tuple[ViewShots, ...] = ()
    label: str | None = None

    @property
    def complete(self) -> bool:
        return len(self.verified) >= self.wanted and all(view.complete for view in self.views)


def shots_of(
    definition: Definition,
    items: Iterable[ItemJudgement],
    answers: Mapping[str, Any],
    verified: Collection[str],
) -> tuple[ItemShots, ...]:
    """Every shown item that wants photos or has some, in the order of the form.

    `answers` are the merged ones by code, in which each says which of its photos show what.
    """
    found = []
    for judged in items:
        item = definition.by_code.get(split_code(judged.code)[0])
        if not judged.shown or item is None:
            continue
        wants = wants_photos(item, judged.value, judged.verdict)
        if wants or judged.photos:
            found.append(_shots(item, judged, answers.get(judged.code), verified, wants=wants))
    return tuple(found)


def _shots(
    item: Item, judged: ItemJudgement, answer: Any, verified: Collection[str], *, wants: bool
) -> ItemShots:
    counted = tuple(photo for photo in judged.photos if photo in verified)
    shown = answer.get("views") if isinstance(answer, Mapping) else None
    shown = shown if isinstance(shown, Mapping) else {}
    return ItemShots(
        code=judged.code,
        text=judged.text,
        verdict=judged.verdict,
        wanted=item.photos_min if wants else 0,
        photos=judged.photos,
        verified=counted,
        views=tuple(
            ViewShots(view.view, view.text, view.min, _of_view(shown.get(view.view), counted))
            for view in (item.views if wants else ())
        ),
        label=judged.label,
    )


def _of_view(named: Any, counted: Sequence[str]) -> tuple[str, ...]:
    """The photos that a view names, as far as they count; what is no list names none."""
    return tuple(photo for photo in counted if photo in named) if isinstance(named, list | tuple) else ()
