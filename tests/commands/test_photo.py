"""`hezha photo facts` says of each file what it is, when and where it was taken, and what is odd of it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from server.cli import main
from tests.evidence.photos import LAT, LON, TAKEN, photo


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["photo", "facts", *arguments])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("photos")
    made = {
        "good.jpg": photo(size=(320, 240)),
        "edited.jpg": photo(software="Adobe Photoshop", orientation=6),
        "cut.jpg": photo()[:-100],
        "phone.heic": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(40),
        "empty.jpg": b"",
    }
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in made}


def told(*paths: Path) -> tuple[int, list[dict[str, Any]]]:
    answer = run("--json", *map(str, paths))
    return answer.exit_code, json.loads(answer.stdout)


def test_everything_is_told_as_json(files: dict[str, Path]) -> None:
    code, (good,) = told(files["good.jpg"])
    data = files["good.jpg"].read_bytes()
    assert code == 0
    assert (good["file"], good["ok"], good["format"], good["bytes"]) == ("good.jpg", True, "JPEG", len(data))
    assert (good["width"], good["height"]) == (320, 240)
    assert good["sha256"] == hashlib.sha256(data).hexdigest()
    exif = good["exif"]
    assert exif["taken_at"] == TAKEN.astimezone(UTC).isoformat().replace("+00:00", "Z")
    assert exif["position"] == {
        "lon": pytest.approx(LON, abs=1e-6),
        "lat": pytest.approx(LAT, abs=1e-6),
        "datum": "wgs84",
    }
    assert (exif["make"], exif["model"], exif["gps_datum"]) == ("Hezha Demo", "Field Tablet 10", "WGS-84")
    assert (good["reasons"], good["flags"]) == ([], [])


def test_what_is_odd_is_said_in_words_and_refuses_nothing(files: dict[str, Path]) -> None:
    code, (edited,) = told(files["edited.jpg"])
    assert (code, edited["ok"], edited["exif"]["orientation"]) == (0, True, 6)
    assert [flag["code"] for flag in edited["flags"]] == ["photo_edited"]
    chinese = run("--language", "zh-CN", str(files["edited.jpg"])).stdout
    assert edited["flags"][0]["text"]["zh-CN"] in chinese
    assert "可作证据" in chinese


def test_files_are_told_in_their_order_and_one_refused_is_said_by_the_exit_code(
    files: dict[str, Path],
) -> None:
    code, rows = told(files["good.jpg"], files["cut.jpg"], files["phone.heic"], files["empty.jpg"])
    assert code == 1
    assert [row["file"] for row in rows] == ["good.jpg", "cut.jpg", "phone.heic", "empty.jpg"]
    assert [[reason["code"] for reason in row["reasons"]] for row in rows] == [
        [],
        ["photo_undecodable"],
        ["photo_heic"],
        ["photo_empty"],
    ]
    lines = run(*(str(files[name]) for name in ("good.jpg", "phone.heic"))).stdout.splitlines()
    assert lines[0].startswith("good.jpg  JPEG  320 × 240")
    assert "refused" in next(line for line in lines if line.startswith("phone.heic"))
    assert any("HEIC" in line and line.startswith("  ✗") for line in lines)


def test_a_file_that_is_not_there_is_a_wrong_question() -> None:
    assert run("/nowhere/at/all.jpg").exit_code == 2
    assert run().exit_code == 2
