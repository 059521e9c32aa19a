"""What the queries of lists have in common: months, orders, and the place where a page begins."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection
from typing import Any

import marshmallow as ma
import msgspec
from flask import g

from server.problems import Problem
from server.readmodel.paging import Place
from server.readmodel.scheduling import SchedulingPage
from server.services import services

__all__ = [
    "MAX_PAGE",
    "MONTH",
    "after_place",
    "page_of",
    "page_size",
    "place_of",
    "place_token",
    "sorted_by",
]

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


def place_token(place: Place, sort: str) -> str:
    """A place in a list as one word for `after`. It holds for the order that it was given in."""
    return urlsafe_b64encode(msgspec.json.encode([sort, place.value, place.id])).decode().rstrip("=")


def place_of(token: str | None, sort: str) -> Place | None:
    """The place that a token names. Raises Problem 422."""
    if token is None:
        return None
    try:
        plain = urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
        known, value, case_id = msgspec.json.decode(plain, type=tuple[str, str | float | None, str])
    except (ValueError, msgspec.DecodeError):
        raise Problem(422, "after_invalid") from None
    if known != sort:
        raise Problem(422, "after_invalid")
    return Place(value, case_id)


def page_of(
    query: dict[str, Any],
    find: Callable[..., SchedulingPage],
    wanted: Callable[..., object],
    show: Callable[[bytes], dict[str, Any]],
) -> dict[str, Any]:
    """A page of the organisation's works or plans: `find` finds them, narrowed to what `wanted` makes of the
    query's filters, and `show` is what is told of each. Raises Problem 422."""
    sort = query["sort"]
    filters = {name: value for name, value in query.items() if name not in {"sort", "after", "limit"}}
    page = find(
        services().readmodel,
        g.actor.organisation,
        after=place_of(query.get("after"), sort),
        limit=query["limit"],
        sort=sort,
        wanted=wanted(**filters),
    )
    return {
        "items": [show(one) for one in page.found],
        "total": page.total,
        "next": page.next and place_token(page.next, sort),
    }
