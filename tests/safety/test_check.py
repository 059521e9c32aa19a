"""A sound folder is called sound, and each kind of damage is found and told by its own name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from sync.embedded.engine import EmbeddedStore
from sync.embedded.safety.check import check
from sync.embedded.safety.values import blob_path
from tests.safety.conftest import DATABASE, OTHER, Folder, lose, sha256_of


@contextmanager
def tampered(folder: Folder) -> Iterator[apsw.Connection]:
    """Somebody writes to the file past the engine."""
    conn = apsw.Connection(str(folder.path / "hezha.sqlite3"), flags=apsw.SQLITE_OPEN_READWRITE)
    with conn:
        yield conn
    conn.close()


@pytest.mark.parametrize("deep", [False, True])
def test_a_sound_folder_is_sound_while_it_is_used(folder: Folder, deep: bool) -> None:
    folder.store.compact(DATABASE)
    report = check(folder.path, deep=deep)
    assert report.sound, report
    assert report.contents is not None
    assert (report.contents.documents, report.contents.deleted, report.contents.blobs) == (38, 1, 6)
    assert report.orphans == 0
    assert report.log_bytes > 0


@pytest.mark.parametrize(
    ("code", "statement"),
    [
        ("reference", "INSERT INTO revisions VALUES (99999, 88888, '1-a', 0, x'7b7d')"),
        ("count", "UPDATE databases SET doc_count = doc_count + 1 WHERE name = 'case-1'"),
        ("count", "UPDATE databases SET seq = 3 WHERE name = 'case-1'"),
        ("tree", "UPDATE docs SET tree = x'00' WHERE id = 'both'"),
        ("tree", "UPDATE docs SET winner = '1-abc' WHERE id = 'both'"),
        ("tree", "UPDATE docs SET deleted = 1 WHERE id = 'both'"),
        ("tree", "DELETE FROM revisions WHERE doc = (SELECT pk FROM docs WHERE id = 'form:3')"),
        ("tree", "UPDATE revisions SET deleted = 1 WHERE doc = (SELECT pk FROM docs WHERE id = 'form:3')"),
    ],
)
def test_rows_that_do_not_fit_each_other_are_found(folder: Folder, code: str, statement: str) -> None:
    with tampered(folder) as conn:
        conn.execute(statement)
    report = check(folder.path)
    assert code in report.flaws, report
    assert not report.sound


def test_a_body_that_is_no_document_is_found_by_a_deep_look(folder: Folder) -> None:
    with tampered(folder) as conn:
        conn.execute(
            "UPDATE revisions SET body = CAST('{\"n\":' AS BLOB)"
            " WHERE doc = (SELECT pk FROM docs WHERE id = 'form:3')"
        )
    assert check(folder.path).sound
    [example] = check(folder.path, deep=True).flaws["body"].examples
    assert example.startswith(f"{DATABASE} form:3 1-")


def test_blobs_are_looked_at_one_by_one(folder: Folder) -> None:
    gone, short, wrong, *_ = (sha256_of(blob) for blob in folder.blobs())
    lose(folder.path, gone)
    blob_path(folder.path, short).write_bytes(b"short")
    blob_path(folder.path, wrong).write_bytes(bytes(blob_path(folder.path, wrong).stat().st_size))
    quick, deep = check(folder.path), check(folder.path, deep=True)
    assert {code: flaws.count for code, flaws in quick.flaws.items()} == {"blob_missing": 1, "blob_length": 1}
    assert set(deep.flaws) == {"blob_missing", "blob_length", "blob_bytes"}
    [place] = quick.flaws["blob_missing"].examples
    assert place.startswith(f"{OTHER} photo:")
    assert f"blobs/{gone[:2]}/{gone[2:]}" in place


def test_bytes_that_nobody_names_are_counted_and_no_flaw(folder: Folder) -> None:
    doc = folder.store.get(OTHER, "photo:5")
    folder.store.put(OTHER, {"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True})
    folder.store.compact(OTHER)
    report = check(folder.path)
    assert (report.orphans, report.orphan_bytes) == (1, 1005)
    assert report.sound


def test_of_many_flaws_a_few_are_quoted_and_all_counted(folder: Folder) -> None:
    for blob in folder.blobs():
        blob.unlink()
    flaws = check(folder.path, examples=2).flaws["blob_missing"]
    assert (flaws.count, len(flaws.examples)) == (6, 2)


def test_a_look_changes_nothing(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where nothing can be written: there SQLite would have to write beside the log to read it."""

    def state() -> list[tuple[str, int, int]]:
        return sorted((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in folder.path.rglob("*"))

    folder.store.put(DATABASE, {"_id": "in the log"})
    before = state()
    monkeypatch.setattr(os, "access", lambda *_args, **_more: False)
    report = check(folder.path, deep=True)
    assert report.sound
    assert report.contents is not None
    assert report.contents.documents == 39
    assert state() == before


def test_a_file_that_is_no_database_is_unreadable(folder: Folder, tmp_path: Path) -> None:
    folder.store.close()
    (folder.path / "hezha.sqlite3").write_bytes(b"no database" * 1000)
    report = check(folder.path)
    assert "not a database" in report.unreadable
    assert not report.sound


def test_an_empty_store_is_sound(tmp_path: Path) -> None:
    EmbeddedStore(tmp_path / "data").close()
    assert check(tmp_path / "data", deep=True).sound
