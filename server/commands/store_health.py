"""The doctor's look into the embedded engine's files: what is damaged, missing or left over."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

from server.commands.findings import Finding
from server.names import CASE_DOCUMENT, Names
from server.settings import Settings
from server.workflow.audit import sound, traces
from server.workflow.documents import CaseFormatError, case_from_document
from sync.embedded.machinery import Limits
from sync.embedded.safety.check import Report, check, opened
from sync.embedded.safety.values import (
    DATABASE_FILE,
    UNFINISHED,
    Progress,
    has_blobs,
    is_empty,
    silent,
)
from sync.embedded.schema import SCHEMA_VERSION

#: SQLite releases whose write-ahead log can lose a commit when it is reset (sqlite.org/wal.html, 3.51.3).
_SAFE_SQLITE = (3, 51, 3)
#: A log this large is not being taken into the file: some program holds an old moment of it open.
_LARGE_LOG_BYTES = 512 * 1024 * 1024
#: Places that a finding names; there may be more.
_EXAMPLES = 5
#: Flaws by how they read in the catalogue.
_FLAWS = ("reference", "count", "tree", "body", "blob_missing", "blob_length", "blob_bytes")


def store_findings(
    settings: Settings, *, deep: bool = False, progress: Progress = silent
) -> Iterator[Finding]:
    """Everything about the files of the embedded engine. Writes nothing."""
    version = apsw.sqlite_lib_version()
    file = settings.data_dir / DATABASE_FILE
    if tuple(int(part) for part in version.split(".")) < _SAFE_SQLITE:
        yield Finding("fail", "engine", "old_sqlite", {"version": version})
        return
    if (settings.data_dir / UNFINISHED).exists():
        yield Finding("fail", "engine", "unfinished", {"path": settings.data_dir})
        return
    if is_empty(file):
        gone = has_blobs(settings.data_dir)
        outcome = "gone" if gone else "empty"
        yield Finding("fail" if gone else "ok", "engine", outcome, {"version": version, "path": file})
        return
    try:
        mode, stored = _header(settings.data_dir)
        report = check(settings.data_dir, deep=deep, examples=_EXAMPLES, progress=progress)
    except (apsw.Error, OSError) as error:
        yield Finding("fail", "engine", "unreadable", {"path": file, "reason": str(error)})
        return
    yield from _engine(file, version, mode, stored, report)
    if report.contents is not None:
        yield from _rows(report, deep=deep)
        yield from _chains(settings)
    yield from _leftovers(settings.data_dir, Limits().abandoned_seconds)
    yield from _owners(settings.data_dir)


def _header(data_dir: Path) -> tuple[str, int]:
    """The journal mode and storage version of the file. Raises apsw.Error, OSError."""
    with opened(data_dir, busy_seconds=Limits().busy_seconds) as conn:
        return str(conn.pragma("journal_mode")), int(conn.pragma("user_version"))


def _engine(file: Path, version: str, mode: str, stored: int, report: Report) -> Iterator[Finding]:
    params: dict[str, Any] = {"version": version, "path": file}
    if report.unreadable:
        yield Finding("fail", "engine", "unreadable", {**params, "reason": report.unreadable})
    elif "file" in report.flaws:
        reason = "; ".join(report.flaws["file"].examples)
        yield Finding("fail", "engine", "damaged", {**params, "reason": reason})
    elif stored > SCHEMA_VERSION:
        yield Finding("fail", "engine", "newer", {**params, "found": stored, "known": SCHEMA_VERSION})
    # A restored file turns to write-ahead mode when it is first opened; a read-only folder is read elsewhere.
    elif mode != "wal" and os.access(file.parent, os.W_OK) and file.with_name(file.name + ".lock").exists():
        yield Finding("fail", "engine", "not_wal", params)
    else:
        yield Finding("ok", "engine", "ok", params)
    large = report.log_bytes > _LARGE_LOG_BYTES
    megabytes = {"megabytes": report.log_bytes // 1_000_000}
    yield Finding("warn" if large else "ok", "log", "large" if large else "ok", megabytes)


def _rows(report: Report, *, deep: bool) -> Iterator[Finding]:
    contents = report.contents
    assert contents is not None  # noqa: S101  the caller has looked
    for code in _FLAWS:
        if code in report.flaws:
            flaws = report.flaws[code]
            yield Finding(
                "fail", "store", code, {"count": flaws.count, "examples": "; ".join(flaws.examples)}
            )
    if report.sound:
        params = {
            "databases": contents.databases,
            "documents": contents.documents,
            "deleted": contents.deleted,
            "blobs": contents.blobs,
        }
        yield Finding("ok", "store", "deeply_sound" if deep else "sound", params)
    orphans = {"count": report.orphans, "megabytes": report.orphan_bytes // 1_000_000}
    yield Finding("ok", "orphans", "some" if report.orphans else "none", orphans)


def _chains(settings: Settings) -> Iterator[Finding]:
    """Every case's log is a chain of hashes; a broken one was changed by hand."""
    names = Names(settings)
    verified, broken = 0, []
    with opened(settings.data_dir, busy_seconds=Limits().busy_seconds) as conn:
        rows = conn.execute(
            "SELECT b.name, r.body FROM databases b JOIN docs d ON d.db = b.pk"
            " JOIN revisions r ON r.doc = d.pk AND r.rev = d.winner WHERE d.id = ? AND NOT d.deleted",
            (CASE_DOCUMENT,),
        )
        for name, body in rows:
            parsed = names.parse(str(name))
            if parsed is None or parsed[0] != "case" or not isinstance(body, bytes):
                continue
            if _verifies(body):
                verified += 1
            else:
                broken.append(parsed[1])
    if broken:
        params = {"count": len(broken), "examples": ", ".join(broken[:_EXAMPLES])}
        yield Finding("fail", "chains", "broken", params)
    else:
        yield Finding("ok", "chains", "ok", {"count": verified})


def _verifies(body: bytes) -> bool:
    try:
        return sound(traces(case_from_document({"_id": CASE_DOCUMENT, **json.loads(body)})))
    except (CaseFormatError, ValueError):
        return False


def _leftovers(data_dir: Path, abandoned_seconds: float) -> Iterator[Finding]:
    """What killed processes left half-done. The next start sweeps it; until then it takes room."""
    too_old = time.time() - abandoned_seconds
    parts = [*(data_dir / "blobs" / "incoming").glob("*.part"), *(data_dir / "spool").glob("*")]
    old = [path.stat() for path in parts if path.is_file() and path.stat().st_mtime < too_old]
    if old:
        params = {"count": len(old), "megabytes": sum(found.st_size for found in old) // 1_000_000}
        yield Finding("warn", "leftovers", "some", params)


def _owners(data_dir: Path) -> Iterator[Finding]:
    """A command once run as root can leave files that the service may not write."""
    owner = data_dir.stat().st_uid
    files = [*data_dir.glob(f"{DATABASE_FILE}*"), *data_dir.glob("*.key"), data_dir / "blobs"]
    foreign = [path for path in files if path.exists() and path.stat().st_uid != owner]
    if foreign:
        names = ", ".join(path.name for path in foreign)
        yield Finding("fail", "owner", "foreign", {"path": data_dir, "files": names})
