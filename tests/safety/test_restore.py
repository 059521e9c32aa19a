"""What is brought back is whole, new to whoever knew the lost one, and known to our own followers."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync.embedded.engine import EmbeddedStore
from sync.embedded.safety import backup
from sync.embedded.safety.mend import mend
from sync.embedded.safety.restore import Restored, restore
from sync.embedded.safety.shelf import Shelf, open_shelf
from sync.embedded.safety.values import UNFINISHED, SafetyError, blob_path
from sync.follow import Follower
from sync.store import BytesMissing, ChangeBatch, Unusable
from tests.safety.conftest import DATABASE, OTHER, Folder, dump, lose, sha256_of

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@pytest.fixture
def shelf(folder: Folder, tmp_path: Path) -> Shelf:
    backup.make(folder.path, tmp_path / "shelf", made_by="test", now=NOW)
    return open_shelf(tmp_path / "shelf")


def bring(shelf: Shelf, target: Path, *, partial: bool = False) -> Restored:
    return restore(shelf, target, partial=partial)


def test_sequences_from_after_the_backup_count_from_the_beginning(
    folder: Folder, shelf: Shelf, tmp_path: Path
) -> None:
    """The restored database gives the numbers of lost changes to other changes; nobody may skip those."""
    at_backup = folder.store.info(DATABASE).update_seq
    folder.store.put(DATABASE, {"_id": "lost"})
    beyond = folder.store.info(DATABASE).update_seq
    _, heard = folder.store.db_updates(since="now")
    bring(shelf, tmp_path / "again")
    store = EmbeddedStore(tmp_path / "again")
    everything = [change.id for change in store.changes(DATABASE).results]
    store.put(DATABASE, {"_id": "other"})  # bears the number that the lost one had
    assert int(store.info(DATABASE).update_seq.split("-")[0]) == int(beyond.split("-")[0])
    for since in (at_backup, beyond):
        assert [c.id for c in store.changes(DATABASE, since=since).results] == [*everything, "other"]
    updates, _ = store.db_updates(since=heard)
    assert {update.db_name for update in updates} >= {DATABASE, OTHER}
    store.close()


def test_our_own_followers_go_on_where_the_backup_had_them(folder: Folder, tmp_path: Path) -> None:
    """What they had taken in then is part of the backup; what they took in later is lost, and comes again."""
    seen: list[str] = []

    def handler(db: str, batch: ChangeBatch) -> None:
        seen.extend(change.id for change in batch.results)

    def follow(store: EmbeddedStore) -> list[str]:
        seen.clear()
        follower = Follower(store, "intake", lambda db: db == DATABASE, handler)
        while follower.run_once():
            pass
        return list(seen)

    follow(folder.store)
    folder.store.put(DATABASE, {"_id": "waiting"})
    backup.make(folder.path, tmp_path / "shelf", made_by="test", now=NOW)
    assert follow(folder.store) == ["waiting"]
    bring(open_shelf(tmp_path / "shelf"), tmp_path / "again")
    store = EmbeddedStore(tmp_path / "again")
    assert follow(store) == ["waiting"]
    assert follow(store) == []
    store.close()


def test_a_folder_that_holds_anything_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    target = tmp_path / "again"
    target.mkdir()
    (target / "lost+found").mkdir()
    bring(shelf, target)
    before = sorted(target.rglob("*"))
    with pytest.raises(SafetyError, match="not_empty"):
        bring(shelf, target)
    assert sorted(target.rglob("*")) == before


def test_a_restore_cut_off_cannot_be_served_and_goes_on(shelf: Shelf, folder: Folder, tmp_path: Path) -> None:
    target = tmp_path / "again"

    def cut(what: str, done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(shelf, target, progress=cut)
    with pytest.raises(Unusable, match="cut off"):
        EmbeddedStore(target)
    folder.store.put(DATABASE, {"_id": "more"})
    backup.make(folder.path, tmp_path / "other", made_by="test", now=NOW)
    with pytest.raises(SafetyError, match="other_restore"):
        bring(open_shelf(tmp_path / "other"), target)
    bring(shelf, target)
    assert not (target / UNFINISHED).exists()
    folder.store.delete_database(DATABASE)
    store = EmbeddedStore(target)
    assert dump(store)[OTHER] == dump(folder.store)[OTHER]
    store.close()


def test_a_power_cut_at_any_moment_leaves_nothing_that_looks_complete(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off before each renaming in turn: the folder is refused every time, until the restore is done."""
    real = os.rename
    target = tmp_path / "again"
    cuts = 0
    while True:
        allowed = [cuts]

        def rename(old: Path, new: Path, allowed: list[int] = allowed) -> None:
            if allowed[0] == 0:
                raise KeyboardInterrupt
            allowed[0] -= 1
            real(old, new)

        monkeypatch.setattr(os, "rename", rename)
        try:
            bring(shelf, target)
        except KeyboardInterrupt:
            monkeypatch.undo()
            with pytest.raises(Unusable):
                EmbeddedStore(target)
            shutil.rmtree(target)
            cuts += 1
        else:
            break
    assert cuts == 8  # six blobs, the database as it came, the database as it counts


