"""A migration killed outright, at many points, is finished by the next; nothing is missing, nothing twice."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.migration.compare import compare
from sync.replication.http import HttpSite
from tests.migration.conftest import NAMES, fill
from tests.peers.conftest import LiveServer
from tests.replication.kit import local_site, state

_ROOT = Path(__file__).resolve().parents[2]


def run(source: Path, target: str, at: int) -> int:
    command = [sys.executable, "-m", "tests.migration.move_child", str(source), target, str(at)]
    return subprocess.run(command, cwd=_ROOT, timeout=120, check=False, capture_output=True).returncode


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled") / "source"
    with local_site(folder) as site:
        fill(site)
    return folder


@pytest.mark.parametrize("points", [(3, 9, 16, 30), (12, 50, 75), (40, 90)], ids=str)
def test_killed_again_and_again_it_goes_on(filled: Path, tmp_path: Path, points: tuple[int, ...]) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.copytree(filled, source)
    for at in points:
        assert run(source, str(target), at) == -signal.SIGKILL
    assert run(source, str(target), 0) == 0
    with local_site(source) as ours, local_site(target) as theirs:
        for name in NAMES:
            assert state(theirs.replica(name)) == state(ours.replica(name))
            assert compare(ours, theirs, name).differences == ()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path / "served")
    server.start()
    yield server
    server.stop()


def test_either_end_may_be_killed(filled: Path, tmp_path: Path, served: LiveServer) -> None:
    """The one that moves, then the server it moves to, then it goes through."""
    source = tmp_path / "source"
    shutil.copytree(filled, source)
    url = served.url.replace("//", "//admin:admin@")
    assert run(source, url, 40) == -signal.SIGKILL
    served.stop(sign=signal.SIGKILL)
    served.start()
    assert run(source, url, 0) == 0
    site = HttpSite(url)
    with local_site(source) as ours:
        for name in NAMES:
            assert state(site.replica(name)) == state(ours.replica(name))
    site.close()
