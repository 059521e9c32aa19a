"""The doctor names what is wrong and what to mend, and calls a sound house sound."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

import server.commands
import sync.couch.cluster
from server.commands.doctor import examine
from server.commands.findings import Finding
from server.intake.pulse import Watched
from server.texts import LANGUAGES, catalogue

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def outcomes(folder: Path, now: datetime = NOW, **environ: str) -> dict[str, Finding]:
    found = examine({"HEZHA_DATA": str(folder), **environ}, now)
    return {f"{finding.check}.{finding.outcome}": finding for finding in found}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    return made


def test_an_empty_private_folder_is_fine(folder: Path) -> None:
    found = outcomes(folder)
    assert {"settings.ok", "folder.ok", "disk.ok", "clock.ok", "engine.empty", "secrets.ok"} <= set(found)


def test_a_bad_setting_stops_the_examination_and_is_named(folder: Path) -> None:
    found = outcomes(folder, HEZHA_PORT="many")
    assert list(found) == ["settings.bad"]
    assert "HEZHA_PORT" in found["settings.bad"].words("en")


def test_a_folder_open_to_everybody_is_told(folder: Path) -> None:
    folder.chmod(0o755)
    assert "folder.open_to_others" in outcomes(folder)


def test_a_file_in_the_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    assert outcomes(tmp_path / "data")["folder.not_a_folder"].level == "fail"


def test_a_clock_before_hezha_is_wrong(folder: Path) -> None:
    assert outcomes(folder, datetime(2023, 11, 22, tzinfo=UTC))["clock.before_epoch"].level == "fail"


def test_a_clock_behind_the_newest_data_is_wrong(folder: Path) -> None:
    database = folder / "hezha.sqlite3"
    database.touch()
    later = (NOW + timedelta(days=2)).timestamp()
    os.utime(database, (later, later))
    assert outcomes(folder)["clock.went_back"].level == "fail"


def test_holidays_that_are_not_known_are_told_before_limits_run_into_them(
    folder: Path, tmp_path: Path
) -> None:
    assert outcomes(folder, datetime(2026, 9, 1, tzinfo=UTC))["calendar.ok"].params == {"year": 2026}
    ahead = outcomes(folder)["calendar.unknown"]
    assert (ahead.level, ahead.params) == ("warn", {"year": 2027})
    assert outcomes(folder, datetime(2027, 1, 1, tzinfo=UTC))["calendar.unknown"].level == "fail"
    own = tmp_path / "own.yaml"
    row = "{year: 2027, holidays: [2027-01-01], workdays: [], source: made up}"
    own.write_text(f"schema: 1\ncalendar: [{row}]")
    assert "calendar.ok" in outcomes(folder, HEZHA_POLICY_FILE=str(own))
    own.write_text("schema: 3")
    assert "HEZHA_POLICY_FILE" in outcomes(folder, HEZHA_POLICY_FILE=str(own))["settings.bad"].words("en")


def test_a_damaged_database_is_told(folder: Path) -> None:
    (folder / "hezha.sqlite3").write_bytes(b"SQLite format 3\x00" + b"\xff" * 4096)
    found = outcomes(folder)
    assert any(name in found for name in ("engine.unreadable", "engine.damaged"))


def test_a_key_that_others_can_read_is_told(folder: Path) -> None:
    key = folder / "jwt.key"
    key.write_text("secret")
    key.chmod(0o644)
    assert "secrets.readable" in outcomes(folder)
    key.chmod(0o600)
    assert "secrets.ok" in outcomes(folder)


def test_little_disk_is_told(folder: Path) -> None:
    assert outcomes(folder, HEZHA_MIN_FREE_DISK_BYTES=str(10**18))["disk.low"].level == "fail"


def test_a_worker_that_stands_still_is_told(folder: Path) -> None:
    assert outcomes(folder)["worker.absent"].level == "ok"
    noted = NOW.timestamp()
    Watched(60.0, watch=lambda _: None, clock=lambda: noted).publish(folder / "worker.pulse")
    assert outcomes(folder)["worker.ok"].level == "ok"
    found = outcomes(folder, NOW + timedelta(minutes=5))["worker.silent"]
    assert found.level == "fail"
    assert "300 s" in found.words("en")


def test_a_slow_reader_of_checklists_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "yaml.slow" not in outcomes(folder)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert outcomes(folder)["yaml.slow"].level == "warn"


def test_every_finding_has_words_in_every_language() -> None:
    commands = Path(server.commands.__file__).parent
    names = ("doctor.py", "store_health.py", "couch_health.py", "originals_health.py")
    files = [*(commands / name for name in names), Path(sync.couch.cluster.__file__)]
    source = "".join(file.read_text("utf-8") for file in files)
    for lang in LANGUAGES:
        for code in (code for code in catalogue("en") if code.startswith("doctor.")):
            assert code in catalogue(lang)
            assert f'"{code.split(".")[2]}"' in source
