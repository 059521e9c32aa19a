# mypy: disable-error-code="untyped-decorator"
"""Checklists outside the API's JSON: their JSON Schema for editors, and blank forms on paper."""

from __future__ import annotations

from typing import Any, cast, get_args

import marshmallow as ma
from flask import Response, jsonify, request

from checklists.loader import UnknownChecklist
from checklists.schema import KINDS, Kind, definition_schema
from server.api.base import Schema, blueprint, public, roles
from server.problems import Problem, language
from server.reports.blank_form import FormTooLarge, Printed, blank_form, blank_form_tag
from server.services import services

blp = blueprint("checklist papers", "Checklists as JSON Schema and on paper 检查清单格式与空白表.")

SCHEMA_TYPE = "application/schema+json"
_PDF = "application/pdf"


class SchemaQuery(Schema):
    kind = ma.fields.String(
        validate=ma.validate.OneOf(tuple(KINDS)),
        metadata={
            "description": "A form's file, a section's file or a whole definition; left out, any of them."
        },
    )


class FormQuery(Schema):
    language = ma.fields.String(
        load_default="both",
        validate=ma.validate.OneOf(get_args(Printed)),
        metadata={"description": "The language that the form is printed in."},
    )


@blp.route("/checklists/schema", methods=["GET"])
@public
@blp.arguments(SchemaQuery, location="query", unknown=ma.RAISE)
@blp.alt_response(200, content_type=SCHEMA_TYPE)
def show_schema(query: dict[str, Any]) -> Response:
    """The JSON Schema (2020-12) of checklists, described in the language that is preferred."""
    lang: Any = language()
    response = jsonify(definition_schema(cast("Kind | None", query.get("kind")), lang))
    response.mimetype = SCHEMA_TYPE
    response.headers["Vary"] = "Accept-Language"
    return response


@blp.route("/checklists/<checklist_id>/versions/<int:version>.pdf", methods=["GET"])
@roles()
@blp.arguments(FormQuery, location="query", unknown=ma.RAISE)
@blp.alt_response(200, content_type=_PDF)
def print_form(query: dict[str, Any], checklist_id: str, version: int) -> Response:
    """A version as a blank form to be filled in by hand."""
    try:
        definition = services().library.get(checklist_id, version)
        printed = cast("Printed", query["language"])
        tag = blank_form_tag(definition, printed)
        if request.if_none_match.contains(tag):
            return Response(status=304, headers={"ETag": f'"{tag}"'})
        response = Response(blank_form(definition, printed), mimetype=_PDF)
    except UnknownChecklist:
        raise Problem(404, "not_found") from None
    except FormTooLarge as error:
        raise Problem(422, "form_too_large", items=error.items, limit=error.limit) from None
    response.set_etag(tag)
    response.headers.set("Content-Disposition", "inline", filename=f"{checklist_id}@{version}.pdf")
    return response
