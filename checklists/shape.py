"""What was read from a file as a value of the model, or what is wrong with its shape and where."""

from __future__ import annotations

import difflib
import re
from functools import cache
from typing import Any, TypeVar

import msgspec

from checklists.yamlfile import Marks, YamlFault

__all__ = ["shaped"]

_T = TypeVar("_T")
_STEP = re.compile(r"\.([^.\[\]`]+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_ENUM = re.compile(r"Invalid enum value (.*)")
_TYPE = re.compile(r"Expected `(.*)`, got `(.*)`")


def shaped(raw: Any, kind: type[_T], marks: Marks) -> _T:
    """`raw` as a `kind`. Raises YamlFault with the place, what is wrong there and what would be right."""
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        path = tuple(name or int(number) for name, number in _STEP.findall(where))
        field, advice = _advice(what, _schema_at(kind, path), raw, path)
        named = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
        raise YamlFault(marks.place((*path, *field)), f"{named}: {advice}" if named else advice) from error


def _advice(
    what: str, schema: dict[str, Any], raw: Any, path: tuple[str | int, ...]
) -> tuple[tuple[str, ...], str]:
    """The field that is meant below `path`, and a sentence."""
    known = sorted(schema.get("properties", {}))
    if match := _UNKNOWN.fullmatch(what):
        near = difflib.get_close_matches(match[1], known, n=1)
        guess = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(known)}"
        return (match[1],), f"there is no field `{match[1]}`; {guess}"
    if match := _MISSING.fullmatch(what):
        return (), f"the field `{match[1]}` is missing; add it"
    if match := _ENUM.fullmatch(what):
        return (), f"{match[1]} is none of {', '.join(map(str, schema.get('enum', [])))}"
    if (
        (match := _TYPE.fullmatch(what))
        and match[1].startswith("str")
        and match[2] in ("int", "float", "bool")
    ):
        return (), f"a text is wanted here, not {_at(raw, path)!r}; put it in quotes"
    return (), what[0].lower() + what[1:]


def _at(raw: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        raw = raw[step]
    return raw


@cache
def _components(kind: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    (schema,), definitions = msgspec.json.schema_components([kind])
    return schema, definitions


def _schema_at(kind: Any, path: tuple[str | int, ...]) -> dict[str, Any]:
    """The JSON Schema of the value at `path`; empty if it cannot be told."""
    schema, definitions = _components(kind)

    def plain(node: dict[str, Any]) -> dict[str, Any]:
        for choice in node.get("anyOf", ()):
            if choice != {"type": "null"}:
                node = choice
                break
        reference = node.get("$ref", "").rpartition("/")[2]
        return definitions.get(reference, node) if reference else node

    node = plain(schema)
    for step in path:
        inner = node.get("items") if isinstance(step, int) else node.get("properties", {}).get(step)
        if not isinstance(inner, dict):
            return {}
        node = plain(inner)
    return node
