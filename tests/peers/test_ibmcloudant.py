"""`ibmcloudant`, the vendor's present client, against the embedded engine over HTTP."""

from __future__ import annotations

import base64
import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.peers.conftest import LiveServer

sdk = pytest.importorskip("ibmcloudant", reason="ibmcloudant is not there", exc_type=ImportError)
core = pytest.importorskip("ibm_cloud_sdk_core")
authenticators = pytest.importorskip("ibm_cloud_sdk_core.authenticators")
v1 = pytest.importorskip("ibmcloudant.cloudant_v1")
sessions = pytest.importorskip("ibmcloudant.couchdb_session_authenticator")

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(scope="module", params=["cookie", "basic"])
def client(server: LiveServer, request: pytest.FixtureRequest) -> Any:
    """As it comes: it sends gzip-encoded bodies."""
    kind = (
        sessions.CouchDbSessionAuthenticator
        if request.param == "cookie"
        else authenticators.BasicAuthenticator
    )
    client = v1.CloudantV1(authenticator=kind("admin", "admin"))
    client.set_service_url(server.url)
    return client


@pytest.fixture
def db(client: Any) -> Iterator[str]:
    name = f"ibm-{uuid.uuid4().hex[:12]}"
    client.put_database(db=name)
    yield name
    client.delete_database(db=name)


def refused(status: int) -> Any:
    return pytest.raises(core.ApiException, check=lambda error: error.status_code == status)


def test_databases_come_and_go(client: Any) -> None:
    name = f"ibm-{uuid.uuid4().hex[:12]}"
    assert client.get_server_information().get_result()["couchdb"] == "Welcome"
    assert client.get_up_information().get_result()["status"] == "ok"
    assert len(client.get_uuids(count=2).get_result()["uuids"]) == 2
    assert client.put_database(db=name).get_result() == {"ok": True}
    with refused(412):
        client.put_database(db=name)
    assert name in client.get_all_dbs().get_result()
    assert client.head_database(db=name).get_status_code() == 200
    assert client.get_database_information(db=name).get_result()["db_name"] == name
    client.delete_database(db=name)
    with refused(404):
        client.get_database_information(db=name)


def test_documents_are_written_read_and_refused(client: Any, db: str) -> None:
    made = client.put_document(db=db, doc_id="a/b é", document={"n": 1}).get_result()
    with refused(409):
        client.put_document(db=db, doc_id="a/b é", document={"n": 2})
    client.put_document(db=db, doc_id="a/b é", document={"n": 2}, rev=made["rev"])
    found = client.get_document(db=db, doc_id="a/b é", revs=True).get_result()
    assert (found["n"], found["_revisions"]["start"]) == (2, 2)
    head = client.head_document(db=db, doc_id="a/b é")
    assert head.get_headers()["ETag"] == f'"{found["_rev"]}"'
    assert client.get_document(db=db, doc_id="a/b é", rev=made["rev"]).get_result()["n"] == 1
    client.delete_document(db=db, doc_id="a/b é", rev=found["_rev"])
    with refused(404):
        client.get_document(db=db, doc_id="a/b é")
    posted = client.post_document(db=db, document={"_id": "mine", "type": "t"}).get_result()
    assert posted["id"] == "mine"


def test_many_documents_go_and_come_together(client: Any, db: str) -> None:
    docs = {"docs": [{"_id": f"d{n}", "n": n} for n in range(6)]}
    rows = client.post_bulk_docs(db=db, bulk_docs=docs).get_result()
    assert all(row["ok"] for row in rows)
    listed = client.post_all_docs(
        db=db, start_key="d1", end_key="d3", include_docs=True, limit=9
    ).get_result()
    assert [row["doc"]["n"] for row in listed["rows"]] == [1, 2, 3]
    keyed = client.post_all_docs(db=db, keys=["d5", "none"]).get_result()["rows"]
    assert [row.get("error", row["key"]) for row in keyed] == ["d5", "not_found"]
    wanted = [{"id": "d2", "rev": rows[2]["rev"]}]
    got = client.post_bulk_get(db=db, docs=wanted, revs=True).get_result()["results"]
    assert got[0]["docs"][0]["ok"]["n"] == 2
    missing = client.post_revs_diff(db=db, document_revisions={"d2": ["1-abc", rows[2]["rev"]]}).get_result()
    assert missing == {"d2": {"missing": ["1-abc"]}}


