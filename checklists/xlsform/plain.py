"""XPath that says so little that it needs no expression: always, never, or between two numbers."""

from __future__ import annotations

from checklists.xlsform.syntax import Node, Untranslatable, parse_xpath

__all__ = ["bounds_of", "is_constant"]

_FLIPPED = {"<=": ">=", ">=": "<="}


def is_constant(xpath: str) -> bool | None:
    """Whether XPath, or XLSForm's yes and no, says always or never; None if it says neither."""
    word = xpath.strip().lower()
    if word in ("yes", "true", "true()", "1"):
        return True
    return False if word in ("no", "false", "false()", "0") else None


def bounds_of(xpath: str, own: str) -> tuple[float | None, float | None] | None:
    """The inclusive (min, max) that a constraint such as `. >= 0 and . <= 5` holds its own answer to, or None
    if it says anything else."""
    try:
        parts = _conjuncts(parse_xpath(xpath))
    except Untranslatable:
        return None
    low: float | None = None
    high: float | None = None
    for node in parts:
        bound = _bound(node, own)
        if bound is None or (bound[0] == ">=" and low is not None) or (bound[0] == "<=" and high is not None):
            return None
        if bound[0] == ">=":
            low = bound[1]
        else:
            high = bound[1]
    return low, high


def _conjuncts(node: Node) -> list[Node]:
    return [one for part in node.args for one in _conjuncts(part)] if node.op == "&&" else [node]


def _bound(node: Node, own: str) -> tuple[str, float] | None:
    if node.op not in ("<=", ">="):
        return None
    left, right = node.args
    operator = node.op
    if not _is_own(left, own):
        left, right, operator = right, left, _FLIPPED[operator]
    sign = 1.0
    while right.op == "neg":
        right, sign = right.args[0], -sign
    return (operator, sign * float(right.value)) if _is_own(left, own) and right.op == "number" else None


def _is_own(node: Node, own: str) -> bool:
    return node.op == "self" or (node.op == "ref" and node.value == own)
