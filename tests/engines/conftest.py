"""The engines that must keep one contract. An engine is a way to open an empty store in a folder.

To hold another engine to the contract, add it to ENGINES.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from sync.embedded.engine import EmbeddedStore
from sync.store import DocumentStore


@contextmanager
def embedded(folder: Path) -> Iterator[DocumentStore]:
    store = EmbeddedStore(folder)
    try:
        yield store
    finally:
        store.close()


Opener = Callable[[Path], AbstractContextManager[DocumentStore]]
ENGINES: dict[str, Opener] = {"embedded": embedded}


@pytest.fixture(params=list(ENGINES))
def open_store(request: pytest.FixtureRequest) -> Opener:
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
