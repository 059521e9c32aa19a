# mypy: disable-error-code="untyped-decorator"
"""Checklists: the definitions that inspections are held to."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from checklists.loader import UnknownChecklist
from checklists.model import Definition
from server.api.base import blueprint, roles
from server.api.casework import plain
from server.problems import Problem
from server.services import services

blp = blueprint("checklists", "Checklists 检查清单.")


class ChecklistRow(ma.Schema):
    id = ma.fields.String()
    version = ma.fields.Integer()
    stage = ma.fields.String()
    title = ma.fields.Dict()
    items = ma.fields.Integer()
    digest = ma.fields.String()


class ChecklistList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(ChecklistRow))


class ChecklistOut(ma.Schema):
    id = ma.fields.String()
    version = ma.fields.Integer()
    stage = ma.fields.String()
    title = ma.fields.Dict()
    sections = ma.fields.List(ma.fields.Dict())
    digest = ma.fields.String(metadata={"description": "SHA-256 of the canonical definition."})


def _view(definition: Definition) -> tuple[dict[str, Any], dict[str, str]]:
    body = {**plain(definition), "digest": definition.digest}
    return body, {"ETag": f'"{definition.digest}"'}


def checklist_row(definition: Definition) -> dict[str, Any]:
    """What a list shows of a definition, published or still a draft."""
    return {
        "id": definition.id,
        "version": definition.version,
        "stage": definition.stage,
        "title": plain(definition.title),
        "items": len(definition.items),
        "digest": definition.digest,
    }


@blp.route("/checklists", methods=["GET"])
@roles()
@blp.response(200, ChecklistList)
def list_checklists() -> dict[str, Any]:
    """Every published version."""
    rows = [checklist_row(definition) for definition in services().library.all()]
    return {"items": rows}


@blp.route("/checklists/<checklist_id>", methods=["GET"])
@roles()
@blp.response(200, ChecklistOut)
def show_checklist(checklist_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The newest version of a checklist."""
    try:
        return _view(services().library.latest(checklist_id))
    except UnknownChecklist:
        raise Problem(404, "not_found") from None


@blp.route("/checklists/<checklist_id>/versions/<int:version>", methods=["GET"])
@roles()
@blp.response(200, ChecklistOut)
def show_version(checklist_id: str, version: int) -> tuple[dict[str, Any], dict[str, str]]:
    """One published version; it never changes."""
    try:
        return _view(services().library.get(checklist_id, version))
    except UnknownChecklist:
        raise Problem(404, "not_found") from None
