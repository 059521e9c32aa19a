# mypy: disable-error-code="untyped-decorator"
"""Limits that an organisation sets over its checklists' own, from a day on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import marshmallow as ma
from flask import g

from checklists.overrides import MAX_EXPRESSION, MAX_LINE, Override, applies_to
from checklists.versions import MAX_REMARK
from server.api.base import Schema, blueprint, roles
from server.api.casework import REQUIRED_MATCH, command, if_match, plain, required_match
from server.library.limits import StaleLimit, StoredLimit, TakenLimit, UnknownLimit
from server.names import is_id, new_id
from server.people.model import Identity
from server.problems import Problem
from server.services import services

blp = blueprint("checklist_limits", "Limits by organisation and date 单位限值.")

_LINE = ma.validate.Length(min=1, max=MAX_LINE)
_REASON = ma.validate.Length(min=1, max=MAX_REMARK)


class BothSchema(Schema):
    zh_cn = ma.fields.String(data_key="zh-CN", required=True, validate=_LINE)
    en = ma.fields.String(required=True, validate=_LINE)


class LimitIn(Schema):
    id = ma.fields.String(
        validate=ma.validate.Regexp(r"^[0-9a-z][0-9a-z-]{0,63}\Z"),
        metadata={"description": "Of your own: the same request again then finds the limit it added."},
    )
    organisation = ma.fields.String(
        allow_none=True,
        validate=_LINE,
        metadata={"description": "Default: your own. null: every organisation of this house."},
    )
    item = ma.fields.String(required=True, validate=_LINE)
    checklist = ma.fields.String(
        allow_none=True, validate=_LINE, metadata={"description": "Default: every checklist with the item."}
    )
    since = ma.fields.Date(required=True, metadata={"description": "The first day, by the day of the visit."})
    until = ma.fields.Date(allow_none=True, metadata={"description": "The last day."})
    min = ma.fields.Float(allow_none=True)
    max = ma.fields.Float(allow_none=True)
    unit = ma.fields.String(allow_none=True, validate=_LINE, metadata={"description": "Default: the item's."})
    verdict = ma.fields.String(validate=ma.validate.OneOf(["fail", "warning"]))
    severity = ma.fields.String(allow_none=True, validate=ma.validate.OneOf(["critical", "major", "minor"]))
    when = ma.fields.String(
        allow_none=True,
        validate=ma.validate.Length(min=1, max=MAX_EXPRESSION),
        metadata={"description": "CEL over facts and answers."},
    )
    basis = ma.fields.Nested(
        BothSchema, required=True, metadata={"description": "Whose rule it is, for the verdict's reason."}
    )
    source = ma.fields.String(required=True, validate=_LINE, metadata={"description": "Where to read it."})


class EndIn(Schema):
    until = ma.fields.Date(required=True, metadata={"description": "The last day; today or later."})
    reason = ma.fields.String(required=True, validate=_REASON)


class RejectIn(Schema):
    reason = ma.fields.String(required=True, validate=_REASON)


class LimitQuery(Schema):
    organisation = ma.fields.String(validate=_LINE)
    item = ma.fields.String(validate=_LINE)
    day = ma.fields.Date(metadata={"description": "Only those that hold on this day."})


class LimitOut(ma.Schema):
    id = ma.fields.String()
    organisation = ma.fields.String(allow_none=True)
    item = ma.fields.String()
    checklist = ma.fields.String(allow_none=True)
    since = ma.fields.String()
    until = ma.fields.String(allow_none=True)
    min = ma.fields.Float(allow_none=True)
    max = ma.fields.Float(allow_none=True)
    unit = ma.fields.String(allow_none=True)
    verdict = ma.fields.String()
    severity = ma.fields.String(allow_none=True)
    when = ma.fields.String(allow_none=True)
    basis = ma.fields.Dict()
    source = ma.fields.String()
    digest = ma.fields.String()
    applies_to = ma.fields.List(
        ma.fields.String(),
        metadata={"description": "The newest versions that it adds its limit to."},
    )
    history = ma.fields.List(ma.fields.Dict())
    ending = ma.fields.Dict(allow_none=True, metadata={"description": "A proposal to end it that waits."})


class LimitList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(LimitOut))


def _view(stored: StoredLimit) -> dict[str, Any]:
    standing = stored.standing
    fields = {name: getattr(standing.limit, name) for name in Override.__struct_fields__}
    newest = services().library.newest()
    return {
        **plain(fields),
        "digest": standing.limit.digest,
        "applies_to": [f"{one.id}@{one.version}" for one in newest if applies_to(standing.limit, one)],
        "history": plain(standing.history),
        "ending": plain(standing.ending),
    }


def _answer(stored: StoredLimit) -> tuple[dict[str, Any], dict[str, str]]:
    return _view(stored), {"ETag": f'"{stored.rev}"'}


@contextmanager
def _found() -> Iterator[None]:
    """Says what is not there, or not as the caller read it, as a problem."""
    try:
        yield
    except UnknownLimit:
        raise Problem(404, "not_found") from None
    except StaleLimit:
        raise Problem(412, "precondition_failed") from None
    except TakenLimit as error:
        raise Problem(409, "limit_exists", text_code="library.limit_exists", id=str(error)) from None


def _read(limit_id: str) -> StoredLimit:
    if not is_id(limit_id):
        raise UnknownLimit(limit_id)
    return services().limits.get(limit_id)


def _settled_by_me(limit_id: str) -> StoredLimit:
    """The limit, if its end is the present person's to decide on: an administrator's any, a manager's that of
    the own organisation. Raises UnknownLimit, Problem 403."""
    stored = _read(limit_id)
    actor: Identity = g.actor
    if "admin" not in actor.roles and stored.standing.limit.organisation != actor.organisation:
        raise Problem(403, "forbidden")
    return stored


def _today() -> date:
    """The day it is where the present person's organisation works."""
    made = services()
    return made.cases.policy(g.actor.organisation).day(made.clock())


