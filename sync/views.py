"""What a view shows of the rows that its map function emitted: ranges, keys, groups, in CouchDB's order.

Functions of values: where the rows come from, `sync/embedded/views.py` says.
"""

from __future__ import annotations

import operator
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sync.collation import sort_keys
from sync.store import BadRequest

#: A bound or key that was not given; null is a key like any other.
ABSENT: Any = object()
#: Below every document id, and above (no UTF-8 has this byte).
_LOW, _HIGH = b"", b"\xff"
#: Where a key stands, as `sort_keys` has it.
Place = tuple[Any, ...]
_ARRAY = 5


@dataclass(frozen=True)
class ViewQuery:
    """CouchDB's parameters of a view. `reduce` None means: if the view has a reduce function."""

    reduce: bool | None = None
    group: bool | None = None
    group_level: int | None = None
    startkey: Any = ABSENT
    endkey: Any = ABSENT
    startkey_docid: str | None = None
    endkey_docid: str | None = None
    inclusive_end: bool = True
    keys: Sequence[Any] | None = None
    limit: int | None = None
    skip: int = 0
    descending: bool = False

    @property
    def level(self) -> int | Literal["exact"]:
        """How many members of an array make a group; 0 for one group of all. Raises BadRequest."""
        if self.group_level is None:
            return "exact" if self.group else 0
        if self.group is False and self.group_level > 0:
            raise _refused("Can't specify group=false and group_level>0 at the same time")
        return self.group_level


@dataclass(frozen=True)
class Row:
    """One emission of the map function for document `id`."""

    id: str
    key: Any
    value: Any


@dataclass(frozen=True)
class Selected:
    """The rows that are shown; `offset` is how many of all come before the first."""

    rows: Sequence[Row]
    total: int
    offset: int


@dataclass(frozen=True)
class Group:
    """Rows to be reduced together, in the order of the view; `key` is null where all are."""

    key: Any
    rows: Sequence[Row]


def check(query: ViewQuery, *, has_reduce: bool) -> None:
    """Refuse what CouchDB refuses. Raises BadRequest (query_parse_error)."""
    level = query.level
    if query.reduce and not has_reduce:
        raise _refused("Reduce is invalid for map-only views.")
    if not reduces(query, has_reduce=has_reduce):
        if level != 0:
            raise _refused("Invalid use of grouping on a map view.")
    elif query.keys is not None and level != "exact":
        raise _refused("Multi-key fetches for reduce views must use `group=true`")
    if query.keys and (query.startkey is not ABSENT or query.endkey is not ABSENT):
        raise _refused("`keys` is incompatible with `key`, `start_key` and `end_key`")
    _check_range(query)


def reduces(query: ViewQuery, *, has_reduce: bool) -> bool:
    """Whether the answer consists of reduced groups."""
    return has_reduce and query.reduce is not False


def _check_range(query: ViewQuery) -> None:
    if ABSENT in (query.startkey, query.endkey) or query.startkey == query.endkey:
        return
    start, end = sort_keys([query.startkey, query.endkey])
    low, high = _start(query, start), _end(query, end)
    if query.descending and low <= high:
        raise _refused(_NO_ROWS + "false")
    if not query.descending and low >= high:
        raise _refused(_NO_ROWS + "true")


_NO_ROWS = "No rows can match your key range, reverse your start_key and end_key or set descending="


