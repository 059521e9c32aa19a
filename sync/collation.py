"""CouchDB's order of JSON values: null, false, true, numbers, strings, arrays, objects.

CouchDB compares strings by the Unicode Collation Algorithm (ICU, root locale): punctuation before digits
before letters, and letters before accents before case. Document ids are an exception: by code points.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import zip_longest
from typing import Any

import pyuca

_ASCII = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$" + string.digits + string.ascii_lowercase
#: Printable ASCII to its place in the algorithm's order; controls say nothing, but for those that are spaces.
_PLACES: dict[int, int | None] = dict.fromkeys(range(128)) | {
    **{ord(char): number for number, char in enumerate("\t\n\x0b\x0c\r")},
    **{ord(char): number + 5 for number, char in enumerate(_ASCII)},
}
_NUMBER, _STRING, _ARRAY, _OBJECT = 3, 4, 5, 6
_END = object()


def compare(left: Any, right: Any) -> int:
    """-1, 0 or 1. An object is the list of its members in their order; a shorter list comes first."""
    kind, other = _kind(left), _kind(right)
    if kind != other:
        return _sign(kind, other)
    if kind == _STRING:
        return compare_strings(left, right)
    if kind == _NUMBER:
        return _sign(left, right)
    if kind == _ARRAY:
        return _compare_sequences(left, right)
    if kind == _OBJECT:
        return _compare_sequences(_members(left), _members(right))
    return 0


def compare_strings(left: str, right: str) -> int:
    if left == right:
        return 0
    if left.isascii() and right.isascii():
        return _sign(_ascii_key(left), _ascii_key(right))
    return _sign(_key(left), _key(right))


def sort_keys(values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """For each value a tuple, ordered as the values are. Those of different calls are not comparable.

    A tuple begins with the kind of value; that of an array goes on with those of its members.
    """
    ascii_only = all(text.isascii() for value in values for text in _texts(value))
    return [_sort_key(value, _ascii_key if ascii_only else _key) for value in values]


def _sort_key(value: Any, text_key: Callable[[str], Any]) -> tuple[Any, ...]:
    kind = _kind(value)
    if kind == _STRING:
        return kind, text_key(value)
    if kind == _NUMBER:
        return kind, value
    if kind == _ARRAY:
        return kind, *[_sort_key(member, text_key) for member in value]
    if kind == _OBJECT:
        return kind, *[_sort_key(part, text_key) for part in _members(value)]
    return (kind,)


def _texts(value: Any) -> Iterator[str]:
    """Every string in a value, names of members too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)
    elif isinstance(value, dict):
        for part in _members(value):
            yield from _texts(part)


def _kind(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, bool):
        return 2 if value else 1
    if isinstance(value, (int, float)):
        return _NUMBER
    if isinstance(value, str):
        return _STRING
    return _ARRAY if isinstance(value, list) else _OBJECT


def _members(value: dict[str, Any]) -> list[Any]:
    return [part for pair in value.items() for part in pair]


def _compare_sequences(left: list[Any], right: list[Any]) -> int:
    for one, other in zip_longest(left, right, fillvalue=_END):
        if one is _END or other is _END:
            return -1 if one is _END else 1
        found = compare(one, other)
        if found:
            return found
    return 0


def _sign(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)


def _ascii_key(text: str) -> tuple[str, list[bool]]:
    return text.lower().translate(_PLACES), [c.isupper() for c in text if _PLACES[ord(c.lower())] is not None]


@cache
def _collator() -> pyuca.Collator:
    return pyuca.Collator()  # reads its table: a tenth of a second, only when somebody asks for it


@lru_cache(maxsize=4096)
def _key(text: str) -> tuple[int, ...]:
    return tuple(_collator().sort_key(unicodedata.normalize("NFC", text)))
