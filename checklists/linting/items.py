"""Items: that each has what its type needs, and nothing that belongs to another type."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
            yield placed.complain("code_unusable", "code")
        if placed.item.code in seen:
            yield placed.complain("code_twice", "code")
        seen.add(placed.item.code)
        yield from _parts(placed)
        yield from _photo_rules(placed)


def _parts(placed: Placed) -> Iterator[Complaint]:
    item = placed.item
    if item.type in ("choice", "multi_choice"):
        if len(item.options) < 2:
            yield placed.complain("too_few_options", "options")
        if not any(option.verdict == "pass" for option in item.options):
            yield placed.complain("no_option_passes", "options")
    elif item.options:
        yield placed.complain("options_misplaced", "options", type=item.type)
    if (item.type == "signature") != bool(item.roles):
        yield placed.complain("roles_misplaced", "roles")
    if item.points and item.type != "location":
        yield placed.complain("points_misplaced", "points", type=item.type)
    for number, role in enumerate(item.roles):
        if role.min < 1:
            yield placed.complain("role_min", "roles", number, "min")
    if item.na is not None and item.type not in NA_TYPES:
        yield placed.complain("na_misplaced", "na", type=item.type)
    yield from _named_twice(placed)
    if item.instrument and item.type != "number":
        yield placed.complain("instrument_misplaced", "instrument", type=item.type)
    if item.accept_verdict != "fail" and item.accept is None:
        yield placed.complain("accept_missing", "accept_verdict")


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
                yield placed.complain("part_twice", field, number, name=name)


def _photo_rules(placed: Placed) -> Iterator[Complaint]:
    item = placed.item
    if item.photos_min < 1:
        yield placed.complain("photos_min", "photos_min")
    if item.type == "photo" and item.photo != "always":
        yield placed.complain("photo_item_without_photos", "photo")
    if item.views and item.photo != "always":
        yield placed.complain("views_misplaced", "views")
    for number, view in enumerate(item.views):
        if view.min < 1:
            yield placed.complain("view_min", "views", number, "min")
    views = sum(view.min for view in item.views)
    if views > item.photos_min:
        yield placed.complain("views_exceed", "views", photos_min=item.photos_min, views=views)
    if item.photos_min > 1 and item.photo == "never":
        yield placed.complain("photos_unasked", "photos_min")
