"""A backup of the embedded engine while it serves: one moment of the database and every blob it names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO

import apsw

from sync.durable import make_durable
from sync.embedded.safety import manifest as manifests
from sync.embedded.safety.manifest import MANIFEST, SUMS, FileEntry, Manifest
from sync.embedded.safety.shelf import (
    SNAPSHOTS,
    FolderShelf,
    NewSnapshot,
    Shelf,
    copy_hashed,
    locked,
    new_snapshot,
)
from sync.embedded.safety.snapshot import Contents, named_blobs, taken
from sync.embedded.safety.values import DATABASE_FILE, Progress, SafetyError, blob_path, silent


@dataclass(frozen=True)
class Made:
    """A snapshot that was made: its name, what it says of itself, and how many blobs the shelf had not."""

    name: str
    manifest: Manifest
    new_blobs: int


@dataclass(frozen=True)
class Verified:
    """What a look at a snapshot found: blobs that are missing on the shelf, and files with other bytes."""

    name: str
    manifest: Manifest
    missing: tuple[str, ...]
    damaged: tuple[str, ...]

    @property
    def sound(self) -> bool:
        return not (self.missing or self.damaged)


def make(
    data_dir: Path,
    destination: Path,
    *,
    made_by: str,
    now: datetime,
    extras: Sequence[Path] = (),
    hard_links: bool = False,
    busy_seconds: float = 30.0,
    progress: Progress = silent,
) -> Made:
    """Back up `data_dir` into a folder, which keeps earlier snapshots, or into a new `.tar`.

    `extras` are further files that belong to the data (keys); those that are not there are left out. A blob
    that the shelf has is not copied again, so that a backup that was cut off goes on where it was. Blobs that
    the data folder itself lacks are named in the manifest (`damaged`); the rest is as good as the data.

    Raises SafetyError: `no_data`, `source_damaged`, `busy`, `inside`, `exists`, `not_a_shelf`, `shelf_busy`;
    OSError. Then the shelf has no new snapshot.
    """
    _refuse_inside(data_dir, destination)
    known = FolderShelf(destination).snapshots() if (destination / SNAPSHOTS).is_dir() else []
    name = manifests.snapshot_name(now, known)
    with new_snapshot(destination, name, hard_links=hard_links) as out:
        kept = tuple(_copy_extra(path, out.place) for path in extras if path.is_file())
        database = out.place / DATABASE_FILE
        with (
            taken(data_dir, database, busy_seconds=busy_seconds, progress=progress) as contents,
            (out.place / SUMS).open("w", encoding="ascii") as sums,
        ):
            own = (_entry(database), *kept)
            for entry in own:
                sums.write(manifests.sums_line(entry.sha256, f"{SNAPSHOTS}/{name}/{entry.name}"))
            new, damaged = _take_blobs(data_dir, database, out, contents, sums, progress)
            sums.flush()
            os.fsync(sums.fileno())
        made = manifests.sealed(
            Manifest(
                format=manifests.FORMAT,
                made_at=now.isoformat(timespec="seconds"),
                made_by=made_by,
                storage_version=contents.made_for,
                incarnation=contents.incarnation,
                databases=contents.databases,
                documents=contents.documents,
                deleted=contents.deleted,
                blobs=contents.blobs,
                blob_bytes=contents.blob_bytes,
                database=own[0],
                extras=kept,
                sums=_entry(out.place / SUMS),
                damaged=tuple(damaged),
            )
        )
        _write(out.place / MANIFEST, manifests.encode(made))
        out.finish()
    return Made(name, made, new)


def _refuse_inside(data_dir: Path, destination: Path) -> None:
    data, shelf = data_dir.resolve(), destination.resolve()
    if shelf == data or data in shelf.parents or shelf in data.parents:
        raise SafetyError("inside", path=destination, data=data_dir)


def _take_blobs(
    data_dir: Path,
    database: Path,
    out: NewSnapshot,
    contents: Contents,
    sums: TextIO,
    progress: Progress,
) -> tuple[int, list[str]]:
    """Bring every blob that the copied database names to the shelf: how many were new, which are damaged."""
    conn = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    new, damaged = 0, []
    try:
        for number, (sha256, length) in enumerate(named_blobs(conn), start=1):
            if not out.has_blob(sha256, length):
                if out.add_blob(sha256, blob_path(data_dir, sha256)):
                    new += 1
                else:
                    damaged.append(sha256)
            if not damaged or damaged[-1] != sha256:
                sums.write(manifests.sums_line(sha256, manifests.blob_name(sha256)))
            progress("blobs", number, contents.blobs)
    finally:
        conn.close()
    return new, damaged


def _copy_extra(path: Path, place: Path) -> FileEntry:
    _write(place / path.name, path.read_bytes())
    return _entry(place / path.name)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _entry(path: Path) -> FileEntry:
    with path.open("rb") as stream:
        sha256 = copy_hashed(stream)
    return FileEntry(path.name, path.stat().st_size, sha256)


def read_manifest(shelf: Shelf, name: str) -> Manifest:
    """Raises SafetyError: `no_manifest`, `newer_format`, `manifest_damaged`."""
    where = f"{SNAPSHOTS}/{name}/{MANIFEST}"
    try:
        with shelf.open(where) as stream:
            return manifests.decode(stream.read(), where)
    except FileNotFoundError as error:
        raise SafetyError("no_manifest", path=where, reason="missing") from error


def chosen(shelf: Shelf, name: str | None) -> str:
    """The snapshot of that name, or the newest. Raises SafetyError (`no_snapshot`)."""
    names = shelf.snapshots()
    if (name is None and not names) or (name is not None and name not in names):
        raise SafetyError("no_snapshot", name=name or "", names=", ".join(names))
    return name or names[-1]


def blobs_of(shelf: Shelf, name: str) -> list[str]:
    """Names of the blobs that belong to a snapshot. Raises SafetyError (`sums_damaged`)."""
    where = f"{SNAPSHOTS}/{name}/{SUMS}"
    try:
        with shelf.open(where) as stream:
            return list(manifests.blobs_in((line.decode("ascii", "replace") for line in stream), where))
    except FileNotFoundError as error:
        raise SafetyError("sums_damaged", path=where) from error


def damaged_files(shelf: Shelf, name: str, manifest: Manifest) -> list[str]:
    """Files of the snapshot itself (database, keys, list) that are missing or have other bytes."""
    found = []
    for entry in manifest.files:
        where = f"{SNAPSHOTS}/{name}/{entry.name}"
        try:
            with shelf.open(where) as stream:
                if copy_hashed(stream) != entry.sha256:
                    found.append(where)
        except FileNotFoundError:
            found.append(where)
    return found


def verify(shelf: Shelf, name: str | None = None, *, progress: Progress = silent) -> Verified:
    """Read a snapshot whole, every blob too. Raises SafetyError where its manifest cannot be trusted."""
    name = chosen(shelf, name)
    manifest = read_manifest(shelf, name)
    damaged = damaged_files(shelf, name, manifest)
    missing = []
    wanted = blobs_of(shelf, name)
    for number, sha256 in enumerate(wanted, start=1):
        try:
            with shelf.open(manifests.blob_name(sha256)) as stream:
                if copy_hashed(stream) != sha256:
                    damaged.append(manifests.blob_name(sha256))
        except FileNotFoundError:
            missing.append(sha256)
        progress("blobs", number, len(wanted))
    return Verified(name, manifest, tuple(missing), tuple(damaged))


def prune(folder: Path, keep: int) -> tuple[list[str], int]:
    """Remove all but the newest `keep` snapshots and the blobs that only they had; what and how many.

    A snapshot goes first and its blobs after, so that being cut off leaves blobs too many and never too few.
    Raises SafetyError: `shelf_busy`, `sums_damaged` (then no blob goes).
    """
    with locked(folder):
        shelf = FolderShelf(folder)
        old = shelf.snapshots()[:-keep]
        for name in old:
            shutil.rmtree(_unnamed(folder / SNAPSHOTS / name))
        if not old:
            return [], 0
        needed = {sha256 for name in shelf.snapshots() for sha256 in blobs_of(shelf, name)}
        return old, _remove_others(folder, needed)


def _unnamed(snapshot: Path) -> Path:
    """From now on it does not count."""
    hidden = snapshot.with_name(f".part-{snapshot.name}")
    snapshot.rename(hidden)
    make_durable(hidden.parent)
    return hidden


def _remove_others(folder: Path, needed: Iterable[str]) -> int:
    needed = set(needed)
    removed = 0
    for path in (folder / "blobs").glob("??/*"):
        if path.parent.name + path.name not in needed:
            path.unlink()
            removed += 1
    return removed
