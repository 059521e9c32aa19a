"""A backup is one moment of everything, whole, and checkable without Hezha."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from sync.embedded.engine import EmbeddedStore
from sync.embedded.safety import backup
from sync.embedded.safety.manifest import FileEntry, Manifest, age, decode, encode, sealed, snapshot_name
from sync.embedded.safety.restore import restore
from sync.embedded.safety.shelf import FolderShelf, locked, open_shelf
from sync.embedded.safety.values import SafetyError, blob_path
from tests.safety.conftest import DATABASE, OTHER, Folder, dump, lose, sha256_of

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def back_up(folder: Folder, to: Path, *, now: datetime = NOW, extras: tuple[Path, ...] = ()) -> backup.Made:
    return backup.make(folder.path, to, made_by="test", now=now, extras=extras)


@pytest.mark.parametrize("name", ["shelf", "one.tar"])
def test_a_backup_brought_back_holds_all_that_was_there(folder: Folder, tmp_path: Path, name: str) -> None:
    made = back_up(folder, tmp_path / name)
    assert (made.manifest.databases, made.manifest.documents, made.manifest.deleted) == (2, 38, 1)
    assert made.manifest.blobs == made.new_blobs == 6
    assert backup.verify(open_shelf(tmp_path / name)).sound
    restore(open_shelf(tmp_path / name), tmp_path / "again")
    again = EmbeddedStore(tmp_path / "again")
    assert dump(again) == dump(folder.store)
    assert again.security(DATABASE) == folder.store.security(DATABASE)
    again.close()


def test_a_backup_while_others_write_is_of_one_moment(folder: Folder, tmp_path: Path) -> None:
    """Pairs are written together: a backup never has one half."""
    stop, written = threading.Event(), threading.Event()

    def write() -> None:
        for number in count():
            pair = [{"_id": f"{side}:{number:06}", "pad": "y" * 500} for side in ("left", "right")]
            assert all(row.ok for row in folder.store.bulk_docs(DATABASE, pair))
            folder.photo(f"live:{number}", number.to_bytes(4) * 300)
            written.set()
            if stop.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        written.wait(10)
        for number in range(4):
            back_up(folder, tmp_path / "shelf", now=NOW + timedelta(seconds=number))
    finally:
        stop.set()
        writer.join()
    shelf = FolderShelf(tmp_path / "shelf")
    sizes = []
    for name in shelf.snapshots():
        assert backup.verify(shelf, name).sound
        target = tmp_path / name
        restore(shelf, target, name=name)
        store = EmbeddedStore(target)
        left, right = (
            {doc["_id"][-6:] for doc in store.all_docs(DATABASE, prefix=p)} for p in ("left:", "right:")
        )
        assert left == right
        dump(store)  # every attachment of that moment can be read
        sizes.append(len(left))
        store.close()
    assert sizes == sorted(sizes)


def test_a_second_backup_copies_only_new_blobs(folder: Folder, tmp_path: Path) -> None:
    back_up(folder, tmp_path / "shelf")
    folder.photo("photo:new", b"new")
    second = back_up(folder, tmp_path / "shelf")
    assert (second.new_blobs, second.manifest.blobs) == (1, 7)
    assert len(open_shelf(tmp_path / "shelf").snapshots()) == 2


def test_it_can_be_checked_without_hezha(folder: Folder, tmp_path: Path) -> None:
    made = back_up(folder, tmp_path / "shelf")
    command = ["sha256sum", "--check", "--strict", "--quiet", f"snapshots/{made.name}/SHA256SUMS"]
    done = subprocess.run(command, cwd=tmp_path / "shelf", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "shelf/snapshots" / made.name / "SHA256SUMS").read_text().splitlines()) == 7


def test_a_tar_unpacked_is_a_folder_to_go_on_with(folder: Folder, tmp_path: Path) -> None:
    back_up(folder, tmp_path / "one.tar")
    with tarfile.open(tmp_path / "one.tar") as tar:
        tar.extractall(tmp_path / "shelf", filter="data")
    assert back_up(folder, tmp_path / "shelf", now=NOW + timedelta(hours=1)).new_blobs == 0
    assert back_up(folder, tmp_path / "shelf").name == "20261122T080000.1Z"


def test_nobody_else_may_read_a_backup(folder: Folder, tmp_path: Path) -> None:
    """It holds keys, password hashes and people's photos."""
    key = folder.path / "jwt.key"
    key.write_text("secret")
    made = back_up(folder, tmp_path / "shelf", extras=(key, folder.path / "no-such.key"))
    assert [entry.name for entry in made.manifest.extras] == ["jwt.key"]
    back_up(folder, tmp_path / "one.tar", extras=(key,))
    private = [tmp_path / "one.tar", *(tmp_path / "shelf/blobs").glob("??/*")]
    private += (tmp_path / "shelf/snapshots").rglob("*.key")
    private += (tmp_path / "shelf/snapshots").rglob("*.sqlite3")
    assert len(private) == 9
    assert all(path.stat().st_mode & 0o077 == 0 for path in private)
    assert (tmp_path / "shelf/snapshots").stat().st_mode & 0o077 == 0


