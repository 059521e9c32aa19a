"""Files that cannot be written, or are not what was written: clear words at the start, and a way out."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import requests
from click.testing import CliRunner

from server.cli import main
from sync.embedded.engine import EmbeddedStore
from sync.embedded.safety.values import blob_path
from sync.store import Damaged, ReadOnly, Unusable
from tests.durability.victim import ADMIN, Victim

REPOSITORY = Path(__file__).resolve().parents[2]
UNUSABLE = 3
PAGE = 4096


class Done:
    """A command that ran to its end."""

    def __init__(self, returncode: int, stdout: str, stderr: str) -> None:
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr


def hezha(data: Path, *arguments: str) -> Done:
    """Run a command in this process."""
    done = CliRunner().invoke(main, arguments, env=_environment(data))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return Done(done.exit_code, done.stdout, done.stderr)


def hezha_apart(data: Path, *arguments: str) -> Done:
    """Run a command as an operator does, in a process of its own, which ends by itself or fails the test."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("HEZHA_")}
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", *arguments],
        env=outside | _environment(data),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def _environment(data: Path) -> dict[str, str]:
    return {"HEZHA_DATA": str(data), "HEZHA_MIN_FREE_DISK_BYTES": "0"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with documents and photos over many pages, closed."""
    folder = tmp_path / "data"
    store = EmbeddedStore(folder)
    folder.chmod(0o700)
    store.create_database("db")
    random = Random(2)
    for start in range(0, 600, 100):
        docs = [{"_id": f"doc:{n:04}", "n": n, "pad": "p" * 500} for n in range(start, start + 100)]
        assert all(row.ok for row in store.bulk_docs("db", docs))
    for number in range(3):
        info = store.ingest(io.BytesIO(random.randbytes(2000)))
        store.attach("db", f"photo:{number}", None, name="photo", content_type="image/jpeg", info=info)
    store.close()
    return folder


def refused(done: Done, *words: str) -> None:
    assert done.returncode == UNUSABLE, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_a_read_only_folder_is_refused_at_the_start(data: Path, read_only: Callable[[Path], Path]) -> None:
    folder = read_only(data)
    for command in ("serve", "worker"):
        refused(hezha_apart(folder, command), str(folder), "cannot be written")
    refused(hezha(folder, "rebuild"), str(folder), "cannot be written")


def test_a_read_only_folder_can_be_examined_and_backed_up(
    data: Path, read_only: Callable[[Path], Path], tmp_path: Path
) -> None:
    """A disk that fails turns read-only: the last good moment for a backup."""
    folder = read_only(data)
    found = hezha(folder, "doctor")
    assert found.returncode == 1
    assert f"✗ The data folder {folder} cannot be written (Read-only file system)" in found.stdout
    assert "603 documents" in found.stdout
    done = hezha(folder, "backup", str(tmp_path / "shelf"))
    assert done.returncode == 0, done.stderr
    assert hezha(folder, "backup", "verify", str(tmp_path / "shelf")).returncode == 0


def test_a_store_that_may_not_write_goes_on_reading_and_writes_again_later(data: Path) -> None:
    store = EmbeddedStore(data)

    conn = store._io.write(lambda writing: writing)
    conn.execute("PRAGMA query_only=ON").fetchall()
    with pytest.raises(ReadOnly):
        store.put("db", {"_id": "new"})
    with pytest.raises(ReadOnly):
        store.bulk_docs("db", [{"_id": "new"}])
    assert store.get("db", "doc:0001")["n"] == 1
    conn.execute("PRAGMA query_only=OFF").fetchall()
    store.put("db", {"_id": "new"})
    store.close()


def overwrite(file: Path, pages: range | list[int]) -> None:
    random = Random(1)
    with file.open("r+b") as out:
        for page in pages:
            out.seek(page * PAGE)
            out.write(random.randbytes(PAGE))


def test_bytes_overwritten_in_the_middle_are_refused_named_and_got_around(data: Path, tmp_path: Path) -> None:
    """From the damage to a store that serves again, by what each message says."""
    assert hezha(data, "backup", str(tmp_path / "shelf")).returncode == 0
    file = data / "hezha.sqlite3"
    overwrite(file, [file.stat().st_size // PAGE // 2 + n for n in range(8)])
    found = hezha(data, "doctor")
    assert found.returncode == 1
    assert f"✗ {file} " in found.stdout
    assert "hezha restore BACKUP" in found.stdout
    assert "hezha salvage OUT" in found.stdout
    assert "damaged" in hezha(data, "backup", str(tmp_path / "shelf")).stderr
    aside = data.rename(tmp_path / "aside")
    assert hezha(data, "restore", str(tmp_path / "shelf")).returncode == 0
    assert "603 documents" in hezha(data, "doctor", "--deep").stdout
    saved = hezha(aside, "salvage", str(tmp_path / "saved"))
    assert saved.returncode == 1
    assert "Not saved" in saved.stderr
    store = EmbeddedStore(tmp_path / "saved")
    assert store.info("db").doc_count >= 500
    store.close()


def test_a_store_reads_around_the_damage_and_says_where_it_cannot(data: Path) -> None:
    file = data / "hezha.sqlite3"
    overwrite(file, [file.stat().st_size // PAGE // 2 + n for n in range(8)])
    store = EmbeddedStore(data)
    read, damaged = 0, 0
    for number in range(600):
        try:
            assert store.get("db", f"doc:{number:04}")["n"] == number
            read += 1
        except Damaged:
            damaged += 1
    assert (read > 400, damaged > 0) == (True, True)
    store.put("db", {"_id": "later"})
    assert store.get("db", "later")
    store.close()


@pytest.mark.parametrize("how", ["header", "cut short", "no database"])
def test_a_file_that_cannot_be_opened_is_refused_at_the_start(data: Path, how: str) -> None:
    file = data / "hezha.sqlite3"
    if how == "header":
        overwrite(file, [0])
    elif how == "cut short":
        with file.open("r+b") as out:
            out.truncate(file.stat().st_size // 2 // PAGE * PAGE)
    else:
        file.write_text("this is a letter\n" * 1000)
    refused(hezha(data, "rebuild"), "damaged", "hezha doctor", "hezha restore BACKUP")
    found = hezha(data, "doctor")
    assert found.returncode == 1
    assert "hezha restore BACKUP" in found.stdout


@pytest.mark.parametrize("how", ["gone", "empty"])
def test_a_lost_file_is_no_new_beginning(data: Path, how: str) -> None:
    """An empty store in its place would serve, look healthy, and sweep the photos of the lost one."""
    file = data / "hezha.sqlite3"
    file.unlink()
    if how == "empty":
        file.touch()
    if how == "gone":
        refused(hezha_apart(data, "serve"), "gone or empty")
    refused(hezha(data, "rebuild"), "gone or empty")
    with pytest.raises(Unusable):
        EmbeddedStore(data)
    found = hezha(data, "doctor")
    assert found.returncode == 1
    assert "is gone or empty" in found.stdout


@pytest.mark.parametrize("how", ["empty log", "cut log", "no log"])
def test_a_log_that_was_lost_takes_only_itself(tmp_path: Path, how: str) -> None:
    """What the log had is gone, and nothing else: the file below it is whole."""
    store = EmbeddedStore(tmp_path / "live")
    store.create_database("db")
    store.put("db", {"_id": "in the file"})
    store.close()  # takes the log into the file
    store = EmbeddedStore(tmp_path / "live")
    for number in range(50):
        store.put("db", {"_id": f"in the log:{number}", "pad": "x" * 500})
    shutil.copytree(tmp_path / "live", tmp_path / "data")  # as it lies there after a crash
    store.close()
    log = tmp_path / "data" / "hezha.sqlite3-wal"
    assert log.stat().st_size > 0
    if how == "empty log":
        log.write_bytes(b"")
    elif how == "cut log":
        with log.open("r+b") as out:
            out.truncate(log.stat().st_size * 2 // 3)
    else:
        log.unlink()
    assert hezha(tmp_path / "data", "doctor", "--deep").returncode in {0, 1}
    again = EmbeddedStore(tmp_path / "data")
    ids = [doc["_id"] for doc in again.all_docs("db")]
    again.close()
    assert "in the file" in ids
    numbers = sorted(int(name.rpartition(":")[2]) for name in ids if name.startswith("in the log"))
    assert numbers == list(range(len(numbers))), "a transaction in the middle is missing"
    assert (0 < len(numbers) < 50) == (how == "cut log")


def test_a_missing_photo_is_an_error_that_says_so_and_its_document_is_read(tmp_path: Path) -> None:
    with Victim(tmp_path / "house") as victim:
        victim.start()

        def ask(method: str, path: str, **kwargs: object) -> requests.Response:
            return requests.request(method, f"{victim.url}/{path}", auth=ADMIN, timeout=30, **kwargs)  # type: ignore[arg-type]

        ask("PUT", "db")
        ask("PUT", "db/a/photo", data=b"bytes", headers={"Content-Type": "image/jpeg"})
        ask("PUT", "db/b/photo", data=b"others", headers={"Content-Type": "image/jpeg"})
        blob_path(victim.data, hashlib.sha256(b"bytes").hexdigest()).unlink()
        answer = ask("GET", "db/a/photo")
        assert (answer.status_code, answer.json()["error"]) == (500, "attachment_missing")
        assert ask("GET", "db/a").json()["_attachments"]["photo"]["stub"] is True
        whole = ask("GET", "db/a", params={"attachments": "true"})
        assert (whole.status_code, whole.json()["error"]) == (500, "attachment_missing")
        rows = ask(
            "POST", "db/_bulk_get", params={"attachments": "true"}, json={"docs": [{"id": "a"}, {"id": "b"}]}
        ).json()["results"]
        errors = {row["id"]: row["docs"][0].get("error", {}).get("error") for row in rows}
        assert errors == {"a": "attachment_missing", "b": None}
        # Whoever still has the bytes may send them again: then they are there for all.
        rev = ask("GET", "db/a").json()["_rev"]
        ask("PUT", "db/c/photo", data=b"bytes", headers={"Content-Type": "image/jpeg"})
        assert ask("GET", "db/a/photo", params={"rev": rev}).content == b"bytes"
