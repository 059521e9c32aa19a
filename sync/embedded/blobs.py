"""Attachments' bytes: files named by their SHA-256, written once and never changed.

A blob is on disk, named and synced, before any transaction speaks of it; a crash in between leaves at most a
file that nobody names. Blobs know no databases and no permissions: who may read one, the documents say.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import fcntl
import hashlib
import os
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from sync.embedded.schema import sync_folder
from sync.store import BadRequest, DigestMismatch, NoSpace, ReadOnly, StoreError, TooLarge

_FULL = "The disk is full; the attachment was not stored."
#: What a failing disk means to whoever sent the bytes.
_REFUSED: Mapping[int, tuple[type[StoreError], str]] = {
    errno.ENOSPC: (NoSpace, _FULL),
    errno.EDQUOT: (NoSpace, _FULL),
    errno.EROFS: (ReadOnly, "The data folder is read-only; the attachment was not stored."),
}
_CHUNK = 256 * 1024
_SUFFIX = ".part"
#: Locked while blobs are swept, or must not be.
_LEASE = "lease"


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class BlobInfo:
    """Bytes that are safely on disk. `length` counts them as stored, `md5` is theirs (16 bytes)."""

    sha256: str
    md5: bytes
    length: int

    @property
    def digest(self) -> str:
        """CouchDB's form, `md5-<base64>`."""
        return "md5-" + base64.b64encode(self.md5).decode()


