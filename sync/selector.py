"""Mango selectors: whether a document matches, decided as CouchDB 3.5 decides it.

A selector is read in CouchDB's own steps, because its meaning hangs on them: operators are made explicit,
field names are pushed down to the conditions, and negations further down to the comparisons. So
`{"$not": {"a": {"$gt": 1}}}` becomes `{"a": {"$lte": 1}}`, which a document without `a` does not match.
The result is a function of a document. Nothing here reads or writes; regular expressions are run by whoever
is handed in, since they need bounds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from sync.collation import compare
from sync.store import BadRequest

Test = Callable[[Any], bool]
#: A condition: an operator or the path of a field, and its argument.
_Node = tuple[str, Any]

_LISTS = frozenset({"$and", "$or", "$nor", "$in", "$nin", "$all"})
_NESTED = frozenset({"$not", "$elemMatch", "$allMatch", "$keyMapMatch"})
_COMPARISONS: Mapping[str, Callable[[int], bool]] = {
    "$lt": lambda order: order < 0,
    "$lte": lambda order: order <= 0,
    "$eq": lambda order: order == 0,
    "$ne": lambda order: order != 0,
    "$gte": lambda order: order >= 0,
    "$gt": lambda order: order > 0,
}
_OPPOSITE = {
    "$lt": "$gte", "$gte": "$lt", "$lte": "$gt", "$gt": "$lte", "$eq": "$ne", "$ne": "$eq", "$in": "$nin",
    "$nin": "$in",
}  # fmt: skip
_UNSUPPORTED = frozenset({"$where", "$geoWithin", "$geoIntersects", "$near", "$nearSphere", "$text"})
_DOT = re.compile(r"(?<!\\)\.")
_ABSENT = object()


class Regexes(Protocol):
    """Runs `$regex` within bounds."""

    def check(self, pattern: str) -> None:
        """Raises ValueError if it cannot run `pattern`."""

    def search(self, pattern: str, text: str) -> bool:
        """Whether `pattern` matches somewhere in `text`. Raises StoreError beyond its bounds."""


def parse(selector: object, regexes: Regexes) -> Test:
    """The test that `selector` describes. Raises BadRequest with CouchDB's reason."""
    if not isinstance(selector, dict):
        raise BadRequest("Selector error: expected a JSON object")
    if not selector:
        return lambda _doc: True
    try:
        node = _without_negations(_with_paths(_explicit(selector, regexes), ""))
        if node[0] == "":
            raise BadRequest("One or more conditions is missing a field name.")
        return _test(node, regexes)
    except RecursionError as error:
        raise BadRequest("Selector error: nested too deeply") from error


def project(doc: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """Only the `fields` of a document, which may be paths; the whole of it if there are none."""
    if not fields:
        return dict(doc)
    result: dict[str, Any] = {}
    for field in fields:
        path = _path(field)
        value = _at(doc, path)
        if value is not _ABSENT and value is not _BAD_PATH:
            inner = result
            for name in path[:-1]:
                inner = inner.setdefault(name, {})
            inner[path[-1]] = value
    return result


# Reading: first every operator explicit, then paths at the conditions, then negations at the comparisons.


def _explicit(value: Any, regexes: Regexes) -> _Node:
    if not isinstance(value, dict) or not value:
        return "$eq", value
    if len(value) > 1:
        return "$and", [_explicit({name: arg}, regexes) for name, arg in value.items()]
    ((name, arg),) = value.items()
    if not name.startswith("$"):
        return name, _explicit(arg, regexes)
    _check_argument(name, arg, regexes)
    if name in {"$and", "$or", "$nor"}:
        return name, [_explicit(one, regexes) for one in arg]
    if name in _NESTED:
        return name, _explicit(arg, regexes)
    return name, arg


def _check_argument(name: str, arg: Any, regexes: Regexes) -> None:
    if name in _UNSUPPORTED:
        raise BadRequest(f"Unsupported operator: {name}")
    if name in _LISTS:
        good = isinstance(arg, list)
    elif name in _NESTED:
        good = isinstance(arg, dict)
    elif name in _CHECKS:
        good = _CHECKS[name](arg)
    elif name not in _COMPARISONS:
        raise BadRequest(f"Invalid operator: {name}")
    else:
        good = True
    if not good:
        raise _bad_argument(name, arg)
    if name == "$regex":
        try:
            regexes.check(arg)
        except ValueError as error:
            raise _bad_argument(name, arg) from error


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "$exists": lambda arg: isinstance(arg, bool),
    "$type": lambda arg: isinstance(arg, str),
    # CouchDB takes a divisor of 0 and then fails on the first integer.
    "$mod": lambda arg: (
        isinstance(arg, list) and len(arg) == 2 and all(map(_is_integer, arg)) and bool(arg[0])
    ),
    "$regex": lambda arg: isinstance(arg, str),
    "$size": lambda arg: _is_integer(arg) and arg >= 0,
    "$beginsWith": lambda arg: isinstance(arg, str),
}


def _bad_argument(name: str, arg: Any) -> BadRequest:
    return BadRequest(f"Bad argument for operator {name}: {json.dumps(arg, ensure_ascii=False)}")


def _with_paths(node: _Node, path: str) -> _Node:
    name, arg = node
    if name in {"$and", "$or", "$nor"}:
        return name, [_with_paths(one, path) for one in arg]
    if name == "$not":
        return name, _with_paths(arg, path)
    if name in _NESTED:
        return _check_path(path), (name, _with_paths(arg, ""))
    if name.startswith("$"):
        return _check_path(path), (name, arg)
    return _with_paths(arg, f"{path}.{name}" if path else name)


def _check_path(path: str) -> str:
    if path:
        _path(path)
    return path


