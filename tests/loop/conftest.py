"""A running Hezha for each test process, and the people who use it."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.loop.house import House
from tests.loop.inspector import Inspector
from tests.loop.office import Office

MakeInspector = Callable[[str], Inspector]
#: Bounds that a test can pass without moving gigabytes, in bytes.
SMALL_LIMITS = {
    "MAX_JSON_BYTES": "100000",
    "MAX_UPLOAD_BYTES": "1000000",
    "MAX_DOCUMENT_BYTES": "500000",
    "MAX_SYNC_REQUEST_BYTES": "4000000",
}
_houses: list[House] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """What the servers said, beside a failure."""
    report = yield
    if report.failed:
        for house in _houses:
            report.sections.append((f"server log of {house.url}", house.last_words()))
    return report


@contextlib.contextmanager
def running(house: House) -> Iterator[House]:
    """The house, started, and stopped at the end; what it did must not have alarmed anybody."""
    _houses.append(house)
    try:
        house.start()
        yield house
        house.stop()
        assert house.alarms() == []
    finally:
        house.kill()
        _houses.remove(house)
        house.clear()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(House(tmp_path_factory.mktemp("house"), **SMALL_LIMITS)) as house:
        yield house


@pytest.fixture(scope="module")
def office(house: House) -> Iterator[Office]:
    """A customer manager."""
    manager = Office(house, house.hire("chen", "manager"))
    yield manager
    manager.close()


@pytest.fixture
def inspector(house: House, tmp_path: Path) -> Iterator[MakeInspector]:
    """Hires inspectors, gives each a tablet, and signs them in."""
    with contextlib.ExitStack() as stack:

        def make(name: str) -> Inspector:
            made = stack.enter_context(Inspector(house, house.hire(name, "inspector"), tmp_path))
            made.sign_in()
            return made

        yield make


@pytest.fixture
def case_no() -> str:
    return f"GY-{uuid.uuid4().hex[:10]}"
