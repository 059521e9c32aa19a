"""Bringing back the bytes of attachments that a data folder lacks, from a backup, while it serves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sync.durable import make_durable
from sync.embedded.blobs import BlobStore
from sync.embedded.safety.check import opened, wrong_blob
from sync.embedded.safety.manifest import blob_name
from sync.embedded.safety.shelf import Shelf, keep_stream
from sync.embedded.safety.snapshot import named_blobs
from sync.embedded.safety.values import Progress, blob_path, silent


@dataclass(frozen=True)
class Mended:
    """Blobs that were brought back, and those that the backup has not got either."""

    brought: tuple[str, ...]
    missing: tuple[str, ...]


def mend(
    shelf: Shelf, data_dir: Path, *, deep: bool, busy_seconds: float = 30.0, progress: Progress = silent
) -> Mended:
    """Bring back every blob that some document of `data_dir` names and that is missing or too short or long.

    `deep` reads all others as well and replaces those with other bytes. Raises apsw.Error, OSError.
    """
    with opened(data_dir, busy_seconds=busy_seconds) as conn:
        named = list(named_blobs(conn))
    brought: list[str] = []
    missing: list[str] = []
    with BlobStore(data_dir / "blobs").kept():
        for number, (sha256, length) in enumerate(named, start=1):
            final = blob_path(data_dir, sha256)
            if wrong_blob(final, sha256, length, deep=deep):
                (brought if _bring(shelf, sha256, final) else missing).append(sha256)
            progress("blobs", number, len(named))
    return Mended(tuple(brought), tuple(missing))


def _bring(shelf: Shelf, sha256: str, final: Path) -> bool:
    try:
        with shelf.open(blob_name(sha256)) as stream:
            final.parent.mkdir(mode=0o700, exist_ok=True)
            if not keep_stream(sha256, stream, final):
                return False
    except FileNotFoundError:
        return False
    make_durable(final.parent)
    make_durable(final.parent.parent)
    return True
