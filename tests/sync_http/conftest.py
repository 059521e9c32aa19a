"""A store behind the blueprint, asked through Flask's test client; names and passwords are the same."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import Authorization
from werkzeug.test import TestResponse
from werkzeug.wrappers import Request

from sync.embedded.engine import EmbeddedStore
from sync.embedded.http import HttpLimits, create_blueprint
from sync.embedded.validate import Validator
from sync.rules import design_document
from sync.store import NOBODY, Security, Unauthorized, UserCtx

LIMITS = HttpLimits(
    max_request_bytes=200_000,
    max_document_bytes=50_000,
    max_attachment_bytes=1_000_000,
    max_bulk_docs=50,
    max_parked_polls=2,
    max_feed_timeout=2.0,
    default_feed_timeout=1.0,
    heartbeat=0.5,
    min_heartbeat=0.05,
    changes_page=7,
    docs_page=10,
    filter_seconds=0.3,
    regex_seconds=0.1,
)
ROLES = {"admin": ("_admin",), "wang": ("inspector",), "liu": ("inspector",), "boss": ("manager",)}


def by_name(request: Request) -> UserCtx:
    given = request.authorization
    if given is None:
        return NOBODY
    if given.username not in ROLES or given.username != given.password:
        raise Unauthorized("Name or password is incorrect.")
    return UserCtx(given.username, ROLES[given.username])


class Desk:
    """Gives out cookies; everyone's password is the name. `renew` is given in place of each cookie used."""

    seconds = 600

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self.open_sessions: dict[str, UserCtx] = {}
        self.renew: str | None = None

    def open(self, name: str, password: str, request: Request) -> tuple[UserCtx, str]:
        if name not in ROLES or password != name:
            raise Unauthorized("Name or password is incorrect.")
        cookie = f"cookie-{next(self._numbers)}"
        self.open_sessions[cookie] = UserCtx(name, ROLES[name])
        return self.open_sessions[cookie], cookie

    def user(self, cookie: str) -> tuple[UserCtx, str | None] | None:
        user = self.open_sessions.get(cookie)
        return None if user is None else (user, self.renew)

    def close(self, cookie: str) -> None:
        self.open_sessions.pop(cookie, None)


@dataclass
class Asker:
    """Asks as one user; paths are relative to the mount and may be lists of segments to be encoded."""

    client: FlaskClient
    name: str | None

    def ask(
        self,
        method: str,
        path: str | list[str],
        body: Any = None,
        *,
        status: int | None = None,
        **kwargs: Any,
    ) -> TestResponse:
        if isinstance(path, list):
            path = "/" + "/".join(quote(part, safe="") for part in path)
        if body is not None:
            kwargs.setdefault("data", json.dumps(body))
            kwargs.setdefault("content_type", "application/json")
        if self.name is not None:
            kwargs["auth"] = Authorization("basic", {"username": self.name, "password": self.name})
        response = self.client.open("/sync" + path, method=method, **kwargs)
        if status is not None:
            assert response.status_code == status, response.get_data(as_text=True)
        return response

    def get(self, path: str | list[str], *, status: int = 200, **kwargs: Any) -> Any:
        return self.ask("GET", path, status=status, **kwargs).json

    def post(self, path: str | list[str], body: Any, *, status: int = 200, **kwargs: Any) -> Any:
        return self.ask("POST", path, body, status=status, **kwargs).json

    def put(self, path: str | list[str], body: Any = None, *, status: int = 201, **kwargs: Any) -> Any:
        return self.ask("PUT", path, body, status=status, **kwargs).json


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore(tmp_path, validator=Validator())
    store.create_database(
        "case-1", Security(members=("wang", "liu", "boss"), kind="case", writers=("wang", "liu"))
    )
    store.put("case-1", design_document())
    yield store
    store.close()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def app(store: EmbeddedStore, desk: Desk) -> Flask:
    app = Flask("peer")
    blueprint = create_blueprint(store, by_name, limits=LIMITS, sessions=desk)
    app.register_blueprint(blueprint, url_prefix="/sync")
    return app


@pytest.fixture
def admin(app: Flask) -> Asker:
    return Asker(app.test_client(), "admin")


@pytest.fixture
def wang(app: Flask) -> Asker:
    return Asker(app.test_client(), "wang")


@pytest.fixture
def liu(app: Flask) -> Asker:
    return Asker(app.test_client(), "liu")


@pytest.fixture
def nobody(app: Flask) -> Asker:
    return Asker(app.test_client(), None)


@pytest.fixture
def free(admin: Asker) -> str:
    """A database without write rules, which admins may fill with what they like."""
    admin.put("/free")
    return "free"
