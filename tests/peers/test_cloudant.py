"""`cloudant` 2.15 (python-cloudant, end of life since 2021) against the embedded engine over HTTP."""

from __future__ import annotations

import os
import uuid
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.peers.conftest import LiveServer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it says that it is deprecated
    cloudant = pytest.importorskip(
        "cloudant",
        reason="cloudant 2.15 is not there: pip install -e '.[peers]'",
        exc_type=ImportError,
    )
    pytest.importorskip("cloudant.client")
    document = pytest.importorskip("cloudant.document")
    design = pytest.importorskip("cloudant.design_document")

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # a feed that is stopped leaves its connection
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(params=["cookie", "basic"])
def client(server: LiveServer, request: pytest.FixtureRequest) -> Iterator[Any]:
    """As it comes, with a cookie, and with HTTP Basic."""
    basic = request.param == "basic"
    url = server.url + "/"  # it joins `_session` as a browser would
    client = cloudant.client.CouchDB("admin", "admin", url=url, connect=True, use_basic_auth=basic)
    yield client
    client.disconnect()


@pytest.fixture
def db(client: Any) -> Iterator[Any]:
    name = f"cloudant-{uuid.uuid4().hex[:12]}"
    yield client.create_database(name)
    client.delete_database(name)


def test_databases_come_and_go(client: Any) -> None:
    name = f"cloudant-{uuid.uuid4().hex[:12]}"
    db = client.create_database(name)
    assert db.exists()
    assert name in client.all_dbs()
    assert db.metadata()["doc_count"] == 0
    with pytest.raises(cloudant.error.CloudantClientException):
        client.create_database(name, throw_on_exists=True)
    client.delete_database(name)
    assert name not in client.all_dbs()


def test_documents_are_written_read_and_refused(db: Any) -> None:
    doc = db.create_document({"_id": "a b/c", "n": 1})
    first = doc["_rev"]
    doc["n"] = 2
    doc.save()
    assert doc["_rev"].startswith("2-")
    stale = document.Document(db, "a b/c")
    stale.update({"_rev": first, "n": 3})
    with pytest.raises(requests.HTTPError) as refused:
        stale.save()
    assert refused.value.response.status_code == 409
    with document.Document(db, "a b/c") as edited:
        edited["n"] = 4
    doc.fetch()
    assert doc["n"] == 4
    doc.update_field(lambda found, field, value: found.__setitem__(field, value), "n", 5)
    assert db["a b/c"]["n"] == 5
    doc.fetch()
    doc.delete()
    assert not document.Document(db, "a b/c").exists()
    assert len(db.create_document({"n": 1})["_id"]) == 32


def test_many_documents_go_and_come_together(db: Any) -> None:
    rows = db.bulk_docs([{"_id": f"d{n}", "n": n} for n in range(6)])
    assert [row["ok"] for row in rows] == [True] * 6
    assert db.doc_count() == 6
    found = db.all_docs(startkey="d1", endkey="d3", include_docs=True)
    assert [row["doc"]["n"] for row in found["rows"]] == [1, 2, 3]
    assert [row["id"] for row in db.all_docs(keys=["d5", "d0"])["rows"]] == ["d5", "d0"]
    with db.custom_result(startkey="d4") as result:
        assert [row["id"] for row in result] == ["d4", "d5"]
    assert sorted(doc["_id"] for doc in db) == [f"d{n}" for n in range(6)]
    missing = db.missing_revisions("d0", "1-abc", rows[0]["rev"])
    assert missing == ["1-abc"]


def test_attachments_keep_every_byte(db: Any) -> None:
    data = os.urandom(300_000)
    doc = db.create_document({"_id": "photo"})
    assert doc.put_attachment("1.jpg", "image/jpeg", data)["ok"] is True
    assert doc.get_attachment("1.jpg", attachment_type="binary") == data
    assert doc["_attachments"]["1.jpg"]["length"] == 300_000
    assert doc.delete_attachment("1.jpg")["ok"] is True
    doc.fetch()
    assert "_attachments" not in doc


def test_changes_are_read_at_once_and_as_they_come(db: Any) -> None:
    db.create_document({"_id": "first"})
    assert [row["id"] for row in db.changes(include_docs=True)] == ["first"]
    feed = db.infinite_changes(heartbeat=500)
    seen = []
    for row in feed:
        if not row:
            continue
        seen.append(row["id"])
        if row["id"] == "first":
            db.create_document({"_id": "second"})
        else:
            feed.stop()
    assert seen == ["first", "second"]


def test_conflicts_and_security_are_what_was_written(db: Any, server: LiveServer) -> None:
    split = [
        {"_id": "s", "_rev": f"2-{name}", "_revisions": {"start": 2, "ids": [name, "a0"]}}
        for name in ("b1", "b2")
    ]
    server.admin("POST", f"{db.database_name}/_bulk_docs", json={"docs": split, "new_edits": False})
    doc = db["s"]
    found = doc.r_session.get(doc.document_url, params={"conflicts": "true"}).json()
    assert (doc["_rev"], found["_conflicts"]) == ("2-b2", ["2-b1"])
    security = db.get_security_document()
    security["members"] = {"names": ["li"], "roles": []}
    security.save()
    assert db.get_security_document()["members"]["names"] == ["li"]
    assert db.get_revision_limit() == 1000
    assert db.set_revision_limit(50)["ok"] is True


def test_a_view_is_what_its_functions_say(db: Any) -> None:
    db.bulk_docs([{"_id": f"d{n}", "n": n} for n in range(6)])
    own = design.DesignDocument(db, "_design/own")
    own.add_view("n", "function(doc) { emit(doc.n % 2, doc.n); }", "_sum")
    own.save()
    view = own.get_view("n")
    assert view(group=True)["rows"] == [{"key": 0, "value": 6}, {"key": 1, "value": 9}]
    assert [row["id"] for row in view(reduce=False, key=1)["rows"]] == ["d1", "d3", "d5"]
    assert [row["value"] for row in view.result[:]] == [15]


def test_a_session_says_who_one_is(server: LiveServer) -> None:
    with cloudant.couchdb("admin", "admin", url=server.url + "/") as client:
        assert client.session()["userCtx"]["name"] == "admin"
        assert client.session_cookie()
        client.session_logout()
        assert client.session()["userCtx"]["name"] is None
        client.session_login("admin", "admin")
    with pytest.raises(requests.HTTPError) as refused:
        cloudant.client.CouchDB("admin", "guess", url=server.url + "/", connect=True)
    assert refused.value.response.status_code == 401


def test_what_is_not_offered_says_so(db: Any) -> None:
    for call in (
        lambda: list(db.get_query_result({"n": {"$gt": 0}})),
        lambda: db.get_query_indexes(raw_result=True),
        lambda: db.create_query_index(fields=["n"]),
    ):
        with pytest.raises(requests.HTTPError) as refused:
            call()
        assert refused.value.response.status_code == 501
