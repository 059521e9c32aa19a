"""A case's site, looked at before it is kept: a position that can be, and a boundary that encloses something.

A fence that cannot be used would leave every answer of the case without a verdict on its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from geo.coords import oddities, to_wgs84
from geo.fence import read_fence
from geo.finding import Finding, GeoError
from server.problems import Problem, language
from server.texts import text


def check_site(site: Mapping[str, Any]) -> None:
    """Raises Problem 422 `site_refused`, with each place and its remedy, for a site that cannot be used.

    A place in the Arctic that would lie in China with its numbers changed, and 0, 0, are refused too: no
    customer lives there, and nobody else could tell later.
    """
    given = {"datum": "wgs84", **{key: value for key, value in site.items() if value is not None}}
    if (rings := given.pop("boundary", None)) is not None:
        given["boundary"] = {"type": "Polygon", "coordinates": rings}
    try:
        position = to_wgs84(given["lon"], given["lat"], given["datum"])
        read_fence(given, default_radius_m=1.0)
    except GeoError as error:
        raise _refused([error.finding()]) from None
    if odd := oddities(position):
        raise _refused(odd)


def _refused(findings: Iterable[Finding]) -> Problem:
    errors = [
        {
            "pointer": "#/site" + finding.place.replace("/coordinates", ""),
            "code": finding.code,
            "message": text(finding.code, language(), **finding.params),
        }
        for finding in findings
    ]
    return Problem(422, "site_refused", extra={"errors": errors})
