"""Positions and the datums that are met in China, converted to WGS-84 once and with the original kept.

WGS-84 is what satellite receivers, browsers and EXIF give. CGCS2000, the national datum, lies within
centimetres of it and is taken as equal. GCJ-02 is the shifted datum of published maps; BD-09 is
a second shift on top of it. Neither shift has an exact inverse in closed form, so it is found by iteration.
Neither is defined outside the rectangle CHINA: beyond it both are taken as plain WGS-84.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, cast, get_args

import msgspec

from geo.finding import Finding, GeoError

Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
DATUMS: tuple[Datum, ...] = get_args(Datum)
FixSource = Literal["gnss", "network", "manual"]

#: The customary rectangle in which the shift applies: west, south, east, north in degrees. It reaches past
#: the border; that is how the datum's users agree on it, map providers included. Along the edge of any
#: outline a shifted and an unshifted place coincide, and no inverse can tell them apart. This edge lies more
#: than a hundred kilometres from every part of China, so no site there is ever in doubt; an outline that
#: followed the border would put the doubt into border towns.
CHINA = (72.004, 0.8293, 137.8347, 55.8271)

# GCJ-02 is computed on the Krasovsky 1940 ellipsoid: semi-major axis in metres, eccentricity squared.
_AXIS = 6378245.0
_ECC2 = 0.00669342162296594323
_BD_TURN = math.pi * 3000.0 / 180.0

# The shifts change by less than 3 % of a step, so each round wins more than one digit and a half.
_INVERSE_ROUNDS = 12
_INVERSE_TOLERANCE_DEG = 1e-11
# No shift reaches so far, in degrees; beyond it the shift's polynomials mean nothing and need not converge.
_REACH = 0.1


class CoordinateError(GeoError):
    """A position or time that cannot be used."""


class Original(msgspec.Struct, frozen=True):
    """A position as it was given, degrees in its own datum."""

    lon: float
    lat: float
    datum: Datum


class Position(msgspec.Struct, frozen=True):
    """A WGS-84 position in degrees; `original` is what was given, if that was in another datum."""

    lon: float
    lat: float
    datum: Literal["wgs84"] = "wgs84"
    original: Original | None = None


class Fix(msgspec.Struct, frozen=True):
    """Where a device said it was: `accuracy_m` is the radius of 95 % confidence, `at` the time of the fix.

    `source` is how the place was found: by satellites, by the network, or set by hand. `mock` says whether
    the device reported a made-up place; None where it does not tell.
    """

    position: Position
    accuracy_m: float | None = None
    at: datetime | None = None
    source: FixSource | None = None
    mock: bool | None = None


def to_wgs84(lon: float, lat: float, datum: Datum) -> Position:
    """Convert a position to WGS-84; raises CoordinateError for numbers or datums that cannot be.

    The round trip with `from_wgs84` errs by less than 1e-6 degrees, except within about a kilometre of the
    edge of CHINA, where a shifted and an unshifted point may coincide; the shifted reading wins there.
    """
    lon, lat = check_position(lon, lat)
    datum = check_datum(datum)
    if datum == "wgs84":
        return Position(lon, lat)
    x, y = lon, lat
    if datum in ("gcj02", "bd09"):
        x, y = _unshift(lon, lat, datum)
    return Position(x, y, original=Original(lon, lat, datum))


def from_wgs84(lon: float, lat: float, datum: Datum) -> tuple[float, float]:
    """Express a WGS-84 position in another datum, as (lon, lat) in degrees; raises CoordinateError."""
    lon, lat = check_position(lon, lat)
    datum = check_datum(datum)
    if datum in ("wgs84", "cgcs2000") or not in_china(lon, lat):
        return lon, lat
    return _shift(lon, lat, datum)


def in_china(lon: float, lat: float) -> bool:
    """Whether the GCJ-02 and BD-09 shifts apply at this WGS-84 position."""
    west, south, east, north = CHINA
    return west <= lon <= east and south <= lat <= north


def check_position(lon: object, lat: object) -> tuple[float, float]:
    """Two finite numbers within ±180 and ±90 degrees, or CoordinateError."""
    x, y = finite(lon), finite(lat)
    if x is None or y is None:
        raise CoordinateError("coordinate_not_a_number")
    if abs(y) > 90 and abs(y) <= 180 and abs(x) <= 90:
        raise CoordinateError("coordinate_swapped", lon=x, lat=y)
    if abs(x) > 180 or abs(y) > 90:
        raise CoordinateError("coordinate_out_of_range", lon=x, lat=y)
    return x, y


def finite(value: object) -> float | None:
    """A number as a float; None for anything else: NaN, infinities, truth values, integers past floats."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def oddities(position: Position) -> tuple[Finding, ...]:
    """What makes a possible position unlikely; for people to look at, since no rule can decide it.

    Longitude and latitude of western China change places without leaving the globe (29 E, 88 N lies in the
    Arctic); devices that had no fix write 0, 0.
    """
    lon, lat = position.lon, position.lat
    if lon == 0 and lat == 0:
        return (Finding("coordinate_zero", lon=lon, lat=lat),)
    if not in_china(lon, lat) and in_china(lat, lon):
        return (Finding("coordinate_swap_suspected", {"lon": lon, "lat": lat}, lon=lon, lat=lat),)
    return ()


