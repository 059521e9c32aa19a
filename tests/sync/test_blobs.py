"""Attachments' bytes are safe before anything names them, and many of them cost no more turns of the disk."""

from __future__ import annotations

import base64
import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.embedded.blobs import BlobStore
from sync.embedded.engine import EmbeddedStore
from sync.store import DigestMismatch, Document


@pytest.fixture
def blobs(tmp_path: Path) -> Iterator[BlobStore]:
    made = BlobStore(tmp_path / "blobs")
    yield made
    made.close()


def photo(doc_id: str, data: bytes, digest: str | None = None) -> Document:
    spec = {"content_type": "image/jpeg", "data": base64.b64encode(data).decode()}
    return {"_id": doc_id, "_attachments": {"original": spec | ({"digest": digest} if digest else {})}}


def test_a_name_that_a_crash_left_with_half_its_bytes_is_no_proof_that_they_are_here(
    blobs: BlobStore,
) -> None:
    info = blobs.ingest(io.BytesIO(b"whole"), max_bytes=10)
    path = blobs._path(info.sha256)
    path.write_bytes(b"wh")
    assert blobs.ingest(io.BytesIO(b"whole"), max_bytes=10) == info
    assert path.read_bytes() == b"whole"


def test_bytes_are_named_and_safe_only_when_they_are_settled(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    with blobs.arrivals() as arrivals:
        infos = [arrivals.receive(io.BytesIO(data), max_bytes=10) for data in (b"one", b"two", b"one")]
        assert not any(blobs.has(info.sha256) for info in infos)
        assert synced == []
        arrivals.settle()
        paths = {blobs._path(info.sha256) for info in infos}
        assert len(paths) == 2
        assert {str(path) for path in paths} | {str(path.parent) for path in paths} <= set(synced)
        assert all(path.read_bytes() in {b"one", b"two"} for path in paths)


def test_what_is_not_settled_leaves_nothing_behind(blobs: BlobStore, tmp_path: Path) -> None:
    with blobs.arrivals() as arrivals:
        arrivals.receive(io.BytesIO(b"one"), max_bytes=10)
        with pytest.raises(DigestMismatch):
            arrivals.receive(io.BytesIO(b"two"), max_bytes=10, expect_md5=b"\0" * 16)
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


def test_a_batch_keeps_the_photos_of_the_documents_it_stores(store: EmbeddedStore) -> None:
    lie = "md5-" + base64.b64encode(hashlib.md5(b"other").digest()).decode()
    rows = store.bulk_docs("db", [photo("a", b"1"), photo("b", b"2", lie), photo("c", b"1")])
    assert [row.error for row in rows] == [None, "content_md5_mismatch", None]
    for doc_id in "ac":
        with store.open_attachment("db", doc_id, "original") as attachment:
            assert attachment.stream.read() == b"1"
