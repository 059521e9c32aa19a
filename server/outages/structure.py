"""Everything in a document that does not have a type's shape, all at once, each with its place.

msgspec's own reading stops at the first. Here every field is tried by itself, so that whoever wrote the file
mends it in one go.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from geo.finding import Finding, pointer

Place = tuple[str | int, ...]


def misshapen(value: Any, kind: Any, at: Place = ()) -> Iterator[Finding]:
    """What keeps `value`, as JSON gave it, from being a `kind`."""
    struct = _struct(kind)
    if struct is not None and isinstance(value, Mapping):
        yield from _fields(value, struct, at)
    elif get_origin(kind) is tuple and _struct(get_args(kind)[0]) and _is_list(value):
        for index, item in enumerate(value):
            yield from misshapen(item, get_args(kind)[0], (*at, index))
    else:
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            said, _, inside = str(error).partition(" - at `$")
            yield Finding(
                "outage_unreadable", {"detail": said}, pointer(*at) + _pointer(inside.rstrip("`")), grave=True
            )


def _fields(value: Mapping[str, Any], struct: type[msgspec.Struct], at: Place) -> Iterator[Finding]:
    hints = get_type_hints(struct, include_extras=True)
    known = set()
    for one in msgspec.structs.fields(struct):
        known.add(one.encode_name)
        if one.encode_name in value:
            yield from misshapen(value[one.encode_name], hints[one.name], (*at, one.encode_name))
        elif one.required:
            yield Finding(
                "outage_field_missing",
                {"field": one.encode_name},
                pointer(*at, one.encode_name),
                grave=True,
            )
    for name in value:
        if name not in known:
            params: dict[str, str | int | float] = {
                "field": str(name)[:60],
                "known": ", ".join(sorted(known)),
            }
            yield Finding("outage_field_unknown", params, pointer(*at, str(name)[:60]), grave=True)


def _struct(kind: Any) -> type[msgspec.Struct] | None:
    """The Struct that a field holds, or may hold beside null."""
    options = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    found = [one for one in options if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    return found[0] if len(found) == 1 else None


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _pointer(path: str) -> str:
    """msgspec's path inside a value (`.a[0]`) as a JSON pointer."""
    steps = path.replace("[", ".").replace("]", "").split(".")
    return pointer(*(one for one in steps if one))
