"""Two definitions, compared item by item."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from checklists.differencing.effects import Effect, effect_of, effect_of_member, paired
from checklists.differencing.words import field_name, filled, in_words
from checklists.model import Definition, Item, Text

__all__ = ["Difference", "difference"]

#: Lists whose members have names, and where the name stands.
_NAMES: dict[str, Callable[[Any], str]] = {
    "options": lambda one: str(one.value),
    "roles": lambda one: str(one.role),
    "points": lambda one: str(one.point),
    "views": lambda one: str(one.view),
}


class Difference(msgspec.Struct, frozen=True):
    """One thing that changed.

    `kind` is `title`, `stage`, `section_…`, `item_…` or `field_…` (`added`, `removed`, `moved`, `changed`,
    `reordered`; of a field also `set`, `dropped`). `place` is the section's id or the item's code, empty for
    the whole; `field` names an item's field. `before` and `after` are in words, None where there is none.
    `effect` says whether more or less is asked than before, None where neither can be said.
    """

    kind: str
    place: str
    field: str | None
    before: Text | None
    after: Text | None
    effect: Effect | None
    text: Text


@dataclass(frozen=True)
class _Placed:
    """An item with what it stands in: a section, or a repeat, by its id and title."""

    item: Item
    within: str
    title: Text


def difference(before: Definition, after: Definition) -> tuple[Difference, ...]:
    """Everything in which `after` differs from `before`, its number aside: first the whole, then sections,
    then items in the order of `after`, what is gone at the end. Empty if they are alike."""
    return (*_whole(before, after), *_sections(before, after), *_items(before, after))


def _told(
    kind: str,
    place: str,
    before: Text | None = None,
    after: Text | None = None,
    *,
    field: str | None = None,
    effect: Effect | None = None,
) -> Difference:
    said: dict[str, Text | str] = {"place": place, "before": before or "", "after": after or ""}
    if field is not None:
        said["field"] = field_name(field)
    return Difference(kind, place, field, before, after, effect, filled(kind, effect, **said))


def _whole(before: Definition, after: Definition) -> Iterator[Difference]:
    if before.title != after.title:
        yield _told("title", "", before.title, after.title)
    if before.stage != after.stage:
        yield _told("stage", "", in_words(before.stage), in_words(after.stage))


def _sections(before: Definition, after: Definition) -> Iterator[Difference]:
    old = {section.id: section for section in before.sections}
    new = {section.id: section for section in after.sections}
    moved = _moved([name for name in old if name in new], [name for name in new if name in old])
    for name, section in new.items():
        if name not in old:
            yield _told("section_added", name, None, section.title)
        elif old[name].title != section.title:
            yield _told("section_changed", name, old[name].title, section.title)
        if name in moved:
            yield _told("section_moved", name, old[name].title, section.title)
    for name, section in old.items():
        if name not in new:
            yield _told("section_removed", name, section.title, None)


def _items(before: Definition, after: Definition) -> Iterator[Difference]:
    old, new = _placed(before), _placed(after)
    reordered = _reordered(old, new)
    for code, here in new.items():
        there = old.get(code)
        if there is None:
            yield _told("item_added", code, None, here.item.text, effect="graver")
            continue
        if there.within != here.within:
            yield _told("item_moved", code, there.title, here.title)
        elif code in reordered:
            yield _told("item_reordered", code, there.title, here.title)
        yield from _fields(code, there.item, here.item)
    for code, there in old.items():
        if code not in new:
            yield _told("item_removed", code, there.item.text, None, effect="milder")


def _placed(definition: Definition) -> dict[str, _Placed]:
    found: dict[str, _Placed] = {}
    for section in definition.sections:
        for item in section.items:
            found[item.code] = _Placed(item, section.id, section.title)
            found.update((one.code, _Placed(one, item.code, item.text)) for one in item.items)
    return found


def _reordered(old: dict[str, _Placed], new: dict[str, _Placed]) -> set[str]:
    """The items that stand in what they stood in before, at another place among those that stayed."""
    stayed = [code for code in old if code in new and old[code].within == new[code].within]
    found: set[str] = set()
    for within in {old[code].within for code in stayed}:
        here = [code for code in new if code in old and new[code].within == old[code].within == within]
        found |= _moved([code for code in stayed if old[code].within == within], here)
    return found


def _moved(old: Sequence[str], new: Sequence[str]) -> set[str]:
    """The fewest of the same names that, taken out, leave the others in the same order."""
    rank = {name: place for place, name in enumerate(old)}
    ends: list[int] = []
    tails: list[str] = []
    behind: dict[str, str | None] = {}
    for name in new:  # the longest rising run of ranks, by the ends of the runs of each length
        length = bisect_left(ends, rank[name])
        behind[name] = tails[length - 1] if length else None
        ends[length : length + 1] = [rank[name]]
        tails[length : length + 1] = [name]
    kept: set[str] = set()
    last = tails[-1] if tails else None
    while last is not None:
        kept.add(last)
        last = behind[last]
    return set(new) - kept


def _fields(code: str, before: Item, after: Item) -> Iterator[Difference]:
    for field in Item.__struct_fields__:
        old, new = getattr(before, field), getattr(after, field)
        if old == new or field in ("code", "items"):
            continue
        if not isinstance(old, tuple):
            yield _of_field(code, field, old, new, effect_of(field, old, new))
            continue
        changed = list(_members(field, old, new))
        for gone, come in changed:
            yield _of_field(code, field, gone, come, effect_of_member(field, gone, come))
        if not changed:
            yield _told("field_reordered", code, field=field)


def _of_field(code: str, field: str, old: Any, new: Any, effect: Effect | None) -> Difference:
    before = None if old is None else in_words(old)
    after = None if new is None else in_words(new)
    kind = "field_set" if old is None else "field_dropped" if new is None else "field_changed"
    return _told(kind, code, before, after, field=field, effect=effect)


def _members(field: str, old: tuple[Any, ...], new: tuple[Any, ...]) -> Iterator[tuple[Any, Any]]:
    """Members that changed as (before, after), those that came as (None, after), or went (before, None)."""
    gone = [one for one in old if one not in new]
    come = [one for one in new if one not in old]
    for one in gone:
        other = next((other for other in come if _same(field, one, other)), None)
        if other is not None:
            come.remove(other)
        yield one, other
    yield from ((None, one) for one in come)


def _same(field: str, one: Any, other: Any) -> bool:
    """Whether two members are the same thing, changed."""
    if field == "limits":
        return paired(one, other)
    name = _NAMES.get(field)
    return name is not None and name(one) == name(other)
