"""A change is decided on as the document stands when it is written, however many write it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from sync.changing import change_document
from sync.embedded.engine import EmbeddedStore
from sync.store import Conflict, Document


def changed(store: EmbeddedStore, change: Callable[[int], int], *, tries: int = 200) -> tuple[int, str]:
    return change_document(
        store,
        "db",
        lambda: store.find("db", "n") or {"n": 0},
        read=lambda document: int(document["n"]),
        write=lambda n: {"_id": "n", "n": n},
        change=change,
        tries=tries,
    )


def test_of_many_at_once_none_is_lost(store: EmbeddedStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: changed(store, lambda n: n + 1), range(40)))
    assert store.get("db", "n")["n"] == 40


def test_what_is_missing_is_made_and_what_stays_is_not_written(store: EmbeddedStore) -> None:
    assert changed(store, lambda n: n)[0] == 0
    before = store.get("db", "n")
    assert changed(store, lambda n: n) == (0, before["_rev"])
    assert store.get("db", "n") == before


def test_who_always_loses_is_told(store: EmbeddedStore) -> None:
    asked: list[int] = []

    def overtaken(n: int) -> int:
        asked.append(n)
        known: Document = store.find("db", "n") or {"_id": "n"}
        store.put("db", {**known, "n": n + 1})
        return -1

    with pytest.raises(Conflict):
        changed(store, overtaken, tries=3)
    assert asked == [0, 1, 2]
