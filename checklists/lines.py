"""The lines of a form: its items in order, those of a repeat once for each of its entries.

An item is asked under a name: its code or, in an entry, `code#entry`. Which entries there are says the
answer to the repeat. An answer that names another one is no less judged, but nothing else is asked there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from checklists.answers import Reading
from checklists.model import Definition, Item, Text, entry_code, split_code

__all__ = ["Layout", "Line", "lay_out", "spelled_in"]

_SPELLED = re.compile(r"\"([^\"]*)\"|'([^']*)'|\.\s*([A-Za-z_][A-Za-z0-9_]*)")


class Line(msgspec.Struct, frozen=True):
    """An item as it is asked: its code is its name in the form, and in an entry its text begins with the
    entry's label. `forced`: it is shown and required whatever its condition says."""

    item: Item
    repeat: str | None = None
    entry: str | None = None
    label: str | None = None
    forced: bool = False


class Layout(msgspec.Struct, frozen=True):
    """A form laid out. `entries` are by repeat those that rules see, key and label; `unlisted` the ones,
    repeat and key, that only answers name."""

    lines: tuple[Line, ...]
    entries: dict[str, list[tuple[str, str]]]
    unlisted: tuple[tuple[str, str], ...]

    @property
    def forced(self) -> list[str]:
        """The names that are shown whatever their conditions say."""
        return [line.item.code for line in self.lines if line.forced]


def lay_out(
    definition: Definition,
    readings: Mapping[str, Reading],
    context: Mapping[str, Reading],
    only: Collection[str] | None,
) -> Layout:
    """Lay out a form with these answers, or what a re-inspection of `only` asks of it; `context` are then the
    answers of the inspection that it repeats.

    A rule among `only` brings along the items that it compares. A repeat among them is listed anew, and an
    entry that the repeated inspection did not list is asked whole. Raises ValueError for a name that means
    no item.
    """
    compared = () if only is None else tuple(_compared(definition, only))
    forced = None if only is None else {*only, *(name for name in compared if definition.item_at(name))}
    known = {repeat: _listed(context.get(repeat)) for repeat in definition.rules.repeats}
    named = _entries_named(definition, readings if forced is None else forced)
    entries: dict[str, list[tuple[str, str]]] = {}
    unlisted: list[tuple[str, str]] = []
    for repeat in definition.rules.repeats:
        listed = _listed(readings.get(repeat)) if forced is None or repeat in forced else {}
        if forced is not None:
            listed = listed or known[repeat]
        strays = sorted(named.get(repeat, set()) - listed.keys())
        entries[repeat] = [*listed.items(), *((key, known[repeat].get(key, key)) for key in strays)]
        unlisted.extend((repeat, key) for key in strays if key not in known[repeat])
    if forced is not None:
        of_all = {code for code in compared if code in definition.repeat_of}
        forced |= {
            entry_code(item.code, key)
            for repeat, listed in entries.items()
            for item in definition.by_code[repeat].items
            if item.code in of_all
            for key, _ in listed
        }
    layout = Layout((), entries, tuple(unlisted))
    return msgspec.structs.replace(layout, lines=tuple(_lines(definition, layout, readings, known, forced)))


def _listed(reading: Reading | None) -> dict[str, str]:
    """The entries that the answer to a repeat lists: labels by key."""
    value = reading.value if reading is not None else None
    return {one["entry"]: one["label"] for one in value} if isinstance(value, list) else {}


def _entries_named(definition: Definition, names: Iterable[str]) -> dict[str, set[str]]:
    """The entries that names of items name, by the repeat."""
    named: dict[str, set[str]] = {}
    for name in names:
        code, key = split_code(name)
        if key is not None:
            named.setdefault(definition.repeat_of[code].code, set()).add(key)
    return named


def _compared(definition: Definition, only: Collection[str]) -> Iterator[str]:
    """What the rules among `only` compare: names of items, and codes of those that are asked of entries."""
    foreign = sorted(name for name in only if definition.item_at(name) is None)
    if foreign:
        raise ValueError(f"{definition.id}@{definition.version} has no items {', '.join(foreign)}")
    for name in only:
        item, (code, key) = definition.by_code[split_code(name)[0]], split_code(name)
        if item.type != "rule":
            continue
        for other in spelled_in(item.accept or ""):
            if other not in definition.by_code or definition.by_code[other].type == "rule":
                continue
            beside = key is not None and definition.repeat_of.get(other) == definition.repeat_of[code]
            yield entry_code(other, key) if beside and key is not None else other


def compared_among(definition: Definition, rule: str, names: Iterable[str]) -> list[str]:
    """Of the names of answers, those that a rule compares: lists of entries left out, which nobody sees on
    site. Raises ValueError for a name that means no item."""
    compared = set(_compared(definition, [rule]))
    found = (name for name in names if name in compared or split_code(name)[0] in compared)
    return [name for name in found if name not in definition.rules.repeats]


def spelled_in(expression: str) -> list[str]:
    """Every text and field that an expression spells, in its order."""
    return ["".join(groups) for groups in _SPELLED.findall(expression)]


def _lines(
    definition: Definition,
    layout: Layout,
    readings: Mapping[str, Reading],
    known: Mapping[str, Mapping[str, str]],
    forced: Collection[str] | None,
) -> Iterator[Line]:
    everything = forced is None
    names, unlisted = forced or (), set(layout.unlisted)
    for section in definition.sections:
        for item in section.items:
            if everything or item.code in names:
                yield Line(item, forced=not everything)
            for key, label in layout.entries.get(item.code, ()):
                listed = (item.code, key) not in unlisted
                new = item.code in names and key not in known[item.code]
                for one in item.items:
                    name = entry_code(one.code, key)
                    asked_for = listed or one.type == "rule" or name in readings
                    if name in names or ((everything or new) and asked_for):
                        asked = _of_entry(one, name, label)
                        yield Line(asked, item.code, key, label, forced=name in names)


def _of_entry(item: Item, name: str, label: str) -> Item:
    text = Text(f"{label}：{item.text.zh}", f"{label}: {item.text.en}")
    return msgspec.structs.replace(item, code=name, text=text)
