"""A network as GeoJSON: one FeatureCollection, an element a feature, its `kind` in the properties.

The collection names itself and its datum in a foreign member, `"network": {"id", "name", "datum"}`. Points
carry the elements that stand somewhere, a LineString each line; sources and feeders have no geometry.
Whatever cannot be read is told, all of it, and left out; who imports must not go on over a grave finding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from geo.coords import CoordinateError, Datum, check_datum, to_wgs84
from geo.finding import Finding
from geo.network.model import KINDS, TYPES, Element, Line, Network, NetworkError, Placed, kind_of

#: More than a province's medium-voltage network; a file beyond is a mistake or an attack.
MAX_FEATURES = 500_000


class Reading(Struct, frozen=True):
    """What could be read, and what could not."""

    network: Network
    findings: tuple[Finding, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether all of it was read."""
        return not any(finding.grave for finding in self.findings)


class _Head(Struct, frozen=True):
    id: str
    name: str = ""
    datum: str | None = None


def read_network(collection: Mapping[str, Any], *, max_features: int = MAX_FEATURES) -> Reading:
    """Read a FeatureCollection. Raises NetworkError if it is none, names no network or datum, or has too many
    features."""
    features = collection.get("features")
    if collection.get("type") != "FeatureCollection" or not isinstance(features, Sequence):
        raise NetworkError("network_not_a_collection")
    if len(features) > max_features:
        raise NetworkError("network_too_large", features=len(features), limit=max_features)
    try:
        head = msgspec.convert(collection.get("network"), _Head)
        datum = check_datum(head.datum)
    except msgspec.ValidationError as error:
        raise NetworkError("network_head_missing", detail=str(error)).under("network") from None
    except CoordinateError as error:
        raise NetworkError(error.code, **error.params).under("network", "datum") from None
    found: dict[str, list[Element]] = {kind: [] for kind in KINDS}
    findings = []
    for index, feature in enumerate(features):
        try:
            kind, element = _element(feature, datum)
            found[kind].append(element)
        except (NetworkError, CoordinateError) as error:
            findings.append(error.under("features", index).finding())
    fields = {KINDS[kind]: tuple(elements) for kind, elements in found.items()}
    network = msgspec.structs.replace(Network(id=head.id, name=head.name), **fields)
    return Reading(network, tuple(findings))


def write_network(network: Network) -> dict[str, Any]:
    """The collection that `read_network` reads back, in WGS-84."""
    return {
        "type": "FeatureCollection",
        "network": {"id": network.id, "name": network.name, "datum": "wgs84"},
        "features": [write_element(element) for element in network.elements()],
    }


def write_element(element: Element, **more: Any) -> dict[str, Any]:
    """One element as a feature; `more` are properties beside its own, such as what was derived of it."""
    row = msgspec.to_builtins(element)
    path, lon, lat = row.pop("path", None), row.pop("lon", None), row.pop("lat", None)
    geometry: dict[str, Any] | None = None
    if path is not None:
        geometry = {"type": "LineString", "coordinates": [list(point) for point in path]}
    elif lon is not None and lat is not None:
        geometry = {"type": "Point", "coordinates": [lon, lat]}
    properties = {"kind": kind_of(element), **row, **more}
    return {"type": "Feature", "id": element.id, "geometry": geometry, "properties": properties}


def _element(feature: object, datum: Datum) -> tuple[str, Element]:
    if not isinstance(feature, Mapping) or feature.get("type") != "Feature":
        raise NetworkError("network_not_a_feature")
    properties = feature.get("properties")
    if not isinstance(properties, Mapping):
        raise NetworkError("network_not_a_feature")
    kind = properties.get("kind")
    if not isinstance(kind, str) or kind not in TYPES:
        raise NetworkError("network_kind_unknown", kind=str(kind)[:40]).under("properties", "kind")
    if "datum" in properties and properties["datum"] != datum:
        raise NetworkError("network_datum_mixed").under("properties", "datum")
    row = {key: value for key, value in properties.items() if key not in ("path", "lon", "lat")}
    row.update(_geometry(feature.get("geometry"), TYPES[kind], datum))
    try:
        element = msgspec.convert(row, TYPES[kind])
    except msgspec.ValidationError as error:
        raise NetworkError("network_feature_unreadable", kind=kind, detail=str(error)).under(
            "properties"
        ) from None
    for name, value in _numbers(element):
        if not math.isfinite(value) or value < 0:
            raise NetworkError("network_number_invalid", kind=kind, id=element.id, field=name).under(
                "properties", name
            )
    if not element.id:
        raise NetworkError("network_feature_unreadable", kind=kind, detail="id").under("properties", "id")
    return kind, element


def _geometry(geometry: object, type_: type[Element], datum: Datum) -> dict[str, Any]:
    """Where the element lies, as its fields; nothing where no geometry is given."""
    if geometry is None:
        return {}
    wanted = "LineString" if type_ is Line else "Point" if issubclass(type_, Placed) else None
    shape = geometry.get("type") if isinstance(geometry, Mapping) else type(geometry).__name__
    if not isinstance(geometry, Mapping) or shape != wanted:
        raise NetworkError("network_shape", shape=str(shape)[:40], wanted=wanted or "null").under("geometry")
    coordinates = geometry.get("coordinates")
    if wanted == "Point":
        lon, lat = _position(coordinates, datum, "geometry", "coordinates")
        return {"lon": lon, "lat": lat}
    if not isinstance(coordinates, Sequence) or isinstance(coordinates, str) or len(coordinates) < 2:
        raise NetworkError("network_line_too_short").under("geometry", "coordinates")
    points = enumerate(coordinates)
    return {"path": [_position(point, datum, "geometry", "coordinates", n) for n, point in points]}


def _position(point: object, datum: Datum, *at: str | int) -> tuple[float, float]:
    if not isinstance(point, Sequence) or isinstance(point, str) or len(point) < 2:
        raise CoordinateError("coordinate_not_a_number").under(*at)
    try:
        position = to_wgs84(point[0], point[1], datum)
    except CoordinateError as error:
        raise error.under(*at) from None
    return position.lon, position.lat


def _numbers(element: Element) -> Iterator[tuple[str, float]]:
    """The powers, lengths, voltages and counts of an element: none of them may be negative."""
    for name in element.__struct_fields__:
        value = getattr(element, name)
        if name not in ("lon", "lat") and isinstance(value, int | float) and not isinstance(value, bool):
            yield name, value
