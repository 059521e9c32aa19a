"""Values of a definition in words, in both languages; the catalogue is `differences.yaml`."""

from __future__ import annotations

from functools import cache, singledispatch
from pathlib import Path
from typing import Any

import msgspec
import yaml

from checklists.model import Entries, Limit, NumberRange, Option, Point, Role, SeverityRule, Text, View
from checklists.reasons import joined, number

__all__ = ["field_name", "filled", "in_words", "known_fields"]


class _Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sentences: dict[str, Text]
    effects: dict[str, Text]
    fields: dict[str, Text]
    values: dict[str, Text]
    parts: dict[str, Text]


@cache
def _catalogue() -> _Catalogue:
    raw = yaml.safe_load(Path(__file__).with_name("differences.yaml").read_text(encoding="utf-8"))
    return msgspec.convert(raw, _Catalogue)


def known_fields() -> frozenset[str]:
    """The fields of an item that have a name."""
    return frozenset(_catalogue().fields)


def field_name(field: str) -> Text:
    return _catalogue().fields[field]


def filled(sentence: str, effect: str | None, **params: Text | str) -> Text:
    """A sentence of the catalogue; a Text among the parameters gives each language its own words."""
    said = {**params, "effect": _catalogue().effects[effect] if effect else ""}
    return _fill(_catalogue().sentences[sentence], said)


def in_words(value: Any) -> Text:
    """Any value that a field of an item can have."""
    return _words(value)


def _fill(words: Text, params: dict[str, Text | str]) -> Text:
    zh = {name: value.zh if isinstance(value, Text) else value for name, value in params.items()}
    en = {name: value.en if isinstance(value, Text) else value for name, value in params.items()}
    return Text(words.zh.format_map(zh), words.en.format_map(en))


def _part(part: str, **params: Text | str) -> Text:
    return _fill(_catalogue().parts[part], params)


def _plain(words: str) -> Text:
    return Text(words, words)


@singledispatch
def _words(value: Any) -> Text:
    return _plain(str(value))


@_words.register
def _(value: None) -> Text:
    return _catalogue().values["none"]


@_words.register
def _(value: bool) -> Text:
    return _catalogue().values[str(value).lower()]


@_words.register(int)
@_words.register(float)
def _(value: float) -> Text:
    return _plain(number(float(value)))


@_words.register
def _(value: str) -> Text:
    return _catalogue().values.get(value, _plain(value))


@_words.register
def _(value: Text) -> Text:
    return value


@_words.register
def _(value: NumberRange) -> Text:
    return _plain(f"{number(value.min)} – {number(value.max)}")


@_words.register
def _(value: Limit) -> Text:
    low = f"≥ {number(value.min)}" if value.min is not None else ""
    high = f"≤ {number(value.max)}" if value.max is not None else ""
    parts = [_plain(" ".join(filter(None, (low, high))) + " → "), _words(value.verdict)]
    if value.severity is not None:
        parts.append(_part("severity", severity=_words(value.severity)))
    if value.when is not None:
        parts.append(_part("when", expression=value.when))
    if value.note:
        parts.append(_part("note"))
    if value.basis is not None:
        parts.append(_part("basis", basis=value.basis))
    return joined(parts, en="")


@_words.register
def _(value: SeverityRule) -> Text:
    return joined((_words(value.severity), _part("when", expression=value.when)), en="")


@_words.register
def _(value: Entries) -> Text:
    counted = _part("count", expression=value.count) if value.count is not None else _plain("")
    told = _part("entries", noun=value.noun, min=str(value.min), max=str(value.max))
    return joined((told, counted), en="")


@_words.register
def _(value: Option) -> Text:
    parts = [_plain(f"{value.value} "), value.text, _plain(" → "), _words(value.verdict)]
    if value.severity is not None:
        parts.append(_part("severity", severity=_words(value.severity)))
    if value.alone:
        parts.append(_part("alone"))
    if value.note:
        parts.append(_part("note"))
    return joined(parts, en="")


@_words.register
def _(value: Role) -> Text:
    return joined((_plain(f"{value.role} "), value.text, _plain(f" × {value.min}")), en="")


@_words.register
def _(value: Point) -> Text:
    return joined((_plain(f"{value.point} "), value.text), en="")


@_words.register
def _(value: View) -> Text:
    return joined((_plain(f"{value.view} "), value.text, _plain(f" × {value.min}")), en="")
