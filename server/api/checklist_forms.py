# mypy: disable-error-code="untyped-decorator"
"""Checklists as XLSForms: read from an Excel file, and written as one."""

from __future__ import annotations

import io
from typing import Any, get_args

import marshmallow as ma
from flask import Response, g, request, send_file

from checklists.loader import UnknownChecklist
from checklists.model import Definition, Stage
from checklists.xlsform import Exported, XlsFormError, read_xlsform, write_xlsform
from server.api.base import Schema, blueprint, roles
from server.api.casework import plain
from server.api.checklist_drafts import READERS, WRITERS
from server.library.drafts import UnknownDraft
from server.library.exchange import XLSX, told
from server.problems import Problem
from server.services import services

blp = blueprint("checklist_forms", "Checklists as XLSForms 清单与 XLSForm 互换.")

_WORKBOOK: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


class ImportQuery(Schema):
    id = ma.fields.String(
        validate=ma.validate.And(
            ma.validate.Length(max=60), ma.validate.Regexp(r"^[a-z0-9]+(-[a-z0-9]+)*\Z")
        ),
        metadata={"description": "What the checklist is called; left out, what the form says."},
    )
    version = ma.fields.Integer(validate=ma.validate.Range(min=1, max=10**6))
    stage = ma.fields.String(
        validate=ma.validate.OneOf(get_args(Stage)),
        metadata={"description": "Needed for a form that Hezha did not write."},
    )
    draft = ma.fields.Boolean(
        load_default=False,
        metadata={"description": "Begin a draft with it as well, as POST /checklists does."},
    )


class FindingOut(ma.Schema):
    sheet = ma.fields.String(allow_none=True)
    row = ma.fields.Integer(allow_none=True)
    column = ma.fields.String(allow_none=True)
    what = ma.fields.String()
    text = ma.fields.Dict()


class ImportOut(ma.Schema):
    definition = ma.fields.Dict()
    losses = ma.fields.List(
        ma.fields.Nested(FindingOut),
        metadata={"description": "What of the form did not come along, and what was filled in."},
    )
    draft = ma.fields.String(
        allow_none=True, metadata={"description": "The ETag of the draft that was begun, without its quotes."}
    )


class LossList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(FindingOut))


@blp.route("/checklists/import", methods=["POST"])
@roles(*WRITERS)
@blp.doc(
    requestBody={"required": True, "description": "The file's bytes.", "content": {XLSX: _WORKBOOK}},
)
@blp.arguments(ImportQuery, location="query")
@blp.response(200, ImportOut)
def import_form(query: dict[str, Any]) -> dict[str, Any]:
    """Read an XLSForm as a definition. Nothing is kept unless a draft is asked for.

    Macros, links to elsewhere, embedded objects, formulas and files beyond all measure are refused, each with
    its place and what to do.
    """
    if request.mimetype != XLSX:
        raise Problem(415, "unsupported_media_type")
    try:
        imported = read_xlsform(
            request.get_data(),
            checklist_id=query.get("id"),
            version=query.get("version"),
            stage=query.get("stage"),
        )
    except XlsFormError as error:
        raise Problem(422, "xlsform_refused", extra={"findings": told(error.findings)}) from None
    draft = services().drafts.start(imported.definition, by=g.actor.name).rev if query["draft"] else None
    return {"definition": plain(imported.definition), "losses": told(imported.losses), "draft": draft}


@blp.route("/checklists/<checklist_id>/versions/<int:version>.xlsx", methods=["GET"])
@roles()
@blp.doc(responses={"200": {"description": "The workbook.", "content": {XLSX: _WORKBOOK}}})
def export_version(checklist_id: str, version: int) -> Response:
    """One published version as an XLSForm. Read again it gives the same definition."""
    return _workbook(_exported(_published(checklist_id, version)), f"{checklist_id}-{version}.xlsx")


@blp.route("/checklists/<checklist_id>/versions/<int:version>/xlsform", methods=["GET"])
@roles()
@blp.response(200, LossList)
def list_export_losses(checklist_id: str, version: int) -> dict[str, Any]:
    """What other programs pass over in the XLSForm of a version: Hezha alone reads it."""
    return {"items": told(_exported(_published(checklist_id, version)).losses)}


@blp.route("/checklists/drafts/<checklist_id>/xlsform", methods=["GET"])
@roles(*READERS)
@blp.doc(responses={"200": {"description": "The workbook.", "content": {XLSX: _WORKBOOK}}})
def export_draft(checklist_id: str) -> Response:
    """A draft as an XLSForm, to be gone on with in a spreadsheet."""
    try:
        definition = services().drafts.get(checklist_id).draft.definition
    except UnknownDraft:
        raise Problem(404, "not_found") from None
    return _workbook(_exported(definition), f"{checklist_id}-draft.xlsx")


def _published(checklist_id: str, version: int) -> Definition:
    try:
        return services().library.get(checklist_id, version)
    except UnknownChecklist:
        raise Problem(404, "not_found") from None


def _exported(definition: Definition) -> Exported:
    try:
        return write_xlsform(definition)
    except XlsFormError as error:
        raise Problem(422, "xlsform_unwritable", extra={"findings": told(error.findings)}) from None


def _workbook(exported: Exported, name: str) -> Response:
    return send_file(io.BytesIO(exported.data), mimetype=XLSX, as_attachment=True, download_name=name)
