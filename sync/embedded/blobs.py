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
import io
import os
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from sync.durable import make_durable
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
    """The folder of blobs. Safe for many threads and processes; make it after forking.

    `syncers` is how many files are being made safe at the same time; the kernel gathers what they ask for.
    """

    def __init__(self, folder: Path, *, syncers: int = 16) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        make_durable(folder)
        self._foldered = False
        self._syncers = ThreadPoolExecutor(syncers, thread_name_prefix="hezha-fsync")

    @contextlib.contextmanager
    def arrivals(self) -> Iterator[Arrivals]:
        """Takes bytes in; what has not been settled at the end of the `with` is thrown away."""
        arrivals = Arrivals(self)
        try:
            yield arrivals
        finally:
            arrivals.discard()

    def ingest(self, stream: Readable, *, max_bytes: int, expect_md5: bytes | None = None) -> BlobInfo:
        """Read `stream` to its end and keep it.

        Raises TooLarge beyond `max_bytes`, DigestMismatch if the bytes are not those of `expect_md5`,
        NoSpace, ReadOnly. Then, as when the stream itself raises, nothing is kept.
        """
        with self.arrivals() as arrivals:
            info = arrivals.receive(stream, max_bytes=max_bytes, expect_md5=expect_md5)
            arrivals.settle()
        return info

    def receive(self, stream: Readable, *, max_bytes: int, expect_md5: bytes | None) -> tuple[BlobInfo, Path]:
        """Read `stream` into a file that is neither named nor safe yet. Raises as `ingest`, and OSError."""
        sha256, md5, length = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
        descriptor, name = tempfile.mkstemp(suffix=_SUFFIX, dir=self._incoming)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                while chunk := stream.read(_CHUNK):
                    length += len(chunk)
                    if length > max_bytes:
                        raise TooLarge(
                            f"the attachment exceeds {max_bytes} bytes", error="attachment_too_large"
                        )
                    sha256.update(chunk)
                    md5.update(chunk)
                    _write(file, chunk)
            if expect_md5 is not None and expect_md5 != md5.digest():
                raise digest_mismatch()
        except BaseException:
            os.unlink(name)
            raise
        return BlobInfo(sha256.hexdigest(), md5.digest(), length), Path(name)

    def settle(self, parts: Mapping[str, Path]) -> None:
        """Give received files their names, by SHA-256, and make bytes and names safe. Raises OSError.

        All of them at once: a disk that is asked to make many files safe together does it in a turn or two. A
        name alone proves nothing, because it comes before its bytes are safe, and a crash may fall between.
        So a blob that is here already is written anew, which also begins its age anew for the sweeper.
        """
        self._make_folders()
        finals = {self._path(sha256): part for sha256, part in parts.items()}
        successors = {final: part for final, part in finals.items() if not _named(part, final)}
        if successors:
            # What takes the place of bytes that were acknowledged has to be as safe as those, before it does.
            self._sync([*successors.values()])
            for final, part in successors.items():
                part.rename(final)
        self._sync([*finals, *dict.fromkeys(final.parent for final in finals)])

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

    def aged(self, sha256: str, older_than: float, *, now: float | None = None) -> bool:
        """Whether a blob is there and was last written or sent again more than `older_than` seconds ago."""
        limit = (time.time() if now is None else now) - older_than
        try:
            return self._path(sha256).stat().st_mtime < limit
        except FileNotFoundError:
            return False

    def remove(self, sha256: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._path(sha256).unlink()

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256[2:]

    def close(self) -> None:
        self._syncers.shutdown()

    def _sync(self, paths: Sequence[Path]) -> None:
        """Wait until files and folders are on disk. Raises OSError."""
        *others, mine = paths
        waiting = [self._syncers.submit(make_durable, path) for path in others]
        try:
            make_durable(mine)
        finally:
            wait(waiting)
        for future in waiting:
            future.result()

    def _make_folders(self) -> None:
        """Make the 256 folders, once for each process: that they are there does not say that they are safe,
        since another thread or process may have made them a moment ago.
        """
        if self._foldered:
            return
        for number in range(256):
            (self._folder / f"{number:02x}").mkdir(exist_ok=True)
        make_durable(self._folder)
        self._foldered = True


def _named(part: Path, final: Path) -> bool:
    """Give a file its name, unless there is one of that name: renaming would take its place unasked."""
    try:
        os.link(part, final)
    except FileExistsError:
        return False
    part.unlink()
    return True


class Arrivals:
    """Bytes that one request brings: received one after the other, and made safe together."""

    def __init__(self, store: BlobStore) -> None:
        self._store = store
        self._parts: dict[str, Path] = {}

    def receive(self, stream: Readable, *, max_bytes: int, expect_md5: bytes | None = None) -> BlobInfo:
        """Read `stream` to its end; nothing may name it before `settle`. Raises as `BlobStore.ingest`."""
        with _refusing():
            info, part = self._store.receive(stream, max_bytes=max_bytes, expect_md5=expect_md5)
        if info.sha256 in self._parts:
            part.unlink()
        else:
            self._parts[info.sha256] = part
        return info

    def settle(self) -> None:
        """Make safe what was received. Raises NoSpace, ReadOnly."""
        if self._parts:
            with _refusing():
                self._store.settle(self._parts)
            self._parts.clear()

    def discard(self) -> None:
        for part in self._parts.values():
            part.unlink(missing_ok=True)
        self._parts.clear()


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """A failing disk as a refusal, where it is one."""
    try:
        yield
    except OSError as error:
        refusal, reason = _REFUSED.get(error.errno or 0, (None, ""))
        if refusal is None:
            raise
        raise refusal(reason) from error


def _write(file: io.FileIO, chunk: bytes) -> None:
    """All of `chunk`: a raw file may take less at a time."""
    rest = memoryview(chunk)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def digest_mismatch() -> DigestMismatch:
    return DigestMismatch("Possible message corruption.", error="content_md5_mismatch")


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
