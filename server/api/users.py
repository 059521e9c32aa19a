# mypy: disable-error-code="untyped-decorator"
"""Users, as administrators keep them and managers choose from them."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g, request

from server.api.auth import UserOut, plain_text
from server.api.base import Schema, blueprint, roles
from server.people.model import ROLES, USER_NAME_SHAPE, Identity, User
from server.people.passwords import MAX_LENGTH
from server.people.service import UserChange
from server.problems import Problem
from server.services import services
from server.workflow.closing import specialties

blp = blueprint("users", "People with an account.")

_NAME = ma.validate.Regexp(rf"^{USER_NAME_SHAPE}\Z")
_LINE: list[Any] = [ma.validate.Length(min=1, max=100), plain_text]
_SEES_ALL = {"admin", "auditor"}


class UserQuery(Schema):
    role = ma.fields.String(validate=ma.validate.OneOf(ROLES))
    disabled = ma.fields.Boolean()
    q = ma.fields.String(validate=ma.validate.Length(max=100), load_default="")
    offset = ma.fields.Integer(validate=ma.validate.Range(min=0), load_default=0)
    limit = ma.fields.Integer(validate=ma.validate.Range(min=1, max=500), load_default=100)


class UserPage(Schema):
    items = ma.fields.List(ma.fields.Nested(UserOut))
    total = ma.fields.Integer()


class UserIn(Schema):
    name = ma.fields.String(required=True, validate=_NAME)
    password = ma.fields.String(required=True, validate=ma.validate.Length(max=MAX_LENGTH))
    display_name = ma.fields.String(validate=_LINE)
    organisation = ma.fields.String(validate=_LINE)
    roles = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(ROLES)), required=True, validate=ma.validate.Length(min=1)
    )


class UserPatch(Schema):
    password = ma.fields.String(validate=ma.validate.Length(max=MAX_LENGTH))
    display_name = ma.fields.String(validate=_LINE)
    organisation = ma.fields.String(validate=_LINE)
    roles = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(ROLES)), validate=ma.validate.Length(min=1)
    )
    disabled = ma.fields.Boolean()
    specialties = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(specialties())),
        metadata={"description": "What an inspector may close; none set means all."},
    )


def _etag(user: User) -> dict[str, Any]:
    return {"name": user.name, "version": user.version}


@blp.route("/users", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.arguments(UserQuery, location="query", unknown=ma.RAISE)
@blp.response(200, UserPage)
def list_users(query: dict[str, Any]) -> dict[str, Any]:
    """Users by name. Managers and schedulers see those of their organisation."""
    actor: Identity = g.actor
    found = services().people.users(
        organisation=None if _SEES_ALL & set(actor.roles) else actor.organisation,
        role=query.get("role"),
        disabled=query.get("disabled"),
        q=query["q"],
    )
    return {"items": found[query["offset"] :][: query["limit"]], "total": len(found)}


@blp.route("/users", methods=["POST"])
@roles("admin")
@blp.doc(
    parameters=[
        {
            "in": "header",
            "name": "Idempotency-Key",
            "schema": {"type": "string", "maxLength": 200},
            "description": "Sent again with the same body, it gives the user created the first time.",
        }
    ]
)
@blp.etag
@blp.arguments(UserIn)
@blp.response(201, UserOut)
def add_user(body: dict[str, Any]) -> User:
    """Create a user."""
    user = services().people.add_user(
        **body, by=g.actor.name, idempotency_key=request.headers.get("Idempotency-Key") or None
    )
    blp.set_etag(_etag(user))
    return user


@blp.route("/users/<name>", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.etag
@blp.response(200, UserOut)
def show_user(name: str) -> User:
    """One user. To a manager or scheduler, one of another organisation is not there."""
    actor: Identity = g.actor
    user = services().people.user(name)
    if not _SEES_ALL & set(actor.roles) and user.organisation != actor.organisation:
        raise Problem(404, "not_found", text_code="people.user_unknown", user=name)
    blp.set_etag(_etag(user))
    return user


@blp.route("/users/<name>", methods=["PATCH"])
@roles("admin")
@blp.etag
@blp.arguments(UserPatch)
@blp.response(200, UserOut)
def change_user(body: dict[str, Any], name: str) -> User:
    """Change what is given. A password signs the user out everywhere; `disabled` refuses every request."""
    people = services().people
    present = people.user(name)
    blp.check_etag(_etag(present))
    for field in {"roles", "specialties"} & body.keys():
        body[field] = tuple(dict.fromkeys(body[field]))
    user = people.update_user(name, UserChange(**body), by=g.actor.name, if_version=present.version)
    blp.set_etag(_etag(user))
    return user
