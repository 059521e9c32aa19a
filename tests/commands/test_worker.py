"""`hezha worker --check`, which a health check asks."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from server.commands.serve import worker


@pytest.mark.parametrize(
    ("pulse", "code", "said"),
    [
        (lambda now: f"{now} {now + 60} 1", 0, "working"),
        (lambda now: f"{now - 300} {now - 200} 1", 1, "silent 300"),
        (lambda _now: "no pulse", 1, "absent"),
        (None, 1, "absent"),
    ],
)
def test_it_says_how_the_worker_fares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pulse: object, code: int, said: str
) -> None:
    monkeypatch.setenv("HEZHA_DATA", str(tmp_path))
    if callable(pulse):
        (tmp_path / "worker.pulse").write_text(pulse(time.time()))
    result = CliRunner().invoke(worker, ["--check"])
    assert result.exit_code == code
    assert result.output.startswith(said)
