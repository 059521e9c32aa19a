"""Plain values without what need not be said: fields of structs that stand at their defaults.

So what is kept stays short, and stays the same when a later version adds a field with a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import structs


def lean(value: Any) -> Any:
    """The value in plain ones, without fields that are what they would be if nothing were said.

    Whole floats become integers, as they do in any store that passes JSON through JavaScript.
    """
    if type(value) in _PLAIN:
        return value
    if type(value) is float:
        return int(value) if value.is_integer() else value
    if isinstance(value, msgspec.Struct):
        tag, fields = _shape(type(value))
        said = dict(tag)
        for name, encoded, default in fields:
            inner = getattr(value, name)
            if inner != default:
                said[encoded] = lean(inner)
        return said
    if type(value) is dict or isinstance(value, Mapping):
        return {key: lean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [lean(inner) for inner in value]
    return msgspec.to_builtins(value)


_PLAIN = frozenset({str, int, bool, type(None)})


@cache
def _shape(kind: type[msgspec.Struct]) -> tuple[Mapping[str, Any], tuple[tuple[str, str, Any], ...]]:
    """The tag of a struct, if it has one, and of each field its name, its name in JSON, and its default."""
    config = kind.__struct_config__
    tag = {config.tag_field: config.tag} if config.tag_field else {}
    return tag, tuple((one.name, one.encode_name, default_of(one)) for one in structs.fields(kind))


def default_of(field: structs.FieldInfo) -> Any:
    """What the field is if nothing is said; `msgspec.NODEFAULT` if something must be."""
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
