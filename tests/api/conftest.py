"""What the API tests share: a desk for each test, and one for the tests of a file that only look.

Where HEZHA_TEST_COUCHDB_URL names a CouchDB, works and plans are tried there as well: what is taken,
published and freed by compare and swap must hold on a cluster too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import server.services
from tests.desk import Desk, library, open_desk
from tests.loop.couch import COUCHDB_URL

#: Of which the tests are tried on both engines.
ON_BOTH = ("test_plan", "test_works", "test_networks", "test_public_notices")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    file = metafunc.module.__name__.rpartition(".")[2]
    if COUCHDB_URL and file.startswith(ON_BOTH) and "desk" in metafunc.fixturenames:
        metafunc.parametrize("desk", ["embedded", "couchdb"], indirect=True)


@pytest.fixture(autouse=True)
def _definitions_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.services, "load_definitions", library)


@pytest.fixture
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    if getattr(request, "param", "embedded") == "couchdb":
        from tests.originals.conftest import on_couchdb  # loads what S3 needs

        with on_couchdb(tmp_path) as desk:
            yield desk
        return
    with open_desk(tmp_path) as desk:
        yield desk


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One desk for a whole file, with two inspectors and people of another organisation."""
    with open_desk(tmp_path_factory.mktemp("house")) as desk:
        desk.hire("colleague", "inspector")
        desk.hire("deputy", "manager")
        desk.hire("stranger", "manager", organisation="north")
        desk.hire("northern", "inspector", organisation="north")
        yield desk
