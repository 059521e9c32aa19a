"""What every engine promises about attachments."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io

import pytest

from sync.store import BadRequest, Conflict, DigestMismatch, Document, DocumentStore, NewAttachment, NotFound

PHOTO = bytes(range(256)) * 4000


def digest(data: bytes) -> str:
    return "md5-" + base64.b64encode(hashlib.md5(data).digest()).decode()


def inline(data: bytes, **more: object) -> dict[str, object]:
    return {"content_type": "image/jpeg", "data": base64.b64encode(data).decode(), **more}


def with_photo(store: DocumentStore, data: bytes = PHOTO) -> str:
    return store.put("db", {"_id": "photo:1", "_attachments": {"original": inline(data)}})


def test_inline_bytes_come_back_as_a_stream_and_as_a_stub(store: DocumentStore) -> None:
    with_photo(store)
    stub = store.get("db", "photo:1")["_attachments"]["original"]
    assert stub == {
        "content_type": "image/jpeg",
        "revpos": 1,
        "digest": digest(PHOTO),
        "length": len(PHOTO),
        "stub": True,
    }
    with store.open_attachment("db", "photo:1", "original") as found:
        assert (found.length, found.digest, found.content_type) == (len(PHOTO), digest(PHOTO), "image/jpeg")
        assert found.stream.read() == PHOTO


def test_an_empty_attachment_is_one(store: DocumentStore) -> None:
    with_photo(store, b"")
    with store.open_attachment("db", "photo:1", "original") as found:
        assert (found.stream.read(), found.length) == (b"", 0)


def test_a_streamed_attachment_makes_a_revision(store: DocumentStore) -> None:
    new = NewAttachment("original", "image/jpeg", io.BytesIO(PHOTO))
    first = store.put_attachment("db", "photo:1", None, new)
    second = store.put_attachment("db", "photo:1", first, NewAttachment("b", "text/plain", io.BytesIO(b"b")))
    found = store.get("db", "photo:1")["_attachments"]
    assert second.startswith("2-")
    assert {name: entry["revpos"] for name, entry in found.items()} == {"original": 1, "b": 2}
    for stale in (None, first, "2-beef"):
        with pytest.raises(Conflict):
            store.put_attachment("db", "photo:1", stale, NewAttachment("c", "a/b", io.BytesIO(b"")))


def test_a_stub_keeps_what_the_parent_had_and_leaving_it_out_drops_it(store: DocumentStore) -> None:
    first = with_photo(store)
    doc = store.get("db", "photo:1")
    second = store.put("db", {**doc, "note": "x"})
    assert store.get("db", "photo:1")["_attachments"] == doc["_attachments"]
    store.put("db", {"_id": "photo:1", "_rev": second})
    assert "_attachments" not in store.get("db", "photo:1")
    with pytest.raises(NotFound):
        store.open_attachment("db", "photo:1", "original")
    with store.open_attachment("db", "photo:1", "original", rev=first) as found:
        assert found.stream.read() == PHOTO


@pytest.mark.parametrize("stub", [{"stub": True}, {"stub": True, "revpos": 7}])
def test_a_stub_of_nothing_is_refused(store: DocumentStore, stub: Document) -> None:
    rev = with_photo(store)
    name = "original" if "revpos" in stub else "other"
    with pytest.raises(DigestMismatch):
        store.put("db", {"_id": "photo:1", "_rev": rev, "_attachments": {name: stub}})
    with pytest.raises(DigestMismatch):
        store.put("db", {"_id": "new", "_attachments": {"original": {"stub": True}}})
    row = {"_id": "new", "_rev": "3-a", "_attachments": {"original": {"stub": True}}}
    assert store.bulk_docs("db", [row], new_edits=False)[0].error == "missing_stub"
    assert store.find("db", "new") is None


def test_a_replicated_stub_finds_its_bytes_in_the_nearest_ancestor(store: DocumentStore) -> None:
    first = with_photo(store)
    name = first.partition("-")[2]
    child = {
        "_id": "photo:1",
        "_revisions": {"start": 4, "ids": ["d", "c", "b", name]},
        "_attachments": {"original": {"stub": True, "revpos": 1}},
    }
    assert store.bulk_docs("db", [child], new_edits=False)[0].ok
    assert store.get("db", "photo:1")["_rev"] == "4-d"
    with store.open_attachment("db", "photo:1", "original") as found:
        assert found.stream.read() == PHOTO


def test_bytes_that_are_not_their_digest_are_refused(store: DocumentStore) -> None:
    for wrong in (digest(b"other"), "md5-" + base64.b64encode(b"short").decode()):
        doc = {"_id": "a", "_attachments": {"x": inline(PHOTO, digest=wrong)}}
        with pytest.raises((DigestMismatch, BadRequest)):
            store.put("db", doc)
    new = NewAttachment("x", "image/jpeg", io.BytesIO(PHOTO), extra={"digest": digest(b"other")})
    with pytest.raises(DigestMismatch):
        store.put_attachment("db", "a", None, new)
    assert store.find("db", "a") is None
    store.put("db", {"_id": "a", "_attachments": {"x": inline(PHOTO, digest=digest(PHOTO))}})


def test_an_attachment_stream_that_breaks_stores_nothing(store: DocumentStore) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store.put_attachment("db", "a", None, NewAttachment("x", "a/b", Broken()))  # type: ignore[arg-type]
    assert store.find("db", "a") is None


def test_a_missing_attachment_is_not_found(store: DocumentStore) -> None:
    with_photo(store)
    for doc_id, name in (("photo:1", "thumb"), ("none", "original")):
        with pytest.raises(NotFound):
            store.open_attachment("db", doc_id, name)


def test_a_stream_of_unknown_length_that_cannot_seek_is_taken(store: DocumentStore) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self._left = io.BytesIO(PHOTO)

        def read(self, size: int = -1) -> bytes:
            return self._left.read(min(size, 1000) if size > 0 else size)

    new = NewAttachment("x", "image/jpeg", Pipe(), extra={"digest": digest(PHOTO)})  # type: ignore[arg-type]
    store.put_attachment("db", "a", None, new)
    with store.open_attachment("db", "a", "x") as found:
        assert (found.length, found.digest, found.stream.read()) == (len(PHOTO), digest(PHOTO), PHOTO)


def test_encoded_bytes_come_back_encoded_as_they_say(store: DocumentStore) -> None:
    """An engine may keep them as they are or decode them; it tells which, and nothing is lost."""
    plain = b"fixes " * 1000
    packed = gzip.compress(plain)
    new = NewAttachment("x", "application/octet-stream", io.BytesIO(packed), extra={"encoding": "gzip"})
    store.put_attachment("db", "a", None, new)
    with store.open_attachment("db", "a", "x") as found:
        data = found.stream.read()
    assert len(data) == found.length
    assert (gzip.decompress(data) if found.encoding == "gzip" else data) == plain


def test_an_attachment_is_read_piece_by_piece(store: DocumentStore) -> None:
    with_photo(store)
    with store.open_attachment("db", "photo:1", "original") as found:
        pieces = list(iter(lambda: found.stream.read(70_001), b""))
    assert b"".join(pieces) == PHOTO
    assert max(len(piece) for piece in pieces) <= 70_001
