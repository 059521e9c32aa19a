"""What this room says of what it was given: a code of catalogue `geo`, the values its text needs, the place.

A refusal is a `GeoError`; one of many rows of a report that goes on is a `Finding`. The place is a JSON
pointer (RFC 6901) into the value that was read, and where there is one a position on the map.
"""

from __future__ import annotations

from typing import Self

import msgspec

Param = str | int | float


class Finding(msgspec.Struct, frozen=True):
    """Something odd, or, if `grave`, something that keeps what it speaks of from being used.

    `place` points into what was read, empty for all of it; `lon`, `lat` are WGS-84.
    """

    code: str
    params: dict[str, Param] = {}
    place: str = ""
    lon: float | None = None
    lat: float | None = None
    grave: bool = False


class GeoError(ValueError):
    """Something unusable: `code` names why (catalogue `geo`), `params` the values, `place` where."""

    def __init__(self, code: str, **params: Param) -> None:
        super().__init__(code)
        self.code = code
        self.params: dict[str, Param] = params
        self.place = ""

    def under(self, *steps: str | int) -> Self:
        """This error as seen from one level further out, for `raise error.under("fixes", 3)`."""
        self.place = pointer(*steps) + self.place
        return self

    def finding(self) -> Finding:
        """The refusal as one row of a report that goes on."""
        return Finding(self.code, dict(self.params), self.place, grave=True)


def pointer(*steps: str | int) -> str:
    """A JSON pointer: `pointer("features", 3)` is `/features/3`."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
