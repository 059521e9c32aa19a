# mypy: disable-error-code="untyped-decorator"
"""Layers of the map by bounding box, as GeoJSON in WGS-84: cases, open tasks, tracks, a network's elements.

Every answer has at most as many features as the settings allow, and names the place behind them in `next`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma
import msgspec
from flask import Response

from geo.export import track_geojson
from geo.tracks import TrackError, read_track
from geo.walks import simplify
from server.api.base import Schema, blueprint, roles
from server.api.boxes import box_field, read_box
from server.api.casework import OFFICE, scope
from server.api.networks import VersionQuery, found_network
from server.api.places import GEOJSON, TRACK, Drawing
from server.problems import Problem
from server.readmodel.layers import Walked, cases_in, tasks_in, tracks_in
from server.services import services

blp = blueprint("layers", "Layers of the map 地图图层.")

#: Between the parts of a place in a list of tasks or tracks; no id has it.
_BETWEEN = "/"
_CASE = ("no", "customer", "address", "process", "stage", "manager", "energization")
_COUNTED = ("open_tasks", "open_notices", "next_due")


class Paging(Schema):
    bbox = box_field()
    limit = ma.fields.Integer(
        load_default=None,
        validate=ma.validate.Range(min=1),
        metadata={"description": "At most what the settings allow, which is the default."},
    )
    after = ma.fields.String(
        load_default="",
        validate=ma.validate.Length(max=300),
        metadata={"description": "`next` of the page before."},
    )


class TracksQuery(Paging, Drawing):
    by = ma.fields.String(validate=ma.validate.Length(min=1, max=200))
    since = ma.fields.AwareDateTime(metadata={"description": "Tracks that end no earlier."})
    until = ma.fields.AwareDateTime(metadata={"description": "Tracks that begin no later."})


class ElementsQuery(Paging, VersionQuery):
    pass


@blp.route("/layers/cases", methods=["GET"])
@roles()
@blp.arguments(Paging, location="query", unknown=ma.RAISE)
@blp.alt_response(200, content_type=GEOJSON)
def show_cases(query: dict[str, Any]) -> Response:
    """Cases that you may see whose site lies in the box; an inspector sees those with a task of his own."""
    made = services()
    box, limit = read_box(query["bbox"]), _limit(query, made.settings.max_layer_features)
    found = cases_in(made.readmodel, scope(), box, behind=query["after"], limit=limit)
    features = [
        _point(row["id"], row, {"layer": "case", **{name: row[name] for name in (*_CASE, *_COUNTED)}})
        for row in found.rows
    ]
    return _layer(features, found.rows[-1]["id"] if found.more else None)


@blp.route("/layers/tasks", methods=["GET"])
@roles()
@blp.arguments(Paging, location="query", unknown=ma.RAISE)
@blp.alt_response(200, content_type=GEOJSON)
def show_tasks(query: dict[str, Any]) -> Response:
    """Open tasks, each at the site of its case; an inspector sees his own."""
    made = services()
    box, limit = read_box(query["bbox"]), _limit(query, made.settings.max_layer_features)
    found = tasks_in(made.readmodel, scope(), box, behind=_behind(query["after"]), limit=limit)
    features = []
    for row in found.rows:
        told = {name: row[name] for name in ("kind", "status", "due", "assignees", "no", "customer")}
        features.append(_point(row["id"], row, {"layer": "task", "case": row["case_id"], **told}))
    return _layer(features, _place(found.rows) if found.more else None)


@blp.route("/layers/tracks", methods=["GET"])
@roles()
@blp.arguments(TracksQuery, location="query", unknown=ma.RAISE)
@blp.alt_response(200, content_type=GEOJSON)
def show_tracks(query: dict[str, Any]) -> Response:
    """Tracks that pass through the box, the fixes that count; an inspector sees his own.

    A track is whole, or none of it: what lies outside the box is not cut away.
    """
    made = services()
    box, limit = read_box(query["bbox"]), _limit(query, made.settings.max_layer_tracks)
    walked = Walked(query.get("by"), _utc(query.get("since")), _utc(query.get("until")))
    found = tracks_in(made.readmodel, scope(), box, walked, behind=_behind(query["after"]), limit=limit)
    drawn = [_track(row, query["tolerance_m"]) for row in found.rows]
    return _layer([one for one in drawn if one is not None], _place(found.rows) if found.more else None)


@blp.route("/networks/<network_id>/layer", methods=["GET"])
@roles(*OFFICE)
@blp.arguments(ElementsQuery, location="query", unknown=ma.RAISE)
@blp.alt_response(200, content_type=GEOJSON)
def show_elements(query: dict[str, Any], network_id: str) -> Response:
    """The elements of a network that touch the box, as `GET /networks/{id}` has them."""
    from geo.network.exchange import write_element  # noqa: PLC0415  loads what geometry needs
    from geo.network.locate import elements_within  # noqa: PLC0415

    made = services()
    head = found_network(network_id, query.get("version"))
    limit = _limit(query, made.settings.max_layer_features)
    found = elements_within(
        made.networks.index(head), *read_box(query["bbox"]), behind=query["after"], limit=limit + 1
    )
    features = [write_element(one, layer="network", network=head.id) for one in found[:limit]]
    return _layer(features, found[limit - 1].id if len(found) > limit else None, version=head.version)


def _limit(query: dict[str, Any], most: int) -> int:
    return min(query["limit"] or most, most)


def _layer(features: Sequence[dict[str, Any]], place: str | None, **more: str) -> Response:
    """A collection, and in a foreign member (RFC 7946, 6.1) where the next page begins."""
    collection = {"type": "FeatureCollection", "features": features, "next": place, **more}
    return Response(msgspec.json.encode(collection), mimetype=GEOJSON)


def _point(name: str, row: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": [row["lon"], row["lat"]]}
    return {"type": "Feature", "id": name, "geometry": geometry, "properties": properties}


def _track(row: dict[str, Any], tolerance_m: float) -> dict[str, Any] | None:
    """A track as a feature; None for one that is gone by now, or was never readable."""
    made = services()
    document = made.store.find(made.names.forms(row["case_id"]), TRACK + row["id"])
    if document is None:
        return None
    try:
        track = read_track(document)
    except TrackError:
        return None
    feature = track_geojson(track, name=row["id"], indices=simplify(track, tolerance_m=tolerance_m))
    told = {name: row[name] for name in ("by", "no", "started_at", "ended_at")}
    feature["properties"] |= {"layer": "track", "case": row["case_id"], **told}
    return {**feature, "id": row["id"]}


def _place(rows: Sequence[dict[str, Any]]) -> str:
    return f"{rows[-1]['case_id']}{_BETWEEN}{rows[-1]['id']}"


def _behind(after: str) -> tuple[str, str]:
    """A place that `_place` named, and before everything. Raises Problem 422."""
    case_id, between, name = after.partition(_BETWEEN)
    if after and not (case_id and between and name):
        raise Problem(422, "after_invalid")
    return case_id, name


def _utc(moment: datetime | None) -> str | None:
    """As the read model keeps times."""
    return None if moment is None else moment.astimezone(UTC).isoformat()
