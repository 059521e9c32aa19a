from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.embedded.engine import EmbeddedStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """An empty embedded store with a database `db`."""
    opened = EmbeddedStore(tmp_path / "data")
    opened.create_database("db")
    yield opened
    opened.close()
