# mypy: disable-error-code="untyped-decorator"
"""Where things were done: presence by answer, tracks for other programs, a case on the map."""

from __future__ import annotations

from typing import Any, cast

import marshmallow as ma
import msgspec
from flask import Response

from geo.attendance import Check
from geo.export import track_geojson, track_gpx
from geo.fence import SiteFence, write_feature
from geo.finding import Finding
from geo.tracks import Track, TrackError, read_track
from geo.walks import simplify, stops
from server.api.base import blueprint, roles
from server.api.casework import OFFICE, plain, visible
from server.intake.forms import Forms, site_fence
from server.intake.presence import (
    AnswerPresence,
    Trace,
    Walk,
    attendance_rules,
    photo_traces,
    presence_report,
)
from server.intake.rulebook import Rulebook
from server.problems import Problem
from server.services import services
from server.texts import both
from server.workflow.model import Case
from sync.store import Document

blp = blueprint("places", "Presence, tracks and maps 位置.")

GEOJSON, GPX = "application/geo+json", "application/gpx+xml"
TRACK = "track:"


class CheckOut(ma.Schema):
    code = ma.fields.String()
    bearing = ma.fields.String(
        metadata={"description": "Whether it speaks for presence, against, or neither."}
    )
    confidence = ma.fields.Float()
    params = ma.fields.Dict()
    text = ma.fields.Dict()


class AnswerPresenceOut(ma.Schema):
    item = ma.fields.String()
    by = ma.fields.String()
    device = ma.fields.String()
    at = ma.fields.AwareDateTime()
    standing = ma.fields.String()
    confidence = ma.fields.Float()
    text = ma.fields.Dict()
    unreadable = ma.fields.String(allow_none=True)
    doubted = ma.fields.Boolean(
        metadata={"description": "Another answer of the same person takes the credit from this one."}
    )
    checks = ma.fields.List(ma.fields.Nested(CheckOut))


class PresenceOut(ma.Schema):
    task = ma.fields.String()
    standing = ma.fields.String(
        metadata={"description": "supported, open, or contradicted: one answer is enough. Never a veto."}
    )
    text = ma.fields.Dict()
    fence = ma.fields.Dict(metadata={"description": "The site's fence as a GeoJSON Feature, WGS-84."})
    answers = ma.fields.List(ma.fields.Nested(AnswerPresenceOut))
    left_out = ma.fields.Dict(
        metadata={"description": "Tracks by id, or all of a person's by name, of which nothing was asked."}
    )
    walks = ma.fields.Dict(
        metadata={
            "description": "By person, what tracks show of that time: length, stay, the visits to the site, "
            "and to which tasks of the case each belongs."
        }
    )


class Drawing(ma.Schema):
    tolerance_m = ma.fields.Float(
        load_default=0.0,
        validate=ma.validate.Range(min=0.0, max=1000.0),
        metadata={"description": "Leave out what lies no further than this from the line drawn, metres."},
    )


@blp.route("/cases/<case_id>/inspections/<task_id>/presence", methods=["GET"])
@roles()
@blp.response(200, PresenceOut)
def show_presence(case_id: str, task_id: str) -> dict[str, Any]:
    """Whether each answer of a form was given on site, with every trace that was weighed and its numbers."""
    case = visible(case_id).case
    task = case.tasks.get(task_id)
    if task is None:
        raise Problem(404, "not_found")
    made = services()
    fence = _fence(case)
    tracks = made.store.all_docs(made.names.forms(case_id), prefix=TRACK)
    counted = Forms(made).counted(case, task)
    rules = attendance_rules(Rulebook(made).policy(case, task, counted))
    forms = Forms(made)
    worked = {one.id: forms.counted(case, one) for one in case.tasks.values()}
    report = presence_report(counted, tracks, _traces(case_id), fence, rules, site=case.no, worked=worked)
    return {
        "task": task.id,
        "standing": report.standing,
        "text": both(f"attendance_{report.standing}"),
        "fence": write_feature(fence),
        "answers": [_answer_row(answer) for answer in report.answers],
        "left_out": {name: told_finding(one) for name, one in report.left_out.items()},
        "walks": {by: _walk_row(walk) for by, walk in report.walks.items()},
    }


@blp.route("/cases/<case_id>/tracks/<track_id>.geojson", methods=["GET"])
@roles(*OFFICE)
@blp.arguments(Drawing, location="query", unknown=ma.RAISE)
@blp.alt_response(200, content_type=GEOJSON)
def export_geojson(query: dict[str, Any], case_id: str, track_id: str) -> Response:
    """A track as GeoJSON: the fixes that count, WGS-84, with their times and accuracies."""
    track = _track(case_id, track_id)
    chosen = simplify(track, tolerance_m=query["tolerance_m"])
    feature = track_geojson(track, name=track_id, indices=chosen)
    return Response(msgspec.json.encode(feature), mimetype=GEOJSON)