def test_a_lost_blob_ends_the_restore_unless_told_to_go_on(
    shelf: Shelf, folder: Folder, tmp_path: Path
) -> None:
    lost = sha256_of(folder.blobs()[0])
    lose(tmp_path / "shelf", lost)
    with pytest.raises(SafetyError, match="blob_damaged"):
        bring(shelf, tmp_path / "again")
    done = bring(shelf, tmp_path / "again", partial=True)
    assert done.missing == (lost,)
    store = EmbeddedStore(tmp_path / "again")
    answers = {"bytes": 0, "missing": 0}
    for change in store.changes(OTHER).results:
        document = store.get(OTHER, change.id)  # the document itself can be read
        assert document["_attachments"]["original"]["stub"]
        try:
            store.open_attachment(OTHER, change.id, "original").stream.close()
            answers["bytes"] += 1
        except BytesMissing:
            answers["missing"] += 1
    assert answers["missing"] in {1, 2}
    assert sum(answers.values()) == 7
    store.close()


def test_lost_bytes_come_back_from_a_backup_while_the_store_serves(
    shelf: Shelf, folder: Folder, tmp_path: Path
) -> None:
    gone, short, wrong, *_ = (sha256_of(blob) for blob in folder.blobs())
    before = dump(folder.store)
    lose(folder.path, gone)
    blob_path(folder.path, short).write_bytes(b"short")
    blob_path(folder.path, wrong).write_bytes(bytes(blob_path(folder.path, wrong).stat().st_size))
    assert set(mend(shelf, folder.path, deep=False).brought) == {gone, short}
    assert mend(shelf, folder.path, deep=True).brought == (wrong,)
    assert mend(shelf, folder.path, deep=True).brought == ()
    assert dump(folder.store) == before
    folder.photo("photo:later", b"after the backup")
    later = next(blob for blob in folder.blobs() if blob.read_bytes() == b"after the backup")
    later.unlink()
    assert mend(shelf, folder.path, deep=False).missing == (sha256_of(later),)


def test_the_key_is_left_out_where_asked(folder: Folder, tmp_path: Path) -> None:
    key = folder.path / "jwt.key"
    key.write_text("secret")
    backup.make(folder.path, tmp_path / "shelf", made_by="test", now=NOW, extras=(key,))
    restore(open_shelf(tmp_path / "shelf"), tmp_path / "with")
    restore(open_shelf(tmp_path / "shelf"), tmp_path / "without", extras=False)
    assert (tmp_path / "with/jwt.key").read_text() == "secret"
    assert (tmp_path / "with/jwt.key").stat().st_mode & 0o077 == 0
    assert not (tmp_path / "without/jwt.key").exists()