def check_datum(datum: object) -> Datum:
    """The datum, or CoordinateError: a position without a named datum is not guessed at."""
    if datum is None:
        raise CoordinateError("datum_missing")
    if datum not in DATUMS:
        raise CoordinateError("datum_unknown", datum=str(datum)[:40])
    return datum


def read_fix(doc: Mapping[str, Any], *, datum: object = None) -> Fix:
    """Read `{lon, lat, datum, accuracy_m?, at?, source?, mock?}`; raises CoordinateError.

    `datum` is that of the enclosing document, used where the fix names none. An accuracy that is no
    number, or a source or mock flag of another kind, reads as None, because a fix without one is still a
    fact; what it is worth is judged later.
    """
    position = to_wgs84(
        cast(float, doc.get("lon")), cast(float, doc.get("lat")), check_datum(doc.get("datum", datum))
    )
    at = doc.get("at")
    source, mock = doc.get("source"), doc.get("mock")
    return Fix(
        position,
        finite(doc.get("accuracy_m")),
        None if at is None else read_time(at),
        source if source in get_args(FixSource) else None,
        mock if isinstance(mock, bool) else None,
    )


def read_time(value: object) -> datetime:
    """An RFC 3339 time with an offset, as UTC; raises CoordinateError."""
    try:
        moment = msgspec.convert(value, datetime)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        pass
    raise CoordinateError("fix_time_unreadable", value=str(value)[:40])


def _unshift(lon: float, lat: float, datum: Datum) -> tuple[float, float]:
    """Solve shift(x, y) = (lon, lat) by fixed-point iteration; the point itself where no shift applies."""
    west, south, east, north = CHINA
    if not (west - _REACH < lon < east + _REACH and south - _REACH < lat < north + _REACH):
        return lon, lat
    x, y = lon, lat
    for _ in range(_INVERSE_ROUNDS):
        shifted_x, shifted_y = _shift(x, y, datum)
        x, y = x + lon - shifted_x, y + lat - shifted_y
        if max(abs(lon - shifted_x), abs(lat - shifted_y)) < _INVERSE_TOLERANCE_DEG:
            break
    return (x, y) if in_china(x, y) else (lon, lat)


def _shift(lon: float, lat: float, datum: Datum) -> tuple[float, float]:
    lon, lat = _gcj_shift(lon, lat)
    return _bd_shift(lon, lat) if datum == "bd09" else (lon, lat)


def _gcj_shift(lon: float, lat: float) -> tuple[float, float]:
    """WGS-84 to GCJ-02 by the published polynomial and harmonic terms, in degrees."""
    x, y = lon - 105.0, lat - 35.0
    root = math.sqrt(abs(x))
    ripple = 20.0 * math.sin(6.0 * math.pi * x) + 20.0 * math.sin(2.0 * math.pi * x)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (ripple + 20.0 * math.sin(math.pi * y) + 40.0 * math.sin(math.pi / 3.0 * y)) * 2.0 / 3.0
    north += (160.0 * math.sin(math.pi / 12.0 * y) + 320.0 * math.sin(math.pi / 30.0 * y)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (ripple + 20.0 * math.sin(math.pi * x) + 40.0 * math.sin(math.pi / 3.0 * x)) * 2.0 / 3.0
    east += (150.0 * math.sin(math.pi / 12.0 * x) + 300.0 * math.sin(math.pi / 30.0 * x)) * 2.0 / 3.0
    phi = math.radians(lat)
    bend = 1.0 - _ECC2 * math.sin(phi) ** 2
    meridian = _AXIS * (1.0 - _ECC2) / (bend * math.sqrt(bend))
    parallel = _AXIS / math.sqrt(bend) * math.cos(phi)
    return lon + math.degrees(east / parallel), lat + math.degrees(north / meridian)


def _bd_shift(lon: float, lat: float) -> tuple[float, float]:
    """GCJ-02 to BD-09, in degrees."""
    radius = math.hypot(lon, lat) + 0.00002 * math.sin(lat * _BD_TURN)
    angle = math.atan2(lat, lon) + 0.000003 * math.cos(lon * _BD_TURN)
    return radius * math.cos(angle) + 0.0065, radius * math.sin(angle) + 0.006
