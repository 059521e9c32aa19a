"""What CouchDB's HTTP interface asks of the engine beyond DocumentStore."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
from typing import Any

import pytest

from sync.embedded.engine import EmbeddedStore, FeedQuery, ListQuery, Show
from sync.store import BadRequest, Document, NewAttachment, NotFound, TooLarge


def replicate(store: EmbeddedStore, *ids: str, start: int | None = None, **fields: Any) -> None:
    revisions = {"start": len(ids) if start is None else start, "ids": list(ids)}
    rows = store.bulk_docs("db", [{"_id": "a", "_revisions": revisions, **fields}], new_edits=False)
    assert all(row.ok for row in rows), rows


@pytest.fixture
def conflicted(store: EmbeddedStore) -> EmbeddedStore:
    """`a` with leaves 4-z (winner), 3-c and a deleted 3-d; of 1-a, 2-b and 3-y only the names are known."""
    replicate(store, "z", "y", "b", "a")
    replicate(store, "c", "b", "a")
    replicate(store, "d", "b", "a", _deleted=True)
    return store


def test_get_shows_what_is_asked_for(conflicted: EmbeddedStore) -> None:
    show = Show(revs=True, revs_info=True, conflicts=True, deleted_conflicts=True, local_seq=True)
    found = conflicted.get("db", "a", show=show)
    assert found["_revisions"] == {"start": 4, "ids": ["z", "y", "b", "a"]}
    assert found["_revs_info"] == [
        {"rev": "4-z", "status": "available"},
        {"rev": "3-y", "status": "missing"},
        {"rev": "2-b", "status": "missing"},
        {"rev": "1-a", "status": "missing"},
    ]
    assert found["_conflicts"] == ["3-c"]
    assert found["_deleted_conflicts"] == ["3-d"]
    assert found["_local_seq"] == 3


def test_an_ancestor_known_by_name_is_missing_unless_its_latest_is_asked_for(
    conflicted: EmbeddedStore,
) -> None:
    with pytest.raises(NotFound):
        conflicted.get("db", "a", rev="2-b")
    assert conflicted.get("db", "a", rev="2-b", latest=True)["_rev"] == "4-z"
    assert conflicted.get("db", "a", rev="3-d")["_deleted"] is True


def test_open_revs_gives_leaves_or_what_is_named(conflicted: EmbeddedStore) -> None:
    def opened(*args: Any, **more: Any) -> list[tuple[str, bool]]:
        return [(row.rev, row.doc is not None) for row in conflicted.open_revs("db", *args, **more)]

    assert opened("a", "all") == [("4-z", True), ("3-c", True), ("3-d", True)]
    assert opened("a", ["3-c", "2-b", "9-q"]) == [("3-c", True), ("2-b", False), ("9-q", False)]
    assert opened("a", ["2-b", "3-c", "9-q"], latest=True) == [
        ("4-z", True),
        ("3-c", True),
        ("3-d", True),
        ("9-q", False),
    ]
    assert opened("none", ["1-a"]) == [("1-a", False)]
    assert opened("none", "all") == []
    with pytest.raises(BadRequest):
        opened("a", ["rubbish"])


def test_revs_diff_names_what_is_missing(conflicted: EmbeddedStore) -> None:
    wanted = {"a": ["4-z", "2-b", "5-q", "4-p"], "b": ["1-x"], "known": []}
    assert conflicted.revs_diff("db", wanted) == {
        "a": {"missing": ["5-q", "4-p"], "possible_ancestors": ["4-z", "3-c", "3-d"]},
        "b": {"missing": ["1-x"]},
    }
    for bad in ({"a": "1-x"}, {"a": ["x"]}, {"a": [1]}):
        with pytest.raises(BadRequest):
            conflicted.revs_diff("db", bad)  # type: ignore[arg-type]


def test_only_attachments_newer_than_what_the_client_has_are_sent(store: EmbeddedStore) -> None:
    old = {"old": {"data": "b2xk"}}
    first = store.put("db", {"_id": "a", "_attachments": old})
    new = {"old": {"stub": True}, "new": {"data": "bmV3"}}
    store.put("db", {"_id": "a", "_rev": first, "_attachments": new})

    def data(since: list[str] | None) -> list[str]:
        doc = store.get("db", "a", show=Show(attachments=True, atts_since=since))
        return sorted(name for name, entry in doc["_attachments"].items() if "data" in entry)

    assert data(None) == data([]) == data(["9-unknown"]) == ["new", "old"]
    assert data([first]) == ["new"]
    follows = store.get("db", "a", show=Show(attachments="follows", atts_since=[first]))["_attachments"]
    assert follows["new"]["follows"] is True
    assert follows["old"]["stub"] is True


def test_an_encoded_attachment_is_kept_as_it_came(store: EmbeddedStore) -> None:
    plain = b"hezha " * 1000
    packed = gzip.compress(plain, mtime=0)
    extra = {"encoding": "gzip"}
    store.put_attachment("db", "a", None, NewAttachment("t", "text/plain", io.BytesIO(packed), extra))
    with store.open_attachment("db", "a", "t") as found:
        assert (found.encoding, found.length, found.stream.read()) == ("gzip", len(packed), packed)
    stub = store.get("db", "a")["_attachments"]["t"]
    assert stub["length"] == len(plain)
    assert stub["digest"] == "md5-" + base64.b64encode(hashlib.md5(packed).digest()).decode()
    data = store.get("db", "a", show=Show(attachments=True))["_attachments"]["t"]["data"]
    assert base64.b64decode(data) == plain
    follows = store.get("db", "a", show=Show(attachments="follows"))["_attachments"]["t"]
    assert (follows["encoding"], follows["encoded_length"]) == ("gzip", len(packed))


@pytest.mark.parametrize(
    ("data", "encoding"), [(b"plain", "gzip"), (gzip.compress(b"x" * 99, mtime=0)[:-9], "gzip"), (b"x", "br")]
)
def test_a_false_encoding_is_refused(store: EmbeddedStore, data: bytes, encoding: str) -> None:
    new = NewAttachment("t", "text/plain", io.BytesIO(data), {"encoding": encoding})
    with pytest.raises(BadRequest):
        store.put_attachment("db", "a", None, new)
    assert store.find("db", "a") is None


def test_bytes_that_came_beside_the_document_are_attached(store: EmbeddedStore) -> None:
    info = store.ingest(io.BytesIO(b"jpeg"))
    doc: Document = {"_id": "a", "_attachments": {"p": {"follows": True, "length": 4, "digest": info.digest}}}
    store.put("db", doc, blobs={"p": info})
    with store.open_attachment("db", "a", "p") as found:
        assert found.stream.read() == b"jpeg"
        found.stream.seek(2)
        assert found.stream.read(1) == b"e"
    for blobs in ({}, {"p": info, "stray": info}):
        with pytest.raises(BadRequest):
            store.put("db", {**doc, "_id": "b"}, blobs=blobs)


def test_too_large_is_told_and_leaves_nothing(store: EmbeddedStore) -> None:
    with pytest.raises(TooLarge) as refusal:
        store.put("db", {"_id": "a", "v": "x" * store.limits.document_bytes})
    assert (refusal.value.error, refusal.value.status) == ("document_too_large", 413)
    with pytest.raises(TooLarge):
        store.ingest(io.BytesIO(b"x" * 1001), max_bytes=1000)
    assert store.ingest(io.BytesIO(b"x" * 1000), max_bytes=1000).length == 1000
    assert store.info("db").doc_count == 0


def test_an_attachment_is_deleted_by_an_edit(store: EmbeddedStore) -> None:
    rev = store.put("db", {"_id": "a", "v": 1, "_attachments": {"p": {"data": "aGk="}}})
    with pytest.raises(NotFound):
        store.delete_attachment("db", "a", "q", rev)
    store.delete_attachment("db", "a", "p", rev)
    found = store.get("db", "a")
    assert found["v"] == 1
    assert "_attachments" not in found


def test_the_feed_can_be_narrowed_and_turned_round(store: EmbeddedStore) -> None:
    store.bulk_docs("db", [{"_id": name} for name in ("a", "b", "_design/x", "c")])

    def ids(**more: Any) -> list[str]:
        return [change.id for change in store.read_changes("db", FeedQuery(**more)).results]

    assert ids(doc_ids=["c", "a", "zz", "c"]) == ["a", "c"]
    assert ids(design_only=True) == ["_design/x"]
    assert ids(descending=True, limit=2) == ["c", "_design/x"]
    assert ids(limit=0) == []
    batch = store.read_changes("db", FeedQuery(doc_ids=["a", "b"], limit=1))
    assert (batch.pending, [change.id for change in batch.results]) == (1, ["a"])
    after = store.read_changes("db", FeedQuery(doc_ids=["a", "b"], since=batch.last_seq))
    assert [change.id for change in after.results] == ["b"]
    assert after.last_seq == store.info("db").update_seq
    assert store.read_changes("db", FeedQuery(limit=0)).pending == 4


def test_all_docs_in_couchdbs_shape(store: EmbeddedStore) -> None:
    rows = store.bulk_docs("db", [{"_id": name} for name in "abcde"])
    store.put("db", {"_id": "c", "_rev": rows[2].rev, "_deleted": True})

    def keys(**more: Any) -> list[str]:
        return [row["key"] for row in store.list_docs("db", ListQuery(**more)).rows]

    assert keys() == ["a", "b", "d", "e"]
    assert keys(startkey="b", endkey="d") == ["b", "d"]
    assert keys(startkey="b", endkey="d", inclusive_end=False) == ["b"]
    assert keys(startkey="d", endkey="b", descending=True) == ["d", "b"]
    assert keys(startkey="d", endkey="b", descending=True, inclusive_end=False) == ["d"]
    assert keys(skip=1, limit=2) == ["b", "d"]
    listing = store.list_docs("db", ListQuery(startkey="d", include_docs=True))
    assert (listing.total_rows, listing.offset) == (4, 2)
    assert listing.rows[0]["doc"] == store.get("db", "d")
    found = store.list_docs("db", ListQuery(keys=["zz", "c", "a"], include_docs=True)).rows
    assert found[0] == {"key": "zz", "error": "not_found"}
    assert (found[1]["value"]["deleted"], found[1]["doc"]) == (True, None)
    assert found[2]["doc"]["_id"] == "a"


def test_local_documents_count_their_own_revisions(store: EmbeddedStore) -> None:
    assert store.put("db", {"_id": "_local/x", "v": 1}) == "0-1"
    assert store.put("db", {"_id": "_local/x", "_rev": "0-1", "v": 2}) == "0-2"
    assert store.get("db", "_local/x") == {"_id": "_local/x", "_rev": "0-2", "v": 2}
    with pytest.raises(BadRequest):
        store.put("db", {"_id": "_local/x", "_rev": "1-abc"})
    assert store.put("db", {"_id": "_local/x", "_rev": "0-2", "_deleted": True}) == "0-0"
    with pytest.raises(NotFound):
        store.get("db", "_local/x")


def test_history_is_cut_to_the_limit_of_the_database(store: EmbeddedStore) -> None:
    store.set_revs_limit("db", 3)
    rev = store.put("db", {"_id": "a", "n": 0, "_attachments": {"p": {"data": "aGk="}}})
    for n in range(1, 10):
        rev = store.put("db", {"_id": "a", "_rev": rev, "n": n})
    found = store.get("db", "a", show=Show(revs=True))
    assert found["_revisions"]["start"] == 10
    assert len(found["_revisions"]["ids"]) == 3
    assert store.revs_limit("db") == 3
    assert store.info_json("db")["sizes"] == {"file": 21, "active": 7, "external": 7}
    for bad in (0, -1, "3", True):
        with pytest.raises(BadRequest):
            store.set_revs_limit("db", bad)


def test_an_iterator_over_many_documents_holds_nothing_up(store: EmbeddedStore) -> None:
    store.bulk_docs("db", [{"_id": f"{n:04}"} for n in range(1203)])
    seen = []
    for doc in store.all_docs("db"):
        seen.append(doc["_id"])
        if len(seen) == 1:
            store.put("db", {"_id": "zzzz"})
    assert seen == [f"{n:04}" for n in range(1203)] + ["zzzz"]


@pytest.mark.parametrize(
    "revisions",
    [
        [],
        {},
        {"start": "1", "ids": ["a"]},
        {"start": 1, "ids": "a"},
        {"start": 1, "ids": []},
        {"start": 1, "ids": ["b", "a"]},
        {"start": 1, "ids": [1]},
        {"start": 1, "ids": ["g" * 32]},
    ],
)
def test_malformed_ancestry_is_refused(store: EmbeddedStore, revisions: object) -> None:
    row = store.bulk_docs("db", [{"_id": "a", "_revisions": revisions}], new_edits=False)[0]
    assert row.error == "doc_validation"


def test_a_blob_swept_away_before_its_document_came_is_told(store: EmbeddedStore) -> None:
    info = store.ingest(io.BytesIO(b"late"))
    store.sweep_blobs(now=2**40)
    doc = {"_id": "a", "_attachments": {"p": {"follows": True}}}
    with pytest.raises(Exception, match="Send it again"):
        store.put("db", doc, blobs={"p": info})
    again = store.ingest(io.BytesIO(b"late"))
    store.put("db", doc, blobs={"p": again})
    assert store.sweep_blobs(now=2**40) == 0
    store.delete_database("db")
    assert store.sweep_blobs(now=2**40) == 1


def test_documents_looked_up_together_read_like_single_ones(store: EmbeddedStore) -> None:
    """More than one statement takes, some of them unknown, one too large to be read before its turn."""
    inline = {"data": "Ynl0ZXM="}
    docs: list[Document] = [
        {"_id": f"doc {n}", "_attachments": {"a": inline} if n % 7 else {}} for n in range(120)
    ]
    docs.append({"_id": "nul\0within", "text": "x" * 500})
    revs = {row.id: row.rev or "" for row in store.bulk_docs("db", docs)}
    asked = [*revs.items(), ("unknown", "1-a")]
    with store.moment("db") as moment:
        single = [moment.open_revs(doc_id, [rev], show=Show(revs=True)) for doc_id, rev in asked]
        moment.look_up([doc_id for doc_id, _ in asked], max_bytes=100)
        assert [moment.open_revs(doc_id, [rev], show=Show(revs=True)) for doc_id, rev in asked] == single
