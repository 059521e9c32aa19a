"""Single documents over HTTP, in CouchDB's words."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from sync.embedded.http.asked import parse_json
from sync.multipart import Parts, boundary_of
from sync.store import BadRequest
from tests.sync_http.conftest import LIMITS, Asker
from tests.sync_http.test_multipart import Dribble


def parts_of(response: TestResponse) -> list[tuple[dict[str, str], bytes]]:
    return split(response.data, response.headers["Content-Type"])


def split(data: bytes, content_type: str) -> list[tuple[dict[str, str], bytes]]:
    found = []
    for part in Parts(Dribble(data, 1000), boundary_of(content_type)):
        chunks = []
        while chunk := part.stream.read(1000):
            chunks.append(chunk)
        found.append((dict(part.headers), b"".join(chunks)))
    return found


def md5(data: bytes) -> str:
    return "md5-" + base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def related(doc: dict[str, Any], *parts: bytes | tuple[dict[str, str], bytes]) -> dict[str, Any]:
    """Arguments for a multipart/related request."""
    body = b"--xyz\r\nContent-Type: application/json\r\n\r\n" + json.dumps(doc).encode()
    for part in parts:
        headers, data = part if isinstance(part, tuple) else ({}, part)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        body += b"\r\n--xyz\r\n" + lines.encode() + b"\r\n" + data
    return {"data": body + b"\r\n--xyz--", "content_type": 'multipart/related; boundary="xyz"'}


def conflicted(admin: Asker, free: str) -> tuple[str, str]:
    """A document `d` with two leaves; the winner and the loser."""
    docs = [
        {"_id": "d", "_rev": f"2-{leaf}", "v": leaf, "_revisions": {"start": 2, "ids": [leaf, "a" * 32]}}
        for leaf in ("b" * 32, "c" * 32)
    ]
    assert admin.post(f"/{free}/_bulk_docs", {"docs": docs, "new_edits": False}, status=201) == []
    return "2-" + "c" * 32, "2-" + "b" * 32


def test_a_write_needs_the_leaf_it_builds_on_wherever_it_is_named(admin: Asker, free: str) -> None:
    path = f"/{free}/d"
    first = admin.put(path, {"n": 1})["rev"]
    assert admin.put(path, {"n": 2}, status=409) == {
        "error": "conflict",
        "reason": "Document update conflict.",
    }
    second = admin.put(path, {"n": 2, "_rev": first})["rev"]
    third = admin.put(f"{path}?rev={second}", {"n": 3})["rev"]
    fourth = admin.put(path, {"n": 4}, headers={"If-Match": f'"{third}"'})["rev"]
    assert fourth.startswith("4-")
    both = "Document rev from request body and query string have different values"
    assert admin.put(f"{path}?rev={third}", {"_rev": fourth}, status=400)["reason"] == both
    etag = admin.put(f"{path}?rev={fourth}", {}, headers={"If-Match": third}, status=400)["reason"]
    assert etag == "Document rev and etag have different values"
    assert admin.ask("DELETE", path, status=409).json
    assert admin.ask("DELETE", f"{path}?rev={fourth}", status=200).json["ok"]  # type: ignore[index]
    assert admin.ask("DELETE", path, status=404).json == {"error": "not_found", "reason": "deleted"}
    assert admin.put(path, {"n": 6})["rev"].startswith("6-")


def test_a_client_that_has_the_revision_is_not_sent_it_again(admin: Asker, free: str) -> None:
    rev = admin.put(f"/{free}/d", {"n": 1})["rev"]
    fresh = admin.ask("GET", f"/{free}/d", headers={"If-None-Match": f'"{rev}"'}, status=304)
    assert fresh.data == b""
    stale = admin.ask("GET", f"/{free}/d", headers={"If-None-Match": '"1-0"'}, status=200)
    assert stale.headers["ETag"] == f'"{rev}"'
    head = admin.ask("HEAD", f"/{free}/d", status=200)
    assert (head.data, head.headers["ETag"]) == (b"", f'"{rev}"')
    assert head.headers["Content-Length"] == stale.headers["Content-Length"]
    admin.ask("GET", f"/{free}/d?revs_info=true", headers={"If-None-Match": f'"{rev}"'}, status=200)


def test_leaves_histories_and_conflicts_are_shown_when_asked_for(admin: Asker, free: str) -> None:
    winner, loser = conflicted(admin, free)
    root = "1-" + "a" * 32
    assert admin.get(f"/{free}/d")["_rev"] == winner
    shown = admin.get(f"/{free}/d?revs=true&revs_info=true&conflicts=true&local_seq=true")
    assert shown["_conflicts"] == [loser]
    assert shown["_revisions"] == {"start": 2, "ids": [winner[2:], "a" * 32]}
    assert shown["_revs_info"] == [
        {"rev": winner, "status": "available"},
        {"rev": root, "status": "missing"},
    ]
    assert "_local_seq" in shown
    assert admin.get(f"/{free}/d?meta=true")["_conflicts"] == [loser]
    assert admin.get(f"/{free}/d?rev={loser}")["v"] == loser[2:]
    assert admin.get(f"/{free}/d?rev={root}", status=404)["reason"] == "missing"
    assert admin.get(f"/{free}/d?rev={root}&latest=true")["_rev"] in {winner, loser}
    leaves = admin.get(f"/{free}/d?open_revs=all")
    assert {leaf["ok"]["_rev"] for leaf in leaves} == {winner, loser}
    some = admin.ask(
        "GET", f"/{free}/d", query_string={"open_revs": json.dumps([loser, "9-ff"]), "revs": "true"}
    ).json
    assert isinstance(some, list)
    assert some[0]["ok"]["_revisions"]["start"] == 2
    assert some[1] == {"missing": "9-ff"}
    assert admin.get(f"/{free}/none?open_revs=all", status=404)["reason"] == "missing"
    assert admin.get(f"/{free}/d?open_revs=nonsense", status=400)["error"] == "query_parse_error"


def test_leaves_come_as_parts_with_their_attachments_beside_them(admin: Asker, free: str) -> None:
    data = {"content_type": "image/jpeg", "data": base64.b64encode(b"bytes \r\n--").decode()}
    rev = admin.put(f"/{free}/p", {"_attachments": {'图"1".jpg': data}})["rev"]
    mixed = admin.ask(
        "GET",
        f"/{free}/p",
        query_string={"open_revs": json.dumps([rev, "7-ab"]), "revs": "true"},
        headers={"Accept": "multipart/mixed"},
        status=200,
    )
    (found_headers, found), (missing_headers, missing) = parts_of(mixed)
    assert missing_headers["content-type"] == 'application/json; error="true"'
    assert json.loads(missing) == {"missing": "7-ab"}
    (_, body), (attachment_headers, attachment) = split(found, found_headers["content-type"])
    doc = json.loads(body)
    assert doc["_rev"] == rev
    assert doc["_attachments"]['图"1".jpg']["follows"] is True
    assert attachment == b"bytes \r\n--"
    assert attachment_headers["content-length"] == "10"
    whole = admin.ask("GET", f"/{free}/p?attachments=true", headers={"Accept": "multipart/related"})
    assert parts_of(whole)[1][1] == b"bytes \r\n--"
    stale = admin.ask("GET", f"/{free}/p?rev=1-ff", headers={"Accept": "multipart/related"})
    assert stale.status_code == 404


def test_attachments_are_inlined_only_when_asked_and_newer_than_known(admin: Asker, free: str) -> None:
    data = {"content_type": "text/plain", "data": base64.b64encode(b"old").decode()}
    first = admin.put(f"/{free}/p", {"_attachments": {"old": data}})["rev"]
    doc = admin.get(f"/{free}/p")
    assert doc["_attachments"]["old"]["stub"] is True
    doc["_attachments"]["new"] = {"data": base64.b64encode(b"new").decode()}
    admin.put(f"/{free}/p", doc)
    whole = admin.get(f"/{free}/p?attachments=true")["_attachments"]
    assert base64.b64decode(whole["old"]["data"]) == b"old"
    assert base64.b64decode(whole["new"]["data"]) == b"new"
    newer = admin.ask("GET", f"/{free}/p", query_string={"atts_since": json.dumps([first])}).json
    assert isinstance(newer, dict)
    assert newer["_attachments"]["old"]["stub"] is True
    assert base64.b64decode(newer["_attachments"]["new"]["data"]) == b"new"


def test_a_document_comes_with_its_attachments_in_order_or_by_name(admin: Asker, free: str) -> None:
    one, two = b"\x00first\r\n--xy", b"second"
    follows = {
        "one": {"follows": True, "content_type": "image/png", "length": len(one), "digest": md5(one)},
        "two": {"follows": True, "content_type": "image/png", "length": len(two)},
    }
    admin.put(f"/{free}/ordered", **related({"_attachments": follows}, one, two))
    named = related(
        {"_attachments": follows},
        ({"Content-Disposition": 'attachment; filename="two"'}, two),
        ({"Content-Disposition": 'attachment; filename="one"'}, one),
    )
    admin.put(f"/{free}/named", **named)
    for doc_id in ("ordered", "named"):
        assert admin.ask("GET", f"/{free}/{doc_id}/one", status=200).data == one
        assert admin.ask("GET", f"/{free}/{doc_id}/two", status=200).data == two
    replicated = {"_rev": "3-abc", "_attachments": follows}
    stored = admin.put(f"/{free}/replica?new_edits=false", **related(replicated, one, two))
    assert stored["rev"] == "3-abc"


def test_an_encoded_attachment_that_follows_is_kept_as_it_is(admin: Asker, free: str) -> None:
    plain = b"words " * 100
    packed = gzip.compress(plain)
    follows = {
        "log": {
            "follows": True,
            "content_type": "text/plain",
            "encoding": "gzip",
            "length": len(plain),
            "encoded_length": len(packed),
            "digest": md5(packed),
        }
    }
    admin.put(f"/{free}/d", **related({"_attachments": follows}, packed))
    as_it_is = admin.ask("GET", f"/{free}/d/log", headers={"Accept-Encoding": "gzip"}, status=200)
    assert as_it_is.headers["Content-Encoding"] == "gzip"
    assert as_it_is.data == packed
    unpacked = admin.ask("GET", f"/{free}/d/log", status=200)
    assert "Content-Encoding" not in unpacked.headers
    assert unpacked.data == plain
    inlined = admin.get(f"/{free}/d?attachments=true")["_attachments"]["log"]
    assert base64.b64decode(inlined["data"]) == plain


@pytest.mark.parametrize(
    ("spec", "body", "status", "error"),
    [
        ({"digest": md5(b"other")}, [b"data"], 412, "content_md5_mismatch"),
        ({"length": 3}, [b"data"], 400, "bad_request"),
        ({"digest": "md5-short"}, [b"data"], 400, "bad_request"),
        ({}, [], 400, "bad_request"),
        ({}, [b"data", b"more"], 400, "bad_request"),
        ({}, [b"x" * (LIMITS.max_attachment_bytes + 1)], 413, "attachment_too_large"),
    ],
    ids=["digest", "length", "no digest", "absent", "too many", "too large"],
)
def test_a_body_that_is_not_what_its_document_says_stores_nothing(
    admin: Asker, free: str, spec: dict[str, Any], body: list[bytes], status: int, error: str
) -> None:
    doc = {"_attachments": {"a": {"follows": True, "content_type": "x/y", **spec}}}
    assert admin.put(f"/{free}/d", status=status, **related(doc, *body))["error"] == error
    assert admin.get(f"/{free}")["doc_count"] == 0


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b'{"a": NaN}', b'{"a": "\\ud800"}', b'"\xff"', b"[" * 3000 + b"]" * 3000, b'{"a": 1e999}'],
)
def test_what_is_no_json_is_refused(admin: Asker, free: str, data: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_json(data)
    refusal = admin.put(f"/{free}/d", data=data, content_type="application/json", status=400)
    assert refusal == {"error": "bad_request", "reason": "invalid UTF-8 JSON"}


def test_documents_that_are_no_objects_or_bottomless_are_refused(admin: Asker, free: str) -> None:
    assert admin.put(f"/{free}/d", [1], status=400)["reason"] == "Document must be a JSON object"
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    assert admin.put(f"/{free}/d", {"deep": deep}, status=400)["reason"].endswith("nested too deeply.")
    many: dict[str, Any] = {
        "docs": [{"_id": "deep", "_rev": "1-a", "deep": deep}, {"_id": "fine", "_rev": "1-a"}]
    }
    refusal = admin.post(f"/{free}/_bulk_docs", many, status=400)
    assert refusal["reason"].endswith("nested too deeply.")
    (row,) = admin.post(f"/{free}/_bulk_docs", {**many, "new_edits": False}, status=201)
    assert (row["id"], row["error"]) == ("deep", "forbidden")
    assert admin.get(f"/{free}/fine")["_rev"] == "1-a"


def test_posting_gives_an_id_and_wants_json(admin: Asker, free: str) -> None:
    made = admin.post(f"/{free}", {"n": 1}, status=201)
    assert len(made["id"]) == 32
    assert admin.post(f"/{free}", {"_id": "mine"}, status=201)["id"] == "mine"
    form = admin.ask("POST", f"/{free}", data=b"{}", content_type="text/plain", status=415).json
    assert form == {"error": "bad_content_type", "reason": "Content-Type must be application/json"}


def test_gzipped_requests_are_decoded_within_the_same_bounds(admin: Asker, free: str) -> None:
    packed: dict[str, Any] = {"headers": {"Content-Encoding": "gzip"}, "content_type": "application/json"}
    body = gzip.compress(json.dumps({"n": 1}).encode())
    admin.put(f"/{free}/d", data=body, **packed)
    assert admin.get(f"/{free}/d")["n"] == 1
    bomb = gzip.compress(b'{"x": "' + b"x" * 50_000_000 + b'"}')
    assert len(bomb) < LIMITS.max_request_bytes
    assert admin.put(f"/{free}/e", data=bomb, status=413, **packed)["error"] == "too_large"
    for broken in (body[:-9], b"not gzip", body[:12]):
        assert admin.put(f"/{free}/e", data=broken, status=400, **packed)["error"] == "bad_request"
    brotli: dict[str, Any] = {"headers": {"Content-Encoding": "br"}, "content_type": "application/json"}
    assert admin.put(f"/{free}/e", data=b"{}", status=415, **brotli)["error"] == "bad_content_type"


def test_a_request_over_its_limit_is_answered_with_413(admin: Asker, free: str) -> None:
    large = {"x": "x" * LIMITS.max_request_bytes}
    assert admin.put(f"/{free}/d", large, status=413)["error"] == "too_large"
    many = {"docs": [{"n": n} for n in range(LIMITS.max_bulk_docs + 1)]}
    refusal = admin.post(f"/{free}/_bulk_docs", many, status=413)
    assert refusal == {"error": "max_bulk_docs_count_exceeded", "reason": str(LIMITS.max_bulk_docs)}
    assert admin.get(f"/{free}")["doc_count"] == 0


def test_local_documents_are_kept_apart(admin: Asker, free: str) -> None:
    assert admin.put(f"/{free}/_local/check%2Fpoint", {"seq": 1})["rev"] == "0-1"
    again = admin.put(f"/{free}/_local%2Fcheck%2Fpoint", {"seq": 2, "_rev": "0-1"})
    assert again == {"ok": True, "id": "_local/check/point", "rev": "0-2"}
    assert admin.get(f"/{free}/_local/check%2Fpoint")["seq"] == 2
    assert admin.get(f"/{free}/_changes")["results"] == []
    assert admin.get(f"/{free}/_local/none", status=404)["reason"] == "missing"
    assert admin.ask("DELETE", f"/{free}/_local/check%2Fpoint?rev=0-2", status=200).json
    assert admin.get(f"/{free}/_local/check%2Fpoint", status=404)
    assert admin.ask("DELETE", f"/{free}/_local/check%2Fpoint", status=404).json


def test_a_local_document_has_no_ancestry(admin: Asker, free: str) -> None:
    admin.put(f"/{free}/_local/x", {})
    again = admin.put(f"/{free}/_local/x", {"_rev": "0-1", "_revisions": {"start": 0, "ids": ["1"]}})
    assert again["rev"] == "0-2"
    assert admin.get(f"/{free}/_local/x") == {"_id": "_local/x", "_rev": "0-2"}


def test_a_local_document_keeps_no_attachments_as_in_couchdb(admin: Asker, free: str) -> None:
    attached = {"n": 1, "_attachments": {"t": {"data": "YQ==", "content_type": "text/plain"}}}
    admin.put(f"/{free}/_local/x", attached)
    assert admin.get(f"/{free}/_local/x?attachments=true") == {"_id": "_local/x", "_rev": "0-1", "n": 1}
    for doc_id in ("x", "none"):
        refusal = admin.get(f"/{free}/_local/{doc_id}/t", status=400)
        assert refusal["reason"] == "_local documents do not accept attachments."


def test_integers_and_depths_that_the_server_wrote_itself_can_be_read(
    admin: Asker, free: str, store: Any
) -> None:
    store.put(free, {"_id": "big", "n": 2**70})
    assert admin.get(f"/{free}/big")["n"] == 2**70
