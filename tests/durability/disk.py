"""A disk that remembers what was synced, so that the power can be cut at any moment.

While it watches a folder, every `os.fsync` and every sync of SQLite below it is noted with the bytes, or the
names, that it made safe. `after_power_loss` then makes the folder anew as a disk might show it: with nothing
but what was synced (`names_kept=False`), or with every name there and only synced bytes behind it, as a file
system may well write names before bytes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import apsw
import pytest

#: Names in a folder: the inode, and whether it is a folder itself.
Names = dict[str, tuple[int, bool]]
#: SQLite rebuilds it from the log; it is never synced.
_SHARED_MEMORY = "-shm"


@dataclass(frozen=True)
class Moment:
    """What was safe at one moment, and what names there were."""

    contents: Mapping[int, bytes]
    safe_names: Mapping[str, Names]
    all_names: Mapping[str, Names]


class Disk:
    """Watches `root`, which is there and counts as safe itself."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.syncs = 0
        self._lock = threading.Lock()
        self._contents: dict[int, bytes] = {}
        self._names: dict[str, Names] = {}
        self._open: list[BinaryIO] = []

    @contextmanager
    def watched(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        real = os.fsync

        def fsync(descriptor: int) -> None:
            real(descriptor)
            self.synced(Path(f"/proc/self/fd/{descriptor}"))

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fsync)
            vfs = _Watching(self)
            try:
                yield
            finally:
                apsw.set_default_vfs("unix")
                vfs.unregister()
                for file in self._open:
                    file.close()

    def synced(self, path: Path) -> None:
        """A file or folder was made safe as it is now; `path` may be that of a descriptor."""
        where = os.path.realpath(path)
        if not where.startswith(str(self.root)):
            return
        with self._lock:
            self.syncs += 1
            if path.is_dir():
                self._names[where] = _names(where)
                return
            file = path.open("rb")
            self._open.append(file)  # as long as we look, no other file gets its number
            self._contents[os.fstat(file.fileno()).st_ino] = file.read()

    def moment(self) -> Moment:
        with self._lock:
            there = {folder: _names(folder) for folder, _, _ in os.walk(self.root)}
            return Moment(dict(self._contents), dict(self._names), there)


def after_power_loss(moment: Moment, root: Path, target: Path, *, names_kept: bool) -> None:
    """Make `target` what is left of `root`."""
    known = moment.all_names if names_kept else moment.safe_names
    target.mkdir()
    for name, (inode, is_folder) in known.get(str(root), {}).items():
        if is_folder:
            after_power_loss(moment, root / name, target / name, names_kept=names_kept)
        elif not name.endswith(_SHARED_MEMORY):
            (target / name).write_bytes(moment.contents.get(inode, b""))


def _names(folder: str) -> Names:
    return {entry.name: (entry.inode(), entry.is_dir()) for entry in os.scandir(folder)}


class _Watching(apsw.VFS):
    """SQLite's own files, watched."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__("watching", "unix", makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _WatchedFile(self._disk, name, flags)


class _WatchedFile(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else name
        super().__init__("unix", name, flags)

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        if self._path:
            self._disk.synced(Path(self._path))
            # SQLite's unix layer syncs the folder, too, after it has made a log or journal in it.
            if self._path.endswith(("-wal", "-journal")):
                self._disk.synced(Path(self._path).parent)
