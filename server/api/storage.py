# mypy: disable-error-code="untyped-decorator"
"""What is stored: what the cases of an organisation take."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g

from server.api.base import Schema, blueprint, roles
from server.api.casework import plain
from server.casework.usage import usage_of
from server.services import services

blp = blueprint("storage", "Storage 存储用量.")


class UsageQuery(Schema):
    largest = ma.fields.Integer(
        load_default=20,
        validate=ma.validate.Range(min=0, max=500),
        metadata={"description": "How many of the largest cases are named."},
    )


class CaseUsageOut(ma.Schema):
    id = ma.fields.String()
    no = ma.fields.String()
    stage = ma.fields.String()
    forms_bytes = ma.fields.Integer()
    media_bytes = ma.fields.Integer(metadata={"description": "Photos as they were sent, and receipts."})
    moved_bytes = ma.fields.Integer(metadata={"description": "In object storage; not counted above."})


class UsageOut(ma.Schema):
    """Bytes as stored, old revisions included; a picture that several cases have counts in each."""

    organisation = ma.fields.String()
    cases = ma.fields.Integer()
    documents = ma.fields.Integer()
    forms_bytes = ma.fields.Integer()
    media_bytes = ma.fields.Integer()
    moved_originals = ma.fields.Integer(metadata={"description": "Originals that lie in object storage."})
    moved_bytes = ma.fields.Integer(metadata={"description": "Their bytes; none of the above."})
    largest = ma.fields.List(ma.fields.Nested(CaseUsageOut))


@blp.route("/storage/usage", methods=["GET"])
@roles("admin")
@blp.arguments(UsageQuery, location="query", unknown=ma.RAISE)
@blp.response(200, UsageOut)
def show_usage(query: dict[str, Any]) -> Any:
    """What the cases of your organisation take, and which of them take most."""
    made = services()
    found = usage_of(made.store, made.names, made.readmodel, g.actor.organisation, query["largest"])
    return plain(found)
