# mypy: disable-error-code="untyped-decorator"
"""Gates and energization: what still keeps the breaker open, and who may say that it closes."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from server.api.base import Schema, blueprint, roles
from server.api.casework import ReasonIn, act, command, etag, plain, visible
from server.casework.cases import Loaded
from server.intake.worker import make_intake
from server.problems import language
from server.services import services
from server.texts import text
from server.workflow import commands
from server.workflow.gates import ready
from server.workflow.model import GateStatus

blp = blueprint("energization", "Gates and energization 送电条件、送电.")

_WORDS = ma.validate.Length(max=4000)


class EntryIn(Schema):
    status = ma.fields.String(required=True, validate=ma.validate.OneOf(["met", "not_applicable", "unmet"]))
    evidence = ma.fields.String(validate=_WORDS, load_default="")
    note = ma.fields.String(validate=_WORDS, load_default="")


class NoteIn(Schema):
    note = ma.fields.String(validate=_WORDS, load_default="")


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
    readings = ma.fields.Dict(keys=ma.fields.String(), load_default=dict)
    note = ma.fields.String(validate=_WORDS, load_default="")


class GateReasonOut(ma.Schema):
    code = ma.fields.String()
    text = ma.fields.String()
    params = ma.fields.Dict()
    refs = ma.fields.List(ma.fields.String())


class GateOut(ma.Schema):
    id = ma.fields.String()
    code = ma.fields.String(metadata={"description": "The trade's number, E01 to E19; empty if ours alone."})
    title = ma.fields.String()
    status = ma.fields.String(validate=ma.validate.OneOf(["met", "unmet", "not_applicable"]))
    reasons = ma.fields.List(ma.fields.Nested(GateReasonOut))
    refs = ma.fields.List(ma.fields.String())


class GatesOut(ma.Schema):
    ready = ma.fields.Boolean()
    gates = ma.fields.List(ma.fields.Nested(GateOut))


class EnergizationOut(ma.Schema):
    status = ma.fields.String(validate=ma.validate.OneOf(["none", "authorized", "on_hold", "energized"]))
    stage = ma.fields.String()
    authorized_by = ma.fields.String(allow_none=True)
    authorized_at = ma.fields.String(allow_none=True)
    note = ma.fields.String()
    hold = ma.fields.Dict(allow_none=True)
    record = ma.fields.Dict(allow_none=True)


Answer = tuple[dict[str, Any], dict[str, str]]


def gate_view(status: GateStatus, lang: str) -> dict[str, Any]:
    """A gate with its words in the reader's language."""
    return {
        "id": status.id,
        "code": status.code,
        "title": text(f"gate.{status.id}", lang),
        "status": status.status,
        "reasons": [
            {
                "code": reason.code,
                "text": text(f"gate_reason.{reason.code}", lang, **reason.params),
                "params": dict(reason.params),
                "refs": list(reason.refs),
            }
            for reason in status.reasons
        ],
        "refs": list(status.refs),
    }


def _gates(known: Loaded) -> Answer:
    lang = language()
    view = [gate_view(status, lang) for status in known.case.gates]
    return {"ready": ready(known.case), "gates": view}, etag(known)


def _energization(known: Loaded) -> Answer:
    body = plain(known.case.energization)
    body.pop("gates", None)
    return {**body, "stage": known.case.stage}, etag(known)


def _catch_up(case_id: str) -> None:
    """What tablets were told is stored counts before the breaker is decided on, whatever the worker is at."""
    visible(case_id)
    make_intake(services()).catch_up(case_id)


@blp.route("/cases/<case_id>/gates", methods=["GET"])
@roles()
@blp.response(200, GatesOut)
def show_gates(case_id: str) -> Answer:
    """The gate sheet: each condition for energization, met or not, and why not."""
    return _gates(visible(case_id))


@blp.route("/cases/<case_id>/gates/<gate>/entries", methods=["POST"])
@roles("manager", "inspector", "scheduler", "admin")
@blp.arguments(EntryIn)
@blp.response(201, GatesOut)
def record_entry(body: dict[str, Any], case_id: str, gate: str) -> Answer:
    """Confirm a gate's condition, with evidence, or take an earlier word back."""
    return _gates(act(case_id, command(commands.RecordEntry, gate=gate, **body)))


@blp.route("/cases/<case_id>/energization", methods=["GET"])
@roles()
@blp.response(200, EnergizationOut)
def show_energization(case_id: str) -> Answer:
    """Whether the breaker may be closed, or was."""
    return _energization(visible(case_id))


@blp.route("/cases/<case_id>/energization/authorize", methods=["POST"])
@roles("manager")
@blp.arguments(NoteIn)
@blp.response(200, EnergizationOut)
def authorize(body: dict[str, Any], case_id: str) -> Answer:
    """Allow the breaker to be closed. 409 lists the gates that are not met."""
    _catch_up(case_id)
    return _energization(act(case_id, command(commands.Authorize, **body)))


@blp.route("/cases/<case_id>/energization/record", methods=["POST"])
@roles("manager")
@blp.arguments(RecordIn)
@blp.response(200, EnergizationOut)
def record_energization(body: dict[str, Any], case_id: str) -> Answer:
    """Record that the breaker was closed."""
    _catch_up(case_id)
    return _energization(act(case_id, command(commands.RecordEnergization, **body)))


@blp.route("/cases/<case_id>/energization/hold", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ReasonIn)
@blp.response(200, EnergizationOut)
def hold(body: dict[str, Any], case_id: str) -> Answer:
    """Stop: an authorization is void at once."""
    return _energization(act(case_id, command(commands.Hold, **body)))


@blp.route("/cases/<case_id>/energization/release", methods=["POST"])
@roles("manager")
@blp.arguments(ReasonIn)
@blp.response(200, EnergizationOut)
def release_hold(body: dict[str, Any], case_id: str) -> Answer:
    """End a hold. It takes a new authorization to go on."""
    return _energization(act(case_id, command(commands.ReleaseHold, **body)))
