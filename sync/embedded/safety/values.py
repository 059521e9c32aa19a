"""Values that backups, checks and salvage share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

#: The one file of all databases, in every data folder and every backup.
DATABASE_FILE = "hezha.sqlite3"
#: Lies in a data folder until its restore is complete; a store refuses to open such a folder.
UNFINISHED = "restore.unfinished"
CHUNK = 1024 * 1024

#: Told `(what, done, total)` as work goes on; `what` is `database` (pages) or `blobs` (files).
Progress = Callable[[str, int, int], None]


def silent(_what: str, _done: int, _total: int) -> None:
    """Progress that nobody looks at."""


class SafetyError(Exception):
    """Why a backup, restore or salvage cannot go on. `code` is stable; `params` say which and where."""

    def __init__(self, code: str, /, **params: Any) -> None:
        super().__init__(f"{code} {params}" if params else code)
        self.code = code
        self.params = params


def is_empty(file: Path) -> bool:
    """Whether there is no database in `file`. One that was ever opened has a page at least."""
    return not file.exists() or file.stat().st_size == 0


def has_store(data_dir: Path) -> bool:
    """Whether a store was ever opened in `data_dir`, or is being restored there, be it whole or not."""
    return (data_dir / DATABASE_FILE).exists() or (data_dir / UNFINISHED).exists() or has_blobs(data_dir)


def has_blobs(data_dir: Path) -> bool:
    return next((data_dir / "blobs").glob("??/*"), None) is not None


def blob_path(folder: Path, sha256: str) -> Path:
    """Where a data folder or a shelf keeps a blob, below `folder`."""
    return folder / "blobs" / sha256[:2] / sha256[2:]
