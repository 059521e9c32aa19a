# mypy: disable-error-code="untyped-decorator"
"""Lists of applications in, lists of cases out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import marshmallow as ma
from flask import Response, g, send_file
from flask_smorest.fields import Upload

from geo.coords import DATUMS
from server.api.base import Schema, blueprint, roles
from server.api.case_query import CaseQuery, case_filter
from server.api.casework import actor, scope
from server.problems import Problem, language
from server.services import services
from server.transfer.exporting import TooManyRows, What, as_csv, as_json, rows, write_xlsx
from server.transfer.importing import Wanted, import_list
from server.transfer.sheets import Limits

blp = blueprint("transfer", "Lists in and out 导入导出.")

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: What an export may be.
_CONTENT = {kind: {"schema": {"type": "string"}} for kind in ("text/csv", _XLSX)} | {
    "application/json": {"schema": {"type": "array", "items": {"type": "object"}}}
}
_WHATS: tuple[What, ...] = get_args(What)


class ImportForm(Schema):
    dry_run = ma.fields.Boolean(load_default=False, metadata={"description": "Look, and change nothing."})
    update = ma.fields.Boolean(
        load_default=False,
        metadata={"description": "Change cases of which a row says otherwise; else they are only reported."},
    )
    reason = ma.fields.String(
        load_default="",
        validate=ma.validate.Length(max=4000),
        metadata={"description": "Why cases are changed; needed with `update`."},
    )
    datum = ma.fields.String(
        validate=ma.validate.OneOf(DATUMS),
        metadata={
            "description": "That of positions whose row does not name it; without it they are refused."
        },
    )


class ImportFile(Schema):
    file = Upload(required=True)


class ListFindingOut(ma.Schema):
    row = ma.fields.Integer(allow_none=True)
    field = ma.fields.String(allow_none=True)
    column = ma.fields.String(allow_none=True)
    code = ma.fields.String()
    text = ma.fields.Dict()


class CaseImportOut(ma.Schema):
    """Counts of rows. `complete` is false where the list could not be read to its end."""

    dry_run = ma.fields.Boolean()
    complete = ma.fields.Boolean()
    rows = ma.fields.Integer()
    opened = ma.fields.Integer()
    unchanged = ma.fields.Integer()
    changed = ma.fields.Integer()
    updated = ma.fields.Integer()
    refused = ma.fields.Integer()
    findings = ma.fields.List(ma.fields.Nested(ListFindingOut))
    findings_left_out = ma.fields.Integer()
    ignored_columns = ma.fields.List(ma.fields.String())


class ExportQuery(CaseQuery):
    class Meta:
        exclude = ("offset", "limit", "after")
        unknown = ma.RAISE

    format = ma.fields.String(load_default="csv", validate=ma.validate.OneOf(["csv", "json", "xlsx"]))


@blp.route("/cases/import", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ImportForm, location="form")
@blp.arguments(ImportFile, location="files")
@blp.response(200, CaseImportOut)
def import_cases(form: dict[str, Any], files: dict[str, Any]) -> dict[str, Any]:
    """Take in applications from XLSX, CSV or JSON. The same list again opens nothing twice."""
    made = services()
    if form["update"] and not form["reason"].strip():
        raise Problem(422, "import_reason_missing")
    limits = Limits(rows=made.settings.max_import_rows, bytes=made.settings.max_upload_bytes)
    with tempfile.NamedTemporaryFile(dir=made.settings.spool_dir, suffix=".list") as spool:
        files["file"].save(spool)
        spool.flush()
        wanted = Wanted(g.actor.organisation, g.actor.name, **form)
        return import_list(made, Path(spool.name), wanted, actor(), limits).told()


@blp.route("/exports/<what>", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.arguments(ExportQuery, location="query", unknown=ma.RAISE)
@blp.doc(responses={"200": {"description": "The list.", "content": _CONTENT}})
def export(query: dict[str, Any], what: What) -> Response:
    """Every case that you may see (`cases`), or their `notices` or `tasks`, by the filters of that list."""
    if what not in _WHATS:
        raise Problem(404, "not_found")
    found = rows(services().readmodel, scope(), case_filter(query), what, query["sort"])
    name = f"{what}.{query['format']}"
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    if query["format"] == "json":
        return Response(as_json(found), mimetype="application/json", headers=disposition)
    if query["format"] == "csv":
        return Response(as_csv(what, found, language()), mimetype="text/csv", headers=disposition)
    return _workbook(what, found, name)


def _workbook(what: What, found: Iterator[dict[str, Any]], name: str) -> Response:
    with tempfile.NamedTemporaryFile(dir=services().settings.spool_dir, suffix=".xlsx") as spool:
        try:
            write_xlsx(Path(spool.name), what, found, language())
        except TooManyRows:
            raise Problem(422, "export_too_large") from None
        # The open file outlives its name, and is closed with the answer.
        return send_file(
            os.fdopen(os.dup(spool.fileno()), "rb"), mimetype=_XLSX, as_attachment=True, download_name=name
        )
