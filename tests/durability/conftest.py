"""File systems to fail: a small one, and one that cannot be written. Both need the right to mount."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"mounting a file system is not allowed here: {done.stderr.strip()}")


def _unmount(place: Path) -> None:
    subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB."""
    place = tmp_path / "small"
    place.mkdir()
    _mount("-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", str(place))
    try:
        yield place
    finally:
        _unmount(place)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Callable[[Path], Path]]:
    """Gives a folder's files under another path, where nothing can be written."""
    with ExitStack() as stack:

        def again(folder: Path) -> Path:
            place = tmp_path / f"{folder.name}-read-only"
            place.mkdir()
            _mount("--bind", str(folder), str(place))
            stack.callback(_unmount, place)
            _mount("-o", "remount,ro,bind", str(place))
            return place

        yield again