def test_attachments_keep_every_byte(client: Any, db: str) -> None:
    data = os.urandom(300_000)
    client.put_attachment(
        db=db, doc_id="photo", attachment_name="1.jpg", attachment=data, content_type="image/jpeg"
    )
    sent = client.get_attachment(db=db, doc_id="photo", attachment_name="1.jpg")
    assert sent.get_result().content == data
    inline = client.get_document(db=db, doc_id="photo", attachments=True).get_result()
    assert base64.b64decode(inline["_attachments"]["1.jpg"]["data"]) == data
    gone = client.delete_attachment(db=db, doc_id="photo", attachment_name="1.jpg", rev=inline["_rev"])
    assert gone.get_result()["ok"] is True


def test_changes_are_read_at_once_in_pages_and_as_they_come(client: Any, db: str) -> None:
    features = pytest.importorskip("ibmcloudant.features.changes_follower")
    docs = {"docs": [{"_id": f"d{n:03}"} for n in range(25)]}
    client.post_bulk_docs(db=db, bulk_docs=docs)
    first = client.post_changes(db=db, limit=10, include_docs=True).get_result()
    assert (len(first["results"]), first["pending"]) == (10, 15)
    named = client.post_changes(db=db, filter="_doc_ids", doc_ids=["d003"]).get_result()
    assert [row["id"] for row in named["results"]] == ["d003"]
    stream = client.post_changes_as_stream(db=db, feed="continuous", timeout=500).get_result()
    assert sum(b'"id"' in line for line in stream.iter_lines()) == 25
    follower = features.ChangesFollower(service=client, db=db, limit=25)
    assert sorted(row.id for row in follower.start_one_off()) == [f"d{n:03}" for n in range(25)]


def test_conflicts_local_documents_and_security_are_what_was_written(client: Any, db: str) -> None:
    split = [
        {"_id": "s", "_rev": f"2-{name}", "_revisions": {"start": 2, "ids": [name, "a0"]}}
        for name in ("b1", "b2")
    ]
    bulk = {"docs": split, "new_edits": False}
    assert client.post_bulk_docs(db=db, bulk_docs=bulk).get_result() == []
    found = client.get_document(db=db, doc_id="s", conflicts=True).get_result()
    assert (found["_rev"], found["_conflicts"]) == ("2-b2", ["2-b1"])
    client.put_local_document(db=db, doc_id="mark", document={"at": 1})
    assert client.get_local_document(db=db, doc_id="mark").get_result()["at"] == 1
    client.put_security(db=db, members=v1.SecurityObject(names=["li"], roles=["_admin"]))
    assert client.get_security(db=db).get_result()["members"]["names"] == ["li"]
    design = v1.DesignDocument(filters={"some": "function(doc) { return true; }"})
    assert client.put_design_document(db=db, ddoc="own", design_document=design).get_result()["ok"] is True


def test_a_view_is_what_its_functions_say(client: Any, db: str) -> None:
    client.post_bulk_docs(db=db, bulk_docs={"docs": [{"_id": f"d{n}", "n": n} for n in range(6)]})
    view = v1.DesignDocumentViewsMapReduce(map="function(doc) { emit(doc.n % 2, doc.n); }", reduce="_sum")
    design = v1.DesignDocument(views={"n": view})
    client.put_design_document(db=db, ddoc="own", design_document=design)
    grouped = client.post_view(db=db, ddoc="own", view="n", group=True).get_result()
    assert grouped["rows"] == [{"key": 0, "value": 6}, {"key": 1, "value": 9}]
    rows = client.post_view(
        db=db, ddoc="own", view="n", reduce=False, keys=[1], include_docs=True
    ).get_result()
    assert [row["doc"]["n"] for row in rows["rows"]] == [1, 3, 5]
    queries = [v1.ViewQuery(key=0), v1.ViewQuery(reduce=False, limit=1)]
    both = client.post_view_queries(db=db, ddoc="own", view="n", queries=queries).get_result()["results"]
    assert (both[0]["rows"][0]["value"], both[1]["total_rows"]) == (6, 6)


def test_what_is_not_offered_says_so(client: Any, db: str) -> None:
    for call in (
        lambda: client.post_find(db=db, selector={"n": 1}),
        lambda: client.get_indexes_information(db=db),
        client.get_active_tasks,
        lambda: client.get_shards_information(db=db),
        client.get_membership_information,
        client.get_scheduler_jobs,
    ):
        with pytest.raises(core.ApiException, match="not offered") as error:
            call()
        assert error.value.status_code == 501
