"""The embedded engine in process, and the same behind its HTTP interface on a port of its own."""

from __future__ import annotations

import base64
import functools
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request

from server.people.keys import Keyring, parse_keyring
from server.people.tokens import ALGORITHM, ROLES_CLAIM, issue_for_store
from sync.couch.store import Account, CouchOptions, CouchStore
from sync.embedded.engine import EmbeddedStore
from sync.embedded.http import HttpLimits, create_blueprint
from sync.embedded.validate import Validator
from sync.rules import design_document
from sync.store import NOBODY, Unauthorized, UserCtx

ADMIN = Account("admin", "correct horse battery")
#: A WSGI application.
App = Callable[[dict[str, Any], Callable[..., Any]], Any]


class Quiet(WSGIRequestHandler):
    """Says nothing, and does not make a small answer wait for the client's acknowledgement."""

    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@functools.cache
def keyring() -> Keyring:
    """One key with a name of its own, so that several test runs can share a CouchDB."""
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    return parse_keyring(f"test-{secrets.token_hex(6)}:{secret}", source="test")


def signer(ring: Keyring) -> Callable[[UserCtx], str]:
    def token_for(user: UserCtx) -> str:
        return issue_for_store(
            ring, user=user.name or "", roles=user.roles, now=datetime.now(UTC), lifetime=timedelta(minutes=5)
        )

    return token_for


def authenticator(ring: Keyring) -> Callable[[Request], UserCtx]:
    """The server admin by name and password, everybody else by a token."""

    def authenticate(request: Request) -> UserCtx:
        given = request.authorization
        if given is None:
            return NOBODY
        if given.type == "basic" and (given.username, given.password) == (ADMIN.name, ADMIN.password):
            return UserCtx(ADMIN.name, ("_admin",))
        if given.type != "bearer":
            raise Unauthorized("Name or password is incorrect.")
        claims = jwt.decode(given.token or "", ring.signing.secret, algorithms=[ALGORITHM])
        return UserCtx(claims["sub"], tuple(claims[ROLES_CLAIM]))

    return authenticate


@contextmanager
def in_process(folder: Path) -> Iterator[EmbeddedStore]:
    """As a small installation runs it."""
    store = EmbeddedStore(folder, validator=Validator(), design=design_document())
    try:
        yield store
    finally:
        store.close()


@contextmanager
def serving(folder: Path, around: Callable[[App], App] = lambda app: app) -> Iterator[str]:
    """A server of the store in `folder`; its URL. `around` may put something before the application."""
    with in_process(folder) as behind:
        app = Flask("served")
        app.register_blueprint(
            create_blueprint(behind, authenticator(keyring()), limits=HttpLimits()), url_prefix="/sync"
        )
        app.wsgi_app = around(app.wsgi_app)  # type: ignore[assignment,method-assign]
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.port}/sync"
        finally:
            behind.dismiss()
            server.shutdown()
            thread.join()
            server.server_close()


def couch_at(url: str, options: CouchOptions, account: Account = ADMIN) -> CouchStore:
    """The CouchDB engine on the server at `url`."""
    return CouchStore(url, account, token_for=signer(keyring()), design=design_document(), options=options)
