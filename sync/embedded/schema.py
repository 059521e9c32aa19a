"""The tables of the embedded engine, and how its SQLite file is opened.

One file holds all databases. A document's revision tree is one value in its row, since every write reads and
writes it whole; bodies lie beside it, one row for each stored revision. A database's `seq` counts its
changes and every document bears the number of its latest one, so that a feed is one walk along an index.
`updates` does the same for whole databases, and outlives them: somebody may still have to hear of a deletion.

A body that has been built upon stays until its database is compacted. `old_bytes` counts those bodies, so
that the share worth reclaiming is known without a look at them; `compacted_seq` says up to which change none
is left, so that a compaction costs what is new.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from sync import revtree
from sync.durable import make_durable
from sync.store import Unusable

#: Raised whenever the tables below change. Older files are brought up to it, newer ones are refused.
SCHEMA_VERSION = 2

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
    bytes INTEGER NOT NULL DEFAULT 0,
    old_bytes INTEGER NOT NULL DEFAULT 0,
    compacted_seq INTEGER NOT NULL DEFAULT 0,
    compacting_until REAL NOT NULL DEFAULT 0,
    purge_seq INTEGER NOT NULL DEFAULT 0,
    purges_kept INTEGER NOT NULL DEFAULT 1000
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
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    seq INTEGER NOT NULL UNIQUE,
    PRIMARY KEY (name, type)
) STRICT, WITHOUT ROWID;
CREATE TABLE purges (
    db INTEGER NOT NULL REFERENCES databases(pk) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    id TEXT NOT NULL,
    revs TEXT NOT NULL,
    PRIMARY KEY (db, seq)
) STRICT, WITHOUT ROWID;
"""

_FROM_1 = """
ALTER TABLE databases ADD COLUMN old_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE databases ADD COLUMN compacted_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE databases ADD COLUMN compacting_until REAL NOT NULL DEFAULT 0;
ALTER TABLE databases ADD COLUMN purge_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE databases ADD COLUMN purges_kept INTEGER NOT NULL DEFAULT 1000;
CREATE TABLE new_updates (
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    seq INTEGER NOT NULL UNIQUE,
    PRIMARY KEY (name, type)
) STRICT, WITHOUT ROWID;
INSERT INTO new_updates SELECT name, type, seq FROM updates;
DROP TABLE updates;
ALTER TABLE new_updates RENAME TO updates;
CREATE TABLE purges (
    db INTEGER NOT NULL REFERENCES databases(pk) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    id TEXT NOT NULL,
    revs TEXT NOT NULL,
    PRIMARY KEY (db, seq)
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
    """Create the tables if the file is new, bring an older one up to date; return the store's incarnation.

    Raises Unusable if a newer version of Hezha wrote the file. An upgrade that is killed changes nothing
    or is complete; another process waits for it, however long it takes.
    """
    with _alone(file):
        conn = connect(file, busy_seconds=busy_seconds)
        try:
            # Before the first table: it lets compaction give pages back to the disk, a slice at a time.
            conn.execute("PRAGMA auto_vacuum=INCREMENTAL")
            conn.pragma("journal_mode", "WAL")
            _bring_up(conn, file)
            make_durable(file.parent)
            return str(conn.execute("SELECT value FROM store WHERE key = 'incarnation'").get)
        finally:
            conn.close()


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """One process at a time prepares a file. The lock goes with its process, however that ends."""
    with file.with_name(file.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _bring_up(conn: apsw.Connection, file: Path) -> None:
    version = conn.pragma("user_version")
    if version not in {0, SCHEMA_VERSION, *_UPGRADES}:
        raise Unusable(f"{file} has storage version {version}; this Hezha reads version {SCHEMA_VERSION}")
    if version == SCHEMA_VERSION:
        return
    if version == 1:
        # Files of version 1 cannot shrink in slices. Rewriting one needs its size again on the disk; where
        # that is not to be had, nothing is lost: freed pages are used again, only never given back.
        with contextlib.suppress(apsw.Error):
            conn.execute("VACUUM")
    conn.execute("BEGIN IMMEDIATE")
    try:
        if version == 0:
            conn.execute(_TABLES)
            conn.execute("INSERT INTO store VALUES ('incarnation', ?)", (secrets.token_hex(4),))
        else:
            for step in range(int(version), SCHEMA_VERSION):
                _UPGRADES[step](conn)
        conn.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        conn.execute("COMMIT")
    except BaseException:
        conn.execute("ROLLBACK")
        raise


def _from_1(conn: apsw.Connection) -> None:
    conn.execute(_FROM_1)
    rows = conn.execute(
        "SELECT d.pk, d.db, d.tree FROM docs d"
        " WHERE (SELECT count(*) FROM revisions r WHERE r.doc = d.pk) > 1"
    )
    found: list[tuple[Any, ...]] = rows.fetchall()
    for pk, db, tree in found:
        leaves = [revtree.format_rev(rev) for rev in revtree.decode(tree).leaves]
        conn.execute(
            "UPDATE databases SET old_bytes = old_bytes + (SELECT coalesce(sum(length(r.body) + coalesce("
            "(SELECT sum(a.stored_length) FROM attachments a WHERE a.revision = r.pk), 0)), 0)"
            " FROM revisions r"
            " WHERE r.doc = ? AND r.rev NOT IN (SELECT value FROM json_each(?))) WHERE pk = ?",
            (pk, json.dumps(leaves), db),
        )


#: How to get from each older version to the next.
_UPGRADES: Mapping[int, Callable[[apsw.Connection], None]] = {1: _from_1}
