"""What every engine promises about documents."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.store import (
    BadRequest,
    Conflict,
    DatabaseExists,
    Document,
    DocumentStore,
    Forbidden,
    NewDatabase,
    NotFound,
    Security,
    UserCtx,
)

INSPECTOR = UserCtx("li.wei", ("inspector",))


def counts(store: DocumentStore) -> tuple[int, int]:
    info = store.info("db")
    return info.doc_count, info.doc_del_count


def test_a_document_comes_back_as_it_was_put(store: DocumentStore) -> None:
    body: Document = {
        "_id": "任务:1/ü +%2F",
        "n": 1.0,
        "big": 2**53,
        "null": None,
        "deep": {"列": [True, "\x00"]},
    }
    rev = store.put("db", body)
    assert rev.startswith("1-")
    assert store.get("db", body["_id"]) == {**body, "_rev": rev}
    assert isinstance(store.get("db", body["_id"])["n"], float)


def test_the_same_edit_is_the_same_revision_everywhere(store: DocumentStore, other: DocumentStore) -> None:
    edit = {"_id": "a", "x": 1, "y": [True, "列", None]}
    assert store.put("db", dict(edit)) == other.put("db", dict(edit))


def test_an_edit_must_name_the_leaf_it_builds_on(store: DocumentStore) -> None:
    first = store.put("db", {"_id": "a", "v": 1})
    second = store.put("db", {"_id": "a", "_rev": first, "v": 2})
    for stale in ({"_id": "a"}, {"_id": "a", "_rev": first}, {"_id": "a", "_rev": "2-beef"}):
        with pytest.raises(Conflict):
            store.put("db", stale)
    with pytest.raises(Conflict):
        store.put("db", {"_id": "new", "_rev": "1-beef"})
    assert store.get("db", "a")["_rev"] == second
    assert second.startswith("2-")


def test_an_old_revision_can_be_read_by_its_name(store: DocumentStore) -> None:
    first = store.put("db", {"_id": "a", "v": 1})
    store.put("db", {"_id": "a", "_rev": first, "v": 2})
    assert store.get("db", "a", rev=first)["v"] == 1
    with pytest.raises(NotFound):
        store.get("db", "a", rev="7-beef")


def test_a_deleted_document_is_gone_until_it_is_made_anew(store: DocumentStore) -> None:
    first = store.put("db", {"_id": "a", "v": 1})
    tomb = store.put("db", {"_id": "a", "_rev": first, "_deleted": True})
    with pytest.raises(NotFound, match="deleted"):
        store.get("db", "a")
    assert store.find("db", "a") is None
    assert store.leaves("db", "a") == []
    assert store.leaves("db", "a", deleted=True)[0]["_deleted"] is True
    with pytest.raises(Conflict):
        store.put("db", {"_id": "a", "_rev": tomb, "_deleted": True})
    again = store.put("db", {"_id": "a", "v": 2})
    assert again.startswith("3-")
    assert store.get("db", "a")["v"] == 2


def test_a_missing_document_or_database_is_not_found(store: DocumentStore) -> None:
    with pytest.raises(NotFound, match="missing"):
        store.get("db", "a")
    assert store.find("db", "a") is None
    for call in (
        lambda: store.get("no", "a"),
        lambda: store.find("no", "a"),
        lambda: store.put("no", {"_id": "a"}),
        lambda: store.bulk_docs("no", [{"_id": "a"}]),
        lambda: store.changes("no"),
        lambda: store.all_docs("no"),
        lambda: store.get_local("no", "a"),
        lambda: store.info("no"),
        lambda: store.delete_database("no"),
    ):
        with pytest.raises(NotFound):
            call()


@pytest.mark.parametrize(
    "doc",
    [
        {"v": 1},
        {"_id": ""},
        {"_id": 1},
        {"_id": "_hidden"},
        {"_id": "_design/"},
        {"_id": "a", "_unknown": 1},
        {"_id": "a", "_deleted": "yes"},
        {"_id": "a", "_rev": "x"},
        {"_id": "a", "_rev": "1-" + "z" * 32},
        {"_id": "a", "v": float("nan")},
        {"_id": "a", "v": float("inf")},
        {"_id": "a", "v": "\ud800"},
        {"_id": "\ud800"},
        {"_id": "a", "_attachments": []},
        {"_id": "a", "_attachments": {"_x": {"data": ""}}},
        {"_id": "a", "_attachments": {"x": {"data": "not base64!"}}},
        {"_id": "a", "_attachments": {"x": {}}},
    ],
)
def test_what_is_no_document_is_refused_and_leaves_no_trace(store: DocumentStore, doc: Document) -> None:
    with pytest.raises(BadRequest):
        store.put("db", doc)
    assert counts(store) == (0, 0)
    assert store.changes("db").results == ()


def test_replicated_revisions_keep_their_names_and_may_conflict(store: DocumentStore) -> None:
    edits = [
        {"_id": "a", "_rev": "2-b", "_revisions": {"start": 2, "ids": ["b", "a"]}, "v": "b"},
        {"_id": "a", "_rev": "2-c", "_revisions": {"start": 2, "ids": ["c", "a"]}, "v": "c"},
    ]
    assert all(row.ok for row in store.bulk_docs("db", edits, new_edits=False))
    found = store.get("db", "a", conflicts=True)
    assert (found["_rev"], found["_conflicts"], found["v"]) == ("2-c", ["2-b"], "c")
    leaves = store.leaves("db", "a")
    assert [leaf["_revisions"]["ids"] for leaf in leaves] == [["c", "a"], ["b", "a"]]
    store.put("db", {"_id": "a", "_rev": "2-b", "_deleted": True})
    assert "_conflicts" not in store.get("db", "a", conflicts=True)


def test_a_replicated_revision_that_is_known_is_a_silent_success(store: DocumentStore) -> None:
    edit = {"_id": "a", "_rev": "2-b", "_revisions": {"start": 2, "ids": ["b", "a"]}, "v": 1}
    store.bulk_docs("db", [edit], new_edits=False)
    before = store.info("db")
    ancestor = {"_id": "a", "_rev": "1-a", "v": "late"}
    assert all(row.ok for row in store.bulk_docs("db", [edit, ancestor], new_edits=False))
    assert counts(store) == (before.doc_count, before.doc_del_count)
    assert store.get("db", "a") == {"_id": "a", "_rev": "2-b", "v": 1}


def test_each_document_of_a_bulk_stands_or_falls_alone(store: DocumentStore) -> None:
    store.put("db", {"_id": "taken"})
    rows = store.bulk_docs("db", [{"_id": "a"}, {"_id": "taken"}, {"_id": "_bad"}, {"x": 1}, {"_id": "a"}])
    assert [row.error for row in rows] == [None, "conflict", "illegal_docid", None, "conflict"]
    assert store.info("db").doc_count == 3
    assert store.find("db", rows[3].id) is not None


def test_all_docs_come_by_id_without_the_deleted(store: DocumentStore) -> None:
    rows = store.bulk_docs("db", [{"_id": name} for name in ("b:2", "a:1", "b:1", "b", "b：", "乙")])
    store.put("db", {"_id": "b:2", "_rev": rows[0].rev, "_deleted": True})
    assert [doc["_id"] for doc in store.all_docs("db")] == ["a:1", "b", "b:1", "b：", "乙"]
    assert [doc["_id"] for doc in store.all_docs("db", prefix="b:")] == ["b:1"]
    assert [doc["_id"] for doc in store.all_docs("db", keys=["乙", "none", "b:2", "a:1"])] == ["乙", "a:1"]


def test_local_documents_stay_out_of_sight(store: DocumentStore) -> None:
    before = counts(store)
    assert store.get_local("db", "mark") is None
    store.put_local("db", "mark", {"seq": "1"})
    store.put_local("db", "mark", {"seq": "2"})
    found = store.get_local("db", "mark")
    assert found is not None
    assert found["seq"] == "2"
    assert counts(store) == before
    assert store.changes("db").results == ()
    assert list(store.all_docs("db")) == []


def test_counts_follow_what_is_alive(store: DocumentStore) -> None:
    rows = store.bulk_docs("db", [{"_id": name} for name in "abc"])
    store.put("db", {"_id": "a", "_rev": rows[0].rev, "_deleted": True})
    info = store.info("db")
    assert (info.name, info.doc_count, info.doc_del_count) == ("db", 2, 1)


def test_databases_are_created_once_listed_and_deleted(store: DocumentStore) -> None:
    store.create_database("case-1")
    with pytest.raises(DatabaseExists):
        store.create_database("case-1")
    assert store.database_names() == ["case-1", "db"]
    assert store.database_names("case-") == ["case-1"]
    store.put("case-1", {"_id": "a"})
    store.delete_database("case-1")
    store.create_database("case-1")
    assert list(store.all_docs("case-1")) == []


def test_many_databases_begin_with_their_documents_and_rules_and_none_is_made_twice(
    store: DocumentStore,
) -> None:
    theirs = Security(members=("li.wei",), kind="case", writers=("li.wei",))
    store.create_database("case-b", theirs)
    before = store.info("case-b").update_seq
    first: Document = {"_id": "case", "type": "case", "schema": 1, "名": 1.0}
    made = store.create_databases(
        [
            NewDatabase("case-a", theirs, ({**first}, {"_id": "other", "type": "receipt", "schema": 1})),
            NewDatabase("case-b", theirs, ({**first},)),
            NewDatabase("media-a", replace(theirs, kind="media")),
        ]
    )
    assert made[1:] == [None, ()]
    assert made[0] is not None
    assert store.get("case-a", "case") == {**first, "_rev": made[0][0]}
    assert store.get("case-a", "other")["_rev"] == made[0][1]
    assert store.security("media-a")["hezha"] == {"kind": "media", "writers": ["li.wei"]}
    assert store.find("case-b", "case") is None
    assert store.info("case-b").update_seq == before
    with pytest.raises(Forbidden):
        store.put("case-a", {"_id": "case:2", "type": "case", "schema": 1}, user=INSPECTOR)
    wanted, told, since = {"case-a", "case-b", "media-a"}, set[str](), "0"
    for _ in range(20):  # a cluster tells of it in its own time
        found, since = store.db_updates(since=since, timeout=1.0)
        told |= {update.db_name for update in found}
        if wanted <= told:
            break
    assert wanted <= told


@pytest.mark.parametrize("name", ["", "A", "1a", "_users", "a b", "ä", "a" * 300, "../a"])
def test_a_bad_name_is_no_database(store: DocumentStore, name: str) -> None:
    with pytest.raises(BadRequest):
        getattr(store, "whole", store).create_database(name)


def test_security_is_kept_whole(store: DocumentStore) -> None:
    security = Security(members=("li.wei",), kind="case", writers=("li.wei",))
    store.create_database("case-1", security)
    assert store.security("case-1") == security.to_json()
    store.set_security("case-1", Security(kind="case"))
    assert store.security("case-1")["hezha"] == {"kind": "case", "writers": []}


def test_only_admins_write_design_documents(store: DocumentStore) -> None:
    store.set_security("db", Security(members=("li.wei",)))
    with pytest.raises(Forbidden):
        store.put("db", {"_id": "_design/x"}, user=INSPECTOR)
    rows = store.bulk_docs("db", [{"_id": "_design/x"}, {"_id": "a"}], user=INSPECTOR)
    assert [row.error for row in rows] == ["forbidden", None]
    assert store.put("db", {"_id": "_design/x"}).startswith("1-")
