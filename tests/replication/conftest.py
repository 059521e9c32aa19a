"""Two empty databases in one process, and one of each other engine to replicate with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.replication import Replica
from sync.replication.http import HttpSite
from sync.replication.local import LocalSite
from tests.peers.conftest import LiveServer
from tests.replication.kit import Borrowed, borrowed_couchdb, local_site, needs_couchdb


@pytest.fixture
def here(tmp_path: Path) -> Iterator[LocalSite]:
    with local_site(tmp_path / "here") as site:
        site.create("db")
        yield site


@pytest.fixture
def there(tmp_path: Path) -> Iterator[LocalSite]:
    with local_site(tmp_path / "there") as site:
        site.create("db")
        yield site


@pytest.fixture
def one(here: LocalSite) -> Replica:
    return here.replica("db")


@pytest.fixture
def other(there: LocalSite) -> Replica:
    return there.replica("db")


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The embedded engine in a process of its own, behind HTTP."""
    server = LiveServer(tmp_path_factory.mktemp("replication") / "data")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def borrowed() -> Iterator[Borrowed]:
    with borrowed_couchdb() as found:
        yield found


@pytest.fixture(params=["embedded over HTTP", pytest.param("CouchDB", marks=needs_couchdb)])
def remote(request: pytest.FixtureRequest) -> Replica:
    """An empty database behind HTTP, of each engine."""
    if request.param == "CouchDB":
        borrowed: Borrowed = request.getfixturevalue("borrowed")
        return borrowed.site.replica(borrowed.database())
    live: LiveServer = request.getfixturevalue("live")
    database = live.database().rpartition("/")[2]
    return HttpSite(live.url.replace("//", "//admin:admin@")).replica(database)
