# mypy: disable-error-code="untyped-decorator"
"""Energization: who may say that the breaker closes, and that it did."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from server.api.base import Schema, blueprint, roles
from server.api.casework import ReasonIn, act, command, etag, plain, visible
from server.casework.cases import Loaded
from server.intake.worker import make_intake
from server.services import services
from server.workflow import commands
from server.workflow.gates import lapsed
from server.workflow.switching import left_live

blp = blueprint("energization", "Energization 送电.")

_WORDS = ma.validate.Length(max=4000)


class NoteIn(Schema):
    note = ma.fields.String(validate=_WORDS, load_default="")


class SignatureIn(Schema):
    name = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=200))
    party = ma.fields.String(
        required=True,
        validate=ma.validate.Length(min=1, max=200),
        metadata={"description": "For whom: the customer, the utility, a contractor."},
    )
    ref = ma.fields.String(
        required=True,
        validate=ma.validate.Length(min=1, max=100),
        metadata={"description": "Id of a signature document, or number of the paper."},
    )


class RecordIn(Schema):
    at = ma.fields.AwareDateTime(required=True)
    phase_check = ma.fields.String(
        required=True, validate=ma.validate.OneOf(["consistent", "inconsistent", "not_required"])
    )
    participants = ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(min=1, max=200)),
        required=True,
        validate=ma.validate.Length(min=1, max=50),
    )
    impulse_closings = ma.fields.Integer(load_default=0, validate=ma.validate.Range(min=0, max=100))
    transformer_start_at = ma.fields.AwareDateTime(allow_none=True)
    readings = ma.fields.Dict(
        keys=ma.fields.String(),
        load_default=dict,
        metadata={"description": "Register values as the customer copied them, by register."},
    )
    readings_by = ma.fields.String(
        validate=ma.validate.Length(max=200),
        load_default="",
        metadata={"description": "Who copied them, for the customer."},
    )
    signatures = ma.fields.List(
        ma.fields.Nested(SignatureIn), load_default=list, validate=ma.validate.Length(max=20)
    )
    note = ma.fields.String(validate=_WORDS, load_default="")


class EnergizationOut(ma.Schema):
    status = ma.fields.String(validate=ma.validate.OneOf(["none", "authorized", "on_hold", "energized"]))
    stage = ma.fields.String()
    authorized_by = ma.fields.String(allow_none=True)
    authorized_at = ma.fields.String(allow_none=True)
    note = ma.fields.String()
    hold = ma.fields.Dict(allow_none=True)
    record = ma.fields.Dict(allow_none=True)
    runs = ma.fields.List(
        ma.fields.Dict(), metadata={"description": "Each going through the switching steps."}
    )
    lapsed = ma.fields.Boolean(
        metadata={"description": "Authorized, and a condition has aged since: no step is taken on it."}
    )
    left_live = ma.fields.Boolean(
        metadata={"description": "Switching broke off, and nobody has recorded that it is dead again."}
    )


Answer = tuple[dict[str, Any], dict[str, str]]


def energization_answer(known: Loaded) -> Answer:
    body = plain(known.case.energization)
    body.pop("gates", None)
    made = services()
    policy = made.cases.policy(known.case.organisation)
    more = {
        "stage": known.case.stage,
        "lapsed": lapsed(known.case, policy, made.clock()),
        "left_live": left_live(known.case),
    }
    return {**body, **more}, etag(known)


def catch_up(case_id: str) -> None:
    """What tablets were told is stored counts before the breaker is decided on, whatever the worker is at."""
    visible(case_id)
    make_intake(services()).catch_up(case_id)


@blp.route("/cases/<case_id>/energization", methods=["GET"])
@roles()
@blp.response(200, EnergizationOut)
def show_energization(case_id: str) -> Answer:
    """Whether the breaker may be closed, or was."""
    return energization_answer(visible(case_id))


@blp.route("/cases/<case_id>/energization/authorize", methods=["POST"])
@roles("manager")
@blp.arguments(NoteIn)
@blp.response(200, EnergizationOut)
def authorize(body: dict[str, Any], case_id: str) -> Answer:
    """Allow the breaker to be closed. 409 lists the gates that are not met."""
    catch_up(case_id)
    return energization_answer(act(case_id, command(commands.Authorize, **body)))


@blp.route("/cases/<case_id>/energization/record", methods=["POST"])
@roles("manager")
@blp.arguments(RecordIn)
@blp.response(200, EnergizationOut)
def record_energization(body: dict[str, Any], case_id: str) -> Answer:
    """Record that the breaker was closed. 409 names the switching steps that are missing."""
    catch_up(case_id)
    return energization_answer(act(case_id, command(commands.RecordEnergization, **body)))


@blp.route("/cases/<case_id>/energization/hold", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ReasonIn)
@blp.response(200, EnergizationOut)
def hold(body: dict[str, Any], case_id: str) -> Answer:
    """Stop: an authorization is void at once."""
    return energization_answer(act(case_id, command(commands.Hold, **body)))


@blp.route("/cases/<case_id>/energization/release", methods=["POST"])
@roles("manager")
@blp.arguments(ReasonIn)
@blp.response(200, EnergizationOut)
def release_hold(body: dict[str, Any], case_id: str) -> Answer:
    """End a hold. It takes a new authorization to go on."""
    return energization_answer(act(case_id, command(commands.ReleaseHold, **body)))
