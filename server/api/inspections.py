# mypy: disable-error-code="untyped-decorator"
"""Inspections: the merged form, what every item came to, and the receipts."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from geo.coords import CoordinateError
from geo.tracks import TrackError, read_track, stay
from server.api.base import blueprint, roles
from server.api.casework import plain, visible
from server.api.places import told_finding
from server.intake.forms import Forms, site_fence
from server.intake.judging import item_result
from server.library.shelf import Rules
from server.problems import Problem
from server.services import services
from server.texts import both
from server.workflow.model import Case, Task

#: Flags of one track in its list; a receiver that is broken flags every fix.
MAX_FLAGS = 20

blp = blueprint("inspections", "What was found on site 现场检查结果.")


class InspectionHead(ma.Schema):
    task = ma.fields.String()
    kind = ma.fields.String()
    status = ma.fields.String()
    checklist = ma.fields.Dict()
    branches = ma.fields.Integer(metadata={"description": "More than one: filled in on several tablets."})
    signed = ma.fields.String(
        allow_none=True,
        metadata={
            "enum": ["signed", "unsigned", "wrong", None],
            "description": "Whether tablets signed what was judged last; null before anything was.",
        },
    )


class InspectionRow(InspectionHead):
    receipts = ma.fields.Integer()


class InspectionList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(InspectionRow))


class InspectionOut(InspectionHead):
    answers = ma.fields.Dict(metadata={"description": "Merged answers by item code."})
    superseded = ma.fields.Dict(
        metadata={"description": "By item code: answers that a safer one stands before. None is lost."}
    )
    items = ma.fields.List(ma.fields.Dict(), metadata={"description": "Each item judged, with the rule."})
    problems = ma.fields.List(ma.fields.Dict(), metadata={"description": "What keeps the form incomplete."})
    limits = ma.fields.Dict(
        allow_none=True,
        metadata={
            "description": "The organisation's own limits that it is judged with: those in force on the day "
            "of the visit. whole: each is found as it was when the form was judged first."
        },
    )
    photos = ma.fields.Dict(metadata={"description": "Status of each photo that the form names."})
    receipts = ma.fields.List(ma.fields.Dict())


class TrackRow(ma.Schema):
    id = ma.fields.String()
    readable = ma.fields.Boolean()
    code = ma.fields.String(allow_none=True, metadata={"description": "Why it cannot be read."})
    text = ma.fields.Dict(metadata={"description": "The same in words, and what to do."})
    place = ma.fields.String(metadata={"description": "Where, as a JSON pointer into the track."})
    datum = ma.fields.String(allow_none=True)
    fixes = ma.fields.Integer()
    length_m = ma.fields.Float(allow_none=True)
    duration_s = ma.fields.Float(allow_none=True)
    started_at = ma.fields.String(allow_none=True)
    ended_at = ma.fields.String(allow_none=True)
    on_site_s = ma.fields.Float(allow_none=True)
    flags = ma.fields.List(
        ma.fields.Dict(), metadata={"description": "What is odd about single fixes, which do not count."}
    )
    flags_left_out = ma.fields.Integer()


class TrackList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(TrackRow))


def _row(case: Case, task: Task, branches: int) -> dict[str, Any]:
    return {
        "task": task.id,
        "kind": task.kind,
        "status": task.status,
        "checklist": plain(task.checklist),
        "branches": branches,
        "signed": task.signed,
        "receipts": len(task.submissions),
    }


def _limits(rules: Rules | None) -> dict[str, Any] | None:
    """What held on the day of the visit beside the checklist's own limits; None if nothing did."""
    if rules is None or rules.held is None:
        return None
    return {**plain(rules.held), "whole": rules.whole, "items": [plain(one) for one in rules.limits]}


@blp.route("/cases/<case_id>/inspections", methods=["GET"])
@roles()
@blp.response(200, InspectionList)
def list_inspections(case_id: str) -> dict[str, Any]:
    """Every task of the case that has a form."""
    case = visible(case_id).case
    forms = Forms(services())
    rows = [(task, len(forms.counted(case, task))) for task in case.tasks.values()]
    return {"items": [_row(case, task, branches) for task, branches in rows if branches]}


@blp.route("/cases/<case_id>/inspections/<task_id>", methods=["GET"])
@roles()
@blp.response(200, InspectionOut)
def show_inspection(case_id: str, task_id: str) -> dict[str, Any]:
    """One form: all branches merged, every item judged now by the rules of its version, and the receipts."""
    case = visible(case_id).case
    task = case.tasks.get(task_id)
    if task is None:
        raise Problem(404, "not_found")
    made, forms = services(), Forms(services())
    counted = forms.counted(case, task)
    row = _row(case, task, len(counted))
    receipts = list(made.store.all_docs(made.names.forms(case_id), prefix=f"receipt:{task_id}:"))
    judged = forms.judge(case, task, counted) if counted else None
    if judged is None or judged.merged is None or judged.judgement is None:
        empty: dict[str, Any] = {"answers": {}, "superseded": {}, "items": [], "problems": [], "photos": {}}
        return {**row, **empty, "limits": None, "receipts": receipts}
    photos = forms.photo_facts(case_id, counted)
    return {
        **row,
        "answers": judged.merged.answers,
        "superseded": {code: list(kept) for code, kept in judged.merged.superseded.items()},
        "items": [plain(item_result(item)) for item in judged.judgement.items if item.shown],
        "problems": [plain(problem) for problem in judged.judgement.problems],
        "limits": _limits(judged.rules),
        "photos": {photo: fact.status for photo, fact in photos.items()},
        "receipts": receipts,
    }


@blp.route("/cases/<case_id>/tracks", methods=["GET"])
@roles()
@blp.response(200, TrackList)
def list_tracks(case_id: str) -> dict[str, Any]:
    """Every GPS track of the case, measured: way, time, and time on site."""
    case = visible(case_id).case
    made = services()
    fence = site_fence(case, made.cases.policy(case.organisation))
    rows = []
    for document in made.store.all_docs(made.names.forms(case_id), prefix="track:"):
        track_id = document["_id"].removeprefix("track:")
        try:
            track = read_track(document)
        except (TrackError, CoordinateError) as error:
            why = told_finding(error.finding())
            told = {"code": error.code, "text": why["text"], "place": why["place"]}
            rows.append({"id": track_id, "readable": False, **told, "fixes": 0, "flags": []})
            continue
        rows.append(
            {
                "id": track_id,
                "readable": True,
                "datum": track.datum,
                "fixes": len(track.fixes),
                "length_m": round(track.length_m, 1),
                "duration_s": track.duration_s,
                "started_at": track.started_at.isoformat() if track.started_at else None,
                "ended_at": track.ended_at.isoformat() if track.ended_at else None,
                "on_site_s": stay(track, fence).seconds if fence is not None else None,
                "flags": [
                    {**plain(flag), "text": both(flag.code, **flag.params)}
                    for flag in track.flags[:MAX_FLAGS]
                ],
                "flags_left_out": max(0, len(track.flags) - MAX_FLAGS),
            }
        )
    return {"items": rows}
