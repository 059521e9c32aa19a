"""Attachments go in and out without ever being held whole, in every form that a client may ask for."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
from typing import Any

import pytest

from sync.embedded import blobs, inlining
from sync.embedded.blobs import BlobStore
from sync.embedded.engine import EmbeddedStore
from sync.store import NewAttachment
from tests.sync_http.conftest import Asker

LARGE = hashlib.shake_256(b"large").digest(3 * inlining.SMALL + 1)
SMALL = b"small"


@pytest.fixture
def filled(store: EmbeddedStore, free: str) -> str:
    """A document with a small and two large attachments, one of them kept gzipped."""
    rev = store.put_attachment(free, "d", None, NewAttachment("large", "image/jpeg", io.BytesIO(LARGE)))
    rev = store.put_attachment(free, "d", rev, NewAttachment("small", "x/y", io.BytesIO(SMALL)))
    zipped = NewAttachment("zipped", "x/z", io.BytesIO(gzip.compress(LARGE)), {"encoding": "gzip"})
    store.put_attachment(free, "d", rev, zipped)
    return f"/{free}"


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much was read from blobs at a time."""
    sizes: list[int] = []

    class Counted(io.BufferedReader):
        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            sizes.append(len(data))
            return data

    def open_blob(self: BlobStore, sha256: str) -> Any:
        return Counted(io.FileIO(self._path(sha256)))

    monkeypatch.setattr(BlobStore, "open", open_blob)
    monkeypatch.setattr(blobs, "_CHUNK", 1000)
    monkeypatch.setattr(inlining, "_CHUNK", 3000)
    return sizes


def data_of(doc: Any) -> dict[str, bytes]:
    return {name: base64.b64decode(one["data"], validate=True) for name, one in doc["_attachments"].items()}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/d?attachments=true", None),
        ("GET", "/d?open_revs=all&attachments=true", None),
        ("POST", "/_bulk_get?attachments=true", {"docs": [{"id": "d"}]}),
        ("POST", "/_bulk_get", {"docs": [{"id": "d", "atts_since": []}]}),
        ("GET", "/_all_docs?include_docs=true&attachments=true", None),
        ("GET", "/_changes?include_docs=true&attachments=true", None),
        ("GET", "/_changes?include_docs=true&attachments=true&feed=longpoll", None),
    ],
)
def test_json_carries_large_attachments_read_a_little_at_a_time(
    admin: Asker, filled: str, held: list[int], method: str, path: str, body: Any
) -> None:
    answer = admin.ask(method, filled + path, body, status=200).json
    (doc,) = find_docs(answer)
    assert data_of(doc) == {"large": LARGE, "small": SMALL, "zipped": LARGE}
    assert doc["_attachments"]["large"].keys() == {"content_type", "data", "digest", "revpos"}
    assert max(held) <= 64 * 1024  # what GzipFile takes at once


def find_docs(value: Any) -> list[Any]:
    """Every document in an answer, wherever it stands."""
    if isinstance(value, dict) and "_id" in value:
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [doc for one in inner for doc in find_docs(one)]


def test_feeds_of_lines_and_events_carry_them_too(admin: Asker, filled: str) -> None:
    params = "include_docs=true&attachments=true&timeout=1"
    lines = admin.ask("GET", f"{filled}/_changes?feed=continuous&{params}").data.splitlines()
    first = next(json.loads(line) for line in lines if line)
    assert data_of(first["doc"])["large"] == LARGE
    events = admin.ask("GET", f"{filled}/_changes?feed=eventsource&{params}").data.splitlines()
    event = next(line for line in events if line.startswith(b"data: {"))
    assert data_of(json.loads(event.removeprefix(b"data: "))["doc"])["zipped"] == LARGE


def test_head_tells_of_a_document_and_reads_no_attachment(admin: Asker, filled: str, held: list[int]) -> None:
    answer = admin.ask("HEAD", f"{filled}/d?attachments=true", status=200)
    assert answer.data == b""
    assert not [size for size in held if size > len(SMALL)]


def test_a_document_cannot_name_other_peoples_bytes(admin: Asker, filled: str) -> None:
    """Marks begin with a secret: a document that holds what looks like one is left as it is."""
    sha256 = hashlib.sha256(LARGE).hexdigest()
    texts = [f"{'0' * 32}:{sha256}:", f":{sha256}:gzip"]
    admin.put(f"{filled}/forged", {"texts": texts})
    assert admin.get(f"{filled}/forged?attachments=true")["texts"] == texts


def test_a_missing_blob_is_told_before_the_answer_begins(
    admin: Asker, filled: str, store: EmbeddedStore
) -> None:
    store._blobs.remove(hashlib.sha256(LARGE).hexdigest())
    refused = admin.get(f"{filled}/d?attachments=true", status=500)
    assert refused["error"] == "attachment_missing"
    assert admin.get(f"{filled}/d")["_id"] == "d"
