"""What is looked at before it leaves: documents, and streams on their way."""

from __future__ import annotations

import base64
import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.couch.outgoing import Guarded, check_document, same_edit
from sync.couch.wire import split_url
from sync.store import BadRequest, DigestMismatch, Document, TooLarge


def inline(data: bytes) -> dict[str, str]:
    return {"content_type": "image/jpeg", "data": base64.b64encode(data).decode()}


def stub(data: bytes, **more: object) -> dict[str, object]:
    md5 = base64.b64encode(hashlib.md5(data).digest()).decode()
    return {"content_type": "image/jpeg", "digest": f"md5-{md5}", "stub": True, "revpos": 1, **more}


@given(st.binary(max_size=100), st.integers(1, 40))
def test_a_stream_goes_out_whole_and_in_order(data: bytes, chunk: int) -> None:
    guarded = Guarded(io.BytesIO(data), hashlib.md5(data).digest(), max_bytes=100, chunk=chunk)
    assert b"".join(guarded) == data
    assert (guarded.whole, guarded.md5, guarded.fault) == (True, hashlib.md5(data).digest(), None)


@given(st.binary(max_size=100), st.integers(1, 40))
def test_of_bytes_that_are_not_their_digest_the_last_never_leaves(data: bytes, chunk: int) -> None:
    guarded = Guarded(io.BytesIO(data), b"\0" * 16, max_bytes=100, chunk=chunk)
    sent: list[bytes] = []
    with pytest.raises(DigestMismatch):
        sent.extend(guarded)
    assert len(b"".join(sent)) < max(len(data), 1)
    assert isinstance(guarded.fault, DigestMismatch)


def test_a_stream_that_is_too_long_is_broken_off() -> None:
    guarded = Guarded(io.BytesIO(bytes(11)), None, max_bytes=10, chunk=4)
    with pytest.raises(TooLarge):
        list(guarded)


def test_a_document_over_the_limit_is_refused_without_its_attachments_being_counted() -> None:
    doc: Document = {"_id": "a", "x": "y" * 100, "_attachments": {"p": inline(bytes(1000))}}
    assert check_document(doc, max_bytes=200) is doc
    with pytest.raises(TooLarge):
        check_document(doc, max_bytes=50)


def test_a_digest_is_believed_of_a_replica_and_a_leftover_of_an_editor() -> None:
    """Whoever edits may leave the digest of the old bytes beside the new; a replicator copies both."""
    entry = {**inline(b"new"), "digest": stub(b"old")["digest"], "revpos": 1}
    edited: Document = {"_id": "a", "_rev": "1-a", "_attachments": {"p": entry}}
    check_document(edited, max_bytes=1000)
    with pytest.raises(DigestMismatch):
        check_document({**edited, "_revisions": {"start": 2, "ids": ["b", "a"]}}, max_bytes=1000)


DOC: Document = {"_id": "a", "v": 1, "_attachments": {"p": inline(b"x")}}
STORED: Document = {"_id": "a", "_rev": "1-a", "v": 1, "_attachments": {"p": stub(b"x")}}


@pytest.mark.parametrize(
    ("stored", "same"),
    [
        (STORED, True),
        ({**STORED, "v": 2}, False),
        ({**STORED, "_deleted": True}, False),
        ({**STORED, "_attachments": {"p": stub(b"y")}}, False),
        ({**STORED, "_attachments": {}}, False),
        ({**STORED, "_attachments": {"p": stub(b"x"), "q": stub(b"x")}}, False),
    ],
)
def test_an_edit_is_known_by_what_it_says(stored: Document, same: bool) -> None:
    assert same_edit(DOC, stored) is same


def test_a_url_is_parted_from_its_credentials() -> None:
    url, account = split_url("https://h%40zha:p%3Ass@couch.example:6984/prefix/")
    assert url == "https://couch.example:6984/prefix"
    assert account is not None
    assert (account.name, account.password) == ("h@zha", "p:ss")
    assert "p:ss" not in repr(account)
    assert split_url("http://127.0.0.1:5984") == ("http://127.0.0.1:5984", None)
    for wrong in ("couch.example", "ftp://x", "http://", "http://x/?a"):
        with pytest.raises(ValueError, match="http"):
            split_url(wrong)


def test_what_is_no_document_is_refused() -> None:
    odd: list[object] = [[], {}]
    refused: list[object] = [[], *({"_id": "a", "_attachments": {"p": entry}} for entry in odd)]
    for wrong in refused:
        with pytest.raises(BadRequest):
            check_document(wrong, max_bytes=100)
