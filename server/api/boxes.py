"""Boxes and places of the map, as queries name them."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from geo.coords import CoordinateError, Datum, Position, to_wgs84
from server.problems import Problem
from server.readmodel.layers import Box

#: What a query says of its box.
BBOX = "west,south,east,north in WGS-84 degrees"


def read_box(given: str) -> Box:
    """A box of `BBOX`. Raises Problem 422."""
    try:
        west, south, east, north = (float(part) for part in given.split(","))
    except ValueError:
        raise Problem(422, "bbox_invalid") from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise Problem(422, "bbox_invalid")
    return west, south, east, north


def read_place(lon: float | None, lat: float | None, datum: Datum) -> Position:
    """A place in WGS-84. Raises Problem 422, in the words of what is wrong with it."""
    try:
        return to_wgs84(lon, lat, datum)  # type: ignore[arg-type]
    except CoordinateError as error:
        params: dict[str, Any] = {**error.params}
        told = {"params": {"code": error.code, **params}}
        raise Problem(422, "position_unusable", extra=told, text_code=error.code, **params) from None


def box_field() -> ma.fields.String:
    """The box that a layer is cut along."""
    return ma.fields.String(
        required=True, validate=ma.validate.Length(max=200), metadata={"description": BBOX}
    )
