"""CouchDB's built-in reduce functions, and the order in which it keeps values under one key. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sync.store import NotOffered, StoreError
from sync.views import Row

#: CouchDB's own sentence.
_SUM_REASON = (
    "The _sum function requires that map values be numbers, arrays of numbers, or objects. Objects cannot be "
    "mixed with other data structures. Objects can be arbitrarily nested, provided that the values for all "
    "fields are themselves numbers, arrays of numbers, or objects."
)
_STATS = ("sum", "count", "min", "max", "sumsqr")


class InvalidValue(StoreError):
    """A value of which no statistics can be made."""

    status = 500
    error = "invalid_value"


class _NotSummable(Exception):
    def __init__(self, value: Any) -> None:
        super().__init__(value)
        self.value = value


def builtin(name: str) -> Callable[[Sequence[Row]], Any]:
    """The function called `name`, of rows in their order. Raises NotOffered for one that is not here.

    It raises StoreError where there is no result.
    """
    found = _BUILTIN.get(name.strip())
    if found is None:
        raise NotOffered(f"The reduce function {name.strip()}: not offered by Hezha's embedded engine.")
    return found


def _count(rows: Sequence[Row]) -> int:
    return len(rows)


def _count_distinct(rows: Sequence[Row]) -> int:
    """Exact, where CouchDB estimates."""
    return len({json.dumps(row.key) for row in rows})


def _sum(rows: Sequence[Row]) -> Any:
    """The sum; or, as the value, an error that names the value which has none."""
    total: Any = 0
    for row in reversed(rows):  # as CouchDB goes, so that the same value is blamed
        try:
            total = _add(row.value, total)
        except _NotSummable as wrong:
            return {"error": "builtin_reduce_error", "reason": _SUM_REASON, "caused_by": wrong.value}
    return total


def _add(value: Any, total: Any) -> Any:
    if isinstance(value, dict):
        if _is_number(total) and total == 0:
            return value
        if not isinstance(total, dict):
            raise _NotSummable(value)
        names = sorted({*value, *total})
        return {name: _add_member(name, value, total) for name in names}
    if isinstance(total, dict) or not (_is_number(value) or isinstance(value, list)):
        raise _NotSummable(value)
    if _is_number(value) and _is_number(total):
        return _finite(value + total)
    return _add_lists(
        total if isinstance(total, list) else [total], value if isinstance(value, list) else [value]
    )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _add_member(name: str, value: Mapping[str, Any], total: Mapping[str, Any]) -> Any:
    if name not in value or name not in total:
        return value[name] if name in value else total[name]
    return _add(value[name], total[name])


def _add_lists(one: list[Any], other: list[Any]) -> list[Any]:
    short, long = sorted((one, other), key=len)
    pairs = list(zip(short, long, strict=False))
    for left, right in pairs:
        if not (_is_number(left) and _is_number(right)):
            raise _NotSummable(other)
    return [*(_finite(left + right) for left, right in pairs), *long[len(short) :]]


def _statistics(rows: Sequence[Row]) -> Any:
    total = _stats_of(rows[0].value)
    for row in rows[1:]:
        total = _join(total, _stats_of(row.value))
    return total


def _stats_of(value: Any) -> Any:
    """Statistics of one value: a number, or statistics already; of each member of an array."""
    if isinstance(value, list):
        return [_stats_of(member) for member in value]
    if _is_number(value):
        return {"sum": value, "count": 1, "min": value, "max": value, "sumsqr": _finite(value * value)}
    if not isinstance(value, dict):
        raise InvalidValue(f"non-numeric _stats input: {json.dumps(value)}")
    for name in _STATS:
        if name not in value:
            raise InvalidValue(f"user _stats input missing required field {name} ({json.dumps(value)})")
        if not _is_number(value[name]):
            raise InvalidValue(f"non-numeric _stats input received for {name}: {json.dumps(value[name])}")
    return {name: value[name] for name in _STATS}


def _join(one: Any, other: Any) -> Any:
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [_join(left, right) for left, right in zip(one, other, strict=True)]
    if isinstance(one, list) or isinstance(other, list):
        raise InvalidValue("_stats input of different shapes")
    return {
        "sum": _finite(one["sum"] + other["sum"]),
        "count": one["count"] + other["count"],
        "min": min(one["min"], other["min"]),
        "max": max(one["max"], other["max"]),
        "sumsqr": _finite(one["sumsqr"] + other["sumsqr"]),
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _finite(value: float) -> float:
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidValue("The result is beyond the range of numbers.")
    return value


_BUILTIN: dict[str, Callable[[Sequence[Row]], Any]] = {
    "_count": _count,
    "_sum": _sum,
    "_stats": _statistics,
    "_approx_count_distinct": _count_distinct,
}


def term_key(value: Any) -> tuple[Any, ...]:
    """A key by which Python sorts JSON values as CouchDB does those of one document under one key.

    That is Erlang's order of terms: numbers, then false, null and true, objects, arrays, strings.
    """
    if _is_number(value):
        return 0, value
    if value is None or isinstance(value, bool):
        return 1, {False: 0, None: 1, True: 2}[value]
    if isinstance(value, dict):
        return 2, *[(name.encode(), term_key(member)) for name, member in value.items()]
    if isinstance(value, list):
        return 3, *[term_key(member) for member in value]
    return 4, value.encode()
