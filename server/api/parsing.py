"""Reads a request's parts, and refuses what no schema would: half characters, endless nesting, no-numbers.

Such values are legal to Python's JSON reader and cannot be stored, hashed or sent on; a field of free shape
(facts, readings) would let them through.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import flask
import marshmallow as ma
from webargs.flaskparser import FlaskParser

#: How deep a body may nest. Ours nest to five; what is deeper is a mistake or an attack on the stack.
MAX_DEPTH = 32


class Parser(FlaskParser):
    """webargs' parser, strict in every place of a request."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012  as the base declares it
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": ma.RAISE,
    }

    def load_json(self, req: flask.Request, schema: ma.Schema) -> Any:
        try:
            return super().load_json(req, schema)
        except RecursionError:
            error = json.JSONDecodeError("Nested too deep", "", 0)
            return self._handle_invalid_json_error(error, req)

    def pre_load(self, location_data: Any, *, schema: ma.Schema, req: flask.Request, location: str) -> Any:
        """Raises ValidationError that points at the first value which cannot be kept."""
        if location == "json":
            fault = next(faults(location_data), None)
            if fault is not None:
                raise ma.ValidationError(_nested(*fault))
        return location_data


def faults(body: Any) -> Iterator[tuple[list[str], str]]:
    """Where something cannot be kept, and why. Without recursion: depth is one of the faults."""
    todo: list[tuple[list[str], Any]] = [([], body)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, str):
            if not _whole(value):
                yield path, "Not a text: half of a surrogate pair."
        elif isinstance(value, float):
            if not math.isfinite(value):
                yield path, "Special numeric values (nan or infinity) are not permitted."
        elif isinstance(value, Mapping | list):
            if len(path) >= MAX_DEPTH:
                yield path, f"Nested deeper than {MAX_DEPTH} levels."
                continue
            if isinstance(value, Mapping) and not all(map(_whole, value)):
                yield path, "A key is not a text: half of a surrogate pair."
                continue
            entries = value.items() if isinstance(value, Mapping) else enumerate(value)
            todo.extend(([*path, str(key)], inner) for key, inner in entries)


def _whole(words: str) -> bool:
    try:
        words.encode()
    except UnicodeEncodeError:
        return False
    return True


def _nested(path: list[str], message: str) -> dict[str, Any] | list[str]:
    """The message in marshmallow's shape, so that it becomes a pointer like any other."""
    nested: Any = [message]
    for key in reversed(path):
        nested = {key: nested}
    return nested  # type: ignore[no-any-return]
