"""A purged revision is gone as if it had never been; what is left of its document stays as it was."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync import revtree
from sync.embedded.engine import EmbeddedStore, Limits
from sync.embedded.rendering import Show
from sync.revtree import Body, RevTree
from sync.store import BadRequest, Forbidden, NotFound, UserCtx


def branch(store: EmbeddedStore, doc_id: str, start: int, *hashes: str, deleted: bool = False) -> str:
    """Merge a path into a document, newest first; return the leaf."""
    rev = f"{start}-{hashes[0]}"
    doc = {
        "_id": doc_id, "_rev": rev, "_revisions": {"start": start, "ids": list(hashes)}, "leaf": hashes[0]
    }  # fmt: skip
    store.bulk_docs("db", [{**doc, "_deleted": True} if deleted else doc], new_edits=False)
    return rev


def test_a_purged_leaf_takes_only_the_ancestors_that_were_its_own(store: EmbeddedStore) -> None:
    one = branch(store, "a", 4, "d1", "c1", "b", "a")
    two = branch(store, "a", 3, "c2", "b", "a")
    assert store.purge("db", {"a": [one]}) == {"a": [one]}
    (left,) = store.leaves("db", "a")
    assert left["_rev"] == two
    assert left["_revisions"] == {"start": 3, "ids": ["c2", "b", "a"]}
    assert store.revs_diff("db", {"a": [one, "3-c1", "2-b"]}) == {
        "a": {"missing": [one, "3-c1"], "possible_ancestors": [two]}
    }


def test_only_leaves_are_purged(store: EmbeddedStore) -> None:
    leaf = branch(store, "a", 2, "b", "a")
    assert store.purge("db", {"a": ["1-a"], "unknown": ["1-x"]}) == {"a": [], "unknown": []}
    assert store.get("db", "a")["_rev"] == leaf


def test_a_document_without_leaves_is_gone_and_may_come_again(store: EmbeddedStore) -> None:
    leaf = branch(store, "a", 2, "b", "a")
    kept = store.put("db", {"_id": "kept"})
    before = store.info("db")
    assert store.purge("db", {"a": [leaf]}) == {"a": [leaf]}
    with pytest.raises(NotFound, match="missing"):
        store.get("db", "a")
    assert [change.id for change in store.changes("db").results] == ["kept"]
    assert store.changes("db", since=before.update_seq).results == ()
    assert store.info("db").doc_count == 1
    assert store.info_json("db")["sizes"]["file"] == len(json.dumps({}))
    assert branch(store, "a", 2, "b", "a") == leaf  # a replicator that has it brings it back
    assert store.get("db", "a")["_rev"] == leaf
    assert store.get("db", "kept")["_rev"] == kept


def test_purging_again_changes_nothing_more(store: EmbeddedStore) -> None:
    one, two = branch(store, "a", 2, "b", "a"), branch(store, "a", 2, "c", "a")
    store.purge("db", {"a": [two]})
    seq = store.info("db").update_seq
    assert store.purge("db", {"a": [two]}) == {"a": []}
    assert store.info("db").update_seq == seq
    assert store.get("db", "a")["_rev"] == one


def test_what_is_left_of_a_document_comes_again_in_the_feed(store: EmbeddedStore) -> None:
    one, two = branch(store, "a", 2, "b", "a"), branch(store, "a", 2, "c", "a", deleted=True)
    seq = store.info("db").update_seq
    store.purge("db", {"a": [one]})
    (change,) = store.changes("db", since=seq).results
    assert (change.revs, change.deleted) == ((two,), True)
    info = store.info("db")
    assert (info.doc_count, info.doc_del_count) == (0, 1)


def test_a_purged_design_document_no_longer_rules(store: EmbeddedStore) -> None:
    rev = store.put("db", {"_id": "_design/rules", "validate_doc_update": "function () {}"})
    with pytest.raises(Forbidden):  # this store has no engine for rules, so nobody can write
        store.put("db", {"_id": "a"})
    store.purge("db", {"_design/rules": [rev]})
    store.put("db", {"_id": "a"})


def test_sizes_are_right_after_a_purge(store: EmbeddedStore) -> None:
    rev = None
    for n in range(4):
        rev = store.put("db", {"_id": "a", "n": n} | ({"_rev": rev} if rev else {}))
    first = store.get("db", "a", show=Show(revs=True))["_revisions"]["ids"][-1]
    branch(store, "a", 2, "zz", first)
    assert rev is not None
    store.purge("db", {"a": [rev]})
    sizes = store.info_json("db")["sizes"]
    assert sizes["active"] == len('{"leaf":"zz"}')
    assert sizes["file"] == sizes["active"] + len('{"n":0}')
    store.compact("db")
    assert store.info_json("db")["sizes"]["file"] == sizes["active"]


def test_purges_are_counted_and_the_latest_remembered(store: EmbeddedStore) -> None:
    assert store.purged_infos_limit("db") == 1000
    store.set_purged_infos_limit("db", 2)
    for name in "abc":
        store.purge("db", {name: ["1-x"]})
    assert store.purged_infos("db") == [{"id": "b", "revs": ["1-x"]}, {"id": "c", "revs": ["1-x"]}]
    assert store.info_json("db")["purge_seq"].split("-")[0] == "3"
    store.set_purged_infos_limit("db", 1)
    assert store.purged_infos("db") == [{"id": "c", "revs": ["1-x"]}]
    with pytest.raises(Forbidden):
        store.set_purged_infos_limit("db", 5, user=UserCtx("wang", ("inspector",)))
    for wrong in (0, -1, True, "5", 1.5, None, 2**70):
        with pytest.raises(BadRequest):
            store.set_purged_infos_limit("db", wrong)


def test_a_purge_is_bounded_and_malformed_ones_are_refused_whole(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "data", limits=replace(Limits(), purge_documents=2, purge_revisions=3))
    try:
        store.create_database("db")
        rev = store.put("db", {"_id": "a"})
        with pytest.raises(BadRequest, match="number of documents"):
            store.purge("db", {"a": [rev], "b": [], "c": []})
        with pytest.raises(BadRequest, match="number of revisions"):
            store.purge("db", {"a": [rev, "1-a", "1-b"], "b": ["1-c"]})
        for wrong in ("1-a", 5, None, ["x"], [1]):
            with pytest.raises(BadRequest):
                store.purge("db", {"a": [rev], "b": wrong})  # type: ignore[dict-item]
        assert store.get("db", "a")["_rev"] == rev
        assert store.purged_infos("db") == []
        with pytest.raises(NotFound):
            store.purge("none", {"a": [rev]})
    finally:
        store.close()


@st.composite
def trees(draw: st.DrawFn) -> RevTree:
    tree = revtree.EMPTY
    for _ in range(draw(st.integers(1, 6))):
        depth = draw(st.integers(1, 5))
        hashes = [draw(st.sampled_from("abc")) + str(n) for n in range(depth, 0, -1)]
        body = draw(st.sampled_from([Body.STORED, Body.DELETED]))
        tree = revtree.merge(tree, revtree.path(depth, hashes, body))
    return tree


@settings(deadline=None)
@given(trees(), st.data())
def test_purging_keeps_just_what_the_other_leaves_descend_from(tree: RevTree, data: st.DataObject) -> None:
    gone = set(data.draw(st.lists(st.sampled_from(sorted(tree.nodes)))))
    left = revtree.purge(tree, gone)
    assert set(left.leaves) == set(tree.leaves) - gone
    reachable = {rev for rev in left.nodes for leaf in left.leaves if rev in _above(tree, leaf)}
    assert set(left.nodes) == reachable
    assert all(left.nodes[rev] == tree.nodes[rev] for rev in left.nodes)
    assert revtree.purge(left, gone) == left


def _above(tree: RevTree, leaf: revtree.Rev) -> set[revtree.Rev]:
    found, layer = set[revtree.Rev](), {leaf}
    while layer:
        found |= layer
        layer = {parent for rev in layer for parent in tree.nodes[rev].parents}
    return found
