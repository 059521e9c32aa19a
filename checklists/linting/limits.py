"""Units, ranges and limits: that they belong to the item, and that each limit can be kept and broken."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from checklists.linting.complaint import Complaint
from checklists.linting.walk import Placed, placed_items
from checklists.model import SEVERITY_RANK, Definition, Item, Limit
from checklists.units import units

__all__ = ["lint_limits"]


def lint_limits(definition: Definition) -> Iterator[Complaint]:
    """Complaints about what every item measures."""
    for placed in placed_items(definition):
        yield from _measure(placed)
        for number, limit in enumerate(placed.item.limits):
            yield from _limit(placed, number, limit)
        yield from _unreached(placed)


def _measure(placed: Placed) -> Iterator[Complaint]:
    item = placed.item
    if item.type == "number":
        if item.unit is None:
            yield placed.complain("number_without_unit")
        elif item.unit not in units():
            near = ", ".join(difflib.get_close_matches(item.unit, units(), cutoff=0.3))
            yield placed.complain("unit_unknown", "unit", unit=item.unit[:40], near=near or "-")
        if item.range is None:
            yield placed.complain("number_without_range")
        elif item.range.min >= item.range.max:
            yield placed.complain("range_reversed", "range", min=item.range.min, max=item.range.max)
    elif item.unit is not None or item.range is not None:
        yield placed.complain("unit_misplaced", "unit" if item.unit is not None else "range", type=item.type)
    if item.limits and item.type not in ("number", "location"):
        yield placed.complain("limits_misplaced", "limits", type=item.type)


def _limit(placed: Placed, number: int, limit: Limit) -> Iterator[Complaint]:
    possible = placed.item.range
    if limit.min is None and limit.max is None:
        yield placed.complain("limit_empty", "limits", number)
    if limit.min is not None and limit.max is not None and limit.min > limit.max:
        yield placed.complain("limit_reversed", "limits", number, min=limit.min, max=limit.max)
    if possible is None:
        return
    for end, bound in (("min", limit.min), ("max", limit.max)):
        if bound is not None and not possible.min <= bound <= possible.max:
            yield placed.complain("limit_outside_range", "limits", number, end, bound=f"{bound:g}")
    if limit.min == possible.min or limit.max == possible.max:
        yield placed.complain("limit_unbreakable", "limits", number)


def _unreached(placed: Placed) -> Iterator[Complaint]:
    """Limits that decide nothing: whatever breaks them breaks another, always and at least as gravely."""
    numbers = range(len(placed.item.limits))
    for number in numbers:
        others = (one for one in numbers if one != number and _covers(placed.item, one, number))
        other = next(others, None)
        if other is not None:
            shown = {"number": number + 1, "other": other + 1}
            yield placed.complain("limit_unreached", "limits", number, **shown)


def _covers(item: Item, other: int, number: int) -> bool:
    """Whether the limit `other` decides in the place of `number`; of two that say the same, the first."""
    limit, wider = item.limits[number], item.limits[other]
    if wider.when is not None or (limit.note and not wider.note) or not _within(limit, wider):
        return False
    gravest, least = _gravity(item, limit, gravest=True), _gravity(item, wider, gravest=False)
    same = _within(wider, limit) and _gravity(item, limit, gravest=False) == least and limit.when is None
    return gravest < least or (gravest == least and (not same or other < number))


def _gravity(item: Item, limit: Limit, *, gravest: bool) -> tuple[bool, int]:
    """How grave it is to break a limit, at most or at least: facts can make the item graver."""
    severities = [item.severity, *(rule.severity for rule in item.severities if gravest)]
    ranks = [SEVERITY_RANK[severity] for severity in ([limit.severity] if limit.severity else severities)]
    return limit.verdict == "fail", max(ranks)


def _within(limit: Limit, wider: Limit) -> bool:
    """Whether whatever breaks `limit` breaks `wider` too."""
    below = limit.min is None or (wider.min is not None and limit.min <= wider.min)
    above = limit.max is None or (wider.max is not None and limit.max >= wider.max)
    return below and above
