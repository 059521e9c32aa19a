"""A site's fence and what a fix says about presence: a fact with a confidence, never a veto.

The verdict compares the distance to the fence with the fix's own accuracy. `outside` is said only when even
the nearest place within the accuracy lies beyond the fence; where the numbers cannot tell, it says so.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec

from geo.coords import CoordinateError, Datum, Fix, Position, check_datum, finite, to_wgs84
from geo.finding import GeoError, pointer
from geo.metric import Frame, frame_between

if TYPE_CHECKING:
    import shapely

Ring = tuple[tuple[float, float], ...]
Verdict = Literal["inside", "near", "outside", "unknown"]

#: The place that shapely adds to what makes a shape invalid.
_SPOT = re.compile(r"^(?P<why>[^\[]*)\[(?P<x>\S+) (?P<y>[^\]\s]+)")

#: A fix's accuracy is the radius of 95 % confidence (W3C Geolocation); for a circular normal error that
#: radius is this many standard deviations.
_SIGMAS_AT_95 = math.sqrt(-2.0 * math.log(0.05))


class SiteFence(msgspec.Struct, frozen=True):
    """The ground on which a position counts as on site, in WGS-84.

    Either a `centre`, or `polygons` of rings of (lon, lat), the first ring of each its outer one. The fence
    runs `radius_m` metres outside of that; for polygons this is a margin and may be zero.
    """

    radius_m: float
    centre: Position | None = None
    polygons: tuple[tuple[Ring, ...], ...] = ()


class PresenceLimits(msgspec.Struct, frozen=True):
    """`max_accuracy_m`: a coarser fix says nothing about a site. `min_confidence`: below it, a fix that
    lies within the fence is called near, not inside."""

    max_accuracy_m: float = 5000.0
    min_confidence: float = 0.5


class Presence(msgspec.Struct, frozen=True):
    """What a fix says. Metres; `distance_m` is to the fence, negative within it; `margin_m` is `distance_m`
    less the accuracy, so positive only when surely outside. `code` is the reason (catalogue `geo`).

    `confidence`, 0 to 1, is the probability of the side the verdict names: for `inside` that the device was
    within the fence, for `outside` that it was not; for `near` that it was within it all the same.
    """

    verdict: Verdict
    code: str
    confidence: float = 0.0
    distance_m: float | None = None
    accuracy_m: float | None = None
    margin_m: float | None = None

    def params(self) -> dict[str, int]:
        """Whole metres for the reason's text; the distance without its sign, which the code tells."""
        given = {"distance_m": self.distance_m, "accuracy_m": self.accuracy_m, "margin_m": self.margin_m}
        return {name: round(abs(value)) for name, value in given.items() if value is not None}


class FenceError(GeoError):
    """A fence that cannot be used; `place` points into the GeoJSON it came from."""


def circle(centre: Position, radius_m: float) -> SiteFence:
    """A fence `radius_m` metres around a point; raises FenceError unless the radius is positive."""
    return SiteFence(_radius(radius_m, least=0.0, may_equal=False), centre=centre)


def area(geojson: Mapping[str, Any], *, datum: Datum, margin_m: float = 0.0) -> SiteFence:
    """A fence from a GeoJSON Polygon or MultiPolygon (RFC 7946 names WGS-84; here the datum is explicit).

    Raises FenceError for other shapes, open or empty rings and rings that cross themselves or each other,
    and CoordinateError for a corner that is no position; either names the place.
    """
    kind, coordinates = geojson.get("type"), geojson.get("coordinates")
    if kind not in ("Polygon", "MultiPolygon") or not isinstance(coordinates, list | tuple):
        raise FenceError("fence_shape_unknown", shape=str(kind)[:40])
    datum = check_datum(datum)
    polygons: tuple[tuple[Ring, ...], ...]
    if kind == "Polygon":
        polygons = (_rings(coordinates, datum, "coordinates"),)
    else:
        polygons = tuple(_rings(part, datum, "coordinates", n) for n, part in enumerate(coordinates))
    if not polygons:
        raise FenceError("fence_empty").under("coordinates")
    fence = SiteFence(_radius(margin_m, least=0.0, may_equal=True), polygons=polygons)
    shape = _in_degrees(fence)
    if not shape.is_valid:
        import shapely  # noqa: PLC0415  see _shape

        raise _crossing(shapely.is_valid_reason(shape)).under("coordinates")
    return fence


