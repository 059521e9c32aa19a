"""What the evidence tests share: files on disk and a pool of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.evidence.workers import PhotoWorkers


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(data: bytes, name: str = "photo.jpg") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


@pytest.fixture(scope="module")
def workers() -> Iterator[PhotoWorkers]:
    with PhotoWorkers(1, timeout_s=5.0) as pool:
        yield pool
