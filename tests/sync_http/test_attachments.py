"""Attachments on their own over HTTP."""

from __future__ import annotations

import base64
import gzip
import hashlib
from typing import Any

import pytest

from tests.sync_http.conftest import LIMITS, Asker

DATA = bytes(range(256)) * 40
MD5 = base64.b64encode(hashlib.md5(DATA, usedforsecurity=False).digest()).decode()


@pytest.fixture
def path(admin: Asker, free: str) -> str:
    admin.ask("PUT", f"/{free}/p/original", data=DATA, content_type="image/jpeg", status=201)
    return f"/{free}/p/original"


def test_bytes_type_and_digest_come_back(admin: Asker, path: str) -> None:
    answer = admin.ask("GET", path, status=200)
    assert answer.data == DATA
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["ETag"] == f'"{MD5}"'
    assert answer.headers["Content-MD5"] == MD5
    assert answer.headers["Accept-Ranges"] == "bytes"
    head = admin.ask("HEAD", path, status=200)
    assert (head.data, head.headers["Content-Length"]) == (b"", str(len(DATA)))
    assert admin.ask("GET", path, headers={"If-None-Match": f'"{MD5}"'}, status=304).data == b""


def test_a_stored_page_cannot_run_on_the_servers_origin(admin: Asker, free: str) -> None:
    admin.ask("PUT", f"/{free}/x/page", data=b"<script>", content_type="text/html", status=201)
    answer = admin.ask("GET", f"/{free}/x/page", status=200)
    assert answer.headers["Content-Security-Policy"] == "sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=100-", 100, 10240),
        ("bytes=-5", 10235, 10240),
        ("bytes=10-99999", 10, 10240),
    ],
)
def test_a_part_is_sent_to_resume_a_broken_download(
    admin: Asker, path: str, wanted: str, start: int, stop: int
) -> None:
    answer = admin.ask("GET", path, headers={"Range": wanted}, status=206)
    assert answer.data == DATA[start:stop]
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(DATA)}"
    assert answer.headers["Content-Length"] == str(stop - start)


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=0-1,5-6"},
        {"Range": "lines=0-1"},
        {"Range": "nonsense"},
        {"Range": "bytes=0-9", "If-Range": '"another"'},
        {"Range": "bytes=0-9", "If-Range": "Wed, 21 Oct 2026 07:28:00 GMT"},
    ],
)
def test_ranges_that_do_not_apply_give_the_whole(admin: Asker, path: str, headers: dict[str, str]) -> None:
    assert admin.ask("GET", path, headers=headers, status=200).data == DATA


def test_a_range_that_applies_to_the_same_bytes_is_given(admin: Asker, path: str) -> None:
    headers = {"Range": "bytes=0-9", "If-Range": f'"{MD5}"'}
    assert admin.ask("GET", path, headers=headers, status=206).data == DATA[:10]


def test_a_range_beyond_the_end_is_said_to_be_none(admin: Asker, path: str) -> None:
    answer = admin.ask("GET", path, headers={"Range": "bytes=10240-"}, status=416)
    assert answer.json["error"] == "requested_range_not_satisfiable"  # type: ignore[index]


def test_attaching_and_detaching_are_revisions(admin: Asker, free: str, path: str) -> None:
    rev = admin.get(f"/{free}/p")["_rev"]
    assert admin.ask("PUT", path, data=b"x", status=409).json
    assert admin.ask("PUT", f"{path}?rev=1-ff", data=b"x", status=409).json
    second = admin.ask("PUT", f"/{free}/p/b/c?rev={rev}", data=b"", status=201)
    assert second.headers["Location"].endswith(f"/sync/{free}/p/b%2Fc")
    doc = admin.get(f"/{free}/p")
    assert set(doc["_attachments"]) == {"original", "b/c"}
    assert doc["_attachments"]["b/c"] == {
        "content_type": "application/octet-stream",
        "revpos": 2,
        "digest": "md5-1B2M2Y8AsgTpgAmY7PhCfg==",
        "length": 0,
        "stub": True,
    }
    assert admin.ask("GET", f"/{free}/p/b/c", status=200).data == b""
    gone = admin.ask("DELETE", f"{path}?rev={doc['_rev']}", status=200).json
    assert gone["rev"].startswith("3-")  # type: ignore[index]
    assert admin.ask("GET", path, status=404).json == {
        "error": "not_found",
        "reason": "Document is missing attachment",
    }
    assert admin.ask("GET", f"{path}?rev={rev}", status=200).data == DATA
    assert admin.ask("DELETE", f"{path}?rev={gone['rev']}", status=404).json  # type: ignore[index]


def test_bytes_that_are_not_what_the_client_says_are_refused(admin: Asker, free: str) -> None:
    for digest, status in ((MD5, 412), ("nonsense", 400)):
        refusal = admin.ask(
            "PUT", f"/{free}/q/a", data=b"other", headers={"Content-MD5": digest}, status=status
        )
        assert isinstance(refusal.json, dict)
    admin.ask("PUT", f"/{free}/q/a", data=DATA, headers={"Content-MD5": MD5}, status=201)


def test_new_bytes_may_come_beside_the_digest_of_the_old_ones(admin: Asker, free: str) -> None:
    """A client reads a document, changes the data of an attachment and puts it all back, as in CouchDB."""
    admin.ask("PUT", f"/{free}/p/a", data=DATA, status=201)
    doc = admin.get(f"/{free}/p")
    old = doc["_attachments"]["a"]
    del old["stub"]
    admin.put(f"/{free}/p", {**doc, "_attachments": {"a": {**old, "data": "bmV3"}}})
    assert admin.ask("GET", f"/{free}/p/a", status=200).data == b"new"
    assert admin.get(f"/{free}/p")["_attachments"]["a"]["revpos"] == 2
    replicated = {
        "_rev": "3-a",
        "_revisions": {"start": 3, "ids": ["a"]},
        "_attachments": doc["_attachments"],
    }
    replicated["_attachments"]["a"] = {**old, "data": "b2xk"}
    assert admin.put(f"/{free}/p?new_edits=false", replicated, status=412)


def test_an_attachment_over_its_limit_is_refused(admin: Asker, free: str) -> None:
    data = b"x" * (LIMITS.max_attachment_bytes + 1)
    for body, headers in ((data, {}), (gzip.compress(data), {"Content-Encoding": "gzip"})):
        refusal = admin.ask("PUT", f"/{free}/q/a", data=body, headers=headers, status=413).json
        assert refusal["error"] == "attachment_too_large"  # type: ignore[index]
    assert admin.get(f"/{free}")["doc_count"] == 0


def test_a_client_that_compresses_its_requests_stores_what_it_meant(admin: Asker, free: str) -> None:
    headers = {"Content-Encoding": "gzip"}
    admin.ask("PUT", f"/{free}/q/a", data=gzip.compress(DATA), headers=headers, status=201)
    answer = admin.ask("GET", f"/{free}/q/a", status=200)
    assert answer.data == DATA
    assert admin.get(f"/{free}/q")["_attachments"]["a"]["length"] == len(DATA)


def test_what_cannot_carry_attachments_says_so(admin: Asker, free: str) -> None:
    answers: list[Any] = [
        admin.ask("PUT", f"/{free}/_local/x/a", data=b"x", status=400).json,
        admin.ask("PUT", f"/{free}/doc/_name", data=b"x", status=400).json,
    ]
    assert all(answer["error"] == "bad_request" for answer in answers)
