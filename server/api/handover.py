# mypy: disable-error-code="untyped-decorator"
"""Papers handed over to the customer, his own checks of the works, and looks ahead of the inspection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import marshmallow as ma

from server.api.base import Schema, blueprint, roles
from server.api.casework import act, command, etag, plain, visible
from server.api.keys import IDEMPOTENCY_HEADER, created_id, own_id
from server.workflow import commands
from server.workflow.handover import DeliveryMode, HandoverKind

blp = blueprint("handover", "Handover and checks before the inspection 资料移交、自检、初验收.")

_LINE = ma.validate.Length(min=1, max=200)
_WORDS = ma.validate.Length(max=4000)
_TEXT = ma.validate.Length(min=1, max=4000)


class HandoverIn(Schema):
    id = own_id()
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(get_args(HandoverKind)))
    version = ma.fields.String(required=True, validate=_LINE)
    received_by = ma.fields.String(required=True, validate=_LINE)
    dated = ma.fields.AwareDateTime(required=True)
    mode = ma.fields.String(validate=ma.validate.OneOf(get_args(DeliveryMode)))
    receipt = ma.fields.String(required=True, validate=_TEXT)
    document = ma.fields.String(validate=_WORDS, metadata={"description": "Where the paper is kept."})


class SelfCheckIn(Schema):
    id = own_id()
    dated = ma.fields.AwareDateTime(required=True)
    by = ma.fields.String(required=True, validate=_LINE)
    finished = ma.fields.Boolean(required=True)
    evidence = ma.fields.String(required=True, validate=_TEXT)
    findings = ma.fields.String(validate=_WORDS)


class PreInspectionIn(Schema):
    id = own_id()
    dated = ma.fields.AwareDateTime(required=True)
    inspectors = ma.fields.List(
        ma.fields.String(validate=_LINE), required=True, validate=ma.validate.Length(min=1, max=50)
    )
    advice = ma.fields.List(ma.fields.String(validate=_TEXT), validate=ma.validate.Length(max=200))
    evidence = ma.fields.String(validate=_WORDS)


class HandoverOut(ma.Schema):
    id = ma.fields.String()
    kind = ma.fields.String()
    version = ma.fields.String()
    received_by = ma.fields.String()
    dated = ma.fields.String()
    mode = ma.fields.String()
    receipt = ma.fields.String()
    document = ma.fields.String()
    recorded_at = ma.fields.String()
    recorded_by = ma.fields.String()


class SelfCheckOut(ma.Schema):
    id = ma.fields.String()
    dated = ma.fields.String()
    by = ma.fields.String()
    finished = ma.fields.Boolean()
    evidence = ma.fields.String()
    findings = ma.fields.String()
    recorded_at = ma.fields.String()
    recorded_by = ma.fields.String()


class PreInspectionOut(ma.Schema):
    id = ma.fields.String()
    dated = ma.fields.String()
    inspectors = ma.fields.List(ma.fields.String())
    advice = ma.fields.List(ma.fields.String())
    evidence = ma.fields.String()
    recorded_at = ma.fields.String()
    recorded_by = ma.fields.String()


class HandoverList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(HandoverOut))


class SelfCheckList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(SelfCheckOut))


class PreInspectionList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(PreInspectionOut))


Answer = tuple[dict[str, Any], dict[str, str]]


def _list(case_id: str, records: str) -> Answer:
    known = visible(case_id)
    found: Mapping[str, Any] = getattr(known.case, records)
    items = sorted(found.values(), key=lambda one: (one.dated, one.id))
    return {"items": plain(items)}, etag(known)


def _record(case_id: str, records: str, kind: Any, id_field: str, body: dict[str, Any]) -> Answer:
    record_id = created_id(body)
    known = act(case_id, command(kind, **{id_field: record_id}, **body))
    return plain(getattr(known.case, records)[record_id]), etag(known)


@blp.route("/cases/<case_id>/handovers", methods=["GET"])
@roles()
@blp.response(200, HandoverList)
def list_handovers(case_id: str) -> Answer:
    """Every paper that was handed over to the customer."""
    return _list(case_id, "handovers")


@blp.route("/cases/<case_id>/handovers", methods=["POST"])
@roles("manager", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(HandoverIn)
@blp.response(201, HandoverOut)
def hand_over(body: dict[str, Any], case_id: str) -> Answer:
    """Record that the customer has the acceptance handbook or the setting sheet, and by what receipt."""
    return _record(case_id, "handovers", commands.HandOver, "handover_id", body)


@blp.route("/cases/<case_id>/self-checks", methods=["GET"])
@roles()
@blp.response(200, SelfCheckList)
def list_self_checks(case_id: str) -> Answer:
    """Every check that the customer made of his own works."""
    return _list(case_id, "self_checks")


@blp.route("/cases/<case_id>/self-checks", methods=["POST"])
@roles("manager", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(SelfCheckIn)
@blp.response(201, SelfCheckOut)
def record_self_check(body: dict[str, Any], case_id: str) -> Answer:
    """Record the customer's check of his own works. Completion is applied for after one that passed."""
    return _record(case_id, "self_checks", commands.RecordSelfCheck, "check_id", body)


@blp.route("/cases/<case_id>/pre-inspections", methods=["GET"])
@roles()
@blp.response(200, PreInspectionList)
def list_pre_inspections(case_id: str) -> Answer:
    """Every look ahead of the completion inspection."""
    return _list(case_id, "pre_inspections")


@blp.route("/cases/<case_id>/pre-inspections", methods=["POST"])
@roles("manager", "inspector", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(PreInspectionIn)
@blp.response(201, PreInspectionOut)
def record_pre_inspection(body: dict[str, Any], case_id: str) -> Answer:
    """Record a look ahead of the completion inspection. What it finds is advice, and no notice."""
    return _record(case_id, "pre_inspections", commands.RecordPreInspection, "check_id", body)
