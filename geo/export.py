"""Tracks for other programs: GeoJSON (RFC 7946) and GPX 1.1. Both are WGS-84 by their own definition.

What goes out are the kept fixes, all of them or those that a simplification left. High-precision positions
of power equipment can be sensitive: who may export is for the caller to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as Xml

from geo.coords import Fix
from geo.tracks import Track, TrackLimits

#: About a centimetre: receivers in tablets resolve no more.
_DECIMALS = 7
_GPX = "http://www.topografix.com/GPX/1/1"


def track_geojson(track: Track, *, name: str, indices: Sequence[int] | None = None) -> dict[str, Any]:
    """The track as one Feature: a LineString, or a Point for a single fix, no geometry for none.

    `properties.times` and `.accuracies_m` run beside the coordinates.
    """
    fixes = _chosen(track, indices)
    points = [[round(fix.position.lon, _DECIMALS), round(fix.position.lat, _DECIMALS)] for fix in fixes]
    geometry: dict[str, Any] | None = None
    if points:
        single = len(points) == 1
        geometry = {
            "type": "Point" if single else "LineString",
            "coordinates": points[0] if single else points,
        }
    properties = {
        "name": name,
        "datum": "wgs84",
        "length_m": round(track.length_m, 1),
        "duration_s": track.duration_s,
        "left_out": len(track.fixes) - len(track.kept),
        "times": [_utc(fix.at) for fix in fixes],
        "accuracies_m": [fix.accuracy_m for fix in fixes],
    }
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def track_gpx(
    track: Track, *, name: str, indices: Sequence[int] | None = None, limits: TrackLimits | None = None
) -> str:
    """The track as a GPX document, a segment for each stretch without a gap over `limits.max_gap_s`."""
    limits = limits or TrackLimits()
    root = Xml.Element("gpx", {"version": "1.1", "creator": "Hezha", "xmlns": _GPX})
    trk = Xml.SubElement(root, "trk")
    Xml.SubElement(trk, "name").text = "".join(letter for letter in name if letter.isprintable())
    segment, previous = None, None
    for fix in _chosen(track, indices):
        gap = (fix.at - previous).total_seconds() if fix.at is not None and previous is not None else 0.0
        if segment is None or gap > limits.max_gap_s:
            segment = Xml.SubElement(trk, "trkseg")
        place = {"lat": f"{fix.position.lat:.{_DECIMALS}f}", "lon": f"{fix.position.lon:.{_DECIMALS}f}"}
        point = Xml.SubElement(segment, "trkpt", place)
        Xml.SubElement(point, "time").text = _utc(fix.at)
        previous = fix.at
    return Xml.tostring(root, encoding="unicode", xml_declaration=True)


def _chosen(track: Track, indices: Sequence[int] | None) -> list[Fix]:
    return [track.fixes[index] for index in (track.kept if indices is None else indices)]


def _utc(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