def test_blobs_are_not_swept_while_a_backup_needs_them(folder: Folder, tmp_path: Path) -> None:
    """A photo is deleted, compacted and swept just after the backup's moment: the backup has it."""
    doc = folder.store.get(OTHER, "photo:1")
    copied: list[int] = []

    def meanwhile(what: str, done: int, total: int) -> None:
        if what == "blobs" and not copied:
            copied.append(done)
            folder.store.put(OTHER, {"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True})
            folder.store.compact(OTHER)
            later = time.time() + 2 * folder.store.limits.abandoned_seconds
            assert folder.store.sweep_blobs(now=later) == 0

    made = backup.make(folder.path, tmp_path / "shelf", made_by="test", now=NOW, progress=meanwhile)
    assert copied
    assert not made.manifest.damaged
    assert backup.verify(open_shelf(tmp_path / "shelf")).sound
    later = time.time() + 2 * folder.store.limits.abandoned_seconds
    assert folder.store.sweep_blobs(now=later) == 1


def test_a_backup_cut_off_does_not_count_and_the_next_goes_on(folder: Folder, tmp_path: Path) -> None:
    def cut(what: str, done: int, total: int) -> None:
        if what == "blobs" and done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup.make(folder.path, tmp_path / "shelf", made_by="test", now=NOW, progress=cut)
    left = tmp_path / "shelf/snapshots/.part-20260101T000000Z"  # as SIGKILL leaves it
    left.mkdir()
    (left / "hezha.sqlite3").write_bytes(b"half")
    assert open_shelf(tmp_path / "shelf").snapshots() == []
    with pytest.raises(SafetyError, match="no_snapshot"):
        backup.verify(open_shelf(tmp_path / "shelf"))
    assert back_up(folder, tmp_path / "shelf").new_blobs == 2
    assert not left.exists()
    with pytest.raises(KeyboardInterrupt):
        backup.make(folder.path, tmp_path / "one.tar", made_by="test", now=NOW, progress=cut)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "shelf"]


def test_one_backup_at_a_time_into_a_folder(folder: Folder, tmp_path: Path) -> None:
    with locked(tmp_path / "shelf"), pytest.raises(SafetyError, match="shelf_busy"):
        back_up(folder, tmp_path / "shelf")


def test_it_refuses_places_that_are_none(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").touch()
    (tmp_path / "there.tar").touch()
    for place, code in {
        folder.path / "backup": "inside",
        tmp_path: "inside",
        tmp_path / "full": "not_a_shelf",
        tmp_path / "there.tar": "exists",
    }.items():
        with pytest.raises(SafetyError, match=code):
            back_up(folder, place)
    with pytest.raises(SafetyError, match="no_data"):
        backup.make(tmp_path / "nothing", tmp_path / "shelf", made_by="test", now=NOW)
    assert not (tmp_path / "nothing").exists()


def test_what_the_data_lack_is_named_and_the_rest_is_kept(folder: Folder, tmp_path: Path) -> None:
    lost, changed, *_ = (sha256_of(blob) for blob in folder.blobs())
    lose(folder.path, lost)
    blob_path(folder.path, changed).write_bytes(b"other")
    made = back_up(folder, tmp_path / "shelf")
    assert set(made.manifest.damaged) == {lost, changed}
    found = backup.verify(open_shelf(tmp_path / "shelf"))
    assert found.sound
    assert found.manifest.blobs == 6
    done = restore(open_shelf(tmp_path / "shelf"), tmp_path / "again")
    assert set(done.missing) == {lost, changed}
    assert done.blobs == 4


def test_a_blob_that_only_the_shelf_still_has_belongs_to_the_next_backup_too(
    folder: Folder, tmp_path: Path
) -> None:
    back_up(folder, tmp_path / "shelf")
    lose(folder.path, sha256_of(folder.blobs()[0]))
    assert back_up(folder, tmp_path / "shelf").manifest.damaged == ()


def test_hard_links_share_the_bytes(folder: Folder, tmp_path: Path) -> None:
    backup.make(folder.path, tmp_path / "shelf", made_by="test", now=NOW, hard_links=True)
    for blob in folder.blobs():
        assert os.path.samefile(blob, blob_path(tmp_path / "shelf", sha256_of(blob)))


def test_keeping_two_removes_the_older_and_what_only_they_had(folder: Folder, tmp_path: Path) -> None:
    doc = folder.store.get(OTHER, "photo:5")
    back_up(folder, tmp_path / "shelf")
    folder.store.put(OTHER, {"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True})
    folder.store.compact(OTHER)
    second = back_up(folder, tmp_path / "shelf", now=NOW + timedelta(days=1)).name
    third = back_up(folder, tmp_path / "shelf", now=NOW + timedelta(days=2)).name
    assert backup.prune(tmp_path / "shelf", 2) == (["20261122T080000Z"], 1)
    shelf = open_shelf(tmp_path / "shelf")
    assert shelf.snapshots() == [second, third]
    assert all(backup.verify(shelf, name).sound for name in shelf.snapshots())
    assert backup.prune(tmp_path / "shelf", 2) == ([], 0)


@pytest.mark.parametrize("what", ["database", "key", "blob", "blob gone", "list", "manifest"])
def test_every_byte_counts(folder: Folder, tmp_path: Path, what: str) -> None:
    """One byte changed anywhere, or one file gone, and the backup is not called sound."""
    key = folder.path / "jwt.key"
    key.write_text("secret")
    made = back_up(folder, tmp_path / "shelf", extras=(key,))
    snapshot = tmp_path / "shelf/snapshots" / made.name
    blob = next((tmp_path / "shelf/blobs").glob("??/*"))
    victim = {
        "database": snapshot / "hezha.sqlite3",
        "key": snapshot / "jwt.key",
        "blob": blob,
        "blob gone": blob,
        "list": snapshot / "SHA256SUMS",
        "manifest": snapshot / "manifest.json",
    }[what]
    if what == "blob gone":
        victim.unlink()
    else:
        data = bytearray(victim.read_bytes())
        at = data.index(b'"documents": 38') + 14 if what == "manifest" else len(data) // 2
        data[at] ^= 1
        victim.write_bytes(data)
    if what in {"list", "manifest"}:
        with pytest.raises(SafetyError, match=r"(sums|manifest)_damaged"):
            backup.verify(open_shelf(tmp_path / "shelf"))
    else:
        assert not backup.verify(open_shelf(tmp_path / "shelf")).sound
    with pytest.raises(SafetyError):
        restore(open_shelf(tmp_path / "shelf"), tmp_path / "again")
    assert not (tmp_path / "again/hezha.sqlite3").exists()


def test_a_damaged_source_makes_no_backup(folder: Folder, tmp_path: Path) -> None:
    folder.store.close()
    file = folder.path / "hezha.sqlite3"
    data = bytearray(file.read_bytes())
    for page in range(4, len(data) // 4096, 3):
        data[page * 4096 : page * 4096 + 2000] = bytes(2000)
    file.write_bytes(data)
    with pytest.raises(SafetyError, match="source_damaged"):
        back_up(folder, tmp_path / "shelf")
    assert open_shelf(tmp_path / "shelf").snapshots() == []


def test_a_folder_that_cannot_be_written_is_backed_up_all_the_same(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system that turned read-only is the very moment for a backup. Its log counts too."""
    folder.store.put(DATABASE, {"_id": "last"})
    copy = tmp_path / "mounted"
    shutil.copytree(folder.path, copy)  # while the log holds what the file has not got yet
    assert (copy / "hezha.sqlite3-wal").stat().st_size
    before = sorted((path.name, path.stat().st_size) for path in copy.rglob("*"))
    monkeypatch.setattr(os, "access", lambda *_args, **_more: False)
    backup.make(copy, tmp_path / "shelf", made_by="test", now=NOW)
    assert sorted((path.name, path.stat().st_size) for path in copy.rglob("*")) == before
    restore(open_shelf(tmp_path / "shelf"), tmp_path / "again")
    again = EmbeddedStore(tmp_path / "again")
    assert again.find(DATABASE, "last") is not None
    again.close()


def test_names_of_snapshots_are_in_the_order_of_their_making() -> None:
    names: list[str] = []
    for minutes in (0, 0, 0, 1, 1):
        names.append(snapshot_name(NOW + timedelta(minutes=minutes), names))
    assert names[:3] == ["20261122T080000Z", "20261122T080000.1Z", "20261122T080000.2Z"]
    assert sorted(names, key=age) == names


def test_a_manifest_of_a_newer_format_is_refused() -> None:
    entry = FileEntry("x", 1, "0" * 64)
    made = Manifest(1, "2026-11-22T08:00:00+00:00", "test", 2, "ab", 1, 1, 0, 0, 0, entry, (), entry)
    data = encode(sealed(made))
    assert decode(data, "here") == sealed(made)
    with pytest.raises(SafetyError, match="newer_format"):
        decode(data.replace(b'"format": 1', b'"format": 2'), "here")
    with pytest.raises(SafetyError, match="no_manifest"):
        decode(data[:-20], "here")
