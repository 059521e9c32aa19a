"""Cells that hold one of a few words, a number or a yes: read, or told as faults with what would be right."""

from __future__ import annotations

import math
from collections.abc import Collection

from checklists.xlsform.columns import Line
from checklists.xlsform.plain import is_constant

__all__ = ["decimal", "flag", "one_of", "whole"]


def _fault(line: Line, key: str, value: str, wanted: str) -> None:
    line.table.findings.fault("invalid_value", line.table.name, line.number, key, value=value, wanted=wanted)


def one_of(line: Line, key: str, allowed: Collection[str], default: str | None) -> str | None:
    """A word of `allowed`; `default` for a blank cell, and for a fault."""
    value = line.word(key)
    if value is None:
        return default
    if value not in allowed:
        _fault(line, key, value, ", ".join(allowed))
        return default
    return value


def flag(line: Line, key: str, *, default: bool) -> bool:
    """A yes or no."""
    value = line.word(key)
    if value is None:
        return default
    constant = is_constant(value)
    if constant is None:
        _fault(line, key, value, "yes, no")
        return default
    return constant


def whole(line: Line, key: str, default: int) -> int:
    """A whole number."""
    value = line.word(key)
    if value is None:
        return default
    try:
        return int(value)
    except ValueError:
        _fault(line, key, value, "1, 2, 3 …")
        return default


def decimal(line: Line, key: str) -> float | None:
    """A finite number; None for a blank cell, and for a fault."""
    value = line.word(key)
    if value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        _fault(line, key, value, "0.6")
        return None
    return number
