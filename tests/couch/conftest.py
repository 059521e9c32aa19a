"""The CouchDB engine in front of a server whose faults a test chooses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.couch.store import CouchOptions, CouchStore, Patience
from tests.couch.faults import Faults
from tests.engines.served import couch_at, serving

#: Quick to try again, and soon at its end.
PATIENCE = Patience(connect=2.0, read=5.0, attempts=4, first_pause=0.001, longest_pause=0.01, poll=0.2)


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def url(tmp_path: Path, faults: Faults) -> Iterator[str]:
    with serving(tmp_path / "behind", faults.around) as url:
        yield url


@pytest.fixture
def store(url: str) -> Iterator[CouchStore]:
    made = couch_at(url, CouchOptions(patience=PATIENCE, chunk=10_000))
    made.create_database("db")
    yield made
    made.close()
