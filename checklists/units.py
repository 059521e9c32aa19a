"""Units of measurement, `units.yaml`: the one table that the server and the tablets convert by."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import msgspec
import yaml

__all__ = ["Unit", "UnitMismatch", "convert", "units"]


class Unit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A unit: `factor` and `offset` in the smallest unit of its dimension."""

    dimension: str
    factor: float
    offset: float = 0.0


class UnitMismatch(ValueError):
    """A unit is not in the table, or measures something else than the other one."""


@cache
def units() -> Mapping[str, Unit]:
    """Every unit by its name."""
    raw = yaml.safe_load(Path(__file__).with_name("units.yaml").read_text(encoding="utf-8"))
    return MappingProxyType(msgspec.convert(raw, dict[str, Unit]))


def convert(value: float, given: str, wanted: str) -> float:
    """A quantity in another unit. It rounds once where the units are whole multiples of each other.

    `convert` in web/engine/cel/language.mjs does the same step by step. Raises UnitMismatch.
    """
    if given == wanted:
        return value
    source, target = units().get(given), units().get(wanted)
    if source is None or target is None or source.dimension != target.dimension:
        raise UnitMismatch(f"{given} does not convert to {wanted}")
    if source.offset or target.offset:
        return (value * source.factor + source.offset - target.offset) / target.factor
    up = source.factor / target.factor
    return value * up if up.is_integer() else value / (target.factor / source.factor)
