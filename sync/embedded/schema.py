"""The tables of the embedded engine, and how its SQLite file is opened.

One file holds all databases. A document's revision tree is one value in its row, since every write reads and
writes it whole; bodies lie beside it, one row for each stored revision. A database's `seq` counts its
changes and every document bears the number of its latest one, so that a feed is one walk along an index.
`updates` does the same for whole databases, and outlives them: somebody may still have to hear of a deletion.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import apsw

#: Raised whenever the tables below change; a file of another version is refused, not guessed at.
SCHEMA_VERSION = 1

_TABLES = """
CREATE TABLE store (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE databases (
    pk INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    incarnation TEXT NOT NULL,
    seq INTEGER NOT NULL DEFAULT 0,
    design_seq INTEGER NOT NULL DEFAULT 0,
    revs_limit INTEGER NOT NULL,
    security TEXT NOT NULL,
    doc_count INTEGER NOT NULL DEFAULT 0,
    del_count INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE docs (
    pk INTEGER PRIMARY KEY,
    db INTEGER NOT NULL REFERENCES databases(pk) ON DELETE CASCADE,
    id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    winner TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    tree BLOB NOT NULL,
    UNIQUE (db, id),
    UNIQUE (db, seq)
) STRICT;
CREATE TABLE revisions (
    pk INTEGER PRIMARY KEY,
    doc INTEGER NOT NULL REFERENCES docs(pk) ON DELETE CASCADE,
    rev TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (doc, rev)
) STRICT;
CREATE TABLE attachments (
    revision INTEGER NOT NULL REFERENCES revisions(pk) ON DELETE CASCADE,
    name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    encoding TEXT,
    length INTEGER NOT NULL,
    stored_length INTEGER NOT NULL,
    md5 BLOB NOT NULL,
    sha256 TEXT NOT NULL,
    revpos INTEGER NOT NULL,
    PRIMARY KEY (revision, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachments_by_blob ON attachments(sha256);
CREATE TABLE local_docs (
    db INTEGER NOT NULL REFERENCES databases(pk) ON DELETE CASCADE,
    id TEXT NOT NULL,
    rev INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (db, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE updates (
    name TEXT PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE,
    type TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""


def connect(file: Path, *, busy_seconds: float, readonly: bool = False) -> apsw.Connection:
    """Open a connection on an existing or new file.

    `synchronous=FULL` makes a commit wait for the disk, which is what an acknowledgement promises.
    """
    flags = apsw.SQLITE_OPEN_READWRITE | (0 if readonly else apsw.SQLITE_OPEN_CREATE)
    conn = apsw.Connection(str(file), flags=flags)
    conn.set_busy_timeout(int(busy_seconds * 1000))
    conn.execute("PRAGMA synchronous=FULL")
    conn.execute("PRAGMA foreign_keys=ON")
    if readonly:
        # Opened for writing all the same: only such a connection may help to recover a WAL after a crash.
        conn.execute("PRAGMA query_only=ON")
    return conn


def prepare(file: Path, *, busy_seconds: float) -> str:
    """Create the tables if the file is new, and return the store's incarnation.

    Raises RuntimeError if another version of Hezha wrote the file.
    """
    conn = connect(file, busy_seconds=busy_seconds)
    try:
        conn.pragma("journal_mode", "WAL")
        conn.execute("BEGIN IMMEDIATE")
        try:
            version = conn.pragma("user_version")
            if version == 0:
                conn.execute(_TABLES)
                conn.execute("INSERT INTO store VALUES ('incarnation', ?)", (secrets.token_hex(4),))
                conn.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            elif version != SCHEMA_VERSION:
                raise RuntimeError(
                    f"{file} has storage version {version}; this Hezha reads version {SCHEMA_VERSION}"
                )
            conn.execute("COMMIT")
        except BaseException:
            conn.execute("ROLLBACK")
            raise
        sync_folder(file.parent)
        return str(conn.execute("SELECT value FROM store WHERE key = 'incarnation'").get)
    finally:
        conn.close()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