@blp.route("/cases/<case_id>/tracks/<track_id>.gpx", methods=["GET"])
@roles(*OFFICE)
@blp.arguments(Drawing, location="query", unknown=ma.RAISE)
@blp.alt_response(200, content_type=GPX)
def export_gpx(query: dict[str, Any], case_id: str, track_id: str) -> Response:
    """A track as GPX 1.1, a segment for each stretch without a long gap."""
    track = _track(case_id, track_id)
    chosen = simplify(track, tolerance_m=query["tolerance_m"])
    response = Response(track_gpx(track, name=track_id, indices=chosen), mimetype=GPX)
    response.headers.set("Content-Disposition", "attachment", filename=f"{track_id}.gpx")
    return response


@blp.route("/cases/<case_id>/map", methods=["GET"])
@roles()
@blp.arguments(Drawing, location="query", unknown=ma.RAISE)
@blp.alt_response(200, content_type=GEOJSON)
def show_map(query: dict[str, Any], case_id: str) -> Response:
    """The case as GeoJSON, WGS-84: its site with the fence, its tracks and where they stood still.

    Each feature's `properties.layer` is `site`, `track` or `stop`. A track that cannot be read is left out;
    the list of tracks tells of it.
    """
    case = visible(case_id).case
    site = write_feature(_fence(case))
    site["properties"] |= {"layer": "site", "no": case.no, "name": case.customer.name}
    features = [site]
    made = services()
    for document in made.store.all_docs(made.names.forms(case_id), prefix=TRACK):
        features += _track_features(document, query["tolerance_m"])
    collection = {"type": "FeatureCollection", "features": features}
    return Response(msgspec.json.encode(collection), mimetype=GEOJSON)


def _traces(case_id: str) -> dict[str, tuple[Trace, ...]]:
    """What every photo of the case says of where it was taken, by its id."""
    made = services()
    media = made.names.media(case_id)
    receipts = {one.get("photo"): one for one in made.store.all_docs(media, prefix="photo-receipt:")}
    photos = {one["_id"].removeprefix("photo:"): one for one in made.store.all_docs(media, prefix="photo:")}
    return {photo: photo_traces(document, receipts.get(photo)) for photo, document in photos.items()}


def _fence(case: Case) -> SiteFence:
    """The fence of the case. Raises Problem 409 where its own position cannot be used."""
    fence = site_fence(case, services().cases.policy(case.organisation))
    if fence is None:
        raise Problem(409, "site_unusable")
    return fence


def _track(case_id: str, track_id: str) -> Track:
    """A track of a visible case. Raises Problem 404, and 422 with the place for one that cannot be read."""
    visible(case_id)
    made = services()
    document = made.store.find(made.names.forms(case_id), TRACK + track_id)
    if document is None:
        raise Problem(404, "not_found")
    try:
        return read_track(document)
    except TrackError as error:
        raise Problem(422, "track_unreadable", place=error.place, reason=error.code) from None


def _track_features(document: Document, tolerance_m: float) -> list[dict[str, Any]]:
    try:
        track = read_track(document)
    except TrackError:
        return []
    name = str(document["_id"]).removeprefix(TRACK)
    line = track_geojson(track, name=name, indices=simplify(track, tolerance_m=tolerance_m))
    line["properties"] |= {"layer": "track", "by": str(document.get("by") or "")}
    found = [line]
    for stop in stops(track):
        row = cast("dict[str, Any]", plain(stop))
        point = {"type": "Point", "coordinates": [row.pop("lon"), row.pop("lat")]}
        properties = {**row, "layer": "stop", "track": name}
        found.append({"type": "Feature", "geometry": point, "properties": properties})
    return found


def told_finding(finding: Finding) -> dict[str, Any]:
    """A finding with its words: what, where, and what to do."""
    return {**plain(finding), "text": both(finding.code, **finding.params)}


def _walk_row(walk: Walk) -> dict[str, Any]:
    return {
        "length_m": round(walk.length_m, 1),
        "duration_s": walk.duration_s,
        "started_at": plain(walk.started_at),
        "ended_at": plain(walk.ended_at),
        "on_site_s": walk.on_site_s,
        "visits": [
            {**plain(visit), "tasks": list(tasks)}
            for visit, tasks in zip(walk.visits, walk.tasks, strict=True)
        ],
        "findings": [told_finding(one) for one in walk.findings],
    }


def _answer_row(answer: AnswerPresence) -> dict[str, Any]:
    verdict = answer.verdict
    return {
        "item": answer.item,
        "by": answer.by,
        "device": answer.device,
        "at": answer.at,
        "standing": verdict.standing,
        "confidence": round(verdict.confidence, 3),
        "text": both(verdict.code),
        "unreadable": answer.unreadable,
        "doubted": answer.doubted,
        "checks": [_check_row(check) for check in verdict.checks],
    }


def _check_row(check: Check) -> dict[str, Any]:
    return {
        "code": check.code,
        "bearing": check.bearing,
        "confidence": round(check.confidence, 3),
        "params": check.params,
        "text": both(check.code, **check.params),
    }
