"""What the queries of lists have in common: months, orders, and the place where a page begins."""

from __future__ import annotations

from collections.abc import Collection

import marshmallow as ma

__all__ = ["MAX_PAGE", "MONTH", "after_place", "page_size", "sorted_by"]

MAX_PAGE = 500
MONTH = ma.validate.Regexp(r"^20[0-9]{2}-(0[1-9]|1[0-2])\Z")


def sorted_by(names: Collection[str], default: str) -> ma.fields.String:
    """In which order: one of the names, `-` before it for down."""
    every = [*names, *(f"-{one}" for one in names)]
    return ma.fields.String(load_default=default, validate=ma.validate.OneOf(every))


def after_place() -> ma.fields.String:
    """Where a page begins."""
    said = "`next` of the page before: goes on where that ended, whatever came since."
    return ma.fields.String(validate=ma.validate.Length(max=1000), metadata={"description": said})


def page_size(default: int = 100) -> ma.fields.Integer:
    """How many rows a page has."""
    return ma.fields.Integer(load_default=default, validate=ma.validate.Range(min=1, max=MAX_PAGE))
