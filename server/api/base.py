"""What every blueprint shares: who asks, which roles a route admits, and which schemas refuse the unknown."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import marshmallow as ma
from flask import g, request
from flask_smorest import Blueprint

from server.api.parsing import Parser
from server.people.model import ROLES
from server.problems import Problem
from server.services import services

F = TypeVar("F", bound=Callable[..., Any])


class Schema(ma.Schema):
    """A schema that refuses fields it does not know: a misspelt field is an error, not a silence."""

    class Meta:
        unknown = ma.RAISE


class StrictBlueprint(Blueprint):  # type: ignore[misc]
    """flask-smorest's blueprint with our parser."""

    ARGUMENTS_PARSER = Parser()


def blueprint(name: str, description: str) -> Blueprint:
    return StrictBlueprint(name, name, url_prefix="/api/v1", description=description)


def roles(*admitted: str) -> Callable[[F], F]:
    """Admit a signed-in person who has one of the roles; no roles named: any signed-in person.

    Written into the OpenAPI operation as `x-roles`, where a test walks every route with every role.
    Sets `g.actor` (an Identity). Raises Problem 401 or 403.
    """
    unknown = set(admitted) - set(ROLES)
    if unknown:
        raise ValueError(f"unknown roles {unknown}")
    names = admitted or ROLES

    def decorate(view: F) -> F:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            identity = services().people.authenticate(request.headers.get("Authorization"))
            if not set(identity.roles) & set(names):
                raise Problem(403, "forbidden")
            g.actor = identity
            return view(*args, **kwargs)

        documented = Blueprint.doc(**{"x-roles": list(names), "security": [{"bearer": []}]})
        return cast("F", documented(guarded))

    return decorate


def public(view: F) -> F:
    """A route that asks for no sign-in. Said aloud, so that a forgotten `roles` is an error in tests."""
    return cast("F", Blueprint.doc(**{"x-roles": ["public"], "security": []})(view))