def _require_known(organisation: str | None) -> None:
    """Raises Problem 422 for an organisation that nobody belongs to: its limit would hold for nobody."""
    made = services()
    if organisation in (None, made.settings.organisation):
        return
    if not made.people.users(organisation=organisation):
        raise Problem(422, "organisation_unknown", organisation=organisation)


@blp.route("/checklists/limits", methods=["GET"])
@roles()
@blp.arguments(LimitQuery, location="query", unknown=ma.RAISE)
@blp.response(200, LimitList)
def list_limits(query: dict[str, Any]) -> dict[str, Any]:
    """Every organisation's limits, ended ones too. `organisation` finds those that hold for all as well."""
    found = services().limits.all()
    if "organisation" in query:
        asked = (query["organisation"], None)
        found = [one for one in found if one.standing.limit.organisation in asked]
    if "item" in query:
        found = [one for one in found if one.standing.limit.item == query["item"]]
    if "day" in query:
        found = [one for one in found if one.standing.limit.holds_on(query["day"])]
    return {"items": [_view(one) for one in found]}


@blp.route("/checklists/limits", methods=["POST"])
@roles("admin")
@blp.arguments(LimitIn)
@blp.response(201, LimitOut)
def add_limit(body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Let a stricter limit hold from a day on. One person may: it can only tighten.

    Forms that were judged before keep what they were judged with.
    """
    basis = body.pop("basis")
    fields = {
        "id": body.pop("id", None) or new_id(),
        "organisation": body.pop("organisation", g.actor.organisation),
        "basis": {"zh-CN": basis["zh_cn"], "en": basis["en"]},
        **{name: value for name, value in body.items() if value is not None},
    }
    override: Override = command(Override, **fields)
    _require_known(override.organisation)
    with _found():
        return _answer(services().limits.add(override, by=g.actor.name))


@blp.route("/checklists/limits/<limit_id>", methods=["GET"])
@roles()
@blp.response(200, LimitOut)
def show_limit(limit_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """One limit with its history."""
    with _found():
        return _answer(_read(limit_id))


@blp.route("/checklists/limits/<limit_id>/end", methods=["POST"])
@roles("admin")
@blp.arguments(EndIn)
@blp.response(200, LimitOut)
def propose_end(body: dict[str, Any], limit_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Propose to end a limit, which loosens. It takes effect when another person confirms."""
    with _found():
        _read(limit_id)
        limits = services().limits
        ended = limits.propose_end(limit_id, by=g.actor.name, today=_today(), if_rev=if_match(), **body)
        return _answer(ended)


@blp.route("/checklists/limits/<limit_id>/end/confirm", methods=["POST"])
@roles("manager", "admin")
@blp.doc(parameters=[REQUIRED_MATCH])
@blp.response(200, LimitOut)
def confirm_end(limit_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """End a limit as somebody else proposed. `If-Match` names the limit with the proposal that was read."""
    rev = required_match()
    with _found():
        _settled_by_me(limit_id)
        limits = services().limits
        return _answer(limits.confirm_end(limit_id, by=g.actor.name, today=_today(), if_rev=rev))


@blp.route("/checklists/limits/<limit_id>/end/reject", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(RejectIn)
@blp.response(200, LimitOut)
def reject_end(body: dict[str, Any], limit_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Turn a proposed end down, or take one's own proposal back."""
    with _found():
        _settled_by_me(limit_id)
        return _answer(services().limits.reject_end(limit_id, by=g.actor.name, if_rev=if_match(), **body))
