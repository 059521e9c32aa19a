"""Many documents in one request."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.sync_http.conftest import Asker
from tests.sync_http.test_documents import conflicted, parts_of, split


def test_every_row_stands_for_its_document(admin: Asker, free: str) -> None:
    rev = admin.put(f"/{free}/there", {})["rev"]
    docs: list[dict[str, Any]] = [
        {"_id": "a"},
        {"_id": "there"},
        {"_id": "there", "_rev": rev, "_deleted": True},
        {"n": 1},
    ]
    rows = admin.post(f"/{free}/_bulk_docs", {"docs": docs}, status=201)
    assert [row.get("ok", row.get("error")) for row in rows] == [True, "conflict", True, True]
    assert [row["id"] for row in rows[:3]] == ["a", "there", "there"]
    assert rows[1] == {"id": "there", "error": "conflict", "reason": "Document update conflict."}
    assert admin.get(f"/{free}")["doc_del_count"] == 1


@pytest.mark.parametrize(
    ("doc", "status", "error"),
    [
        ({"_id": "_bad"}, 400, "illegal_docid"),
        ({"_id": 1}, 400, "illegal_docid"),
        ({"_odd": 1}, 400, "doc_validation"),
        ({"_rev": "x"}, 400, "bad_request"),
        ({"_attachments": {"a": {"data": "%%%"}}}, 400, "bad_request"),
        ({"_attachments": {"_a": {"data": "YQ=="}}}, 400, "bad_request"),
        ({"_attachments": {"a": {"data": "YQ==", "digest": "md5-AAAAAAAAAAAAAAAAAAAAAA=="}}}, 412, ""),
    ],
)
def test_a_new_document_that_is_none_fails_its_request_and_stores_nothing(
    admin: Asker, free: str, doc: dict[str, Any], status: int, error: str
) -> None:
    refusal = admin.post(f"/{free}/_bulk_docs", {"docs": [{"_id": "good"}, doc]}, status=status)
    assert not error or refusal["error"] == error
    assert admin.get(f"/{free}")["doc_count"] == 0


def test_replicated_documents_answer_only_with_refusals(admin: Asker, wang: Asker, free: str) -> None:
    docs = [{"_id": "a", "_rev": "3-abc", "_revisions": {"start": 3, "ids": ["abc", "b", "c"]}}]
    assert admin.post(f"/{free}/_bulk_docs", {"docs": docs, "new_edits": False}, status=201) == []
    assert admin.post(f"/{free}/_bulk_docs", {"docs": docs, "new_edits": False}, status=201) == []
    assert admin.get(f"/{free}/a")["_rev"] == "3-abc"
    rows = wang.post(
        "/case-1/_bulk_docs", {"docs": [{"_id": "case", "_rev": "1-a"}], "new_edits": False}, status=201
    )
    assert [(row["id"], row["rev"], row["error"]) for row in rows] == [("case", "1-a", "forbidden")]


def test_a_document_that_can_never_be_stored_is_forbidden_to_a_replicator(admin: Asker, free: str) -> None:
    """PouchDB goes on after "forbidden" and repeats its batch for ever after anything else."""
    docs = [{"_id": "_odd", "_rev": "1-a"}, {"_id": "odd", "_rev": "1-a", "_odd": 1}]
    rows = admin.post(f"/{free}/_bulk_docs", {"docs": docs, "new_edits": False}, status=201)
    assert [row["error"] for row in rows] == ["forbidden", "forbidden"]
    assert [row["reason"].split(":")[0] for row in rows] == ["illegal_docid", "doc_validation"]
    stub = {"_id": "p", "_rev": "2-b", "_attachments": {"x": {"stub": True, "revpos": 1}}}
    (row,) = admin.post(f"/{free}/_bulk_docs", {"docs": [stub], "new_edits": False}, status=201)
    assert row["error"] == "missing_stub", "another attempt, with the bytes, can succeed"


def test_a_broken_rule_is_no_verdict_on_the_document(admin: Asker, free: str) -> None:
    """Said to be forbidden, a tablet would put its work aside for good; so it is told to come back."""
    admin.put(f"/{free}/_design/x", {"validate_doc_update": "function() { missing(); }"})
    docs = [{"_id": "a", "_rev": "1-a"}]
    (row,) = admin.post(f"/{free}/_bulk_docs", {"docs": docs, "new_edits": False}, status=201)
    assert row["error"] == "unknown_error"
    assert admin.put(f"/{free}/a", {}, status=500)["reason"].startswith("validate_doc_update failed")
    admin.get(f"/{free}/a", status=404)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"docs": {}},
        {"docs": [1]},
        {"docs": [], "new_edits": "no"},
        {"docs": [None]},
        {"docs": [{"_id": "good", "_rev": "1-a"}, {"_id": "a"}], "new_edits": False},
    ],
)
def test_a_request_of_the_wrong_shape_stores_nothing(admin: Asker, free: str, body: Any) -> None:
    assert admin.post(f"/{free}/_bulk_docs", body, status=400)["error"] == "bad_request"
    assert admin.get(f"/{free}")["doc_count"] == 0


def test_what_is_missing_is_told_with_ancestors(admin: Asker, free: str) -> None:
    winner, loser = conflicted(admin, free)
    asked = {"d": [winner, "3-ff"], "known": [], "new": ["1-aa"]}
    assert admin.post(f"/{free}/_revs_diff", asked) == {
        "d": {"missing": ["3-ff"], "possible_ancestors": [winner, loser]},
        "new": {"missing": ["1-aa"]},
    }
    assert admin.post(f"/{free}/_revs_diff", {"d": "1-a"}, status=400)
    assert admin.post(f"/{free}/_revs_diff", {"d": ["nonsense"]}, status=400)
    assert admin.post(f"/{free}/_revs_diff", [], status=400)


def test_wanted_revisions_come_in_one_answer(admin: Asker, free: str) -> None:
    winner, loser = conflicted(admin, free)
    data = {"content_type": "x/y", "data": base64.b64encode(b"bytes").decode()}
    photo = admin.put(f"/{free}/p", {"_attachments": {"a": data}})["rev"]
    wanted = {
        "docs": [
            {"id": "d", "rev": loser},
            {"id": "d", "rev": "1-" + "a" * 32},
            {"id": "d"},
            {"id": "none"},
            {"id": "p", "rev": photo},
            {"id": "p", "rev": photo, "atts_since": [photo]},
            {"id": "d", "rev": "nonsense"},
            {"rev": "1-a"},
        ]
    }
    results = admin.post(f"/{free}/_bulk_get?revs=true&attachments=true", wanted)["results"]
    assert [row["id"] for row in results] == ["d", "d", "d", "none", "p", "p", "d", ""]
    assert results[0]["docs"][0]["ok"]["_revisions"]["start"] == 2
    assert results[1]["docs"][0]["error"]["error"] == "not_found"
    assert {one["ok"]["_rev"] for one in results[2]["docs"]} == {winner, loser}
    assert results[3]["docs"] == [
        {"error": {"id": "none", "rev": "undefined", "error": "not_found", "reason": "missing"}}
    ]
    assert base64.b64decode(results[4]["docs"][0]["ok"]["_attachments"]["a"]["data"]) == b"bytes"
    assert results[5]["docs"][0]["ok"]["_attachments"]["a"]["stub"] is True
    assert [row["docs"][0]["error"]["error"] for row in results[6:]] == ["bad_request", "bad_request"]
    latest = admin.post(f"/{free}/_bulk_get?latest=true", {"docs": [{"id": "d", "rev": "1-" + "a" * 32}]})
    assert {one["ok"]["_rev"] for one in latest["results"][0]["docs"]} == {winner, loser}
    assert admin.post(f"/{free}/_bulk_get", {}, status=400)


def test_documents_wanted_together_look_as_they_do_one_by_one(admin: Asker, free: str) -> None:
    """Winners and others, large, small and gone ones, with attachments."""
    attached = {"a": {"data": base64.b64encode(b"bytes").decode()}}
    docs: list[dict[str, Any]] = [{"_id": f"doc {number}", "n": number} for number in range(45)]
    docs[7] |= {"text": "接地" * 15_000}
    docs[8] |= {"_attachments": attached | {"b": attached["a"]}}
    docs[40] |= {"_attachments": attached}
    rows = admin.post(f"/{free}/_bulk_docs", {"docs": docs}, status=201)
    first = {row["id"]: row["rev"] for row in rows}
    tombstone = {"_id": "doc 9", "_rev": first["doc 9"], "_deleted": True}
    gone = admin.post(f"/{free}/_bulk_docs", {"docs": [tombstone]}, status=201)[0]["rev"]
    named = [*first.items(), ("doc 9", gone), ("doc 10", first["doc 10"].upper()), ("doc 7", "9-x")]
    named += [("d", rev) for rev in conflicted(admin, free)]
    wanted = [{"id": doc_id, "rev": rev} for doc_id, rev in named]
    for query in ("revs=true", "revs=true&latest=true", "attachments=true"):
        together = admin.post(f"/{free}/_bulk_get?{query}", {"docs": wanted})["results"]
        for (doc_id, rev), row in zip(named, together, strict=True):
            alone = admin.get(f"/{free}/{quote(doc_id)}?{query}&open_revs={quote(json.dumps([rev]))}")
            assert row["id"] == doc_id
            assert [doc.get("ok") for doc in row["docs"]] == [doc.get("ok") for doc in alone]
        assert together[8]["docs"][0]["ok"]["_attachments"].keys() == {"a", "b"}
        assert len(together[7]["docs"][0]["ok"]["text"]) == 30_000


@pytest.mark.parametrize("kind", ["multipart/mixed", "multipart/related"])
def test_wanted_revisions_come_as_parts_if_asked(admin: Asker, free: str, kind: str) -> None:
    data = {"content_type": "x/y", "data": base64.b64encode(b"bytes").decode()}
    rev = admin.put(f"/{free}/p", {"_attachments": {"a": data}})["rev"]
    admin.put(f"/{free}/q", {})
    wanted = {"docs": [{"id": "p", "rev": rev}, {"id": "q"}, {"id": "none"}]}
    answer = admin.ask("POST", f"/{free}/_bulk_get?revs=true", wanted, headers={"Accept": kind}, status=200)
    assert answer.headers["Content-Type"].startswith(kind)
    with_attachment, plain, missing = parts_of(answer)
    (_, body), (_, attachment) = split(with_attachment[1], with_attachment[0]["content-type"])
    assert json.loads(body)["_rev"] == rev
    assert attachment == b"bytes"
    assert json.loads(plain[1])["_id"] == "q"
    assert 'error="true"' in missing[0]["content-type"]
    assert json.loads(missing[1])["error"] == "not_found"
    json_too = {"Accept": f"application/json, {kind}"}
    assert admin.post(f"/{free}/_bulk_get", wanted, headers=json_too)["results"]


def test_documents_are_listed_by_id(admin: Asker, free: str) -> None:
    docs: list[dict[str, Any]] = [{"_id": f"d{n}", "n": n} for n in range(5)]
    revs = [row["rev"] for row in admin.post(f"/{free}/_bulk_docs", {"docs": docs}, status=201)]
    admin.ask("DELETE", f"/{free}/d0?rev={revs[0]}", status=200)

    def ids(**params: Any) -> list[str]:
        query = {name: json.dumps(value) for name, value in params.items()}
        answer = admin.ask("GET", f"/{free}/_all_docs", query_string=query, status=200).json
        assert isinstance(answer, dict)
        return [row.get("id", row.get("error")) for row in answer["rows"]]

    assert ids() == ["d1", "d2", "d3", "d4"]
    assert ids(startkey="d2", endkey="d3") == ["d2", "d3"]
    assert ids(start_key="d2", end_key="d4", inclusive_end=False) == ["d2", "d3"]
    assert ids(startkey="d3", descending=True, limit=2) == ["d3", "d2"]
    assert ids(key="d3") == ["d3"]
    assert ids(skip=1, limit=1) == ["d2"]
    assert ids(keys=["d4", "none", "d0"]) == ["d4", "not_found", "d0"]
    full = admin.get(f"/{free}/_all_docs?include_docs=true&update_seq=true")
    assert full["rows"][0]["doc"]["n"] == 1
    assert (full["total_rows"], full["offset"]) == (4, 0)
    assert full["update_seq"] == admin.get(f"/{free}")["update_seq"]
    posted = admin.post(f"/{free}/_all_docs", {"keys": ["d1", "d0"]})["rows"]
    assert posted[0]["value"]["rev"] == revs[1]
    assert posted[1]["value"]["deleted"] is True
    for bad in ("key=1", "keys=1", "limit=x", "descending=yes", 'keys=["a"]&key="a"', "startkey={"):
        assert admin.get(f"/{free}/_all_docs?{bad}", status=400)


def test_a_list_may_be_asked_for_in_a_body(admin: Asker, free: str) -> None:
    """Every parameter may, beside `keys`; the URL wins where both speak; contradictions are refused."""
    admin.post(f"/{free}/_bulk_docs", {"docs": [{"_id": f"d{n}", "n": n} for n in range(4)]}, status=201)

    def rows(body: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
        found = admin.post(f"/{free}/_all_docs{query}", body)["rows"]
        assert isinstance(found, list)
        return found

    whole = rows({"start_key": "d1", "end_key": "d2", "include_docs": True, "unknown": {"x": 1}})
    assert [row["doc"]["n"] for row in whole] == [1, 2]
    assert [row["id"] for row in rows({"descending": True, "limit": 1, "skip": 1})] == ["d2"]
    assert [row["id"] for row in rows({"limit": 1}, "?limit=2")] == ["d0", "d1"]
    assert [row["id"] for row in rows({"key": "d3"})] == ["d3"]
    assert "update_seq" in admin.post(f"/{free}/_all_docs", {"update_seq": True})
    for query, body in (
        ('?key="d1"', {"keys": ["d1", "d2"]}),
        ("", {"keys": ["d1"], "startkey": "d1"}),
        ("", {"keys": None}),
        ("", {"limit": -1}),
        ("", {"descending": 1}),
    ):
        assert admin.post(f"/{free}/_all_docs{query}", body, status=400)


def test_the_settings_of_a_database(admin: Asker, free: str) -> None:
    assert admin.get(f"/{free}/_revs_limit") == 1000
    assert admin.put(f"/{free}/_revs_limit", 3, status=200) == {"ok": True}
    assert admin.get(f"/{free}/_revs_limit") == 3
    assert admin.put(f"/{free}/_revs_limit", "many", status=400)
    assert admin.post(f"/{free}/_ensure_full_commit", {}, status=201) == {
        "ok": True,
        "instance_start_time": "0",
    }
    info = admin.get(f"/{free}")
    assert info["db_name"] == free
    assert info["instance_start_time"] == "0"
    assert admin.ask("HEAD", f"/{free}", status=200).data == b""
