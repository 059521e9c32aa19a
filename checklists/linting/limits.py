"""Units, ranges and limits: that they belong to the item, and that each limit can be kept and broken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checklists.linting.complaint import Complaint, complain
from checklists.linting.walk import Placed, placed_items
from checklists.model import Definition, Limit

__all__ = ["lint_limits"]


def lint_limits(definition: Definition) -> Iterator[Complaint]:
    """Complaints about what every item measures."""
    for placed in placed_items(definition):
        yield from _measure(placed)
        for number, limit in enumerate(placed.item.limits):
            yield from _limit(placed, number, limit)
        yield from _unreached(placed)


def _about(placed: Placed, code: str, *field: str | int, **params: Any) -> Complaint:
    return complain(code, placed.item.code, (*placed.path, *field), **params)


def _measure(placed: Placed) -> Iterator[Complaint]:
    item = placed.item
    if item.type == "number":
        if item.unit is None:
            yield _about(placed, "number_without_unit")
        if item.range is None:
            yield _about(placed, "number_without_range")
        elif item.range.min >= item.range.max:
            yield _about(placed, "range_reversed", "range", min=item.range.min, max=item.range.max)
    elif item.unit is not None or item.range is not None:
        yield _about(placed, "unit_misplaced", "unit" if item.unit is not None else "range", type=item.type)
    if item.limits and item.type not in ("number", "location"):
        yield _about(placed, "limits_misplaced", "limits", type=item.type)


def _limit(placed: Placed, number: int, limit: Limit) -> Iterator[Complaint]:
    possible = placed.item.range
    if limit.min is None and limit.max is None:
        yield _about(placed, "limit_empty", "limits", number)
    if limit.min is not None and limit.max is not None and limit.min > limit.max:
        yield _about(placed, "limit_reversed", "limits", number, min=limit.min, max=limit.max)
    if possible is None:
        return
    for end, bound in (("min", limit.min), ("max", limit.max)):
        if bound is not None and not possible.min <= bound <= possible.max:
            yield _about(placed, "limit_outside_range", "limits", number, end, bound=f"{bound:g}")
    if limit.min == possible.min or limit.max == possible.max:
        yield _about(placed, "limit_unbreakable", "limits", number)


def _unreached(placed: Placed) -> Iterator[Complaint]:
    always = [(number, limit) for number, limit in enumerate(placed.item.limits) if limit.when is None]
    hard = [limit for _, limit in always if limit.verdict == "fail"]
    for number, soft in always:
        if soft.verdict == "warning" and any(_never_reached(soft, limit) for limit in hard):
            yield _about(placed, "limit_unreached", "limits", number)


def _never_reached(soft: Limit, hard: Limit) -> bool:
    below = soft.min is None or (hard.min is not None and soft.min <= hard.min)
    above = soft.max is None or (hard.max is not None and soft.max >= hard.max)
    return below and above
