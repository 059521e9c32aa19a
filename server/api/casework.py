"""What the blueprints on cases share: which case one may see, who acts, and how a decision is answered."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
import msgspec
from flask import g, request

from server.api.base import Schema
from server.casework.access import access_to
from server.casework.cases import Loaded, StaleCase
from server.names import is_id
from server.people.model import Identity
from server.problems import Problem
from server.readmodel.queries import Scope
from server.services import services
from server.workflow.commands import Command
from server.workflow.model import Actor, Case
from sync.store import NotFound

#: Roles that see every case of their organisation; an inspector sees those where one is assigned.
OFFICE = ("manager", "scheduler", "admin", "auditor")


class ReasonIn(Schema):
    reason = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=4000))


def actor() -> Actor:
    """Who acts, in the workflow's words."""
    identity: Identity = g.actor
    return Actor(name=identity.name, roles=identity.roles, device=identity.device)  # type: ignore[arg-type]


def scope() -> Scope:
    """Which cases the present person may see."""
    identity: Identity = g.actor
    if set(OFFICE) & set(identity.roles):
        return Scope(identity.organisation)
    return Scope(identity.organisation, inspector=identity.name)


def may_see(case_id: str) -> bool:
    """Whether the present person may see the case."""
    try:
        visible(case_id)
    except Problem:
        return False
    return True


def visible(case_id: str) -> Loaded:
    """The case, if the present person may see it. Raises Problem 404, the same for foreign and unknown ones.

    Knowing an id is no permission: an office role sees its organisation's cases, an inspector the assigned.
    """
    if is_id(case_id):
        try:
            known = services().cases.load(case_id)
        except NotFound:
            known = None
        if known is not None and _may_see(known.case):
            return known
    raise Problem(404, "not_found")


def _may_see(case: Case) -> bool:
    identity: Identity = g.actor
    if case.organisation != identity.organisation:
        return False
    return bool(set(OFFICE) & set(identity.roles)) or identity.name in access_to(case).writers


def act(case_id: str, command: Command) -> Loaded:
    """Carry a command out on a case one may see, heeding `If-Match`. Raises Refusal, Problem."""
    visible(case_id)
    try:
        return services().cases.apply(case_id, command, actor(), if_rev=if_match())
    except StaleCase:
        raise Problem(412, "precondition_failed") from None


def if_match() -> str | None:
    """The revision that the caller decided on, if one was named. `*` names any."""
    tags = request.if_match
    if tags.star_tag or "If-Match" not in request.headers:
        return None
    named = list(tags.as_set(include_weak=True))
    if len(named) != 1:
        raise Problem(412, "precondition_failed")
    return str(named[0])


#: Documents a route that calls `required_match`.
REQUIRED_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "schema": {"type": "string"},
    "description": "The ETag of what was read: nobody decides on what another has written since.",
}


def required_match() -> str:
    """The revision that the caller decided on, where no decision is taken without one. Raises Problem 428."""
    named = if_match()
    if named is None:
        raise Problem(428, "precondition_required")
    return named


def etag(known: Loaded) -> dict[str, str]:
    return {"ETag": f'"{known.rev}"'}


def plain(value: Any) -> Any:
    """A value of the workflow as plain JSON."""
    return msgspec.to_builtins(value, str_keys=True)


def command(kind: type[msgspec.Struct], /, **fields: Any) -> Any:
    """A command, or another value, from checked fields. Raises Problem 422 for what its own bounds refuse."""
    try:
        return msgspec.convert(fields, kind, strict=False)
    except msgspec.ValidationError as error:
        errors = [{"pointer": "#", "message": str(error)}]
        raise Problem(422, "invalid_fields", extra={"errors": errors}) from None
