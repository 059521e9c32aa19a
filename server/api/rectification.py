# mypy: disable-error-code="untyped-decorator"
"""What a notice goes through beside its rounds: drafted by two, delivered, disputed, given more time."""

from __future__ import annotations

from typing import Any, get_args

import marshmallow as ma

from server.api.base import Schema, blueprint, roles
from server.api.notices import WORDS, Answered, NoticeOut, act_on
from server.workflow import commands
from server.workflow.model import Severity
from server.workflow.rectification import DeliveryMode, Party, SpecialistsDecision

blp = blueprint("rectification", "What a rectification notice goes through 通知单办理.")

_LINE = ma.validate.Length(max=200)
_NAME = ma.validate.Length(min=1, max=200)
_REASON = ma.validate.Length(min=1, max=4000)
_CODES = ma.validate.Length(max=500)
_SOME_CODES = ma.validate.Length(min=1, max=500)
_DATED = {"description": "When it was said, if it came on paper before it was recorded."}


class ContractorIn(Schema):
    name = ma.fields.String(validate=_LINE, load_default="")
    licence = ma.fields.String(
        validate=_LINE, load_default="", metadata={"description": "Its number and grade 承装修试许可."}
    )
    site_lead = ma.fields.String(validate=_LINE, load_default="")


class NoticeHeadingIn(Schema):
    inspected_on = ma.fields.Date(allow_none=True)
    weather = ma.fields.String(validate=_LINE, load_default="")
    contractor = ma.fields.Nested(ContractorIn)
    note = ma.fields.String(
        validate=WORDS, load_default="", metadata={"description": "Said to all items in common."}
    )


class NoticeWordingIn(Schema):
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


class AmendNoticeIn(Schema):
    heading = ma.fields.Nested(NoticeHeadingIn)
    items = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.Nested(NoticeWordingIn), load_default=dict, validate=_CODES
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
@blp.arguments(AmendNoticeIn)
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


class DeliverySignedIn(Schema):
    party = ma.fields.String(required=True, validate=ma.validate.OneOf(get_args(Party)))
    name = ma.fields.String(required=True, validate=_NAME)
    signature = ma.fields.String(
        allow_none=True,
        validate=ma.validate.Length(min=1, max=100),
        metadata={"description": "Id of the signature's document, if it was given on a screen."},
    )


class DeliverNoticeIn(Schema):
    mode = ma.fields.String(
        required=True, validate=ma.validate.OneOf([one for one in get_args(DeliveryMode) if one != "implied"])
    )
    received_by = ma.fields.String(required=True, validate=_NAME)
    at = ma.fields.AwareDateTime(metadata={"description": "When it arrived; now if it says nothing."})
    evidence = ma.fields.String(
        validate=WORDS, load_default="", metadata={"description": "Postal number or witness."}
    )
    signed = ma.fields.List(
        ma.fields.Nested(DeliverySignedIn), load_default=list, validate=ma.validate.Length(max=10)
    )


class AcceptNoticeIn(Schema):
    accepted_by = ma.fields.String(required=True, validate=_NAME)
    dated = ma.fields.AwareDateTime(metadata=_DATED)


class DisputeIn(Schema):
    items = ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(min=1, max=100)),
        required=True,
        validate=ma.validate.Length(min=1, max=500),
    )
    reason = ma.fields.String(required=True, validate=_REASON)
    disputed_by = ma.fields.String(required=True, validate=_NAME)
    dated = ma.fields.AwareDateTime(metadata=_DATED)


class SettleDisputeIn(Schema):
    decision = ma.fields.String(required=True, validate=ma.validate.OneOf(["uphold", "regrade", "withdraw"]))
    reason = ma.fields.String(required=True, validate=_REASON)
    severities = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.String(validate=ma.validate.OneOf(get_args(Severity))),
        load_default=dict,
        validate=_CODES,
        metadata={"description": "New severities by item code, if that is the decision."},
    )


class StatedDatesIn(Schema):
    dates = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.Date(), required=True, validate=_SOME_CODES
    )
    stated_by = ma.fields.String(required=True, validate=_NAME)
    dated = ma.fields.AwareDateTime(metadata=_DATED)


