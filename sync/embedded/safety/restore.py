"""Bringing a backup back into an empty folder, so that nobody takes its history for the one that was lost.

After the backup the database went on: clients and followers know sequence numbers of changes that are no
more, and new changes will be given the same numbers. So every incarnation is renewed. A number of the old
one then counts as none at all (`records.sequence_number`), whoever holds it compares from the beginning, and
tablets push again what the backup lacks; `reproof.py` sees to those that never stopped replicating.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

import apsw

from sync.durable import make_durable
from sync.embedded import reproof
from sync.embedded.safety.backup import blobs_of, chosen, damaged_files, read_manifest
from sync.embedded.safety.manifest import Manifest, blob_name
from sync.embedded.safety.shelf import SNAPSHOTS, Shelf, keep_stream
from sync.embedded.safety.values import (
    DATABASE_FILE,
    UNFINISHED,
    Progress,
    SafetyError,
    blob_path,
    silent,
)
from sync.embedded.schema import SCHEMA_VERSION
from sync.follow import checkpoint_id

#: What the file system itself puts into a folder.
_NOBODYS = frozenset({"lost+found"})


@dataclass(frozen=True)
class Restored:
    """What was brought back; `missing` names blobs that the backup has not got, or not with their bytes."""

    name: str
    manifest: Manifest
    blobs: int
    missing: tuple[str, ...]


def restore(
    shelf: Shelf,
    target: Path,
    *,
    name: str | None = None,
    extras: bool = True,
    partial: bool = False,
    progress: Progress = silent,
) -> Restored:
    """Bring snapshot `name` (None: the newest) into `target`: empty, or a restore of it cut off.

    Everything but the blobs is checked before anything is written, each blob as it comes. With `partial`
    blobs that the backup lacks are left out, and their attachments answer that they are missing; without it
    the first one ends the restore, and the folder cannot be served until another completes it. `extras`
    brings the keys, too.

    Raises SafetyError: `no_snapshot`, `no_manifest`, `manifest_damaged`, `newer_format`, `newer_storage`,
    `sums_damaged`, `backup_damaged`, `blob_damaged`, `not_empty`, `other_restore`; OSError.
    """
    name = chosen(shelf, name)
    manifest = read_manifest(shelf, name)
    if manifest.storage_version > SCHEMA_VERSION:
        raise SafetyError("newer_storage", found=manifest.storage_version, known=SCHEMA_VERSION)
    if wrong := damaged_files(shelf, name, manifest):
        raise SafetyError("backup_damaged", paths=", ".join(wrong))
    wanted = blobs_of(shelf, name)
    _claim(target, manifest)
    missing = [*manifest.damaged, *_bring_blobs(shelf, target, wanted, partial=partial, progress=progress)]
    if extras:
        for entry in manifest.extras:
            _bring(shelf, name, entry.name, entry.sha256, target / entry.name)
    # Under its own name only when it is complete: whoever opens the folder finds all or nothing.
    draft = target / f".{DATABASE_FILE}.restoring"
    _bring(shelf, name, manifest.database.name, manifest.database.sha256, draft)
    renew(draft)
    draft.rename(target / DATABASE_FILE)
    make_durable(target)
    (target / UNFINISHED).unlink()
    make_durable(target)
    return Restored(name, manifest, len(wanted) - len(missing) + len(manifest.damaged), tuple(missing))


def _claim(target: Path, manifest: Manifest) -> None:
    """Take the folder for this restore. Raises SafetyError (`not_empty`, `other_restore`)."""
    marker = target / UNFINISHED
    if marker.is_file():
        if marker.read_text("ascii").strip() != manifest.digest:
            raise SafetyError("other_restore", path=target)
    elif target.exists() and (not target.is_dir() or {p.name for p in target.iterdir()} - _NOBODYS):
        raise SafetyError("not_empty", path=target)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    marker.write_text(manifest.digest + "\n", "ascii")
    (target / "blobs").mkdir(mode=0o700, exist_ok=True)
    make_durable(target)
    make_durable(target.resolve().parent)


def _bring_blobs(
    shelf: Shelf, target: Path, wanted: list[str], *, partial: bool, progress: Progress
) -> list[str]:
    missing = []
    folders: set[Path] = set()
    for number, sha256 in enumerate(wanted, start=1):
        final = blob_path(target, sha256)
        folders.add(final.parent)
        if not final.is_file() and not _bring_blob(shelf, sha256, final):
            if not partial:
                raise SafetyError("blob_damaged", path=blob_name(sha256))
            missing.append(sha256)
        progress("blobs", number, len(wanted))
    for folder in (*sorted(folders), target / "blobs"):
        if folder.is_dir():
            make_durable(folder)
    return missing


def _bring_blob(shelf: Shelf, sha256: str, final: Path) -> bool:
    try:
        with shelf.open(blob_name(sha256)) as stream:
            final.parent.mkdir(mode=0o700, exist_ok=True)
            return keep_stream(sha256, stream, final)
    except FileNotFoundError:
        return False


def _bring(shelf: Shelf, snapshot: str, name: str, sha256: str, final: Path) -> None:
    """One of the snapshot's own files; it was whole a moment ago."""
    where = f"{SNAPSHOTS}/{snapshot}/{name}"
    with shelf.open(where) as stream:
        if not keep_stream(sha256, stream, final):
            raise SafetyError("backup_damaged", paths=where)


def renew(file: Path) -> None:
    """Give the store and each of its databases a new incarnation.

    The checkpoints of our own followers are part of the same moment: what they say was taken in, was. They
    go on at the same number, under the new name; everybody else's number of the old name counts as none, and
    the checkpoints of replicators are dropped.
    """
    conn = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        conn.pragma("synchronous", "FULL")
        with conn:
            reproof.mark(conn)
            conn.execute("UPDATE store SET value = ? WHERE key = 'incarnation'", (secrets.token_hex(4),))
            for pk, old in conn.execute("SELECT pk, incarnation FROM databases").fetchall():
                new = secrets.token_hex(4)
                conn.execute("UPDATE databases SET incarnation = ? WHERE pk = ?", (new, pk))
                _carry_checkpoints(conn, int(str(pk)), str(old), new)
    finally:
        conn.close()


def _carry_checkpoints(conn: apsw.Connection, db: int, old: str, new: str) -> None:
    prefix = "_local/" + checkpoint_id("")
    rows = conn.execute(
        "SELECT id, body FROM local_docs WHERE db = ? AND id >= ? AND id < ?",
        (db, prefix, prefix + "\U0010ffff"),
    ).fetchall()
    for doc_id, body in rows:
        checkpoint = json.loads(bytes(body))  # type: ignore[arg-type]
        number, _, incarnation = str(checkpoint.get("seq", "")).partition("-")
        if incarnation == old:
            renewed = json.dumps({**checkpoint, "seq": f"{number}-{new}"}, separators=(",", ":")).encode()
            conn.execute("UPDATE local_docs SET body = ? WHERE db = ? AND id = ?", (renewed, db, doc_id))
