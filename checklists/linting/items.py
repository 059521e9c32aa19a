"""Items: that each has what its type needs, and nothing that belongs to another type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from checklists.linting.complaint import Complaint, complain
from checklists.linting.walk import Placed, placed_items
from checklists.model import NA_TYPES, Definition

__all__ = ["lint_items"]

#: A code is part of expressions, addresses and, with an entry's key, of what a case may call an item. The
#: mark of entries is told by itself.
_CODE = re.compile(r"[\w.#-]{1,60}")


def lint_items(definition: Definition) -> Iterator[Complaint]:
    """Complaints about codes and about the parts of every item."""
    if not definition.items:
        yield complain("no_item", definition.id, ("sections",))
    seen: set[str] = set()
    for placed in placed_items(definition):
        if not _CODE.fullmatch(placed.item.code):
            yield complain("code_unusable", placed.item.code, (*placed.path, "code"))
        if placed.item.code in seen:
            yield complain("code_twice", placed.item.code, (*placed.path, "code"))
        seen.add(placed.item.code)
        yield from _parts(placed)
        yield from _photo_rules(placed)


def _about(placed: Placed, code: str, *field: str | int, **params: Any) -> Complaint:
    return complain(code, placed.item.code, (*placed.path, *field), **params)


def _parts(placed: Placed) -> Iterator[Complaint]:
    item = placed.item
    if item.type in ("choice", "multi_choice"):
        if len(item.options) < 2:
            yield _about(placed, "too_few_options", "options")
        if not any(option.verdict == "pass" for option in item.options):
            yield _about(placed, "no_option_passes", "options")
    elif item.options:
        yield _about(placed, "options_misplaced", "options", type=item.type)
    if (item.type == "signature") != bool(item.roles):
        yield _about(placed, "roles_misplaced", "roles")
    if item.points and item.type != "location":
        yield _about(placed, "points_misplaced", "points", type=item.type)
    for number, role in enumerate(item.roles):
        if role.min < 1:
            yield _about(placed, "role_min", "roles", number, "min")
    if item.na is not None and item.type not in NA_TYPES:
        yield _about(placed, "na_misplaced", "na", type=item.type)
    yield from _named_twice(placed)
    if item.instrument and item.type != "number":
        yield _about(placed, "instrument_misplaced", "instrument", type=item.type)
    if item.accept_verdict != "fail" and item.accept is None:
        yield _about(placed, "accept_missing", "accept_verdict")


def _named_twice(placed: Placed) -> Iterator[Complaint]:
    item = placed.item
    groups: tuple[tuple[str, list[str]], ...] = (
        ("options", [option.value for option in item.options]),
        ("roles", [role.role for role in item.roles]),
        ("points", [point.point for point in item.points]),
        ("views", [view.view for view in item.views]),
    )
    for field, names in groups:
        for number, name in enumerate(names):
            if name in names[:number]:
                yield _about(placed, "part_twice", field, number, name=name)


def _photo_rules(placed: Placed) -> Iterator[Complaint]:
    item = placed.item
    if item.photos_min < 1:
        yield _about(placed, "photos_min", "photos_min")
    if item.type == "photo" and item.photo != "always":
        yield _about(placed, "photo_item_without_photos", "photo")
    if item.views and item.photo != "always":
        yield _about(placed, "views_misplaced", "views")
    for number, view in enumerate(item.views):
        if view.min < 1:
            yield _about(placed, "view_min", "views", number, "min")
    views = sum(view.min for view in item.views)
    if views > item.photos_min:
        yield _about(placed, "views_exceed", "views", photos_min=item.photos_min, views=views)
    if item.photos_min > 1 and item.photo == "never":
        yield _about(placed, "photos_unasked", "photos_min")
