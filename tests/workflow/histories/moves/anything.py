"""Any command at all, made up from the types of its fields: none is forgotten, however new it is."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import timedelta
from functools import cache
from typing import Any, get_args

import msgspec
from msgspec import inspect

from server.workflow import commands as c
from tests.workflow.histories.history import ANYBODY, History

_KINDS: tuple[type[c.CommandBase], ...] = get_args(c.Command)
#: Names for what is new, few enough that they meet again.
_NEW = ("x-1", "x-2", "x-3")
_PEOPLE = tuple(actor.name for actor in ANYBODY)


@cache
def _fields(kind: Hashable) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType | inspect.DataclassType)
    return info.fields


def make(h: History, kind: Any) -> Any:
    """A value of a struct: what must be said is made up, what need not be is said every other time."""
    said = {
        field.name: _value(h, field.type, field.name)
        for field in _fields(kind)
        if field.required or h.chance()
    }
    return kind(**said)


def _value(h: History, kind: inspect.Type, name: str) -> Any:
    if isinstance(kind, inspect.Metadata):
        return _value(h, kind.type, name)
    for known, made in _MAKERS.items():
        if isinstance(kind, known):
            return made(h, kind, name)
    return h.pick([True, 1, 2.5, "pass", None])


def _text(h: History, kind: Any, name: str) -> str:
    if kind.pattern is not None and "-" in kind.pattern:
        return f"{h.number()}-a"
    if name in {"by", "manager"} or name.endswith(("_by", "assignees", "participants")):
        return h.pick(_PEOPLE)
    return h.pick(_known(h, name)) if h.chance(0.8) else h.pick(_NEW)


def _known(h: History, name: str) -> list[str]:
    """What the case calls by a name like this one."""
    singular = name.removesuffix("_id")
    for field in h.case.__struct_fields__:
        held = getattr(h.case, field)
        if field.startswith(singular) and isinstance(held, Mapping) and held:
            return [str(key) for key in sorted(held, key=str)]
    if name in {"gate", "gates"}:
        return [gate.id for gate in h.case.gates]
    if name in {"items", "item", "code", "due"}:
        return [item.code for notice in h.case.notices.values() for item in notice.items] or ["A"]
    return [*_NEW, "the words of somebody"]


def _number(h: History, kind: Any, name: str) -> int:
    if name == "n":
        return h.some_notice()
    least = kind.ge if kind.ge is not None else (kind.gt + 1 if kind.gt is not None else 0)
    most = kind.le if kind.le is not None else least + 5
    return h.random.randint(int(least), max(int(least), int(most)))


def _real(h: History, kind: Any, name: str) -> float:
    least = kind.ge if kind.ge is not None else (kind.gt or 0.0)
    most = kind.le if kind.le is not None else least + 100.0
    return round(h.random.uniform(least, most), 2) or 1.0


def _many(h: History, kind: Any, name: str) -> tuple[Any, ...]:
    least = kind.min_length or 0
    return tuple(_value(h, kind.item_type, name) for _ in range(h.random.randint(least, least + 2)))


def _dict(h: History, kind: Any, name: str) -> dict[Any, Any]:
    least = kind.min_length or 0
    pairs = range(h.random.randint(least, least + 2))
    return {_value(h, kind.key_type, name): _value(h, kind.value_type, "") for _ in pairs}


_MAKERS: dict[type, Any] = {
    inspect.StrType: _text,
    inspect.BoolType: lambda h, kind, name: h.chance(),
    inspect.IntType: _number,
    inspect.FloatType: _real,
    inspect.NoneType: lambda h, kind, name: None,
    inspect.LiteralType: lambda h, kind, name: h.pick(kind.values),
    inspect.DateTimeType: lambda h, kind, name: h.moment(),
    inspect.DateType: lambda h, kind, name: (h.moment() + timedelta(days=h.pick([0, 5, 40]))).date(),
    inspect.UnionType: lambda h, kind, name: _value(h, h.pick(kind.types), name),
    inspect.VarTupleType: _many,
    inspect.ListType: _many,
    inspect.TupleType: lambda h, kind, name: tuple(_value(h, one, name) for one in kind.item_types),
    inspect.DictType: _dict,
    inspect.StructType: lambda h, kind, name: make(h, kind.cls),
}


def anything(h: History) -> None:
    """One that cannot even be said is nobody's to refuse."""
    try:
        command = make(h, h.pick(_KINDS))
    except (TypeError, ValueError, msgspec.ValidationError):
        return
    h.give(command)


MOVES = [anything] * 8
