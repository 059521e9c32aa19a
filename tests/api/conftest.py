"""What the API tests share: a desk for each test, and one for the tests of a file that only look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import server.services
from tests.desk import Desk, library, open_desk


@pytest.fixture(autouse=True)
def _definitions_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.services, "load_definitions", library)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
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
