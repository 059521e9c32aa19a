"""Stores that have exchanged everything agree on everything, whatever the order."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.store import Document, DocumentStore

DOCS = ("a", "b")


def edit(store: DocumentStore, doc_id: str, random: Random, number: int) -> None:
    """One person's edit: change or delete some leaf, or make the document."""
    leaves = store.leaves("db", doc_id)
    doc: Document = {"_id": doc_id, "by": number}
    if leaves:
        doc["_rev"] = random.choice(leaves)["_rev"]
        if random.random() < 0.25:
            doc["_deleted"] = True
        elif random.random() < 0.3:
            doc["_attachments"] = {"x": {"data": "aGV6aGE="}}
    store.put("db", doc)


def pull(source: DocumentStore, target: DocumentStore, random: Random) -> None:
    """Replication without its protocol: every leaf, in any order, sometimes twice."""
    found = [leaf for doc_id in DOCS for leaf in source.leaves("db", doc_id, deleted=True)]
    for leaf in found:
        for entry in leaf.get("_attachments", {}).values():
            entry.pop("stub")
            entry.pop("length")
            entry["data"] = "aGV6aGE="
    random.shuffle(found)
    rows = target.bulk_docs("db", [*found, *found[:1]], new_edits=False)
    assert all(row.ok for row in rows)


def state(store: DocumentStore) -> dict[str, list[Document]]:
    return {doc_id: store.leaves("db", doc_id, deleted=True) for doc_id in DOCS}


def test_random_histories_converge(
    open_store: Callable[[Path], AbstractContextManager[DocumentStore]],
) -> None:
    """Leaves, winners, bodies and attachments are equal after two rounds among three stores."""

    @given(st.randoms(use_true_random=False))
    @settings(max_examples=12, deadline=None)
    def check(random: Random) -> None:
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            stores = [stack.enter_context(open_store(Path(folder) / str(n))) for n in range(3)]
            for store in stores:
                store.create_database("db")
            for number in range(15):
                store = random.choice(stores)
                edit(store, random.choice(DOCS), random, number)
                if random.random() < 0.4:
                    pull(random.choice(stores), random.choice(stores), random)
            for source in stores * 2:
                for target in random.sample(stores, 3):
                    if target is not source:
                        pull(source, target, random)
            first, *others = (state(store) for store in stores)
            for another in others:
                assert another == first

    check()
