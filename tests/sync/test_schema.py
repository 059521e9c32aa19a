"""An older file is brought up to date with all it holds; a newer one is refused and left alone."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from sync.embedded import schema
from sync.embedded.engine import EmbeddedStore

#: The tables of version 1, as its release wrote them.
VERSION_1 = (Path(__file__).parents[1] / "vectors" / "schema_1.sql").read_text()


def old_file(folder: Path) -> Path:
    """A data folder of version 1: one document in its third revision, with two older bodies kept."""
    folder.mkdir()
    file = folder / "hezha.sqlite3"
    conn = sqlite3.connect(file)
    conn.execute("PRAGMA journal_mode=WAL")
    conn.executescript(VERSION_1)
    conn.execute("INSERT INTO store VALUES ('incarnation', 'cafe')")
    conn.execute("INSERT INTO databases VALUES (1, 'db', 'beef', 3, 0, 1000, '{}', 1, 0, 21)")
    revs = [(n, f"{n:032x}") for n in (1, 2, 3)]
    tree = [[n, name, 1, *([n - 2] if n > 1 else [])] for n, name in revs]
    conn.execute(
        "INSERT INTO docs VALUES (7, 1, 'a', 3, ?, 0, ?)",
        ("3-" + revs[2][1], json.dumps(tree, separators=(",", ":")).encode()),
    )
    for n, name in revs:
        conn.execute("INSERT INTO revisions VALUES (?, 7, ?, 0, ?)", (n, f"{n}-{name}", b'{"n":%d}' % n))
    conn.execute("INSERT INTO updates VALUES ('db', 1, 'updated')")
    conn.execute("PRAGMA user_version=1")
    conn.commit()
    conn.close()
    return file


def test_a_file_of_version_1_is_upgraded_with_all_it_holds(tmp_path: Path) -> None:
    file = old_file(tmp_path / "data")
    store = EmbeddedStore(file.parent)
    try:
        assert store.get("db", "a")["n"] == 3
        assert store.info("db").update_seq == "3-beef"
        assert [update.db_name for update in store.db_updates()[0]] == ["db"]
        assert store.info_json("db")["sizes"] == {"file": 21, "external": 7, "active": 7}
        assert store.compact("db").revisions == 2
        assert store.info_json("db")["sizes"] == {"file": 7, "external": 7, "active": 7}
    finally:
        store.close()
    conn = apsw.Connection(str(file))
    assert conn.pragma("user_version") == schema.SCHEMA_VERSION
    assert conn.pragma("auto_vacuum") == 2
    assert conn.pragma("integrity_check") == "ok"
    conn.close()


def test_an_upgraded_file_has_the_tables_of_a_new_one(tmp_path: Path) -> None:
    old, new = old_file(tmp_path / "old"), tmp_path / "new" / "hezha.sqlite3"
    new.parent.mkdir()
    for file in (old, new):
        schema.prepare(file, busy_seconds=1)

    def columns(file: Path) -> dict[str, list[tuple[object, ...]]]:
        conn = sqlite3.connect(file)
        tables = [name for (name,) in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        found = {name: conn.execute(f"PRAGMA table_info({name})").fetchall() for name in tables}
        conn.close()
        return {name: rows for name, rows in found.items() if not name.startswith("sqlite_")}

    assert columns(old) == columns(new)


def test_processes_that_open_an_old_file_at_once_upgrade_it_once(tmp_path: Path) -> None:
    file = old_file(tmp_path / "data")
    code = (
        "import pathlib, sys; from sync.embedded import schema;"
        "print(schema.prepare(pathlib.Path(sys.argv[1]), busy_seconds=5))"
    )
    command = [sys.executable, "-c", code, str(file)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    assert [process.communicate(timeout=60)[0].strip() for process in running] == [b"cafe"] * 3


def test_a_file_of_a_later_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = old_file(tmp_path / "data")
    conn = apsw.Connection(str(file))
    conn.execute("PRAGMA user_version=99")
    conn.close()
    with pytest.raises(RuntimeError, match="version 99"):
        EmbeddedStore(file.parent)
    conn = apsw.Connection(str(file))
    assert conn.pragma("user_version") == 99
    assert conn.execute("SELECT count(*) FROM revisions").get == 3
    conn.close()
