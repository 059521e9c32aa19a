"""The database file as it is at one moment, copied while others write.

SQLite's backup starts anew whenever another connection commits, unless its source stays inside one read
transaction: then it copies that moment to the end, and writers go on in the write-ahead log meanwhile.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import apsw

from sync.durable import make_durable
from sync.embedded import schema
from sync.embedded.blobs import BlobStore
from sync.embedded.safety.values import DATABASE_FILE, Progress, SafetyError

#: Pages copied between two looks at the progress.
_STEP_PAGES = 2000
#: Problems of a damaged source that its report quotes.
_REPORTED = 3


@dataclass(frozen=True)
class Contents:
    """What a database file holds. `made_for` is its storage version."""

    incarnation: str
    made_for: int
    databases: int
    documents: int
    deleted: int
    blobs: int
    blob_bytes: int


@contextmanager
def taken(data_dir: Path, target: Path, *, busy_seconds: float, progress: Progress) -> Iterator[Contents]:
    """Copy `data_dir`'s database file to `target` (which must not exist), whole, checked and on disk.

    Until the `with` ends no blob is swept away, so that those which the copy names can be fetched. Raises
    SafetyError: `no_data`, `source_damaged`, `busy`; OSError.
    """
    source = data_dir / DATABASE_FILE
    if not source.is_file():
        raise SafetyError("no_data", path=data_dir)
    # Into a folder that cannot be written nobody writes, and nothing of it is swept away.
    writable = os.access(data_dir, os.W_OK)
    with BlobStore(data_dir / "blobs").kept() if writable else nullcontext():
        try:
            if writable:
                _copy(source, target, busy_seconds, progress)
            else:
                copy_files(source, target)
            contents = _checked(target)
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise SafetyError("source_damaged", path=source, reason=str(error)) from error
        except apsw.BusyError as error:
            raise SafetyError("busy", path=source) from error
        except (apsw.FullError, apsw.IOError) as error:
            raise OSError(f"{target}: {error}") from error
        yield contents


def _copy(source: Path, target: Path, busy_seconds: float, progress: Progress) -> None:
    reading = schema.connect(source, busy_seconds=busy_seconds, readonly=True)
    writing = apsw.Connection(str(target))
    try:
        target.chmod(0o600)
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # only now does the moment stand
        with writing.backup("main", reading, "main") as backup:
            while not backup.done:
                backup.step(_STEP_PAGES)
                progress("database", backup.page_count - backup.remaining, backup.page_count)
        # One file, without a log beside it; the store turns it back when it opens it.
        writing.pragma("journal_mode", "DELETE")
    finally:
        writing.close()
        reading.close()


def copy_files(source: Path, target: Path) -> None:
    """The file and its log, byte by byte, then made one: for a folder to which nobody writes.

    Raises apsw.Error where the log cannot be applied; OSError.
    """
    shutil.copyfile(source, target)
    log, copied_log = (path.with_name(path.name + "-wal") for path in (source, target))
    if log.is_file():
        shutil.copyfile(log, copied_log)
    target.chmod(0o600)
    conn = apsw.Connection(str(target), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        conn.pragma("journal_mode", "DELETE")
    finally:
        conn.close()


def _checked(target: Path) -> Contents:
    """Raises SafetyError (`source_damaged`): what is damaged here was copied so."""
    conn = apsw.Connection(str(target), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        report = [str(line) for (line,) in conn.execute(f"PRAGMA quick_check({_REPORTED})")]
        if report != ["ok"]:
            raise SafetyError("source_damaged", path=target.name, reason="; ".join(report))
        contents = contents_of(conn)
    finally:
        conn.close()
    make_durable(target)
    return contents


def contents_of(conn: apsw.Connection) -> Contents:
    databases, documents, deleted = conn.execute(
        "SELECT count(*), coalesce(sum(doc_count), 0), coalesce(sum(del_count), 0) FROM databases"
    ).fetchall()[0]
    blobs, blob_bytes = conn.execute(
        "SELECT count(*), coalesce(sum(n), 0) FROM"
        " (SELECT max(stored_length) AS n FROM attachments GROUP BY sha256)"
    ).fetchall()[0]
    return Contents(
        incarnation=str(conn.execute("SELECT value FROM store WHERE key = 'incarnation'").get),
        made_for=int(conn.pragma("user_version")),
        databases=int(str(databases)),
        documents=int(str(documents)),
        deleted=int(str(deleted)),
        blobs=int(str(blobs)),
        blob_bytes=int(str(blob_bytes)),
    )


def named_blobs(conn: apsw.Connection) -> Iterator[tuple[str, int]]:
    """Every blob that some stored revision names, by name, with its length as stored."""
    rows = conn.execute("SELECT sha256, max(stored_length) FROM attachments GROUP BY sha256 ORDER BY sha256")
    for sha256, length in rows:
        yield str(sha256), int(str(length))
