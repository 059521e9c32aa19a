"""The JSON Schema of definitions, for editors and for programs that write them.

Its shapes are those of the model, its descriptions stand in `fields.yaml`. It asks for what the loader and
lint ask for as far as JSON Schema can say it; what it accepts, lint may still find fault with.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from checklists.loader import WrittenDefinition
from checklists.model import MAX_ENTRIES, Definition, Section, Text
from checklists.shape import shaped
from checklists.yamlfile import read_yaml

__all__ = ["KINDS", "Kind", "definition_schema"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FILE = Path(__file__).with_name("fields.yaml")

Kind = Literal["form", "section", "definition"]

#: What can be described: a form's file, a section's file, and a whole definition as the API has it.
KINDS: dict[Kind, Any] = {"form": WrittenDefinition, "section": Section, "definition": Definition}

#: What is asked of values beyond their type.
_BOUNDS: dict[str, dict[str, dict[str, Any]]] = {
    "Text": {"zh-CN": {"pattern": r"\S"}, "en": {"pattern": r"\S"}},
    "Role": {"min": {"minimum": 1}},
    "View": {"min": {"minimum": 1}},
    "Entries": {"min": {"minimum": 0}, "max": {"minimum": 1, "maximum": MAX_ENTRIES}},
    "Item": {"code": {"pattern": r"^[^#\s]+$"}, "photos_min": {"minimum": 1}, "source": {"pattern": r"\S"}},
    "WrittenDefinition": {"version": {"minimum": 1}},
    "Definition": {"version": {"minimum": 1}},
}

#: What an item of a type must have; `options` are two or more.
_NEEDED: dict[str, tuple[str, ...]] = {
    "number": ("unit", "range"),
    "choice": ("options",),
    "multi_choice": ("options",),
    "signature": ("roles",),
    "repeat": ("entries", "items"),
    "rule": ("accept",),
}


def definition_schema(kind: Kind | None = None, language: Literal["zh-CN", "en"] = "en") -> dict[str, Any]:
    """The schema of one kind of text, or of any of them, described in `language`."""
    chosen = list(KINDS.values()) if kind is None else [KINDS[kind]]
    references, components = msgspec.json.schema_components(chosen)
    head: dict[str, Any] = {"$schema": _DIALECT, "title": "Hezha checklist"}
    head |= references[0] if len(references) == 1 else {"anyOf": list(references)}
    return {**head, "$defs": {name: _described(name, one, language) for name, one in components.items()}}


def _described(name: str, component: Mapping[str, Any], language: str) -> dict[str, Any]:
    words = _descriptions()[name]
    properties = {}
    for field, schema in component["properties"].items():
        described = {"description": _in(words[field], language), **schema}
        properties[field] = described | _BOUNDS.get(name, {}).get(field, {})
    whole = {**component, "description": _in(words["."], language), "properties": properties}
    return {**whole, "allOf": _needs()} if name == "Item" else whole


def _needs() -> list[dict[str, Any]]:
    rules = []
    for kind, fields in _NEEDED.items():
        then: dict[str, Any] = {"required": list(fields)}
        if "options" in fields:
            then["properties"] = {"options": {"minItems": 2}}
        rules.append({"if": {"properties": {"type": {"const": kind}}, "required": ["type"]}, "then": then})
    return rules


def _in(text: Text, language: str) -> str:
    return text.zh if language == "zh-CN" else text.en


@cache
def _descriptions() -> dict[str, dict[str, Text]]:
    raw, marks = read_yaml(_FILE, _FILE.name)
    return shaped(raw, dict[str, dict[str, Text]], marks)
