"""Who may come in, and what a stranger can find out (nothing)."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.datastructures import Authorization

from sync.embedded.engine import EmbeddedStore
from sync.embedded.http.dispatch import DATABASE, DATABASE_BELOW, DATABASE_NOT_OFFERED, SERVER_NOT_OFFERED
from sync.store import Security
from tests.sync_http.conftest import Asker

INSIDE = [
    ("GET", ""),
    ("HEAD", ""),
    ("POST", ""),
    *((method, f"/{name}") for name, methods in DATABASE.items() if name for method in methods),
    *((method, "/" + "/".join(names)) for names, methods in DATABASE_BELOW.items() for method in methods),
    ("POST", "/_find"),
    ("GET", "/doc"),
    ("PUT", "/doc"),
    ("DELETE", "/doc"),
    ("GET", "/_local/x"),
    ("PUT", "/_local/x"),
    ("GET", "/_design/hezha"),
    ("GET", "/_design/hezha/_view/x"),
    ("POST", "/_design/hezha/_view/x"),
    ("POST", "/_design/hezha/_view/x/queries"),
    ("GET", "/doc/att"),
    ("PUT", "/doc/att"),
    ("DELETE", "/doc/att"),
]


@pytest.mark.parametrize(("method", "path"), INSIDE)
def test_strangers_get_the_same_answer_whether_a_database_is_there_or_not(
    store: EmbeddedStore, wang: Asker, nobody: Asker, method: str, path: str
) -> None:
    store.create_database("case-2", Security(members=("liu",), kind="case", writers=("liu",)))
    there = wang.ask(method, "/case-2" + path, {}, status=403)
    absent = wang.ask(method, "/case-3" + path, {}, status=403)
    assert there.data == absent.data
    if method != "HEAD":
        assert there.json == {"error": "forbidden", "reason": "You are not allowed to access this db."}
    for db in ("case-1", "case-3"):
        refusal = nobody.ask(method, f"/{db}{path}", {}, status=401)
        if method != "HEAD":
            assert refusal.json == {
                "error": "unauthorized",
                "reason": "You are not authorized to access this db.",
            }


def test_admins_are_told_that_a_database_is_missing(admin: Asker) -> None:
    assert admin.get("/case-3", status=404) == {"error": "not_found", "reason": "Database does not exist."}


@pytest.mark.parametrize(("method", "path"), [("PUT", "/new"), ("DELETE", "/case-1"), ("GET", "/_all_dbs")])
def test_databases_are_made_deleted_and_listed_by_server_admins_only(
    store: EmbeddedStore, wang: Asker, nobody: Asker, method: str, path: str
) -> None:
    for asker in (wang, nobody):
        answer = asker.ask(method, path, status=401).json
        assert answer == {"error": "unauthorized", "reason": "You are not a server admin."}
    assert store.database_names() == ["case-1"]


def test_an_admin_makes_lists_and_deletes_databases(admin: Asker) -> None:
    assert admin.put("/new") == {"ok": True}
    assert admin.put("/new", status=412)["error"] == "file_exists"
    assert admin.put("/Bad", status=400)["error"] == "illegal_database_name"
    assert admin.get("/_all_dbs") == ["case-1", "new"]
    assert admin.ask("DELETE", "/new?rev=1-x", status=400).json
    assert admin.ask("DELETE", "/new", status=200).json == {"ok": True}
    assert admin.ask("DELETE", "/new", status=404).json
    assert admin.get("/_all_dbs") == ["case-1"]


def test_wrong_credentials_are_never_an_anonymous_request(nobody: Asker) -> None:
    wrong = Authorization("basic", {"username": "wang", "password": "guess"})
    for path in ("/", "/_session", "/case-1"):
        answer = nobody.ask("GET", path, auth=wrong, status=401).json
        assert answer == {"error": "unauthorized", "reason": "Name or password is incorrect."}


def test_a_session_says_who_one_is(nobody: Asker, wang: Asker) -> None:
    assert nobody.get("/_session")["userCtx"] == {"name": None, "roles": []}
    mine = wang.get("/_session")
    assert mine["userCtx"] == {"name": "wang", "roles": ["inspector"]}
    assert mine["info"]["authenticated"] == "default"


def test_members_neither_change_permissions_nor_rules(wang: Asker, admin: Asker) -> None:
    before = wang.get("/case-1/_security")
    refusal = {"error": "forbidden", "reason": "You are not a db or server admin."}
    assert wang.put("/case-1/_security", {}, status=403) == refusal
    assert wang.put("/case-1/_revs_limit", 5, status=403) == refusal
    design = wang.get("/case-1/_design/hezha")
    assert wang.put("/case-1/_design/hezha", design, status=403) == refusal
    assert wang.put("/case-1/_design/mine", {"validate_doc_update": "function() {}"}, status=403) == refusal
    rows = wang.post(
        "/case-1/_bulk_docs",
        {"docs": [design | {"_rev": "9-aa", "validate_doc_update": ""}], "new_edits": False},
        status=201,
    )
    assert [row["error"] for row in rows] == ["forbidden"]
    assert wang.get("/case-1/_security") == before == admin.get("/case-1/_security")
    assert wang.get("/case-1/_design/hezha") == design


def test_an_admin_changes_permissions_and_they_hold_at_once(admin: Asker, wang: Asker) -> None:
    granted = Security(members=("liu",), kind="case", writers=("liu",)).to_json()
    assert admin.put("/case-1/_security", granted, status=200) == {"ok": True}
    assert admin.get("/case-1/_security") == granted
    wang.get("/case-1", status=403)
    assert admin.put("/case-1/_security", [], status=400)


def test_a_reader_keeps_checkpoints_and_writes_nothing_else(app: Any) -> None:
    boss = Asker(app.test_client(), "boss")
    assert boss.put("/case-1/_local/checkpoint", {"last_seq": "1"})["rev"] == "0-1"
    hazard = {"type": "hazard", "schema": 1, "by": "boss", "at": "2026-03-02T09:30:00Z", "description": "x"}
    refusal = boss.put("/case-1/hazard:1", hazard, status=403)
    assert refusal["error"] == "forbidden"
    assert refusal["reason"].startswith("not_a_writer: ")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/case-1/_find"),
        ("POST", "/case-1/_index"),
        ("POST", "/case-1/_explain"),
        ("POST", "/case-1/_view_cleanup"),
        ("POST", "/case-1/_compact/views"),
        ("GET", "/case-1/_all_docs/more"),
        ("GET", "/case-1/_shards"),
        ("GET", "/case-1/_partition/x"),
        ("GET", "/case-1/_auto_purge"),
        ("GET", "/case-1/_design/hezha/_show/x"),
        ("GET", "/case-1/_design/hezha/_info"),
        ("GET", "/_active_tasks"),
        ("GET", "/_membership"),
        ("GET", "/_node/_local/_config"),
        ("GET", "/_scheduler/jobs"),
        ("GET", "/_utils"),
        ("COPY", "/case-1/doc"),
        ("POST", "/_replicate"),
        ("GET", "/_replicator/doc"),
        ("GET", "/_users"),
    ],
)
def test_what_couchdb_has_and_hezha_has_not_is_said_and_never_faked(
    admin: Asker, method: str, path: str
) -> None:
    answer = admin.ask(method, path, {}, status=501).json
    assert isinstance(answer, dict)
    assert answer["error"] == "not_implemented"
    assert "CouchDB has it" in answer["reason"]


@pytest.mark.parametrize("path", [*SERVER_NOT_OFFERED, *(f"case-1/{name}" for name in DATABASE_NOT_OFFERED)])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_everything_on_the_list_of_what_is_not_offered_says_so(admin: Asker, method: str, path: str) -> None:
    answer = admin.ask(method, f"/{path}", {}, status=501).json
    assert isinstance(answer, dict)
    assert answer["error"] == "not_implemented"
    assert "CouchDB has it" in answer["reason"]


def test_a_method_that_a_path_does_not_have_is_answered_with_those_it_has(wang: Asker) -> None:
    refusal = wang.ask("POST", "/case-1/_security", {}, status=405)
    assert refusal.headers["Allow"] == "GET,HEAD,PUT"
    assert refusal.json == {"error": "method_not_allowed", "reason": "Only GET,HEAD,PUT allowed"}
    assert wang.get("/case-1/_nonsense", status=400)["error"] == "illegal_docid"
    assert wang.get("/_nonsense", status=404)


def test_the_server_says_what_it_is(nobody: Asker) -> None:
    welcome = nobody.get("/")
    assert welcome["couchdb"] == "Welcome"
    assert welcome["version"] == "3.5.0"
    assert welcome["vendor"]["name"].startswith("Hezha ")
    assert nobody.get("/_up")["status"] == "ok"
    ids = nobody.get("/_uuids?count=5")["uuids"]
    assert len(set(ids)) == 5
    assert nobody.get("/_uuids?count=5000", status=400)
    assert nobody.get("/_uuids?count=-1", status=400)["error"] == "query_parse_error"
