"""`hezha storage` and `hezha renditions` on a folder, as an operator runs them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.cli import main
from tests.desk import open_desk


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a case that has a photo, and the case's id."""
    folder = tmp_path_factory.mktemp("house")
    with open_desk(folder) as desk:
        case = desk.open_case()
        task = desk.assign(case)
        desk.shoot(case, task)
        desk.intake()
        return desk.made.settings.data_dir, case


def run(house: tuple[Path, str], *args: str) -> Result:
    return CliRunner().invoke(main, args, env={"HEZHA_DATA": str(house[0])})


def files(house: tuple[Path, str]) -> list[Path]:
    return sorted((house[0] / "renditions").rglob("*.jpg"))


def test_usage_counts_cases_what_belongs_to_none_and_the_cache(house: tuple[Path, str]) -> None:
    told = json.loads(run(house, "storage", "usage", "--json").output)
    (one,) = told["organisations"]
    assert (one["organisation"], one["cases"]) == ("demo", 1)
    assert [row["id"] for row in one["largest"]] == [house[1]]
    assert told["shared_bytes"] > 0
    assert told["rendition_files"] == len(files(house))
    assert told["rendition_bytes"] == sum(path.stat().st_size for path in files(house))
    shown = run(house, "storage", "usage").output
    assert house[1] in shown
    assert "renditions, which can be made again: 2 files" in shown


def test_renditions_are_made_again_and_swept(house: tuple[Path, str]) -> None:
    kept = {path: path.read_bytes() for path in files(house)}
    for path in kept:
        path.unlink()
    made = run(house, "renditions", "rebuild", house[1])
    assert (made.exit_code, made.output) == (0, "2 renditions made, 0 were there.\n")
    assert {path: path.read_bytes() for path in files(house)} == kept
    stray = next(iter(kept)).with_name("0" * 64 + "-thumb-x.jpg")
    stray.write_bytes(b"x" * 100)
    os.utime(stray, (0, 0))
    swept = run(house, "renditions", "sweep")
    assert swept.output == "1 renditions without a photo and 0 of cases long ended removed, 100 bytes.\n"
    assert files(house) == sorted(kept)
    unknown = run(house, "renditions", "rebuild", "no-case")
    assert unknown.exit_code == 2
    assert "there is no case no-case" in unknown.output
