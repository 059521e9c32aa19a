"""The engines that must keep one contract. An engine is a way to open an empty store in a folder.

To hold another engine to the contract, add it to ENGINES. Where two engines honestly differ (a revision's
hash, the spelling of a sequence, how soon a feed tells), the contract is what both promise.
"""

from __future__ import annotations

import base64
import functools
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request

from server.people.keys import Keyring, parse_keyring
from server.people.tokens import ALGORITHM, ROLES_CLAIM, issue_for_store
from sync.couch.cluster import Cluster
from sync.couch.configuration import Change
from sync.couch.store import Account, CouchOptions, CouchStore, Patience, split_url
from sync.embedded.engine import EmbeddedStore
from sync.embedded.http import HttpLimits, create_blueprint
from sync.embedded.validate import Validator
from sync.rules import design_document
from sync.store import NOBODY, DocumentStore, Unauthorized, UserCtx
from tests.engines.under import under

COUCHDB_URL = os.environ.get("HEZHA_TEST_COUCHDB_URL", "")
ADMIN = Account("admin", "correct horse battery")
#: So small that a handful of documents is more than a page, and a wait more than one poll.
OPTIONS = CouchOptions(page=3, patience=Patience(poll=0.5))


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
def embedded(folder: Path) -> Iterator[DocumentStore]:
    """In process, as a small installation runs it."""
    store = EmbeddedStore(folder, validator=Validator(), design=design_document())
    try:
        yield store
    finally:
        store.close()


@contextmanager
def served(folder: Path) -> Iterator[DocumentStore]:
    """The embedded engine through its HTTP interface, asked by the CouchDB engine."""
    ring = keyring()
    with embedded(folder) as behind:
        assert isinstance(behind, EmbeddedStore)
        app = Flask("served")
        app.register_blueprint(
            create_blueprint(behind, authenticator(ring), limits=HttpLimits()), url_prefix="/sync"
        )
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        store = CouchStore(
            f"http://127.0.0.1:{server.port}/sync",
            ADMIN,
            token_for=signer(ring),
            design=design_document(),
            options=OPTIONS,
        )
        try:
            yield store
        finally:
            store.close()
            behind.dismiss()
            server.shutdown()
            thread.join()
            server.server_close()


def couch_store(prefix: str = "") -> CouchStore:
    url, account = split_url(COUCHDB_URL)
    assert account is not None, "HEZHA_TEST_COUCHDB_URL needs the name and password of a server admin"
    options = replace(OPTIONS, prefix=prefix)
    return CouchStore(url, account, token_for=signer(keyring()), design=design_document(), options=options)


@pytest.fixture(scope="session")
def couchdb_key() -> Iterator[None]:
    """CouchDB knows the key of our tokens while the tests last."""
    store = couch_store()
    cluster, key = Cluster(store.wire), keyring().signing
    change = Change("jwt_keys", f"hmac:{key.kid}", base64.b64encode(key.secret).decode())
    for node in cluster.nodes():
        cluster.apply(node, [change])
    yield
    for node in cluster.nodes():
        cluster.apply(node, [replace(change, value=None)])
    store.close()


@contextmanager
def couchdb(_folder: Path) -> Iterator[DocumentStore]:
    """Apache CouchDB; the databases live under a prefix of their own and are deleted at the end."""
    prefix = f"t{secrets.token_hex(6)}-"
    corner = under(couch_store(prefix), prefix)
    try:
        yield corner
    finally:
        corner.close()


Opener = Callable[[Path], AbstractContextManager[DocumentStore]]
ENGINES: dict[str, Opener] = {"embedded": embedded, "served": served, "couchdb": couchdb}
NEEDS_COUCHDB = pytest.mark.skipif(
    not COUCHDB_URL, reason="HEZHA_TEST_COUCHDB_URL names no CouchDB to hold to the contract"
)


@pytest.fixture(
    params=["embedded", "served", pytest.param("couchdb", marks=NEEDS_COUCHDB)],
)
def open_store(request: pytest.FixtureRequest) -> Opener:
    if request.param == "couchdb":
        request.getfixturevalue("couchdb_key")
    return ENGINES[request.param]


@pytest.fixture
def store(open_store: Opener, tmp_path: Path) -> Iterator[DocumentStore]:
    """An empty store of each engine, with a database `db`."""
    with open_store(tmp_path / "one") as opened:
        opened.create_database("db")
        yield opened


@pytest.fixture
def other(open_store: Opener, tmp_path: Path) -> Iterator[DocumentStore]:
    """A second store, apart from the first."""
    with open_store(tmp_path / "two") as opened:
        opened.create_database("db")
        yield opened