def read_feature(
    feature: Mapping[str, Any], *, default_radius_m: float, datum: Datum | None = None
) -> SiteFence:
    """A fence from a GeoJSON Feature: a Point, or a Polygon or MultiPolygon, with `radius_m` in properties.

    The datum is `properties.datum`, else `datum`; one of them must name it. Raises FenceError or
    CoordinateError.
    """
    geometry, properties = feature.get("geometry"), feature.get("properties") or {}
    if feature.get("type") != "Feature" or not isinstance(geometry, Mapping):
        raise FenceError("fence_shape_unknown", shape=str(feature.get("type"))[:40])
    if not isinstance(properties, Mapping):
        raise FenceError("fence_shape_unknown", shape=type(properties).__name__).under("properties")
    named = properties.get("datum", datum)
    site: dict[str, Any] = {"datum": named, "radius_m": properties.get("radius_m")}
    if geometry.get("type") != "Point":
        try:
            return read_fence({**site, "boundary": geometry}, default_radius_m=default_radius_m)
        except GeoError as error:
            error.place = error.place.replace(pointer("boundary"), pointer("geometry"), 1)
            raise
    try:
        corner = geometry.get("coordinates")
        lon, lat = _corner(corner)
        return read_fence({**site, "lon": lon, "lat": lat}, default_radius_m=default_radius_m)
    except CoordinateError as error:
        raise error.under("geometry", "coordinates") from None


def write_feature(fence: SiteFence) -> dict[str, Any]:
    """The fence as a GeoJSON Feature that `read_feature` reads back; rings wind as RFC 7946 asks."""
    if fence.centre is not None:
        geometry: dict[str, Any] = {"type": "Point", "coordinates": [fence.centre.lon, fence.centre.lat]}
    else:
        import shapely  # noqa: PLC0415  see _shape

        shape = shapely.orient_polygons(_in_degrees(fence))
        geometry = cast(dict[str, Any], json.loads(shapely.to_geojson(shape)))
        if len(fence.polygons) == 1:
            geometry = {"type": "Polygon", "coordinates": geometry["coordinates"][0]}
    properties = {"datum": "wgs84", "radius_m": fence.radius_m}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def read_fence(site: Mapping[str, Any], *, default_radius_m: float) -> SiteFence:
    """A site's fence from `{lon, lat, datum, radius_m?, boundary?}`, `boundary` being GeoJSON.

    The boundary counts if there is one, else the point. Raises FenceError or CoordinateError.
    """
    boundary = site.get("boundary")
    if boundary is not None:
        if not isinstance(boundary, Mapping):
            raise FenceError("fence_shape_unknown", shape=type(boundary).__name__)
        datum = check_datum(site.get("datum"))
        try:
            return area(boundary, datum=datum, margin_m=cast(float, site.get("radius_m") or 0.0))
        except GeoError as error:
            raise error.under("boundary") from None
    position = to_wgs84(
        cast(float, site.get("lon")), cast(float, site.get("lat")), cast(Datum, site.get("datum"))
    )
    radius = site.get("radius_m")
    return circle(position, default_radius_m if radius is None else radius)


def distance_to(fence: SiteFence, lon: float, lat: float) -> float:
    """Metres from a WGS-84 position to the fence, negative within it."""
    import shapely  # noqa: PLC0415  see _shape

    here = shapely.Point(0.0, 0.0)
    shape = _shape(fence, frame_between(lon, lat, _middle_lat(fence)))
    if fence.centre is None and shape.covers(here):
        return -float(shapely.boundary(shape).distance(here)) - fence.radius_m
    return float(shape.distance(here)) - fence.radius_m


def distances_to(fence: SiteFence, positions: Sequence[Position]) -> list[float]:
    """`distance_to` for many positions at once, in one frame at the fence: within 10 km of it as exact, over
    some hundred kilometres off by a few parts in ten thousand."""
    if not positions:
        return []
    import shapely  # noqa: PLC0415  see _shape

    lat = _middle_lat(fence)
    lon = fence.centre.lon if fence.centre is not None else fence.polygons[0][0][0][0]
    frame = frame_between(lon, lat, lat)
    shape = _shape(fence, frame)
    points = shapely.points([frame.xy(position.lon, position.lat) for position in positions])
    away = shapely.distance(shape, points)
    if fence.centre is None:
        inside = shapely.covers(shape, points)
        away = away - inside * shapely.distance(shapely.boundary(shape), points)
    return [float(one) - fence.radius_m for one in away]


