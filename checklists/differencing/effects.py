"""Whether a change makes a checklist stricter: `graver`, `milder`, or None where that cannot be said.

Stricter is what fails, asks or shows more. Words, sources and conditions that merely differ are neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec.structs import replace

from checklists.model import SEVERITY_RANK, Entries, Limit, Option, Role, View

__all__ = ["Effect", "effect_of", "effect_of_member", "paired"]

Effect = Literal["graver", "milder"]

_VERDICTS = {"pass": 0, "warning": 1, "fail": 2}
_PHOTOS = {"never": 0, "on_fail": 1, "always": 2}


def effect_of(field: str, before: Any, after: Any) -> Effect | None:
    """The effect of a change of one field of an item that is not a list."""
    if field in ("when", "accept") and None in (before, after):
        more = after is None if field == "when" else before is None
        return "graver" if more else "milder"
    if field == "entries" and isinstance(before, Entries) and isinstance(after, Entries):
        return _toward(after.min - before.min) if replace(before, min=after.min) == after else None
    rank = _RANKS.get(field)
    return None if rank is None else _toward(rank(after) - rank(before))


def effect_of_member(field: str, before: Any, after: Any) -> Effect | None:
    """The effect of a member of a list that came (before is None), went (after is None) or changed."""
    if before is None or after is None:
        if isinstance(before or after, Option):
            return None  # another choice may let through what failed, or the other way round
        return "graver" if before is None else "milder"
    if isinstance(before, Limit) and isinstance(after, Limit):
        return _of_limit(before, after)
    if isinstance(before, Option) and isinstance(after, Option):
        return _of_verdict(before, after)
    if isinstance(before, Role | View) and isinstance(after, Role | View):
        return _toward(after.min - before.min)
    return None


def paired(before: Limit, after: Limit) -> bool:
    """Whether one limit is the other one changed: about the same end of the scale, on the same condition."""
    sides = [(one.min is None, one.max is None) for one in (before, after)]
    return before.when == after.when and sides[0] == sides[1]


def _of_limit(before: Limit, after: Limit) -> Effect | None:
    if (before.severity is None) != (after.severity is None):
        return None  # one is as grave as its item, whatever that is
    severities = [SEVERITY_RANK[one.severity or "minor"] for one in (before, after)]
    steps = [
        _VERDICTS[after.verdict] - _VERDICTS[before.verdict],
        severities[1] - severities[0],
        int(after.note) - int(before.note),
        (after.min or 0.0) - (before.min or 0.0),
        (before.max or 0.0) - (after.max or 0.0),
    ]
    tighter, looser = any(step > 0 for step in steps), any(step < 0 for step in steps)
    return None if tighter == looser else _toward(1 if tighter else -1)


def _of_verdict(before: Option, after: Option) -> Effect | None:
    if before.verdict != after.verdict:
        return _toward(_VERDICTS[after.verdict] - _VERDICTS[before.verdict])
    if before.severity is None or after.severity is None:
        return None
    return _toward(SEVERITY_RANK[after.severity] - SEVERITY_RANK[before.severity])


def _toward(step: float) -> Effect | None:
    return None if step == 0 else "graver" if step > 0 else "milder"


#: What of a field grows as it becomes stricter. `na`: what is refused must be inspected.
_RANKS: Mapping[str, Callable[[Any], float]] = {
    "severity": SEVERITY_RANK.__getitem__,
    "accept_verdict": _VERDICTS.__getitem__,
    "photo": _PHOTOS.__getitem__,
    "photos_min": float,
    "required": float,
    "instrument": float,
    "na": lambda value: {"allowed": 0, None: 1, "refused": 2}[value],
}
