"""A real store, real Argon2 at its cheapest, and a clock that moves only when told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.people.service import People
from server.settings import Argon2Profile, Settings
from sync.embedded.engine import EmbeddedStore

CHEAP = Argon2Profile(memory_kib=8, time_cost=1, parallelism=1)


class FrozenClock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **spans: float) -> None:
        self.now += timedelta(**spans)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", argon2=CHEAP, db_prefix="t-", sync_admin="couch:long enough")


@pytest.fixture
def open_store(settings: Settings) -> Iterator[Callable[[], EmbeddedStore]]:
    """Opens the data folder's store as one more process would."""
    opened: list[EmbeddedStore] = []

    def open_one() -> EmbeddedStore:
        opened.append(EmbeddedStore(settings.data_dir))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], EmbeddedStore]) -> EmbeddedStore:
    return open_store()


@pytest.fixture
def people(store: EmbeddedStore, settings: Settings, clock: FrozenClock) -> People:
    """An administrator `root` and an inspector `wei`, whose passwords are their names and `-password`."""
    made = People(store, settings, clock)
    made.add_user("root", "root-password", roles=["admin"])
    made.add_user("wei", "wei-password", roles=["inspector"], display_name="检查员一")
    return made
