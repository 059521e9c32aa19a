"""Purging and compaction over HTTP: who may, and what CouchDB's clients get to read."""

from __future__ import annotations

import time

from tests.sync_http.conftest import Asker


def test_a_document_is_purged(admin: Asker, free: str) -> None:
    rev = admin.put(f"/{free}/a", {"n": 1})["rev"]
    answer = admin.post(f"/{free}/_purge", {"a": [rev], "none": ["1-aa"]}, status=201)
    assert answer == {"purge_seq": None, "purged": {"a": [rev], "none": []}}
    admin.get(f"/{free}/a", status=404)
    assert admin.get(f"/{free}")["purge_seq"].startswith("2-")
    assert admin.get(f"/{free}/_purged_infos") == {
        "purged_infos": [{"id": "a", "revs": [rev]}, {"id": "none", "revs": ["1-aa"]}]
    }
    wrong: object
    for wrong in ([], {"a": "x"}, {"a": ["x"]}, {"a": [1]}):
        assert admin.post(f"/{free}/_purge", wrong, status=400)["error"] == "bad_request"
    assert admin.get(f"/{free}/_purged_infos_limit") == 1000
    assert admin.put(f"/{free}/_purged_infos_limit", 1, status=200) == {"ok": True}
    assert len(admin.get(f"/{free}/_purged_infos")["purged_infos"]) == 1
    assert admin.put(f"/{free}/_purged_infos_limit", 0, status=400)["error"] == "bad_request"


def test_only_a_server_admin_purges(admin: Asker, wang: Asker) -> None:
    rev = admin.put("/case-1/a", {"type": "case"})["rev"]
    for method, path in (("POST", "_purge"), ("GET", "_purged_infos_limit"), ("PUT", "_purged_infos_limit")):
        refused = wang.ask(method, f"/case-1/{path}", {"a": [rev]}, status=401).json
        assert refused == {"error": "unauthorized", "reason": "You are not a server admin."}
    assert admin.get("/case-1/a")["_rev"] == rev


def test_compaction_is_begun_and_answered_at_once(admin: Asker, wang: Asker, free: str) -> None:
    rev = old = admin.put(f"/{free}/a", {"n": 0})["rev"]
    for n in range(5):
        rev = admin.put(f"/{free}/a", {"n": n, "_rev": rev})["rev"]
    assert admin.post(f"/{free}/_compact", {}, status=202) == {"ok": True}
    deadline = time.monotonic() + 30
    while admin.get(f"/{free}")["compact_running"] and time.monotonic() < deadline:
        time.sleep(0.01)
    sizes = admin.get(f"/{free}")["sizes"]
    assert sizes["file"] == sizes["active"]
    admin.get(f"/{free}/a?rev={old}", status=404)
    assert admin.get(f"/{free}/a")["_rev"] == rev
    refused = wang.post("/case-1/_compact", {}, status=401)
    assert refused == {"error": "unauthorized", "reason": "You are not a server or db admin."}
    plain = admin.ask("POST", f"/{free}/_compact", status=415, data="", content_type="text/plain").json
    assert plain == {"error": "bad_content_type", "reason": "Content-Type must be application/json"}
