"""Size: that a definition stays within what people fill in, looked at before anything else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from checklists.linting.complaint import Complaint, NodePath, complain
from checklists.linting.walk import placed_items
from checklists.model import Definition, Item

__all__ = ["SizeLimits", "lint_size"]


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """How large a definition may be: its items, characters of a text and of an expression, parts of an item
    such as options, limits or roles."""

    items: int = 1000
    text: int = 2000
    expression: int = 2000
    parts: int = 100


def lint_size(definition: Definition, limits: SizeLimits | None = None) -> Iterator[Complaint]:
    """Complaints about what is too large."""
    limits = limits or SizeLimits()
    if len(definition.items) > limits.items:
        counted = {"items": len(definition.items), "most": limits.items}
        yield complain("too_many_items", definition.id, ("sections",), **counted)
        return
    yield from _node(definition.id, ("title",), "title", definition.title, limits)
    for number, section in enumerate(definition.sections):
        yield from _node(section.id, ("sections", number, "title"), "title", section.title, limits)
    for placed in placed_items(definition):
        for field in msgspec.structs.fields(Item):
            if field.name != "items":
                value = getattr(placed.item, field.name)
                yield from _node(
                    placed.item.code, (*placed.path, field.encode_name), field.name, value, limits
                )


def _node(subject: str, path: NodePath, what: str, value: object, limits: SizeLimits) -> Iterator[Complaint]:
    """Complaints about one value and what it holds."""
    if isinstance(value, str):
        most = limits.text if path[-1] in ("zh-CN", "en") else limits.expression
        if len(value) > most:
            counted = {"what": what, "length": len(value), "most": most}
            yield complain("too_long", subject[:most], path, **counted)
    elif isinstance(value, tuple):
        if len(value) > limits.parts:
            counted = {"what": what, "count": len(value), "most": limits.parts}
            yield complain("too_many_parts", subject, path, **counted)
            return
        for number, inner in enumerate(value):
            yield from _node(subject, (*path, number), what, inner, limits)
    elif isinstance(value, msgspec.Struct):
        for field in msgspec.structs.fields(value):
            inner = getattr(value, field.name)
            yield from _node(subject, (*path, field.encode_name), what, inner, limits)