class Index:
    """Rows in their order, for one answer after another."""

    def __init__(self, rows: Sequence[Row], bounds: Sequence[Any] = ()) -> None:
        """`bounds` are all keys that queries will name: only what is sorted together can be compared."""
        places = sort_keys([*(row.key for row in rows), *bounds])
        self._named = list(bounds)  # held, so that their identities stay theirs
        self._places = {id(key): place for key, place in zip(bounds, places[len(rows) :], strict=True)}
        self._rows = sorted(
            ((place, row.id.encode(), row) for place, row in zip(places, rows, strict=False)),
            key=_standing,
        )

    def select(self, query: ViewQuery) -> Selected:
        """The rows of a query that does not reduce."""
        keys = query.keys
        if keys is not None and query.descending:
            keys = [*reversed(keys)]
        found: list[_Entry] = []
        offset = 0
        for part, before in self._parts(query, keys):
            offset = offset if found else before
            found += part
        end = None if query.limit is None else query.skip + query.limit
        shown = [entry[2] for entry in found[query.skip : end]]
        return Selected(shown, len(self._rows), min(len(self._rows), offset + query.skip))

    def groups(self, query: ViewQuery) -> Iterator[Group]:
        """The groups of a query that reduces. Raises BadRequest."""
        level = query.level
        end = None if query.limit is None else query.skip + query.limit
        number = 0
        for entries, _ in self._parts(query, query.keys):
            for first, last in _runs(entries, level):
                if end is not None and number >= end:
                    return
                if number >= query.skip:
                    rows = [entry[2] for entry in entries[first:last]]
                    yield Group(_group_key(rows[0].key, level), rows)
                number += 1

    def _parts(self, query: ViewQuery, keys: Sequence[Any] | None) -> Iterator[tuple[list[_Entry], int]]:
        """The entries of the range, or of each key, in the direction of the query; how many come before."""
        entries = self._rows
        if query.descending:
            # Values of one document under one key keep their order, as in CouchDB.
            entries = sorted(entries, key=_standing, reverse=True)
        if keys is None:
            yield self._cut(entries, query)
            return
        for key in keys:
            yield self._cut(entries, ViewQuery(startkey=key, endkey=key, descending=query.descending))

    def _cut(self, entries: list[_Entry], query: ViewQuery) -> tuple[list[_Entry], int]:
        """The entries between the bounds, and how many come before."""
        first, last = 0, len(entries)
        earlier = operator.gt if query.descending else operator.lt
        if query.startkey is not ABSENT:
            start = _start(query, self._places[id(query.startkey)])
            first = bisect_left(entries, True, key=lambda entry: not earlier(_standing(entry), start))
        if query.endkey is not ABSENT:
            end = _end(query, self._places[id(query.endkey)])
            if query.inclusive_end:
                last = bisect_left(entries, True, key=lambda entry: earlier(end, _standing(entry)))
            else:
                last = bisect_left(entries, True, key=lambda entry: not earlier(_standing(entry), end))
        return entries[first:last], first


_Entry = tuple[Place, bytes, Row]


def bounds(query: ViewQuery) -> list[Any]:
    """The keys that a query names."""
    named = [query.startkey, query.endkey, *(query.keys or ())]
    return [key for key in named if key is not ABSENT]


def _standing(entry: _Entry) -> tuple[Place, bytes]:
    return entry[:2]


def _start(query: ViewQuery, place: Place) -> tuple[Place, bytes]:
    if query.startkey_docid is not None:
        return place, query.startkey_docid.encode()
    return place, _HIGH if query.descending else _LOW


def _end(query: ViewQuery, place: Place) -> tuple[Place, bytes]:
    if query.endkey_docid is not None:
        return place, query.endkey_docid.encode()
    # An end that is not inclusive leaves out every row of its key.
    return place, _LOW if query.descending is query.inclusive_end else _HIGH


def _runs(entries: list[_Entry], level: int | Literal["exact"]) -> Iterator[tuple[int, int]]:
    """From where to where neighbours belong together."""
    first = 0
    for at in range(1, len(entries) + 1):
        if at == len(entries) or _group(entries[at][0], level) != _group(entries[first][0], level):
            yield first, at
            first = at


def _group(place: Place, level: int | Literal["exact"]) -> Place:
    if level == 0:
        return ()
    if level == "exact" or place[0] != _ARRAY:
        return place
    return (place[0], *place[1 : 1 + level])


def _group_key(key: Any, level: int | Literal["exact"]) -> Any:
    if level == 0:
        return None
    return key[:level] if isinstance(key, list) and level != "exact" else key


def _refused(reason: str) -> BadRequest:
    return BadRequest(reason, error="query_parse_error")
