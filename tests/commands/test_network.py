"""`hezha network import` keeps a sound network, tells every finding of another, and exits by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import server.demo
from server.cli import main
from tests.desk import open_desk

TOWN = Path(server.demo.__file__).parent / "network.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    with open_desk(folder):
        pass
    return folder


def run(folder: Path, file: Path, *options: str) -> Result:
    env = {"HEZHA_DATA": str(folder), "HEZHA_ARGON2": "8,1,1"}
    return CliRunner().invoke(main, ["network", "import", str(file), "--by", "scheduler", *options], env=env)


def test_a_sound_network_is_kept_and_a_broken_one_is_told(folder: Path, tmp_path: Path) -> None:
    kept = run(folder, TOWN, "--json")
    assert kept.exit_code == 0, kept.output
    report = json.loads(kept.stdout)
    assert (report["usable"], report["network"]["id"]) == (True, "wangchao")
    with open_desk(folder) as desk:
        assert [one["version"] for one in desk.get("/networks")["items"]] == [report["network"]["version"]]
    broken = tmp_path / "broken.json"
    broken.write_text('{"type": "FeatureCollection"}')
    told = run(folder, broken)
    assert told.exit_code == 1
    assert "refused: A network is a GeoJSON FeatureCollection" in told.stdout


def test_who_hands_it_in_has_to_be_somebody_who_may(folder: Path) -> None:
    assert run(folder, TOWN, "--by", "inspector").exit_code == 2
    assert run(folder, TOWN, "--by", "nobody").exit_code == 2
