"""Where backups lie: a folder that takes one snapshot after another, or a tar with one.

Both have the same inside (`manifest.py` tells it), so that a tar unpacked is a folder to go on with. Nothing
on a shelf counts before the folder of its snapshot has its name, which it gets last, when all is on disk.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import io
import os
import secrets
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from sync.durable import make_durable
from sync.embedded.safety.manifest import age, blob_name, is_snapshot_name
from sync.embedded.safety.values import CHUNK, SafetyError, blob_path

SNAPSHOTS = "snapshots"
_PART = ".part-"
_LOCK = "backup.lock"
TAR = ".tar"


class Shelf(Protocol):
    """A shelf to read from. Paths are those of `SHA256SUMS`."""

    def snapshots(self) -> list[str]:
        """Names of complete snapshots, the oldest first."""

    def open(self, path: str) -> BinaryIO:
        """Raises FileNotFoundError."""

    def has(self, path: str) -> bool: ...


class NewSnapshot(Protocol):
    """A snapshot on its way to a shelf. `place` is where its own files are made."""

    place: Path

    def has_blob(self, sha256: str, length: int) -> bool: ...

    def add_blob(self, sha256: str, source: Path) -> bool:
        """Take a blob's bytes; False if they are not the ones of its name, or not there. Raises OSError."""

    def finish(self) -> Path:
        """All is on disk, and counts. Returns where."""


def open_shelf(path: Path) -> Shelf:
    """Raises SafetyError (`no_backup`)."""
    if (path / SNAPSHOTS).is_dir():
        return FolderShelf(path)
    if path.is_file() and tarfile.is_tarfile(path):
        return TarShelf(path)
    raise SafetyError("no_backup", path=path)


class FolderShelf:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def snapshots(self) -> list[str]:
        return sorted(
            (path.name for path in (self.folder / SNAPSHOTS).iterdir() if is_snapshot_name(path.name)),
            key=age,
        )

    def open(self, path: str) -> BinaryIO:
        return (self.folder / path).open("rb")

    def has(self, path: str) -> bool:
        return (self.folder / path).is_file()


class TarShelf:
    def __init__(self, file: Path) -> None:
        self._file = file
        with tarfile.open(file, mode="r:") as tar:
            # Only plain files, under names as we write them; nothing is ever extracted to where a tar says.
            self._members = {one.name: (one.offset_data, one.size) for one in tar if one.isfile()}

    def snapshots(self) -> list[str]:
        parts = (name.split("/") for name in self._members)
        names = {p[1] for p in parts if p[0] == SNAPSHOTS and len(p) == 3 and is_snapshot_name(p[1])}
        return sorted(names, key=age)

    def open(self, path: str) -> BinaryIO:
        if path not in self._members:
            raise FileNotFoundError(path)
        return io.BufferedReader(_Stretch(self._file, *self._members[path]))

    def has(self, path: str) -> bool:
        return path in self._members


class _Stretch(io.RawIOBase):
    """`length` bytes of a file from `start` on."""

    def __init__(self, file: Path, start: int, length: int) -> None:
        self._stream = file.open("rb")
        self._stream.seek(start)
        self._left = length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._stream.readinto(memoryview(buffer)[: self._left])
        self._left -= count
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


