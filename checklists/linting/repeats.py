"""Repeats, rules and severities: that each has what makes it one, and decides something."""

from __future__ import annotations

from collections.abc import Iterator

from checklists.linting.complaint import Complaint
from checklists.linting.walk import Placed, placed_items
from checklists.model import ENTRY_MARK, MAX_ENTRIES, SEVERITY_RANK, Definition

__all__ = ["lint_repeats"]


def lint_repeats(definition: Definition) -> Iterator[Complaint]:
    """Complaints about codes that would be taken for entries, about repeats, rules and severities."""
    for placed in placed_items(definition):
        if ENTRY_MARK in placed.item.code:
            yield placed.complain("code_of_entry", "code", mark=ENTRY_MARK)
        yield from _repeat(placed)
        yield from _rule(placed)
        for number, rule in enumerate(placed.item.severities):
            if SEVERITY_RANK[rule.severity] <= SEVERITY_RANK[placed.item.severity]:
                yield placed.complain("severity_no_graver", "severities", number, own=placed.item.severity)
        for number, limit in enumerate(placed.item.limits):
            if limit.basis is not None or limit.since is not None:
                yield placed.complain("basis_misplaced", "limits", number)


def _repeat(placed: Placed) -> Iterator[Complaint]:
    item = placed.item
    if item.type != "repeat":
        for field in ("entries", "items"):
            if getattr(item, field):
                yield placed.complain("entries_misplaced", field, field=field, type=item.type)
        return
    if placed.repeat is not None:
        yield placed.complain("repeat_nested", "type")
    if not item.items:
        yield placed.complain("repeat_empty")
    bounds = item.entries
    if bounds is None:
        yield placed.complain("entries_missing")
    elif not 0 <= bounds.min <= bounds.max <= MAX_ENTRIES or bounds.max == 0:
        yield placed.complain("entries_bounds", "entries", min=bounds.min, max=bounds.max, most=MAX_ENTRIES)


def _rule(placed: Placed) -> Iterator[Complaint]:
    item = placed.item
    if item.type != "rule":
        return
    if item.accept is None:
        yield placed.complain("rule_without_accept")
    if item.criterion is None:
        yield placed.complain("rule_without_criterion")
    if item.photo != "never":
        yield placed.complain("rule_asks_nobody", "photo")
