"""`couchdb` 1.2 (couchdb-python, last released in 2018) against the embedded engine over HTTP."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.peers.conftest import LiveServer

couchdb = pytest.importorskip(
    "couchdb",
    reason="couchdb 1.2 is not there, or does not load on this Python: pip install -e '.[peers]'",
    exc_type=ImportError,
)

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # its own, of Python's libraries
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning"
    ),  # it leaves its pooled connections to the collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def client(server: LiveServer) -> Any:
    return couchdb.Server(server.url.replace("http://", "http://admin:admin@") + "/")


@pytest.fixture
def db(client: Any) -> Iterator[Any]:
    name = f"py-{uuid.uuid4().hex[:12]}"
    yield client.create(name)
    client.delete(name)


def test_databases_come_and_go(client: Any) -> None:
    name = f"py-{uuid.uuid4().hex[:12]}"
    assert client.version() == "3.5.0"
    assert name not in client
    db = client.create(name)
    assert name in client
    assert name in list(client)
    assert db.info()["db_name"] == name
    with pytest.raises(couchdb.PreconditionFailed):
        client.create(name)
    del client[name]
    with pytest.raises(couchdb.ResourceNotFound):
        client[name]


def test_documents_are_written_read_and_refused(db: Any) -> None:
    doc_id, rev = db.save({"_id": "a/b+c é", "n": 1})
    assert doc_id in db
    assert db[doc_id].rev == rev
    with pytest.raises(couchdb.ResourceConflict):
        db[doc_id] = {"n": 2}
    doc = db[doc_id]
    doc["n"] = 2
    db.save(doc)
    assert [found["n"] for found in db.revisions(doc_id)] == [2, 1]
    assert db.get("none") is None
    db.delete(doc)
    assert doc_id not in db
    assert len(db) == 0
    unnamed, _ = db.save({"n": 3})
    assert list(db) == [unnamed]
    assert db.commit()["ok"] is True


def test_many_documents_go_and_come_together(db: Any) -> None:
    done = db.update([{"_id": f"d{n}", "n": n} for n in range(6)])
    assert all(ok for ok, _, _ in done)
    ((ok, doc_id, error),) = db.update([{"_id": "d1"}])
    assert (ok, doc_id, type(error)) == (False, "d1", couchdb.ResourceConflict)
    rows = db.view("_all_docs", startkey="d1", endkey="d3", include_docs=True)
    assert [row.doc["n"] for row in rows] == [1, 2, 3]
    assert rows.total_rows == 6
    assert [row.id for row in db.view("_all_docs", keys=["d5", "d0"])] == ["d5", "d0"]
    assert [row.id for row in db.view("_all_docs", descending=True, limit=2)] == ["d5", "d4"]
    db["_design/own"] = {"views": {"n": {"map": "function(doc) { emit(doc.n, 1); }", "reduce": "_count"}}}
    assert [row.value for row in db.view("own/n", startkey=2)] == [4]
    assert [row.key for row in db.view("own/n", reduce=False, descending=True, limit=2)] == [5, 4]
    del db["_design/own"]
    assert [row.id for row in db.iterview("_all_docs", 2)] == [f"d{n}" for n in range(6)]


def test_attachments_keep_every_byte(db: Any) -> None:
    data = os.urandom(300_000)
    doc = {"_id": "photo"}
    db.save(doc)
    db.put_attachment(doc, io.BytesIO(data), "现场 1.jpg", "image/jpeg")
    assert db.get_attachment("photo", "现场 1.jpg").read() == data
    stub = db["photo"]["_attachments"]["现场 1.jpg"]
    assert (stub["length"], stub["content_type"], stub["revpos"]) == (300_000, "image/jpeg", 2)
    assert db.get_attachment("photo", "none", default=7) == 7
    db.delete_attachment(doc, "现场 1.jpg")
    assert "_attachments" not in db["photo"]


def test_changes_are_read_at_once_and_as_they_come(db: Any) -> None:
    db.save({"_id": "first"})
    found = db.changes(include_docs=True)
    assert [row["id"] for row in found["results"]] == ["first"]
    feed = db.changes(feed="continuous", since=found["last_seq"], heartbeat=500)
    db.save({"_id": "second"})
    row = next(row for row in feed if "id" in row)
    assert row["id"] == "second"
    feed.close()
    assert db.changes(since=row["seq"])["results"] == []


def test_conflicts_and_security_are_what_was_written(db: Any) -> None:
    split = [
        {"_id": "s", "_rev": f"2-{name}", "_revisions": {"start": 2, "ids": [name, "a0"]}}
        for name in ("b1", "b2")
    ]
    assert db.update(split, new_edits=False) == []
    assert db.get("s", conflicts=True)["_conflicts"] == ["2-b1"]
    db.security = {"admins": {"names": [], "roles": ["_admin"]}, "members": {"names": ["li"], "roles": []}}
    assert db.security["members"]["names"] == ["li"]


def test_what_is_not_offered_says_so(db: Any, client: Any) -> None:
    for call in (
        lambda: list(db.find({"selector": {}})),
        lambda: list(db.index()),
        lambda: client.replicate("a", "b"),
        lambda: list(db.list("own/all", "own/all")),
    ):
        with pytest.raises(couchdb.ServerError) as refused:
            call()
        assert refused.value.args[0][0] == 501
