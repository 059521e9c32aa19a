# mypy: disable-error-code="untyped-decorator"
"""What a notice goes through beside its rounds: completed as a draft, signed by a second person."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from server.api.base import Schema, blueprint, roles
from server.api.notices import WORDS, Answered, NoticeOut, act_on
from server.workflow import commands

blp = blueprint("rectification", "What a rectification notice goes through 通知单办理.")

_LINE = ma.validate.Length(max=200)
_CODES = ma.validate.Length(max=500)


class ContractorIn(Schema):
    name = ma.fields.String(validate=_LINE, load_default="")
    licence = ma.fields.String(
        validate=_LINE, load_default="", metadata={"description": "Its number and grade 承装修试许可."}
    )
    site_lead = ma.fields.String(validate=_LINE, load_default="")


class HeadingIn(Schema):
    inspected_on = ma.fields.Date(allow_none=True)
    weather = ma.fields.String(validate=_LINE, load_default="")
    contractor = ma.fields.Nested(ContractorIn)
    note = ma.fields.String(
        validate=WORDS, load_default="", metadata={"description": "Said to all items in common."}
    )


class WordingIn(Schema):
    place = ma.fields.String(
        validate=_LINE, load_default="", metadata={"description": "Where, or at which equipment."}
    )
    description = ma.fields.String(validate=WORDS, load_default="")
    limit = ma.fields.String(
        validate=_LINE, load_default="", metadata={"description": "What the value is held against."}
    )
    standard = ma.fields.String(
        validate=_LINE, load_default="", metadata={"description": "The standard or drawing quoted."}
    )
    demand = ma.fields.String(
        validate=WORDS, load_default="", metadata={"description": "Asked for beside the item's remedy."}
    )


class AmendIn(Schema):
    heading = ma.fields.Nested(HeadingIn)
    items = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.Nested(WordingIn), load_default=dict, validate=_CODES
    )
    due = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Date(allow_none=True),
        load_default=dict,
        validate=_CODES,
        metadata={"description": "Days by item code; null leaves one to its severity again."},
    )
    reason = ma.fields.String(validate=WORDS, load_default="")


@blp.route("/cases/<case_id>/notices/<int:n>", methods=["PATCH"])
@roles("manager", "inspector", "admin")
@blp.arguments(AmendIn)
@blp.response(200, NoticeOut)
def amend_notice(body: dict[str, Any], case_id: str, n: int) -> Answered:
    """Complete a draft. What is named is replaced whole; signatures under it are void."""
    return act_on(case_id, n, commands.AmendNotice, **body)


@blp.route("/cases/<case_id>/notices/<int:n>/cosign", methods=["POST"])
@roles("manager", "inspector", "admin")
@blp.response(200, NoticeOut)
def cosign_notice(case_id: str, n: int) -> Answered:
    """Stand for a draft as a second person of the utility."""
    return act_on(case_id, n, commands.CosignNotice)
