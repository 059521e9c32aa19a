"""The items of a definition with their places in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from checklists.linting.complaint import Complaint, NodePath, complain
from checklists.model import Definition, Item

__all__ = ["Placed", "placed_items"]


@dataclass(frozen=True, slots=True)
class Placed:
    """An item, the way to it, and the repeat that it stands in."""

    item: Item
    path: NodePath
    repeat: Item | None = None

    def complain(self, code: str, *field: str | int, **params: Any) -> Complaint:
        """The complaint `code` about this item, at a field of it."""
        return complain(code, self.item.code, (*self.path, *field), **params)


def placed_items(definition: Definition) -> Iterator[Placed]:
    """Every item in the order of the form, those of a repeat after it."""
    for number, section in enumerate(definition.sections):
        for index, item in enumerate(section.items):
            path = ("sections", number, "items", index)
            yield Placed(item, path)
            for inner, one in enumerate(item.items):
                yield Placed(one, (*path, "items", inner), item)