class ExtendDeadlinesIn(Schema):
    due = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.Date(), required=True, validate=_SOME_CODES
    )
    reason = ma.fields.String(required=True, validate=_REASON)


@blp.route("/cases/<case_id>/notices/<int:n>/deliveries", methods=["POST"])
@roles("manager", "inspector", "admin")
@blp.arguments(DeliverNoticeIn)
@blp.response(201, NoticeOut)
def deliver_notice(body: dict[str, Any], case_id: str, n: int) -> Answered:
    """Record that the notice reached the customer. Of several deliveries of a round the earliest counts."""
    return act_on(case_id, n, commands.DeliverNotice, **body)


@blp.route("/cases/<case_id>/notices/<int:n>/accept", methods=["POST"])
@roles("manager", "inspector", "admin")
@blp.arguments(AcceptNoticeIn)
@blp.response(200, NoticeOut)
def accept_notice(body: dict[str, Any], case_id: str, n: int) -> Answered:
    """Record that the customer takes the notice as it is."""
    return act_on(case_id, n, commands.AcceptNotice, **body)


@blp.route("/cases/<case_id>/notices/<int:n>/disputes", methods=["POST"])
@roles("manager", "inspector", "admin")
@blp.arguments(DisputeIn)
@blp.response(201, NoticeOut)
def dispute_notice(body: dict[str, Any], case_id: str, n: int) -> Answered:
    """Record that the customer disputes items. Nobody re-inspects until a second person has settled it."""
    return act_on(case_id, n, commands.DisputeNotice, **body)


@blp.route("/cases/<case_id>/notices/<int:n>/disputes/settle", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(SettleDisputeIn)
@blp.response(200, NoticeOut)
def settle_dispute(body: dict[str, Any], case_id: str, n: int) -> Answered:
    """Uphold what is disputed, change its severity, or propose to withdraw the notice."""
    return act_on(case_id, n, commands.SettleDispute, **body)


@blp.route("/cases/<case_id>/notices/<int:n>/dates", methods=["POST"])
@roles("manager", "inspector", "admin")
@blp.arguments(StatedDatesIn)
@blp.response(200, NoticeOut)
def state_dates(body: dict[str, Any], case_id: str, n: int) -> Answered:
    """Record the customer's own days for critical items. Later ones are a manager's to give."""
    return act_on(case_id, n, commands.StateDates, **body)


@blp.route("/cases/<case_id>/notices/<int:n>/extend", methods=["POST"])
@roles("manager")
@blp.arguments(ExtendDeadlinesIn)
@blp.response(200, NoticeOut)
def extend_deadlines(body: dict[str, Any], case_id: str, n: int) -> Answered:
    """Give items more time, with a reason."""
    return act_on(case_id, n, commands.ExtendDeadlines, **body)


class CoveredIn(Schema):
    item = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=100))
    reason = ma.fields.String(required=True, validate=_REASON)


class SpecialistsIn(Schema):
    held = ma.fields.AwareDateTime(required=True)
    participants = ma.fields.List(
        ma.fields.String(validate=_NAME), required=True, validate=ma.validate.Length(min=1, max=50)
    )
    decision = ma.fields.String(required=True, validate=ma.validate.OneOf(get_args(SpecialistsDecision)))
    minutes = ma.fields.String(required=True, validate=_REASON)


@blp.route("/cases/<case_id>/notices/<int:n>/covered", methods=["POST"])
@roles("manager", "inspector", "admin")
@blp.arguments(CoveredIn)
@blp.response(200, NoticeOut)
def mark_covered(body: dict[str, Any], case_id: str, n: int) -> Answered:
    """Say that works were covered before they were inspected: critical, and specialists meet over it."""
    return act_on(case_id, n, commands.MarkCovered, **body)


@blp.route("/cases/<case_id>/notices/<int:n>/specialists", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(SpecialistsIn)
@blp.response(201, NoticeOut)
def record_specialists(body: dict[str, Any], case_id: str, n: int) -> Answered:
    """Record what specialists decided over all that they have to meet over."""
    return act_on(case_id, n, commands.RecordSpecialists, **body)
