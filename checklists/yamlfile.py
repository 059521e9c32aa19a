"""YAML files, read with distrust and with their places.

libyaml parses them where PyYAML brings it (its wheels do), PyYAML's own parser otherwise: the same result,
some fifteen times slower. What definitions have no use for is refused: aliases, which can make a small file
enormous; tags; a key that stands twice; a second document. Only `true`, `false`, `null` and numbers are not
text: a date, `yes` or `12:30` stays what was written.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

import yaml
from yaml import events

__all__ = ["Marks", "Place", "ReadLimits", "YamlFault", "fast_parser", "parse_yaml", "read_yaml"]


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """How large a file may be: its bytes, characters of one scalar, values in it, and how deep they nest."""

    file_bytes: int = 1_000_000
    scalar: int = 20_000
    values: int = 50_000
    depth: int = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; line and column count from 1. Without a line, somewhere in the file."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"


class YamlFault(Exception):
    """A file cannot be read: where, and what is wrong there."""

    def __init__(self, place: Place, what: str) -> None:
        super().__init__(f"{place}: {what}")
        self.place = place
        self.what = what


#: A value's line and column from 0, at its key where it has one; and the marks of what it holds.
_Mark = tuple[int, int, "dict[str, _Mark] | list[_Mark] | None"]


@dataclass(frozen=True, slots=True)
class Marks:
    """Where the values of a file stand."""

    file: str
    root: _Mark

    def place(self, path: tuple[str | int, ...] = ()) -> Place:
        """The place of the value at `path`, or of the nearest one around it that was written."""
        mark = self.root
        for step in path:
            inner = mark[2]
            if isinstance(inner, dict) and step in inner:
                mark = inner[str(step)]
            elif isinstance(inner, list) and isinstance(step, int) and step < len(inner):
                mark = inner[step]
            else:
                break
        return Place(self.file, mark[0] + 1, mark[1] + 1)


def read_yaml(path: Path, name: str, limits: ReadLimits | None = None) -> tuple[Any, Marks]:
    """The value that the file `path` holds, and its places under the file's `name`. Raises YamlFault."""
    limits = limits or ReadLimits()
    try:
        with path.open("rb") as file:
            raw = file.read(limits.file_bytes + 1)
    except OSError as error:
        raise YamlFault(Place(name), error.strerror or str(error)) from error
    return parse_yaml(raw, name, limits)


def parse_yaml(raw: bytes, name: str, limits: ReadLimits | None = None) -> tuple[Any, Marks]:
    """The value that `raw` holds, and its places under the file's `name`. Raises YamlFault."""
    limits = limits or ReadLimits()
    if len(raw) > limits.file_bytes:
        raise YamlFault(Place(name), f"larger than {limits.file_bytes} bytes; split it into several files")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        place = Place(name, raw.count(b"\n", 0, error.start) + 1, 1)
        raise YamlFault(place, "not UTF-8; save the file in that encoding") from error
    try:
        return _Reader(text, name, limits).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name)
        raise YamlFault(place, error.problem or "not YAML") from error
    except yaml.reader.ReaderError as error:
        place = Place(name, text.count("\n", 0, error.position) + 1, 1)
        raise YamlFault(place, f"a character that YAML does not have (U+{error.character:04X})") from error


class _Parser(Protocol):
    def get_event(self) -> Any: ...


def fast_parser() -> bool:
    """Whether libyaml is there to parse."""
    return bool(yaml.__with_libyaml__)


def _parser(text: str) -> _Parser:
    kind: type[_Parser] = yaml.CSafeLoader if fast_parser() else yaml.SafeLoader
    return kind(text)  # type: ignore[call-arg]  # a Protocol says nothing of how it is made


_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
#: More digits than any double has need of; longer ones are a mistake or an attack.
_NUMBER_LENGTH = 40


class _Reader:
    """Events of one file, put together to a value and its marks."""

    def __init__(self, text: str, name: str, limits: ReadLimits) -> None:
        self._next = _parser(text).get_event
        self._name = name
        self._limits = limits
        self._values = 0

    def document(self) -> tuple[Any, Marks]:
        self._next()  # the stream starts
        if isinstance(self._next(), events.StreamEndEvent):
            raise YamlFault(Place(self._name), "the file is empty")
        first = self._next()
        value, mark = self._value(first, _position(first), 0)
        self._next()  # the document ends
        after = self._next()
        if not isinstance(after, events.StreamEndEvent):
            self._refuse(after, "a second document; a file holds one")
        return value, Marks(self._name, mark)

    def _value(self, event: Any, at: tuple[int, int], depth: int) -> tuple[Any, _Mark]:
        kind = type(event)
        self._values += 1
        if self._values > self._limits.values:
            self._refuse(event, f"more than {self._limits.values} values; split the file")
        if kind is events.AliasEvent:
            self._refuse(event, "aliases are not offered; write the value out")
        if event.tag is not None and event.tag != "!":
            self._refuse(event, f"the tag {event.tag[:40]} is not offered; leave it out")
        if kind is events.ScalarEvent:
            return self._scalar(event), (*at, None)
        if depth >= self._limits.depth:
            self._refuse(event, f"nested deeper than {self._limits.depth} levels")
        if kind is events.MappingStartEvent:
            return self._mapping(at, depth + 1)
        return self._sequence(at, depth + 1)

    def _mapping(self, at: tuple[int, int], depth: int) -> tuple[Any, _Mark]:
        values: dict[str, Any] = {}
        marks: dict[str, _Mark] = {}
        while type(key := self._next()) is not events.MappingEndEvent:
            if type(key) is not events.ScalarEvent:
                self._refuse(key, "a key is a word")
            if key.value in values:
                self._refuse(key, f"the key {key.value[:40]!r} stands twice; take one of them out")
            values[key.value], marks[key.value] = self._value(self._next(), _position(key), depth)
        return values, (*at, marks)

    def _sequence(self, at: tuple[int, int], depth: int) -> tuple[Any, _Mark]:
        values: list[Any] = []
        marks: list[_Mark] = []
        while type(event := self._next()) is not events.SequenceEndEvent:
            value, mark = self._value(event, _position(event), depth)
            values.append(value)
            marks.append(mark)
        return values, (*at, marks)

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if len(text) > self._limits.scalar:
            self._refuse(event, f"a text of more than {self._limits.scalar} characters; shorten it")
        if not event.implicit[0]:
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if text[0] in "0123456789+-." and _NUMBER.fullmatch(text):
            return self._number(event, text)
        return text

    def _number(self, event: Any, text: str) -> int | float:
        if len(text) > _NUMBER_LENGTH or not math.isfinite(float(text)):
            self._refuse(event, "a number that is too large; put it in quotes if it is a text")
        return int(text) if _INTEGER.fullmatch(text) else float(text)

    def _refuse(self, event: Any, what: str) -> NoReturn:
        line, column = _position(event)
        raise YamlFault(Place(self._name, line + 1, column + 1), what)


def _position(event: Any) -> tuple[int, int]:
    return event.start_mark.line, event.start_mark.column
