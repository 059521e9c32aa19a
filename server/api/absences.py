# mypy: disable-error-code="untyped-decorator"
"""Absences: who is away on which days, and who decides on proposals in his place."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g

from server.api.base import Schema, blueprint, roles
from server.api.casework import command, plain
from server.api.keys import IDEMPOTENCY_HEADER, created_id, own_id
from server.casework.absences import AbsenceRecord, Absences, TakenAbsence, UnknownAbsence
from server.people.model import Identity, User
from server.problems import Problem
from server.services import services
from server.workflow.approvals.rules import DECIDERS
from server.workflow.approvals.values import Absence

blp = blueprint("absences", "Absences 请假与代理.")

_PERSON = ma.validate.Length(min=1, max=40)
_REASON = ma.validate.Length(min=1, max=4000)


class AbsenceIn(Schema):
    id = own_id()
    person = ma.fields.String(validate=_PERSON, metadata={"description": "Default: yourself."})
    substitute = ma.fields.String(required=True, validate=_PERSON)
    since = ma.fields.Date(required=True, metadata={"description": "The first day."})
    until = ma.fields.Date(required=True, metadata={"description": "The last day."})
    reason = ma.fields.String(required=True, validate=_REASON)


class AbsenceEndIn(Schema):
    until = ma.fields.Date(required=True, metadata={"description": "The last day, earlier than it was."})


class AbsenceOut(ma.Schema):
    id = ma.fields.String()
    person = ma.fields.String()
    substitute = ma.fields.String()
    since = ma.fields.String()
    until = ma.fields.String()
    reason = ma.fields.String()
    recorded_by = ma.fields.String()
    recorded_at = ma.fields.String()
    ended_by = ma.fields.String(allow_none=True)


class AbsenceList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(AbsenceOut))


def absences() -> Absences:
    """The absences of this house."""
    made = services()
    return Absences(made.store, made.names.registry, made.clock)


def colleague(name: str, organisation: str) -> User:
    """Somebody of the organisation who may decide on proposals. Raises Problem 422 for anybody else."""
    try:
        user = services().people.user(name)
    except Problem:
        user = None
    if user is None or user.disabled or user.organisation != organisation or not DECIDERS & set(user.roles):
        raise Problem(422, "not_a_decider", name=name)
    return user


def _view(record: AbsenceRecord) -> dict[str, Any]:
    about = {
        name: plain(getattr(record, name)) for name in ("reason", "recorded_by", "recorded_at", "ended_by")
    }
    return {**plain(record.absence), **about}


def _require_own(person: str) -> None:
    """An administrator records anybody's absence, others only their own. Raises Problem 403."""
    actor: Identity = g.actor
    if person != actor.name and "admin" not in actor.roles:
        raise Problem(403, "forbidden")


@blp.route("/absences", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, AbsenceList)
def list_absences() -> dict[str, Any]:
    """Every absence of your organisation."""
    return {"items": [_view(one) for one in absences().all(g.actor.organisation)]}


@blp.route("/absences", methods=["POST"])
@roles("manager", "scheduler", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(AbsenceIn)
@blp.response(201, AbsenceOut)
def add_absence(body: dict[str, Any]) -> dict[str, Any]:
    """Record an absence with its substitute. What the absent proposed, nobody decides in his place."""
    person = body.get("person", g.actor.name)
    _require_own(person)
    for name in (person, body["substitute"]):
        colleague(name, g.actor.organisation)
    if person == body["substitute"]:
        raise Problem(422, "own_substitute", name=person)
    if body["until"] < body["since"]:
        raise Problem(422, "ends_before_it_begins", since=str(body["since"]), until=str(body["until"]))
    reason = body.pop("reason")
    absence: Absence = command(Absence, **{**body, "id": created_id(body), "person": person})
    try:
        record = absences().add(g.actor.organisation, absence, reason=reason, by=g.actor.name)
    except TakenAbsence:
        raise Problem(409, "absence_exists", id=absence.id) from None
    return _view(record)


@blp.route("/absences/<absence_id>/end", methods=["POST"])
@roles("manager", "scheduler", "admin")
@blp.arguments(AbsenceEndIn)
@blp.response(200, AbsenceOut)
def end_absence(body: dict[str, Any], absence_id: str) -> dict[str, Any]:
    """End an absence early. It can be ended on a day that is past, and never be made longer."""
    kept = absences()
    try:
        known = kept.get(absence_id)
    except UnknownAbsence:
        raise Problem(404, "not_found") from None
    if known.organisation != g.actor.organisation:
        raise Problem(404, "not_found")
    _require_own(known.absence.person)
    return _view(kept.end(absence_id, body["until"], by=g.actor.name))
