"""The replication endpoint alone, under gunicorn as in production: `python serve.py <data> <port>`.

Users are their own passwords (HTTP Basic) and their own tokens (`Bearer <name>`); `admin` is the server
admin. Databases are made without write rules, so that a test can have some without.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from werkzeug.wrappers import Request

from server.unread import ReadToTheEnd
from sync.embedded.engine import EmbeddedStore
from sync.embedded.http import HttpLimits, create_blueprint
from sync.embedded.validate import Validator
from sync.store import NOBODY, Unauthorized, UserCtx


def by_name(request: Request) -> UserCtx:
    header = request.headers.get("Authorization", "")
    if not header:
        return NOBODY
    given = request.authorization
    name = None
    if given is not None and given.type == "bearer":
        name = given.token
    elif given is not None and given.type == "basic" and given.username == given.password:
        name = given.username
    if not name or name == "expired":
        raise Unauthorized("exp not in future")
    return user_of(name)


def user_of(name: str) -> UserCtx:
    return UserCtx(name, ("_admin",) if name == "admin" else ("inspector",))


class ByName:
    """Cookies that are the name they stand for; who knows a name knows the password."""

    seconds = 600

    def open(self, name: str, password: str, request: Request) -> tuple[UserCtx, str]:
        if not name or name != password:
            raise Unauthorized("Name or password is incorrect.")
        return user_of(name), name

    def user(self, cookie: str) -> tuple[UserCtx, str | None] | None:
        return user_of(cookie), None

    def close(self, cookie: str) -> None:
        pass


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn's stubs do not say what it is
    def __init__(self, data: Path, port: int) -> None:
        self._data = data
        self._port = port
        super().__init__()

    def load_config(self) -> None:
        self.cfg.set("bind", f"127.0.0.1:{self._port}")
        self.cfg.set("worker_class", "gthread")
        self.cfg.set("threads", 40)
        self.cfg.set("graceful_timeout", 2)
        self.cfg.set("limit_request_line", 8190)
        self.cfg.set("keepalive", 75)
        self.cfg.set("loglevel", "warning")

    def load(self) -> Any:
        store = EmbeddedStore(self._data, validator=Validator())
        app = Flask("peer")
        limits = HttpLimits(
            max_feed_timeout=8.0, default_feed_timeout=8.0, heartbeat=1.0, max_parked_polls=30
        )
        blueprint = create_blueprint(store, by_name, limits=limits, sessions=ByName())
        app.register_blueprint(blueprint, url_prefix="/sync")
        app.wsgi_app = ReadToTheEnd(app.wsgi_app)  # type: ignore[method-assign]
        return app


if __name__ == "__main__":
    Server(Path(sys.argv[1]), int(sys.argv[2])).run()