@contextlib.contextmanager
def new_snapshot(destination: Path, name: str, *, hard_links: bool) -> Iterator[NewSnapshot]:
    """Begin a snapshot called `name`; whatever is not finished when the `with` ends is taken away.

    `destination` is a folder, which may hold snapshots already, or a `.tar` that must not exist. With
    `hard_links` blobs are linked and not copied, where both lie on one file system. Raises SafetyError:
    `exists`, `not_a_shelf`, `shelf_busy`; OSError.
    """
    if destination.suffix == TAR:
        with _new_tar(destination, name) as made:
            yield made
    else:
        with locked(destination), _new_in_folder(destination, name, hard_links) as found:
            yield found


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One at a time at one folder; the lock goes with its process."""
    strangers = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    if strangers and not (folder / SNAPSHOTS).is_dir():
        raise SafetyError("not_a_shelf", path=folder)
    (folder / SNAPSHOTS).mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "blobs").mkdir(mode=0o700, exist_ok=True)
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SafetyError("shelf_busy", path=folder) from None
        yield


@contextlib.contextmanager
def _new_in_folder(folder: Path, name: str, hard_links: bool) -> Iterator[_InFolder]:
    for left in (folder / SNAPSHOTS).glob(_PART + "*"):  # of a backup that was killed: we hold the lock
        shutil.rmtree(left)
    place = folder / SNAPSHOTS / (_PART + name)
    place.mkdir(mode=0o700)
    try:
        yield _InFolder(folder, place, folder / SNAPSHOTS / name, hard_links)
    finally:
        shutil.rmtree(place, ignore_errors=True)


class _InFolder:
    def __init__(self, folder: Path, place: Path, final: Path, hard_links: bool) -> None:
        self.place = place
        self._folder = folder
        self._final = final
        self._hard_links = hard_links
        self._touched: set[Path] = {folder, folder / SNAPSHOTS, folder / "blobs"}

    def has_blob(self, sha256: str, length: int) -> bool:
        path = blob_path(self._folder, sha256)
        self._touched.add(path.parent)  # a backup that was cut off may have left it unsynced
        with contextlib.suppress(FileNotFoundError):
            return path.stat().st_size == length
        return False

    def add_blob(self, sha256: str, source: Path) -> bool:
        final = blob_path(self._folder, sha256)
        final.parent.mkdir(mode=0o700, exist_ok=True)
        return put_blob(sha256, source, final, hard_link=self._hard_links)

    def finish(self) -> Path:
        for folder in (*sorted(self._touched), self.place):
            if folder.is_dir():  # the one folder of a blob that nobody could read was never made
                make_durable(folder)
        self.place.rename(self._final)
        make_durable(self._final.parent)
        make_durable(self._folder.resolve().parent)
        return self._final


def put_blob(sha256: str, source: Path, final: Path, *, hard_link: bool = False) -> bool:
    """Copy a blob so that it is under its name whole or not at all; False if its bytes are other ones."""
    if hard_link:
        with contextlib.suppress(FileNotFoundError):
            final.unlink(missing_ok=True)
            try:
                os.link(source, final)
                return True
            except OSError as error:
                if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK}:
                    raise
    try:
        with source.open("rb") as stream:
            return keep_stream(sha256, stream, final)
    except FileNotFoundError:
        return False


def keep_stream(sha256: str, stream: BinaryIO, final: Path) -> bool:
    """Write a stream to `final`, synced, if its bytes are those of its name. The folder is the caller's."""
    draft = final.with_name(f".{final.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as out:
            os.chmod(out.fileno(), 0o600)
            found = copy_hashed(stream, out)
            if found != sha256:
                return False
            out.flush()
            os.fsync(out.fileno())
        draft.rename(final)
    finally:
        draft.unlink(missing_ok=True)
    return True


def copy_hashed(stream: BinaryIO, out: BinaryIO | None = None) -> str:
    """Read a stream to its end, write it to `out` if there is one, and return its SHA-256."""
    sha256 = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        sha256.update(chunk)
        if out is not None:
            out.write(chunk)
    return sha256.hexdigest()


@contextlib.contextmanager
def _new_tar(file: Path, name: str) -> Iterator[_InTar]:
    if file.exists():
        raise SafetyError("exists", path=file)
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    place = draft.with_name(draft.name + ".d")
    place.mkdir(mode=0o700)
    try:
        with draft.open("xb") as out, tarfile.open(fileobj=out, mode="w:", format=tarfile.PAX_FORMAT) as tar:
            os.chmod(out.fileno(), 0o600)
            made = _InTar(tar, place, name)
            yield made
            if made.finished:
                tar.close()
                out.flush()
                os.fsync(out.fileno())
                draft.rename(file)
                make_durable(file.parent)
    finally:
        draft.unlink(missing_ok=True)
        shutil.rmtree(place, ignore_errors=True)


class _InTar:
    def __init__(self, tar: tarfile.TarFile, place: Path, name: str) -> None:
        self.place = place
        self.finished = False
        self._tar = tar
        self._name = name

    def has_blob(self, sha256: str, length: int) -> bool:
        return False

    def add_blob(self, sha256: str, source: Path) -> bool:
        try:
            with source.open("rb") as stream:
                # Looked at first: what is in a tar cannot be taken out again.
                if copy_hashed(stream) != sha256:
                    return False
                stream.seek(0)
                self._add(blob_name(sha256), stream)
        except FileNotFoundError:
            return False
        return True

    def finish(self) -> Path:
        for path in sorted(self.place.iterdir()):
            with path.open("rb") as stream:
                self._add(f"{SNAPSHOTS}/{self._name}/{path.name}", stream)
        self.finished = True
        return Path(f"{SNAPSHOTS}/{self._name}")

    def _add(self, name: str, stream: BinaryIO) -> None:
        info = tarfile.TarInfo(name)
        info.size = os.fstat(stream.fileno()).st_size
        info.mtime = int(os.fstat(stream.fileno()).st_mtime)
        info.mode = 0o600
        self._tar.addfile(info, stream)
