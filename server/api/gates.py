# mypy: disable-error-code="untyped-decorator"
"""Gates: what still keeps the breaker open, the words that open them, and waivers."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from msgspec.structs import replace

from server.api.base import Schema, blueprint, roles
from server.api.casework import ReasonIn, act, command, etag, plain, visible
from server.casework.cases import Loaded
from server.intake.photos import photo_fact
from server.problems import Problem, language
from server.services import services
from server.texts import text
from server.workflow import commands
from server.workflow.gate_rows import find_gate
from server.workflow.gates import ready
from server.workflow.sheet import GateLine, gate_sheet

blp = blueprint("gates", "Conditions for energization 送电条件.")

_WORDS = ma.validate.Length(max=4000)
_IDS = ma.validate.Length(min=1, max=100)
MAX_EVIDENCE = 50


class EntryIn(Schema):
    status = ma.fields.String(required=True, validate=ma.validate.OneOf(["met", "not_applicable", "unmet"]))
    evidence = ma.fields.String(
        validate=_WORDS,
        load_default="",
        metadata={"description": "What shows it, in words. A word that opens a gate takes one or the other."},
    )
    photos = ma.fields.List(
        ma.fields.String(validate=_IDS),
        load_default=list,
        validate=ma.validate.Length(max=MAX_EVIDENCE),
        metadata={"description": "Ids of photos uploaded to the case."},
    )
    documents = ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(min=1, max=200)),
        load_default=list,
        validate=ma.validate.Length(max=MAX_EVIDENCE),
        metadata={"description": "Numbers or ids of papers."},
    )
    dated = ma.fields.Date(
        allow_none=True,
        metadata={"description": "The day that the evidence is of; today if it says nothing."},
    )
    until = ma.fields.Date(
        allow_none=True, metadata={"description": "The last day on which it holds by its own words."}
    )
    note = ma.fields.String(validate=_WORDS, load_default="")


class WaiverIn(ReasonIn):
    until = ma.fields.Date(required=True, metadata={"description": "The last day of the waiver."})
    conditions = ma.fields.String(
        validate=_WORDS, load_default="", metadata={"description": "What is done in its stead."}
    )


class GateReasonOut(ma.Schema):
    code = ma.fields.String()
    text = ma.fields.String()
    params = ma.fields.Dict()
    refs = ma.fields.List(ma.fields.String())


class GateOut(ma.Schema):
    id = ma.fields.String()
    code = ma.fields.String(metadata={"description": "The trade's number, E01 to E19; empty if ours alone."})
    title = ma.fields.String()
    evidence = ma.fields.String(metadata={"description": "What shows it; empty where the case itself does."})
    status = ma.fields.String(validate=ma.validate.OneOf(["met", "unmet", "not_applicable", "waived"]))
    until = ma.fields.Date(allow_none=True, metadata={"description": "The last day of it, where it ages."})
    reasons = ma.fields.List(ma.fields.Nested(GateReasonOut))
    refs = ma.fields.List(ma.fields.String())
    asks = ma.fields.Dict(metadata={"description": "Facts by which it is asked for; null while unknown."})
    words = ma.fields.List(ma.fields.Dict(), metadata={"description": "The words that decide it."})
    waivable = ma.fields.Boolean(metadata={"description": "The settings of today allow a waiver."})
    waiver = ma.fields.Dict(allow_none=True)


class GatesOut(ma.Schema):
    ready = ma.fields.Boolean()
    gates = ma.fields.List(ma.fields.Nested(GateOut))


Answer = tuple[dict[str, Any], dict[str, str]]


def gate_view(line: GateLine, lang: str) -> dict[str, Any]:
    """A gate with its words in the reader's language."""
    status, gate = line.status, find_gate(line.status.id)
    entered = gate is not None and gate.entry is not None
    return {
        "id": status.id,
        "code": status.code,
        "title": text(f"gate.{status.id}", lang),
        "evidence": text(f"gate_evidence.{status.id}", lang) if entered else "",
        "status": status.status,
        "until": status.until,
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
        "asks": dict(line.asks),
        "words": plain(line.words),
        "waivable": line.waivable,
        "waiver": plain(line.waiver),
    }


def _gates(known: Loaded) -> Answer:
    """As they are now: some age from day to day, and nobody has to write the case for that."""
    made, lang = services(), language()
    lines = gate_sheet(known.case, made.cases.policy(known.case.organisation), made.clock())
    fresh = replace(known.case, gates=tuple(line.status for line in lines))
    return {"ready": ready(fresh), "gates": [gate_view(line, lang) for line in lines]}, etag(known)


@blp.route("/cases/<case_id>/gates", methods=["GET"])
@roles()
@blp.response(200, GatesOut)
def show_gates(case_id: str) -> Answer:
    """The gate sheet: each condition for energization, met or not, by whose word, and why not."""
    return _gates(visible(case_id))


@blp.route("/cases/<case_id>/gates/<gate>/entries", methods=["POST"])
@roles("manager", "inspector", "scheduler", "admin")
@blp.arguments(EntryIn)
@blp.response(201, GatesOut)
def record_entry(body: dict[str, Any], case_id: str, gate: str) -> Answer:
    """Confirm a gate's condition, with evidence, or take an earlier word back."""
    visible(case_id)
    body["photos"] = _photos(case_id, body["photos"])
    return _gates(act(case_id, command(commands.RecordEntry, gate=gate, **body)))


def _photos(case_id: str, ids: list[str]) -> list[dict[str, Any]]:
    """Photos of the case as evidence. Raises Problem 422 for one that it has not."""
    made = services()
    media, photos = made.names.media(case_id), []
    for photo in dict.fromkeys(ids):
        fact = photo_fact(made.store, media, photo)
        if fact.status == "absent":
            raise Problem(422, "photo_unknown", photo=photo)
        photos.append({"id": photo, "sha256": fact.sha256, "verified": fact.status == "verified"})
    return photos


@blp.route("/cases/<case_id>/gates/<gate>/waiver", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(WaiverIn)
@blp.response(201, GatesOut)
def propose_waiver(body: dict[str, Any], case_id: str, gate: str) -> Answer:
    """Propose to close the breaker without a condition, where the organisation's settings allow it."""
    return _gates(act(case_id, command(commands.ProposeWaiver, gate=gate, **body)))


@blp.route("/cases/<case_id>/gates/<gate>/waiver/approve", methods=["POST"])
@roles("manager", "admin")
@blp.response(200, GatesOut)
def approve_waiver(case_id: str, gate: str) -> Answer:
    """Be the second person behind a waiver. Neither of the two may then authorize on it."""
    return _gates(act(case_id, command(commands.ApproveWaiver, gate=gate)))


@blp.route("/cases/<case_id>/gates/<gate>/waiver/withdraw", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ReasonIn)
@blp.response(200, GatesOut)
def withdraw_waiver(body: dict[str, Any], case_id: str, gate: str) -> Answer:
    """End a waiver, or turn a proposed one down."""
    return _gates(act(case_id, command(commands.WithdrawWaiver, gate=gate, **body)))