def presence(fence: SiteFence, fix: Fix | None, *, limits: PresenceLimits | None = None) -> Presence:
    """What `fix` says about presence within `fence`. A missing fix or accuracy gives `unknown`."""
    limits = limits or PresenceLimits()
    if fix is None:
        return Presence("unknown", "presence_no_fix")
    distance = distance_to(fence, fix.position.lon, fix.position.lat)
    accuracy = fix.accuracy_m
    if accuracy is None or not math.isfinite(accuracy) or accuracy <= 0:
        return Presence("unknown", "presence_no_accuracy", distance_m=distance)
    if accuracy > limits.max_accuracy_m:
        return Presence("unknown", "presence_too_coarse", distance_m=distance, accuracy_m=accuracy)
    margin = distance - accuracy
    within = _probability_within(fence, distance, accuracy / _SIGMAS_AT_95)
    if margin > 0:
        return Presence("outside", "presence_outside", 1.0 - within, distance, accuracy, margin)
    if distance > 0:
        return Presence("near", "presence_near", within, distance, accuracy, margin)
    if within < limits.min_confidence:
        return Presence("near", "presence_too_vague", within, distance, accuracy, margin)
    return Presence("inside", "presence_inside", within, distance, accuracy, margin)


def _probability_within(fence: SiteFence, distance: float, sigma: float) -> float:
    """Chance that the true place lies within the fence, for a circular normal error around the fix.

    The smaller of two upper bounds: the half-plane beyond the nearest stretch of fence, and a disc of the
    fence's area around the fix, which no shape of that area can exceed. Either is close where it rules.
    """
    half_plane = 0.5 * math.erfc(distance / (sigma * math.sqrt(2.0)))
    disc = -math.expm1(-_area_m2(fence) / (2.0 * math.pi * sigma * sigma))
    return min(half_plane, disc)


def _area_m2(fence: SiteFence) -> float:
    if fence.centre is not None:
        return math.pi * fence.radius_m**2
    lat = _middle_lat(fence)
    return float(
        _shape(fence, frame_between(fence.polygons[0][0][0][0], lat, lat)).buffer(fence.radius_m).area
    )


def _middle_lat(fence: SiteFence) -> float:
    if fence.centre is not None:
        return fence.centre.lat
    lats = [lat for polygon in fence.polygons for _, lat in polygon[0]]
    return (min(lats) + max(lats)) / 2.0


def _shape(fence: SiteFence, frame: Frame) -> shapely.Point | shapely.MultiPolygon:
    # Here and above, and not with the module: with numpy below it, it takes 14 MB of every process that may
    # have to place somebody, and a server that replicates never does.
    import shapely  # noqa: PLC0415

    if fence.centre is not None:
        return shapely.Point(frame.xy(fence.centre.lon, fence.centre.lat))
    parts = []
    for outer, *holes in fence.polygons:
        rings = [[frame.xy(*c) for c in ring] for ring in (outer, *holes)]
        parts.append(shapely.Polygon(rings[0], rings[1:]))
    return shapely.MultiPolygon(parts)


def _in_degrees(fence: SiteFence) -> shapely.MultiPolygon:
    import shapely  # noqa: PLC0415  see _shape

    return shapely.MultiPolygon([shapely.Polygon(outer, holes) for outer, *holes in fence.polygons])


def _rings(part: object, datum: Datum, *at: str | int) -> tuple[Ring, ...]:
    if not isinstance(part, list | tuple) or not part:
        raise FenceError("fence_empty").under(*at)
    return tuple(_ring(ring, datum, *at, n) for n, ring in enumerate(part))


def _ring(ring: object, datum: Datum, *at: str | int) -> Ring:
    if not isinstance(ring, Sequence) or len(ring) < 4 or isinstance(ring, str):
        raise FenceError("fence_ring_too_short").under(*at)
    corners = []
    for n, corner in enumerate(ring):
        try:
            position = to_wgs84(*_corner(corner), datum)
        except CoordinateError as error:
            raise error.under(*at, n) from None
        corners.append((position.lon, position.lat))
    if corners[0] != corners[-1]:
        raise FenceError("fence_ring_open").under(*at)
    return tuple(corners)


def _corner(corner: object) -> tuple[float, float]:
    """The first two members of a GeoJSON position, whatever they are; the third, a height, is not used."""
    if not isinstance(corner, list | tuple) or len(corner) < 2:
        raise CoordinateError("coordinate_not_a_number")
    return corner[0], corner[1]


def _crossing(why: str) -> FenceError:
    """What shapely says of an invalid shape, such as `Self-intersection[117.05 31.05]`, as a refusal."""
    spot = _SPOT.match(why)
    if spot is None:
        return FenceError("fence_crosses_itself", detail=why, lon="?", lat="?")
    lon, lat = (round(float(spot[name]), 6) for name in ("x", "y"))
    return FenceError("fence_crosses_itself", detail=spot["why"], lon=lon, lat=lat)


def _radius(value: object, *, least: float, may_equal: bool) -> float:
    radius = finite(value)
    if radius is None or radius < least or (radius == least and not may_equal):
        raise FenceError("fence_radius_invalid")
    return radius
