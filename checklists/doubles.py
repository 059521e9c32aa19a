"""JSON's numbers as JavaScript reads them: doubles, one zero, and infinity beyond the largest.

Tablets judge the same forms in JavaScript, which cannot tell 4 from 4.0.
"""

from __future__ import annotations

import math
from typing import Any

__all__ = ["as_double", "as_json_number", "is_number"]

#: Whole numbers below are exact as doubles.
_EXACT = 2**53


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_double(value: float) -> float:
    """The double nearest to a number. There is no -0, and what is too large is infinite."""
    try:
        return float(value) + 0.0
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def as_json_number(value: float) -> float:
    """The one way to write a double in JSON: 4, not 4.0."""
    double = as_double(value)
    return int(double) if double.is_integer() and abs(double) < _EXACT else double
