"""`hezha cases import` says what became of each row, and its exit code whether all is well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from server.cli import main
from tests.desk import open_desk
from tests.transfer.lists import csv_text, row


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    with open_desk(folder):
        pass
    return folder


def run(folder: Path, rows: list[Any], *options: str) -> Result:
    path = folder.parent / "list.csv"
    path.write_text(csv_text(rows))
    env = {"HEZHA_DATA": str(folder), "HEZHA_ARGON2": "8,1,1"}
    return CliRunner().invoke(main, ["cases", "import", str(path), "--by", "manager", *options], env=env)


def test_rows_are_taken_in_and_told(folder: Path) -> None:
    dry = run(folder, [row(1)], "--dry-run")
    assert (dry.exit_code, dry.stdout.splitlines()[-1]) == (
        0,
        "dry run: 1 rows, 1 opened, 0 unchanged, 0 changed, 0 updated, 0 refused",
    )
    report = json.loads(run(folder, [row(1)], "--json").stdout)
    assert (report["opened"], report["complete"]) == (1, True)
    told = run(folder, [row(1), row(2, 经度="east")])
    assert told.exit_code == 1
    assert told.stdout.startswith("3:site.lon: not_a_number: east is no number")


def test_who_imports_has_to_be_somebody_who_may(folder: Path) -> None:
    assert run(folder, [row(1)], "--by", "inspector").exit_code == 2
    assert run(folder, [row(1)], "--by", "nobody").exit_code == 2
    assert run(folder, [row(1)], "--update").exit_code == 2
