"""A case's site, looked at before it is kept: a position that can be, and a boundary that encloses something.

A fence that cannot be used would leave every answer of the case without a verdict on its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from geo.coords import oddities, to_wgs84
from geo.fence import read_fence
from geo.finding import Finding, GeoError


def site_findings(site: Mapping[str, Any]) -> list[Finding]:
    """Why a site cannot be used; nothing if it can.

    A place in the Arctic that would lie in China with its numbers changed, and 0, 0, are found too: no
    customer lives there, and nobody else could tell later.
    """
    given = {key: value for key, value in site.items() if value is not None}
    if (rings := given.pop("boundary", None)) is not None:
        given["boundary"] = {"type": "Polygon", "coordinates": rings}
    try:
        position = to_wgs84(given["lon"], given["lat"], given.get("datum"))  # type: ignore[arg-type]
        read_fence(given, default_radius_m=1.0)
    except GeoError as error:
        return [error.finding()]
    return list(oddities(position))
