"""One document of many databases is read at once, as it would be from each."""

from __future__ import annotations

import base64
import json
import random

from sync.store import DocumentStore, Security


def test_a_document_is_read_from_every_database_that_has_it(store: DocumentStore) -> None:
    names = ["db", "db-two", "db-three", "db-four"]
    for name in names[1:3]:
        store.create_database(name, Security())
    first = store.put(names[0], {"_id": "case", "n": 1})
    store.put(names[0], {"_id": "case", "_rev": first, "n": 2, "words": "通报"})
    rev = store.put(names[1], {"_id": "case", "n": 3})
    store.put(names[1], {"_id": "case", "_rev": rev, "_deleted": True})
    store.put(names[2], {"_id": "photo-receipt:1"})
    [found] = store.stored(names, "case")
    assert (found.db, found.rev[:2], found.conflicting) == (names[0], "2-", False)
    assert json.loads(found.body) == {"n": 2, "words": "通报"}
    having = store.having(names[:3], "photo-receipt:")
    assert names[2] in having
    assert having == [name for name in names[:3] if name in having]


def test_a_document_with_two_leaves_says_so(store: DocumentStore) -> None:
    name = "db"
    for leaf in ("a" * 32, "b" * 32):
        store.bulk_docs(name, [{"_id": "case", "_rev": f"1-{leaf}", "leaf": leaf}], new_edits=False)
    [found] = store.stored([name], "case")
    assert found.conflicting
    assert found.rev == f"1-{'b' * 32}"
    store.put(name, {"_id": "case", "_rev": f"1-{'a' * 32}", "_deleted": True})
    assert not store.stored([name], "case")[0].conflicting


def test_what_a_database_takes_grows_with_what_is_put_into_it(store: DocumentStore) -> None:
    for name in ("db-one", "db-two"):
        store.create_database(name, Security())
        store.put(name, {"_id": "doc"})
    before = store.sizes(["db-one", "db-two", "nowhere"])
    assert set(before) == {"db-one", "db-two"}
    data = base64.b64encode(random.Random(7).randbytes(200_000)).decode()
    attached = {"original": {"content_type": "image/jpeg", "data": data}}
    store.put("db-one", {"_id": "photo:1", "_attachments": attached})
    after = store.sizes(["db-one", "db-two"])
    assert after["db-two"] == before["db-two"]
    assert after["db-one"].doc_count == before["db-one"].doc_count + 1
    assert 200_000 <= after["db-one"].bytes - before["db-one"].bytes < 300_000


def test_the_order_for_reading_loses_no_database(store: DocumentStore) -> None:
    names = ["db-b", "db-a", "db-without"]
    for name in names:
        store.create_database(name, Security())
    for name in names[:2]:
        store.put(name, {"_id": "case"})
    order = store.reading_order(names, "case")
    assert sorted(order) == sorted(names)
    assert store.reading_order(["nowhere", *order], "case").count("nowhere") == 1
