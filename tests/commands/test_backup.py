"""Backup, restore and salvage from the command line: honest exit codes, words and JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from server.cli import main
from server.people.keys import KEY_FILE
from server.texts import LANGUAGES, catalogue
from sync.embedded.engine import EmbeddedStore
from sync.embedded.safety.values import blob_path
from sync.store import NewAttachment
from tests.desk import Desk, open_desk

SAFETY = Path(__file__).resolve().parents[2] / "sync" / "embedded" / "safety"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    store = EmbeddedStore(folder)
    store.create_database("db")
    for number in range(3):
        photo = NewAttachment("photo", "image/jpeg", io.BytesIO(bytes([number]) * 2000))
        store.put_attachment("db", f"doc:{number}", None, photo)
    store.close()
    folder.chmod(0o700)
    key = folder / KEY_FILE
    key.write_text("a secret")
    key.chmod(0o600)
    return folder


def hezha(data: Path, *arguments: str | Path, **environ: str) -> Result:
    env = {"HEZHA_DATA": str(data), "HEZHA_MIN_FREE_DISK_BYTES": "0", **environ}
    done = CliRunner().invoke(main, [str(part) for part in arguments], env=env)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return done


def told(done: Result) -> dict[str, Any]:
    [line] = done.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_from_backup_to_restore(data: Path, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    first = told(hezha(data, "backup", shelf, "--json"))
    assert (first["documents"], first["blobs"], first["new_blobs"], first["damaged"]) == (3, 3, 3, [])
    second = told(hezha(data, "backup", "--json", shelf))
    assert second["new_blobs"] == 0
    listed = hezha(data, "backup", "list", shelf)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [first["snapshot"], second["snapshot"]]
    assert told(hezha(data, "backup", shelf, "--keep", "1", "--json"))["removed"] == [
        first["snapshot"],
        second["snapshot"],
    ]
    verified = hezha(data, "backup", "verify", shelf)
    assert verified.exit_code == 0
    assert "is sound: 1 databases, 3 documents, 3 attachments" in verified.stdout
    done = hezha(tmp_path / "again", "restore", shelf)
    assert done.exit_code == 0, done.stderr
    assert "hezha device list" in done.stdout
    assert (tmp_path / "again" / KEY_FILE).read_text() == "a secret"
    assert "3 documents" in hezha(tmp_path / "again", "doctor", "--deep").stdout


def test_a_tar_for_another_machine_without_keys(data: Path, tmp_path: Path) -> None:
    tar = tmp_path / "one.tar"
    assert hezha(data, "backup", tar, "--without-keys").exit_code == 0
    again = hezha(data, "backup", tar)
    assert again.exit_code == 1
    assert "is there already" in again.stderr
    assert hezha(data, "backup", tmp_path / "two.tar", "--keep", "2").exit_code == 2
    assert hezha(data, "restore", tar, "--to", tmp_path / "again").exit_code == 0
    assert not (tmp_path / "again" / KEY_FILE).exists()


def test_a_backup_of_data_that_lack_a_photo_is_made_and_is_no_success(data: Path, tmp_path: Path) -> None:
    lost = next((data / "blobs").glob("??/*"))
    shelf = tmp_path / "shelf"
    assert hezha(data, "backup", shelf).exit_code == 0
    lost.unlink()
    whole = hezha(data, "backup", shelf)  # the shelf still has it
    assert whole.exit_code == 0
    doctor = hezha(data, "doctor")
    assert doctor.exit_code == 1
    assert "hezha restore BACKUP --missing" in doctor.stdout
    other = hezha(data, "backup", tmp_path / "other", "--lang", "zh-CN")
    assert other.exit_code == 1
    assert "缺少 1 个附件" in other.stderr
    mended = hezha(data, "restore", shelf, "--missing")
    assert mended.exit_code == 0
    assert "1 attachments were brought back" in mended.stdout
    assert hezha(data, "doctor", "--deep").exit_code == 0


def test_refusals_say_what_would_change_them(data: Path, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    hezha(data, "backup", shelf)
    for done, words in (
        (hezha(data, "restore", shelf), "is not empty"),
        (hezha(data, "restore", tmp_path / "nothing"), "There is no backup"),
        (
            hezha(data, "restore", shelf, "--to", tmp_path / "x", "--snapshot", "20200101T000000Z"),
            "There are:",
        ),
        (hezha(data, "backup", data / "inside"), "belongs elsewhere"),
        (hezha(tmp_path / "nothing", "backup", shelf), "Set HEZHA_DATA"),
    ):
        assert done.exit_code == 1
        assert words in done.stderr
    blob = next((shelf / "blobs").glob("??/*"))
    blob.write_bytes(b"other")
    assert hezha(data, "backup", "verify", shelf).exit_code == 1
    lost = hezha(data, "restore", shelf, "--to", tmp_path / "again")
    assert lost.exit_code == 1
    assert "--partial" in lost.stderr
    partial = hezha(data, "restore", shelf, "--to", tmp_path / "again", "--partial", "--json")
    assert partial.exit_code == 1
    assert len(json.loads(partial.stdout)["missing"]) == 1


def test_salvage_says_what_was_lost(data: Path, tmp_path: Path) -> None:
    assert hezha(data, "salvage", tmp_path / "whole").exit_code == 0
    sha256 = next((data / "blobs").glob("??/*"))
    sha256.unlink()
    done = hezha(data, "salvage", tmp_path / "out")
    assert done.exit_code == 1
    assert "point HEZHA_DATA there" in done.stdout
    assert "the bytes of 1 attachments" in done.stderr
    assert told(hezha(tmp_path, "salvage", tmp_path / "more", "--from", data, "--json"))["documents"] == 3


def test_every_refusal_has_words_in_every_language() -> None:
    source = "".join(path.read_text("utf-8") for path in SAFETY.glob("*.py"))
    used = {part.split('"')[0] for part in source.split('SafetyError("')[1:]}
    for lang in LANGUAGES:
        known = {code.removeprefix("safety.") for code in catalogue(lang) if code.startswith("safety.")}
        assert known == used | {"disk"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "desk").mkdir()
    with open_desk(tmp_path / "desk") as opened:
        yield opened


def test_a_whole_house_goes_on_from_its_backup(desk: Desk, tmp_path: Path) -> None:
    """Cases, photos, people and their logs; the read model is made anew, and nothing is taken in twice."""
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.submit(case, task)
    desk.intake()
    before = desk.get(f"/cases/{case}/log")
    listed = desk.get("/cases")["items"]
    source = desk.made.settings.data_dir
    assert hezha(source, "backup", tmp_path / "shelf").exit_code == 0
    again = tmp_path / "again"
    assert hezha(again, "restore", tmp_path / "shelf").exit_code == 0
    assert not (again / "readmodel.sqlite3").exists()
    with open_desk(again) as restored:
        restored.intake()
        assert restored.get("/cases")["items"] == listed
        assert restored.get(f"/cases/{case}/log") == before
        assert before["verified"] is True
        [photo] = restored.get(f"/cases/{case}/photos")["items"]
        assert (
            restored.ask("GET", f"/photos/{photo['id']}", query_string={"size": "screen"}).status_code == 200
        )
    found = hezha(again, "doctor", "--deep")
    assert "The logs of 1 cases verify." in found.stdout


def test_a_log_changed_by_hand_is_told(desk: Desk) -> None:
    case = desk.open_case()
    document = desk.document(desk.forms(case), "case")
    document["log"][0]["actor"] = "somebody else"
    desk.made.store.put(desk.forms(case), document)
    found = hezha(desk.made.settings.data_dir, "doctor")
    assert found.exit_code == 1
    assert f"do not verify: {case}" in found.stdout


def test_the_doctor_speaks_json_of_everything(data: Path) -> None:
    lines = [json.loads(line) for line in hezha(data, "doctor", "--json", "--deep").stdout.splitlines()]
    checks = {line["check"]: line for line in lines}
    assert checks["store"]["outcome"] == "deeply_sound"
    assert checks["store"]["params"]["documents"] == 3
    assert {"engine", "log", "orphans", "chains", "disk", "folder"} <= checks.keys()
    assert all(line["text"] and "{" not in line["text"] for line in lines)


def test_left_over_and_foreign_files_are_told(data: Path, tmp_path: Path) -> None:
    import os

    part = data / "blobs" / "incoming" / "x.part"
    part.write_bytes(b"half")
    os.utime(part, (0, 0))
    found = hezha(data, "doctor").stdout
    assert "1 half-received files" in found
    if os.geteuid() == 0:
        os.chown(blob_path(data, "0" * 64).parents[1], 12345, -1)
        foreign = hezha(data, "doctor")
        assert foreign.exit_code == 1
        assert "belong to another user" in foreign.stdout