def _path(field: str) -> list[str]:
    """The names in a field's path; a dot that belongs to a name is written `\\.`. Raises BadRequest."""
    names = _DOT.split(field)
    if "" in names:
        raise BadRequest(f"Invalid field name: {field}")
    return [name.replace("\\", "") for name in names]


def _without_negations(node: _Node) -> _Node:
    name, arg = node
    if name == "$not":
        return _negated(arg)
    if name == "$nor":
        return "$and", [_negated(one) for one in arg]
    if name in {"$and", "$or"}:
        return name, [_without_negations(one) for one in arg]
    return node


def _negated(node: _Node) -> _Node:
    name, arg = node
    if name == "$not":
        return _without_negations(arg)
    if name == "$nor":
        return "$or", [_without_negations(one) for one in arg]
    if name == "$and":
        return "$or", [_negated(one) for one in arg]
    if name == "$or":
        return "$and", [_negated(one) for one in arg]
    if name in _OPPOSITE:
        return _OPPOSITE[name], arg
    if name == "$exists":
        return name, not arg
    if name.startswith("$"):
        return "$not", node
    return name, _negated(arg)


# Judging.


def _test(node: _Node, regexes: Regexes, *, by_bytes: bool = False) -> Test:
    """`by_bytes`: strings are compared by code points, as CouchDB compares ids."""
    name, arg = node
    if not name.startswith("$"):
        return _field_test(name, arg, regexes)
    if name in {"$and", "$or"}:
        tests = [_test(one, regexes, by_bytes=by_bytes) for one in arg]
        decide = all if name == "$and" else any
        return lambda value: not tests or decide(test(value) for test in tests)
    if name == "$not":
        inner = _test(arg, regexes, by_bytes=by_bytes)
        return lambda value: not inner(value)
    if name in {"$elemMatch", "$allMatch", "$keyMapMatch"}:
        return _collection_test(name, _test(arg, regexes, by_bytes=by_bytes))
    order = _compare_bytes if by_bytes else compare
    if name in _COMPARISONS:
        holds = _COMPARISONS[name]
        return lambda value: holds(order(value, arg))
    if name in {"$in", "$nin"}:
        return _membership_test(arg, order, wanted=name == "$in")
    if name == "$regex":
        return lambda value: isinstance(value, str) and regexes.search(arg, value)
    if name == "$nor":  # CouchDB resolves it above the conditions only
        return _unresolved
    return lambda value: _TESTS[name](value, arg)


class _Unresolved(Exception):
    """An operator that CouchDB does not know where it stands: inside $elemMatch and its like."""


def _unresolved(_value: Any) -> bool:
    raise _Unresolved


def _field_test(path: str, condition: _Node, regexes: Regexes) -> Test:
    test = _test(condition, regexes, by_bytes=path == "_id")
    if not path:  # inside $elemMatch and its like, where the value itself is judged
        return test
    names = _path(path)
    absent = condition == ("$exists", False)

    def judge(value: Any) -> bool:
        found = _at(value, names)
        if found is _ABSENT:
            return absent
        return found is not _BAD_PATH and test(found)

    return judge


_BAD_PATH = object()


def _at(value: Any, names: Sequence[str]) -> Any:
    """What stands at a path; `_ABSENT` for a name an object lacks, `_BAD_PATH` for a way that cannot be."""
    for name in names:
        if isinstance(value, dict):
            if name not in value:
                return _ABSENT
            value = value[name]
        elif isinstance(value, list) and re.fullmatch(r"[+-]?[0-9]{1,9}", name):
            if not 0 <= int(name) < len(value):
                return _BAD_PATH
            value = value[int(name)]
        else:
            return _BAD_PATH
    return value


def _collection_test(name: str, inner: Test) -> Test:
    kind = dict if name == "$keyMapMatch" else list
    decide = all if name == "$allMatch" else any

    def judge(value: Any) -> bool:
        try:  # over an object's keys, or an array's elements
            return isinstance(value, kind) and bool(value) and decide(inner(one) for one in value)
        except _Unresolved:  # as in CouchDB, which takes its own failure for no match
            return False

    return judge


def _membership_test(args: list[Any], order: Callable[[Any, Any], int], *, wanted: bool) -> Test:
    def judge(value: Any) -> bool:
        values = value if isinstance(value, list) else [value]
        return wanted is any(order(one, arg) == 0 for arg in args for one in values)

    return judge


def _compare_bytes(left: Any, right: Any) -> int:
    """An id and a value: Erlang's order, in which a string comes after everything else."""
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    return 1 if isinstance(left, str) else compare(left, right)


def _same(left: Any, right: Any) -> bool:
    """Equal and of the same type: 1 is neither 1.0 nor true."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(map(_same, left.values(), right.values()))
    return bool(left == right)


def _all(value: Any, args: list[Any]) -> bool:
    if not args or not isinstance(value, list):
        return False
    if all(any(_same(arg, one) for one in value) for arg in args):
        return True
    return len(args) == 1 and isinstance(args[0], list) and _same(args[0], value)


def _mod(value: Any, arg: list[int]) -> bool:
    """The remainder has the dividend's sign, as in Erlang."""
    if not _is_integer(value):
        return False
    remainder = abs(value) % abs(arg[0])
    return bool((remainder if value >= 0 else -remainder) == arg[1])


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$all": _all,
    "$beginsWith": lambda value, arg: isinstance(value, str) and value.startswith(arg),
    "$exists": lambda _value, arg: bool(arg),
    "$mod": _mod,
    "$size": lambda value, arg: isinstance(value, list) and len(value) == arg,
    "$type": lambda value, arg: _type(value) == arg,
}