class BlobStore:
    """The folder of blobs. Safe for many threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        sync_folder(folder)
        #: Folders of blobs whose names this process has synced.
        self._safe: set[str] = set()

    def ingest(self, stream: Readable, *, max_bytes: int, expect_md5: bytes | None = None) -> BlobInfo:
        """Read `stream` to its end and keep it.

        Raises TooLarge beyond `max_bytes`, DigestMismatch if the bytes are not those of `expect_md5`,
        NoSpace, ReadOnly. Then, as when the stream itself raises, nothing is kept.
        """
        try:
            return self._ingest(stream, max_bytes, expect_md5)
        except OSError as error:
            refusal, reason = _REFUSED.get(error.errno or 0, (None, ""))
            if refusal is None:
                raise
            raise refusal(reason) from error

    def _ingest(self, stream: Readable, max_bytes: int, expect_md5: bytes | None) -> BlobInfo:
        sha256, md5, length = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
        descriptor, name = tempfile.mkstemp(suffix=_SUFFIX, dir=self._incoming)
        try:
            with os.fdopen(descriptor, "wb") as file:
                while chunk := stream.read(_CHUNK):
                    length += len(chunk)
                    if length > max_bytes:
                        raise TooLarge(
                            f"the attachment exceeds {max_bytes} bytes", error="attachment_too_large"
                        )
                    sha256.update(chunk)
                    md5.update(chunk)
                    file.write(chunk)
                info = BlobInfo(sha256.hexdigest(), md5.digest(), length)
                if expect_md5 is not None and expect_md5 != info.md5:
                    raise digest_mismatch()
                if not self._touch(info):
                    file.flush()
                    os.fsync(file.fileno())
                    self._keep(Path(name), info)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
        return info

    def open(self, sha256: str) -> BinaryIO:
        """Open a blob. Raises FileNotFoundError."""
        return self._path(sha256).open("rb")

    def has(self, sha256: str) -> bool:
        return self._path(sha256).is_file()

    def sweep_incoming(self, *, older_than: float, now: float | None = None) -> int:
        """Remove what a killed process left half-read more than `older_than` seconds ago; return how many."""
        limit = (time.time() if now is None else now) - older_than
        removed = 0
        for part in self._incoming.glob("*" + _SUFFIX):
            with contextlib.suppress(FileNotFoundError):
                if part.stat().st_mtime < limit:
                    part.unlink()
                    removed += 1
        return removed

    def stale(self, *, older_than: float, now: float | None = None) -> Iterator[str]:
        """Names of blobs that were last written or sent again more than `older_than` seconds ago."""
        limit = (time.time() if now is None else now) - older_than
        for file in self._folder.glob("??/*"):
            with contextlib.suppress(FileNotFoundError):
                if file.stat().st_mtime < limit:
                    yield file.parent.name + file.name

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """While this lasts, in any process, nobody sweeps: a backup copies what a moment ago was named."""
        with self._lease(fcntl.LOCK_SH):
            yield

    @contextlib.contextmanager
    def sweeping(self) -> Iterator[bool]:
        """The right to remove blobs; False while somebody else needs them all. Never waits."""
        try:
            with self._lease(fcntl.LOCK_EX | fcntl.LOCK_NB):
                yield True
        except BlockingIOError:
            yield False

    @contextlib.contextmanager
    def _lease(self, kind: int) -> Iterator[None]:
        """The lock goes with the file's closing, and so with the process, however it ends."""
        descriptor = os.open(self._folder / _LEASE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, kind)
            yield
        finally:
            os.close(descriptor)

    def remove(self, sha256: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._path(sha256).unlink()

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256[2:]

    def _touch(self, info: BlobInfo) -> bool:
        """Whether the blob is here already; its age then begins anew, so that no sweep takes it from us."""
        with contextlib.suppress(FileNotFoundError):
            path = self._path(info.sha256)
            os.utime(path)
            # Whoever made the folder and renamed the file into it may not have synced either yet.
            self._ensure_folder(path.parent)
            sync_folder(path.parent)
            return True
        return False

    def _keep(self, part: Path, info: BlobInfo) -> None:
        final = self._path(info.sha256)
        self._ensure_folder(final.parent)
        part.rename(final)
        sync_folder(final.parent)

    def _ensure_folder(self, folder: Path) -> None:
        """Make one of the 256 folders, and its name safe. That it is there does not say that it is safe:
        another thread or process may have made it a moment ago.
        """
        if folder.name in self._safe and folder.is_dir():
            return
        folder.mkdir(exist_ok=True)
        sync_folder(self._folder)
        self._safe.add(folder.name)


def digest_mismatch() -> DigestMismatch:
    return DigestMismatch("Possible message corruption.", error="content_md5_mismatch")


def parse_digest(digest: object) -> bytes | None:
    """The MD5 in a digest `md5-<base64>`; None for other kinds, which CouchDB ignores. Raises BadRequest."""
    if not isinstance(digest, str) or not digest.startswith("md5-"):
        return None
    try:
        md5 = base64.b64decode(digest[4:], validate=True)
    except ValueError:
        md5 = b""
    if len(md5) != hashlib.md5(usedforsecurity=False).digest_size:
        raise BadRequest(f"Invalid attachment digest {digest}")
    return md5


def decoded_length(stream: BinaryIO, encoding: str, *, max_bytes: int) -> int:
    """How many bytes a gzip stream holds. Raises TooLarge beyond `max_bytes`, BadRequest if it is broken."""
    if encoding != "gzip":
        raise BadRequest(
            f"Unsupported attachment encoding {encoding}", status=415, error="bad_content_encoding"
        )
    total = 0
    engine = zlib.decompressobj(wbits=31)
    try:
        while chunk := stream.read(_CHUNK):
            while chunk:
                total += len(engine.decompress(chunk, _CHUNK))
                chunk = engine.unconsumed_tail
                if total > max_bytes:
                    raise TooLarge(f"the attachment exceeds {max_bytes} bytes", error="attachment_too_large")
                if engine.eof:
                    chunk = engine.unused_data
                    if chunk:
                        engine = zlib.decompressobj(wbits=31)
    except zlib.error as error:
        raise BadRequest(f"Invalid gzip attachment: {error}") from error
    if not engine.eof:
        raise BadRequest("Invalid gzip attachment: it ends early")
    return total
