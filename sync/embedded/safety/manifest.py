"""What a snapshot on the shelf says of itself, and the list of its files.

A shelf holds `snapshots/<name>/` with `hezha.sqlite3`, further files (keys), `SHA256SUMS` and
`manifest.json`, and beside them the `blobs/` that all snapshots share. `SHA256SUMS` is in the form of the
command of that name, its paths seen from the shelf's root, so that a backup can be checked without Hezha:
`cd SHELF && sha256sum -c snapshots/NAME/SHA256SUMS`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from sync.embedded.safety.values import SafetyError

FORMAT = 1
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}(\.[0-9]+)?Z")
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)\n?")
_BLOB = re.compile(r"blobs/([0-9a-f]{2})/([0-9a-f]{62})")


class FileEntry(msgspec.Struct, frozen=True):
    """A file of a snapshot: its name there, its length in bytes, its SHA-256."""

    name: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """A snapshot in numbers. `made_at` is RFC 3339; `damaged` names blobs that the source itself lacked.

    `digest` is the SHA-256 of the canonical JSON of all the rest.
    """

    format: int
    made_at: str
    made_by: str
    storage_version: int
    incarnation: str
    databases: int
    documents: int
    deleted: int
    blobs: int
    blob_bytes: int
    database: FileEntry
    extras: tuple[FileEntry, ...]
    sums: FileEntry
    damaged: tuple[str, ...] = ()
    digest: str = ""

    @property
    def files(self) -> tuple[FileEntry, ...]:
        """All but the blobs and the manifest itself."""
        return (self.database, *self.extras, self.sums)


def sealed(manifest: Manifest) -> Manifest:
    """The same with its digest."""
    return msgspec.structs.replace(manifest, digest=_digest(manifest))


def encode(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decode(data: bytes, where: str) -> Manifest:
    """Raises SafetyError: `no_manifest` if it cannot be read, `newer_format`, `manifest_damaged`."""
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:
        raise SafetyError("no_manifest", path=where, reason=str(error)) from error
    if manifest.format != FORMAT:
        raise SafetyError("newer_format", path=where, format=manifest.format)
    if manifest.digest != _digest(manifest):
        raise SafetyError("manifest_damaged", path=where)
    return manifest


def _digest(manifest: Manifest) -> str:
    plain = msgspec.structs.replace(manifest, digest="")
    return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()


def snapshot_name(now: datetime, taken: Iterable[str]) -> str:
    """A name for a snapshot made at `now`, later in order than all before it and unlike those `taken`."""
    stem, others = now.astimezone(UTC).strftime("%Y%m%dT%H%M%S"), set(taken)
    name, number = f"{stem}Z", 1
    while name in others:
        name, number = f"{stem}.{number}Z", number + 1
    return name


def is_snapshot_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def age(name: str) -> tuple[str, int]:
    """What to sort names by: `20261122T083000.2Z` comes after `20261122T083000Z`."""
    stem, _, number = name.removesuffix("Z").partition(".")
    return stem, int(number or 0)


def sums_line(sha256: str, path: str) -> str:
    return f"{sha256}  {path}\n"


def blob_name(sha256: str) -> str:
    """A blob's path on a shelf."""
    return f"blobs/{sha256[:2]}/{sha256[2:]}"


def blobs_in(lines: Iterable[str], where: str) -> Iterator[str]:
    """The blobs that a list names. Raises SafetyError (`sums_damaged`) at a line that is no line of one."""
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None:
            raise SafetyError("sums_damaged", path=where)
        blob = _BLOB.fullmatch(found[2])
        if blob is not None:
            if blob[1] + blob[2] != found[1]:
                raise SafetyError("sums_damaged", path=where)
            yield found[1]
