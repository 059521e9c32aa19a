"""The engines that must keep one contract. An engine is a way to open an empty store in a folder.

To hold another engine to the contract, add it to ENGINES. Where two engines honestly differ (a revision's
hash, the spelling of a sequence, how soon a feed tells), the contract is what both promise.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sync.couch.cluster import Cluster
from sync.couch.configuration import Change
from sync.couch.store import CouchOptions, CouchStore, Patience, split_url
from sync.store import DocumentStore
from tests.engines.served import couch_at, in_process, keyring, serving
from tests.engines.under import under

COUCHDB_URL = os.environ.get("HEZHA_TEST_COUCHDB_URL", "")
#: So small that a handful of documents is more than a page, and a wait more than one poll.
OPTIONS = CouchOptions(page=3, patience=Patience(poll=0.5))


@contextmanager
def embedded(folder: Path) -> Iterator[DocumentStore]:
    with in_process(folder) as store:
        yield store


@contextmanager
def served(folder: Path) -> Iterator[DocumentStore]:
    """The embedded engine through its HTTP interface, asked by the CouchDB engine."""
    with serving(folder) as url:
        store = couch_at(url, OPTIONS)
        try:
            yield store
        finally:
            store.close()


def couch_store(prefix: str = "") -> CouchStore:
    url, account = split_url(COUCHDB_URL)
    assert account is not None, "HEZHA_TEST_COUCHDB_URL needs the name and password of a server admin"
    return couch_at(url, replace(OPTIONS, prefix=prefix), account)


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
