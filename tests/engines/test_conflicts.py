"""Losing leaves go only when what they say stands in the winner, on every engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from sync.conflicts import find_settled, keep_winner
from sync.store import Document, DocumentStore


def fork(store: DocumentStore, *said: Any) -> list[str]:
    """One root `d` and a leaf for each thing said."""
    ids = [format(n, "x") * 32 for n in range(10, 10 + len(said))]
    docs = [
        {"_id": "d", "_rev": f"2-{one}", "_revisions": {"start": 2, "ids": [one, "0" * 32]}, "said": [words]}
        for one, words in zip(ids, said, strict=True)
    ]
    assert all(row.ok for row in store.bulk_docs("db", docs, new_edits=False))
    return [str(doc["_rev"]) for doc in docs]


def everything(leaves: Sequence[Document]) -> Document:
    return {**leaves[0], "said": sorted({words for leaf in leaves for words in leaf["said"]})}


def test_all_leaves_are_in_what_stands(store: DocumentStore) -> None:
    fork(store, "a", "b", "c")
    settled = find_settled(store, "db", "d", everything)
    assert settled is not None
    assert settled["said"] == ["a", "b", "c"]
    assert [leaf["_rev"] for leaf in store.leaves("db", "d")] == [settled["_rev"]]
    assert find_settled(store, "db", "d", everything) == settled


def test_a_document_without_a_conflict_is_left_as_it_is(store: DocumentStore) -> None:
    rev = store.put("db", {"_id": "d", "said": ["a"]})
    settled = find_settled(store, "db", "d", everything)
    assert settled is not None
    assert settled["_rev"] == rev
    assert find_settled(store, "db", "none", everything) is None


def test_the_winner_that_says_it_all_is_not_written_again(store: DocumentStore) -> None:
    revs = fork(store, "a", "b")
    settled = find_settled(store, "db", "d", keep_winner)
    assert settled is not None
    assert settled["_rev"] == max(revs)


def test_cut_off_after_the_merge_it_is_finished(
    store: DocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork(store, "a", "b")

    def die(*_: object, **__: object) -> list[Any]:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(store, "bulk_docs", die)
        with pytest.raises(RuntimeError, match="power cut"):
            find_settled(store, "db", "d", everything)
    assert store.get("db", "d")["said"] == ["a", "b"], "nothing was deleted that is not in the winner"
    settled = find_settled(store, "db", "d", everything)
    assert settled is not None
    assert settled["said"] == ["a", "b"]
    assert len(store.leaves("db", "d")) == 1


def test_two_who_settle_at_once_write_one_revision(store: DocumentStore, other: DocumentStore) -> None:
    for one in (store, other):
        fork(one, "a", "b")
    both = [find_settled(one, "db", "d", everything) for one in (store, other)]
    assert both[0] == both[1]
